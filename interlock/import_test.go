package interlock_test

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/wharfinger/wharfinger/golden"
	"github.com/wharfinger/wharfinger/interlock"
	"github.com/wharfinger/wharfinger/route"
)

const tomlFile = "interlock.toml"

// importing imports a file, and holds what is promised of every one.
func importing(t testing.TB, text string, given ...route.Permission) (interlock.Imported, route.Problems) {
	t.Helper()
	out, problems := interlock.Import(route.File{Path: tomlFile, Data: []byte(text)}, given...)
	for _, p := range append(slices.Clone(problems), out.Notes...) {
		if p.Pos.File != tomlFile || p.Pos.Line == 0 && len(text) <= 1<<20 {
			t.Errorf("told without a place: %s", p)
		}
		if line := p.String(); strings.ContainsAny(line, "\n\r") || len(line) > 8000 {
			t.Errorf("%q does not fit on a line", line)
		}
	}
	if problems != nil {
		if out.Data != nil || len(problems) > 501 {
			t.Errorf("%d problems, and a file:\n%s", len(problems), out.Data)
		}
		return out, problems
	}
	desired, wrong := route.Parse(route.Revision{Files: []route.File{{Path: "interlock.yaml", Data: out.Data}}}, given...)
	if wrong != nil {
		t.Fatalf("%s\nbecomes\n%s\nwhich is refused:\n%s", text, out.Data, wrong.Error())
	}
	if changes := route.Compare(desired, out.Desired); len(changes) > 0 {
		t.Errorf("the file says something else than what is told of it: %v", changes)
	}
	return out, nil
}

// TestKeys holds what becomes of every key: written well, untidily and wrong, and
// with snippets where that makes a difference. Its golden files are what to read
// about them.
func TestKeys(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(keyVariants)) {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			for _, v := range keyVariants[name] {
				out, problems := importing(t, v.text)
				became(&b, v.what, v.text, out, problems)
				if with, problems := importing(t, v.text, route.Snippets); !bytes.Equal(with.Data, out.Data) {
					became(&b, v.what+", with --allow-snippets", "", with, problems)
				}
			}
			golden.Assert(t, "keys/"+name, b.Bytes())
		})
	}
}

func became(b *bytes.Buffer, what, text string, out interlock.Imported, problems route.Problems) {
	fmt.Fprintf(b, "---- %s\n", what)
	if text != "" {
		fmt.Fprintf(b, "%s\n\n", strings.TrimSpace(text))
	}
	for _, p := range append(problems, out.Notes...) {
		fmt.Fprintf(b, "! %s\n", p)
	}
	fmt.Fprintf(b, "%s\n", out.Data)
}

// TestEveryKeyHasVariants holds that no key is without a test.
func TestEveryKeyHasVariants(t *testing.T) {
	for _, key := range interlock.Keys() {
		if len(keyVariants[key]) < 2 {
			t.Errorf("key %s has no variants", key)
		}
	}
	if got, want := golden.Names(t, "keys"), len(keyVariants); len(got) != want || want != len(interlock.Keys()) {
		t.Errorf("there are %d golden files for %d sets of variants and %d keys: %s", len(got), want, len(interlock.Keys()), strings.Join(got, " "))
	}
}

// TestFiles holds what becomes of whole files: the one of the documentation of host
// mode, as it stands there, and the one that UCP made by itself.
func TestFiles(t *testing.T) {
	for _, name := range []string{"host-mode", "service-clusters"} {
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile("testdata/" + name + ".toml")
			if err != nil {
				t.Fatal(err)
			}
			var b bytes.Buffer
			out, problems := importing(t, string(text), route.Snippets)
			if problems != nil {
				t.Fatal(problems)
			}
			became(&b, name, "", out, problems)
			golden.Assert(t, "imported/"+name, b.Bytes())
		})
	}
}
