package route_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/wharfinger/wharfinger/route"
	"github.com/wharfinger/wharfinger/route/editor"
)

// FuzzParse feeds one file of anything. Parse must answer a Desired or problems,
// never both and never neither, and every problem and warning must point into the
// file and fit on one line. In what Parse takes an editor must mark nothing.
func FuzzParse(f *testing.F) {
	err := filepath.WalkDir("../examples", func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !route.IsRouteFile(d.Name()) {
			return err
		}
		data, err := os.ReadFile(path)
		f.Add(data)
		return err
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		rev := route.Revision{ID: "fuzz", Files: []route.File{{Path: "a.yaml", Data: data}}}
		desired, problems := route.Parse(rev)
		if (desired == nil) == (len(problems) == 0) {
			t.Fatalf("got Desired %v and problems %v, want one of the two", desired, problems)
		}
		if desired != nil {
			problems = desired.Warnings()
		}
		for _, p := range problems {
			if p.Pos == (route.Pos{File: "."}) {
				continue // of the revision as a whole
			}
			if p.Pos.File != "a.yaml" || p.Pos.Line < 1 || p.Pos.Col < 1 {
				t.Errorf("%q: no such place", p)
			}
			line, ok := rev.Line(p.Pos)
			if !ok || p.Pos.Col > utf8.RuneCountInString(line)+1 {
				t.Errorf("%q is outside the file", p)
			}
			if s := p.String(); strings.ContainsAny(s, "\n\r") || !utf8.ValidString(s) || len(s) > 2000 {
				t.Errorf("%q does not fit on a line", s)
			}
		}
		if desired != nil {
			marks, err := editor.Look(data)
			if err != nil {
				t.Error(err)
			}
			for _, m := range marks {
				t.Errorf("the schema refuses what the parser takes: %s", m)
			}
		}
		if again, _ := route.Parse(rev); (again == nil) != (desired == nil) {
			t.Error("a second Parse answers something else")
		}
	})
}
