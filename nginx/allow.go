package nginx

import (
	"fmt"
	"strings"

	"github.com/wharfinger/wharfinger/directive"
	"github.com/wharfinger/wharfinger/generator"
)

// allow holds the shards against the list of directives. It comes before nginx:
// `nginx -t` is no safe oracle, for it runs the modules that it is told to load
// and prints parts of the files that it is told to include.
func allow(shards []generator.Shard) error {
	files := make([]directive.File, len(shards))
	for i, s := range shards {
		files[i] = directive.File{Path: s.Path, Data: s.Data}
	}
	var lines []string
	for _, c := range directive.CheckFiles(files) {
		lines = append(lines, fmt.Sprintf("%s in %s:%d (%s)", c.Text, c.File, c.Line, c.Hint))
	}
	if lines == nil {
		return nil
	}
	return &Refused{Complaint: strings.Join(lines, "; "), Unasked: true}
}
