// Package golden holds what the examples must become, and compares. It is for
// tests alone.
//
//	golden/bad/NAME.golden                  what `check` says to examples/bad/NAME
//	golden/labels/NAME.golden               what becomes of a label of Interlock
//	golden/keys/NAME.golden                 what becomes of a key of Interlock's file
//	golden/imported/NAME.golden             and of whole files in interlock/testdata
//	golden/odd/NAME.golden                  and what it warns of in examples/odd/NAME
//	golden/EXAMPLE/problems.golden          what is told of the cluster, if anything is
//	golden/EXAMPLE/PROXY/rollout.golden     the first rollout of that proxy
//	golden/EXAMPLE/PROXY/<path>.golden      one rendered file
//
// GOLDIE_UPDATE=1 writes the files anew. Look at the difference before you
// commit it: nobody else will.
package golden

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sebdah/goldie/v2"

	"github.com/wharfinger/wharfinger/route"
)

// Both are seen from a package in a folder at the root of the module, where go
// test runs its tests.
const (
	dir      = "../golden"
	examples = "../examples"
)

// Assert compares data with the golden file of that name, which has slashes and
// no suffix.
func Assert(t *testing.T, name string, data []byte) {
	t.Helper()
	g := goldie.New(t, goldie.WithFixtureDir(dir), goldie.WithDiffEngine(goldie.ClassicDiff))
	g.Assert(t, name, data)
}

// Names lists the golden files below a folder, as Assert names them, with the
// folder in front.
func Names(t *testing.T, folder string) []string {
	t.Helper()
	var names []string
	root := filepath.Join(dir, filepath.FromSlash(folder))
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".golden") {
			return err
		}
		name, err := filepath.Rel(dir, strings.TrimSuffix(path, ".golden"))
		names = append(names, filepath.ToSlash(name))
		return err
	})
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	slices.Sort(names)
	return names
}

// Examples lists the folders in examples/ or one of its folders that hold the
// file want, or any folder if want is empty.
func Examples(t *testing.T, folder, want string) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(examples, folder))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if _, err := os.Stat(filepath.Join(examples, folder, e.Name(), want)); e.IsDir() && err == nil {
			names = append(names, e.Name())
		}
	}
	if len(names) == 0 {
		t.Fatalf("no example in %s/%s", examples, folder)
	}
	return names
}

// Revision reads an example as a revision.
func Revision(t testing.TB, example string) route.Revision {
	t.Helper()
	root := filepath.Join(examples, filepath.FromSlash(example))
	rev := route.Revision{ID: "example"}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil || !route.IsRouteFile(filepath.ToSlash(name)) {
			return err
		}
		data, err := os.ReadFile(path)
		rev.Files = append(rev.Files, route.File{Path: filepath.ToSlash(name), Data: data})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(rev.Files, func(a, b route.File) int { return strings.Compare(a.Path, b.Path) })
	return rev
}

// Read returns a file of an example.
func Read(t testing.TB, example, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(examples, filepath.FromSlash(example), name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}
