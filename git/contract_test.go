package git_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wharfinger/wharfinger/git"
	"github.com/wharfinger/wharfinger/route"
)

// source is what the watcher names at its side.
type source interface {
	Fetch(ctx context.Context) (route.Revision, error)
	Watch(ctx context.Context, wake chan<- struct{}) error
}

var (
	_ source = (*git.Remote)(nil)
	_ source = (*git.Directory)(nil)
)

// reader is what is asked for one revision.
type reader interface {
	Fetch(ctx context.Context) (route.Revision, error)
}

// place is somewhere to write routes, and what reads them there.
type place struct {
	t       *testing.T
	dir     string
	source  reader
	publish func()
}

func (p place) write(name, data string) { writeFile(p.t, filepath.Join(p.dir, name), data) }

// The same files must be the same answer in a checkout and in a commit: CI
// reads the one, the cluster the other.
func TestContract(t *testing.T) {
	limits := git.Limits{Files: 3, FileBytes: 200, TotalBytes: 400}
	places := map[string]func(t *testing.T) place{
		"remote": func(t *testing.T) place {
			r := newRepository(t)
			remote := r.remote(func(o *git.RemoteOptions) { o.Limits = limits })
			return place{t, r.work, remote, func() { r.push() }}
		},
		"commit": func(t *testing.T) place {
			r := newRepository(t)
			c, err := git.NewCommit(r.work, "HEAD", limits)
			if err != nil {
				t.Fatal(err)
			}
			return place{t, r.work, c, func() { r.push() }}
		},
		"directory": func(t *testing.T) place {
			dir := t.TempDir()
			d, err := git.NewDirectory(dir, limits)
			if err != nil {
				t.Fatal(err)
			}
			return place{t, dir, d, func() {}}
		},
	}
	for name, newPlace := range places {
		t.Run(name, func(t *testing.T) {
			for _, c := range contract {
				t.Run(c.name, func(t *testing.T) {
					p := newPlace(t)
					c.prepare(p)
					p.publish()
					got, err := p.source.Fetch(t.Context())
					if c.wantErr != "" {
						if err == nil || !strings.Contains(err.Error(), c.wantErr) {
							t.Fatalf("Fetch: error %v, want one with %q", err, c.wantErr)
						}
						if got.ID != "" || got.Files != nil {
							t.Errorf("Fetch: an error and a revision too: %v", got)
						}
						var problems route.Problems
						if errors.As(err, &problems) != c.problem {
							t.Errorf("Fetch: %q is a route.Problem: %v, want %v", err, !c.problem, c.problem)
						}
						return
					}
					if err != nil {
						t.Fatalf("Fetch: %v", err)
					}
					if got, want := text(got.Files), c.want; got != want {
						t.Errorf("Fetch: files\n%swant\n%s", got, want)
					}
					again, err := p.source.Fetch(t.Context())
					if err != nil || again.ID != got.ID {
						t.Errorf("second Fetch: ID %s, error %v, want ID %s", again.ID, err, got.ID)
					}
				})
			}
			t.Run("a change changes the ID", func(t *testing.T) { changesChangeID(t, newPlace(t)) })
			t.Run("an ended context", func(t *testing.T) {
				p := newPlace(t)
				p.write("a.yaml", "a")
				p.publish()
				ctx, cancel := context.WithCancel(t.Context())
				cancel()
				if _, err := p.source.Fetch(ctx); !errors.Is(err, context.Canceled) {
					t.Errorf("Fetch: error %v, want context.Canceled", err)
				}
			})
		})
	}
}

