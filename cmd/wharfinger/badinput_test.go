package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestBadInputAsCheckTells holds what check prints against the table of bad input:
// every folder of examples/bad and examples/odd, and the examples whose Swarm lacks
// something.
func TestBadInputAsCheckTells(t *testing.T) {
	for _, table := range []struct {
		golden string // of one folder of examples
		label  string // that check puts before a line that has none in the golden file
		code   int
	}{
		{"bad/*.golden", "", 1},
		{"odd/*.golden", "", 0},
		{"*/problems.golden", "warning: ", 0},
	} {
		files, err := filepath.Glob("../../golden/" + table.golden)
		if err != nil || len(files) == 0 {
			t.Fatalf("no golden file is called %s: %v", table.golden, err)
		}
		for _, file := range files {
			dir := strings.TrimSuffix(strings.Replace(file, "/golden/", "/examples/", 1), ".golden")
			dir = strings.TrimSuffix(dir, "/problems")
			t.Run(strings.TrimPrefix(dir, "../../examples/"), func(t *testing.T) {
				want, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				lines := table.label + strings.ReplaceAll(strings.TrimSuffix(string(want), "\n"), "\n", "\n"+table.label) + "\n"
				var stdout, stderr bytes.Buffer
				if code := run([]string{"check", dir}, &stdout, &stderr); code != table.code {
					t.Errorf("exit code: got %d, want %d", code, table.code)
				}
				got, other := stdout.String(), stderr.String()
				if table.code == 0 {
					got, other = other, got
				}
				if got != lines || table.code == 1 && other != "" || table.code == 0 && !strings.HasPrefix(other, "fine: ") {
					t.Errorf("check printed\n%s\nwant\n%s\nand beside it\n%s", got, lines, other)
				}
			})
		}
	}
}

// TestBadInputOfFiles holds what is told of files that are none to be read. Git
// cannot hold all of them, so they are made here.
func TestBadInputOfFiles(t *testing.T) {
	const want = `"bell\a.yaml": the file's name has characters that cannot be printed (rename the file)
huge.yaml: is 1048577 bytes long; the limit is 1 MiB (split the file)
inner: is a git repository of its own (a submodule), whose files are not fetched (copy its routes in, or keep it out of the routes' folder)
link.yaml: is a symbolic link, which is not followed (put the file itself in its place)
pipe.yaml: is not a regular file (put a regular file in its place or rename it)
pointer.yaml: is a Git LFS pointer, not the file itself (store routes in git directly: git lfs untrack, then commit the file again)
`
	dir := t.TempDir()
	for name, data := range map[string]string{
		"bell\a.yaml":  "routes: {}",
		"huge.yaml":    strings.Repeat("#", 1<<20+1),
		"inner/.git":   "gitdir: ../.git/modules/inner",
		"pointer.yaml": "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
		"good.yaml":    "routes: {}",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("good.yaml", filepath.Join(dir, "link.yaml")); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe.yaml"), 0o644); err != nil {
		t.Fatal(err)
	}
	says(t, want, "check", dir)
}

// TestBadInputOfTemplates holds what is told of a template that fails when it is
// used.
func TestBadInputOfTemplates(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "server.conf.tmpl"), []byte("server {\n{{ .Server.Colour }}\n}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	says(t, `proxy edge: render routes/server.demo.local.conf: server.conf.tmpl:2:10: executing "server.conf.tmpl" at <.Server.Colour>: can't evaluate field Colour in type generator.Server (mend the template, or do without one of your own)
`, "check", "../../examples/demo", "--templates", dir)
}

// TestBadInputOfSettings holds what is told of a file of settings, all at once. It
// could not run then: the exit code is 2.
func TestBadInputOfSettings(t *testing.T) {
	routes, err := filepath.Abs("../../examples/demo")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ file, want string }{
		{`foldr: routes
config: other.yaml
allow-http: perhaps
max-files: [1, 2]
max-file-mib: 0
git-timeout: soon
branch:
folder: a
folder: b
signed-by: [a, {b: c}]
git-user: &a x
hook-secret-file: passed over
`, `settings.yaml:1:1: there is no setting "foldr" (did you mean folder?)
settings.yaml:2:1: there is no setting "config"
settings.yaml:3:13: allow-http: strconv.ParseBool: parsing "perhaps": invalid syntax (--help says what it may be)
settings.yaml:4:1: max-files takes a single value (write it without a list)
settings.yaml:5:15: max-file-mib: must be a number between 1 and 1048576 (--help says what it may be)
settings.yaml:6:14: git-timeout: time: invalid duration "soon" (--help says what it may be)
settings.yaml:7:8: branch must be a value or a list of values, not nothing (write it behind the colon, or leave the line out)
settings.yaml:9:1: folder is set already, at settings.yaml:8:1 (leave one of them out)
settings.yaml:10:16: signed-by must be a value or a list of values, not a map (write it behind the colon, or leave the line out)
settings.yaml:11:11: anchors and aliases are not read (write the value out)
`},
		{"- branch\n", `settings.yaml:1:1: a file of settings must be a map, not a list (write a line for each setting, as name: value)
`},
		{"branch: 'main\n", `settings.yaml:1:1: this is not YAML: found unexpected end of stream (close the quote that opens here or before)
`},
	} {
		t.Chdir(t.TempDir())
		if err := os.WriteFile("settings.yaml", []byte(c.file), 0o644); err != nil {
			t.Fatal(err)
		}
		var stdout, stderr bytes.Buffer
		if code := run([]string{"check", routes, "--config", "settings.yaml"}, &stdout, &stderr); code != 2 || stdout.Len() > 0 {
			t.Errorf("exit code: got %d, want 2; it printed %s", code, stdout.String())
		}
		if got := stderr.String(); got != c.want {
			t.Errorf("got\n%s\nwant\n%s", got, c.want)
		}
	}
}

// says fails the test unless a command says so, and no.
func says(t *testing.T, want string, args ...string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if code := run(args, &stdout, &stderr); code != 1 || stderr.Len() > 0 {
		t.Errorf("exit code: got %d, want 1; standard error: %s", code, stderr.String())
	}
	if got := stdout.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
