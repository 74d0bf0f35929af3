package nginx

import (
	"github.com/wharfinger/wharfinger/directive"
	"github.com/wharfinger/wharfinger/generator"
)

// Allow holds the shards against the list of directives, and answers nil or
// *Refused. It comes before nginx: `nginx -t` is no safe oracle, for it runs the
// modules that it is told to load and prints parts of the files that it is told
// to include.
func Allow(shards []generator.Shard) error {
	asRead := make([]directive.File, len(shards))
	for i, s := range shards {
		asRead[i] = directive.File{Path: s.Path, Data: s.Data}
	}
	complaints := directive.CheckFiles(asRead)
	if complaints == nil {
		return nil
	}
	// The place where one file spoils the next is found by looking at each alone.
	var files []directive.File
	for _, f := range generator.Unpack(shards) {
		files = append(files, directive.File{Path: f.Path, Data: f.Data})
	}
	if apart := directive.CheckFiles(files); apart != nil {
		complaints = apart
	}
	refused := &Refused{Unasked: true}
	for _, c := range complaints {
		path, line := generator.Locate(shards, c.File, c.Line)
		refused.About = append(refused.About, generator.Complaint{Path: path, Line: line, Text: c.Text, Hint: c.Hint})
	}
	return refused
}