var contract = []struct {
	name    string
	prepare func(p place)
	want    string // a line for each file
	wantErr string
	problem bool
}{{
	name: "route files in every folder, sorted, and nothing else",
	prepare: func(p place) {
		p.write("b.yaml", "b")
		p.write("a/deep/er.yml", "er")
		p.write("a.yaml", "")
		p.write("README.md", "readme")
		p.write("live.json", "{}")
		p.write(".github/workflows/ci.yaml", "ci")
		p.write("a/.hidden.yaml", "hidden")
		p.symlink("README.md", "also-readme")
	},
	want: "a.yaml=\na/deep/er.yml=er\nb.yaml=b\n",
}, {
	name: "an executable file is a file",
	prepare: func(p place) {
		p.write("a.yaml", "a")
		if err := os.Chmod(filepath.Join(p.dir, "a.yaml"), 0o755); err != nil {
			p.t.Fatal(err)
		}
	},
	want: "a.yaml=a\n",
}, {
	name:    "a folder may be named like a file",
	prepare: func(p place) { p.write("a.yaml/b.yaml", "b") },
	want:    "a.yaml/b.yaml=b\n",
}, {
	name:    "no route files",
	prepare: func(p place) { p.write("README.md", "readme") },
	wantErr: "no route files (*.yaml, *.yml) below",
}, {
	name: "symbolic link",
	prepare: func(p place) {
		p.write("a.yaml", "a")
		p.symlink("a.yaml", "b.yaml")
	},
	wantErr: "b.yaml: is a symbolic link, which is not followed (put the file itself in its place)",
	problem: true,
}, {
	name: "submodule",
	prepare: func(p place) {
		p.write("a.yaml", "a")
		p.write("shared/b.yaml", "b")
		shared := filepath.Join(p.dir, "shared")
		run(p.t, shared, "init", "--quiet", "-b", main)
		run(p.t, shared, "add", "--all")
		run(p.t, shared, "commit", "--quiet", "-m", "shared")
	},
	wantErr: "shared: is a git repository of its own (a submodule)",
	problem: true,
}, {
	name: "Git LFS pointer",
	prepare: func(p place) {
		p.write("a.yaml", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12345\n")
	},
	wantErr: "a.yaml: is a Git LFS pointer, not the file itself (store routes in git directly",
	problem: true,
}, {
	name: "every mistake is told at once",
	prepare: func(p place) {
		p.write("a.yaml", strings.Repeat("a", 201))
		p.symlink("a.yaml", "b.yaml")
		p.write("c\n.yaml", "c")
	},
	wantErr: `"c\n.yaml": the file's name has characters that cannot be printed (rename the file)
a.yaml: is 201 bytes long; the limit is 200 bytes (split the file)
b.yaml: is a symbolic link`,
	problem: true,
}, {
	name: "too many files",
	prepare: func(p place) {
		for _, name := range []string{"a.yaml", "b.yaml", "c.yaml", "d.yaml"} {
			p.write(name, name)
		}
	},
	wantErr: "more than 3 route files",
}, {
	name: "too much in all",
	prepare: func(p place) {
		for _, name := range []string{"a.yaml", "b.yaml", "c.yaml"} {
			p.write(name, strings.Repeat(name[:1], 150))
		}
	},
	wantErr: "the route files hold more than 400 bytes",
}}

func (p place) symlink(target, name string) {
	if err := os.Symlink(target, filepath.Join(p.dir, name)); err != nil {
		p.t.Fatal(err)
	}
}

func changesChangeID(t *testing.T, p place) {
	seen := map[string]string{}
	for _, step := range []struct {
		name string
		do   func()
	}{
		{"write", func() { p.write("a.yaml", "a") }},
		{"rewrite", func() { p.write("a.yaml", "b") }},
		{"add", func() { p.write("b.yaml", "") }},
		{"rename", func() {
			if err := os.Rename(filepath.Join(p.dir, "a.yaml"), filepath.Join(p.dir, "c.yaml")); err != nil {
				t.Fatal(err)
			}
		}},
		{"remove", func() {
			if err := os.Remove(filepath.Join(p.dir, "b.yaml")); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		step.do()
		p.publish()
		got, err := p.source.Fetch(t.Context())
		if err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		if before, ok := seen[got.ID]; ok {
			t.Errorf("%s: has the ID of %s", step.name, before)
		}
		seen[got.ID] = step.name
	}
}

func text(files []route.File) string {
	var b strings.Builder
	for _, f := range files {
		b.WriteString(f.Path + "=" + string(f.Data) + "\n")
	}
	return b.String()
}
