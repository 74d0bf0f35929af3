package generator_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/wharfinger/wharfinger/generator"
)

// TestUnpackWhateverFilesHold packs files that look like several, as snippets
// and own templates can make them.
func TestUnpackWhateverFilesHold(t *testing.T) {
	files := []generator.File{
		{Path: "nginx.conf", Data: []byte("a\n# file routes/x.conf\nb\n")},
		{Path: "routes/a.conf", Data: []byte("a\n# file nginx.conf\nb\n")},
		{Path: "routes/b.conf", Data: []byte("# file routes/a.conf 3\nabc\n")},
		{Path: "routes/c.conf", Data: []byte("c")},
		{Path: "routes/d.conf", Data: []byte("d # file x\n\n\n")},
		{Path: "routes/e.conf", Data: []byte("\n# file")},
		{Path: "routes/f.conf", Data: []byte("f\n")},
		{Path: "status.conf", Data: []byte("b\n")},
	}
	r, err := generator.Pack("r1", generator.Proxy{Name: "edge"}, generator.Files{All: files}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Shards) != 3 {
		t.Errorf("got %d shards, want the small files in one", len(r.Shards))
	}
	routes := r.Shards[slices.IndexFunc(r.Shards, func(s generator.Shard) bool { return strings.HasPrefix(s.Path, "routes/") })]
	all := string(routes.Data)
	for _, f := range files[1:7] {
		for i, line := range strings.Split(strings.TrimSuffix(string(f.Data), "\n"), "\n") {
			start := strings.Index(all, "# file "+f.Path)
			at := 1 + strings.Count(all[:start], "\n") + 1 + i
			if path, n := generator.Locate(r.Shards, routes.Path, at); path != f.Path || n != i+1 {
				t.Errorf("line %d of the shard, %q: got %s:%d, want %s:%d", at, line, path, n, f.Path, i+1)
			}
		}
	}
	sameFiles(t, "unpacked", generator.Unpack(r.Shards), files)
}
