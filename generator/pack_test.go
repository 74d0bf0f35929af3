package generator_test

import (
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
	sameFiles(t, "unpacked", generator.Unpack(r.Shards), files)
}
