// Package wharfinger holds no code: these tests look at the house as a whole.
package wharfinger

import (
	"bytes"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/wharfinger/wharfinger/"

// mayImport says which of our packages each package may import. The flow runs
// one way, and the packages for outside things never see each other.
var mayImport = map[string][]string{
	"directive":      {},
	"route":          {"directive"},
	"route/describe": {},
	"route/editor":   {"route"},
	"templates":      {},
	"golden":         {"route"},
	"interlock":      {"directive", "route"},
	"generator":      {"directive", "route", "templates"},
	"git":            {"route"},
	"swarm":          {"route", "generator", "status"},
	"nginx":          {"directive", "route", "generator", "nginx/sandbox"},
	"nginx/sandbox":  {},
	"server":         {"status"},
	"dns":            {"generator"},
	"feedback":       {"route"},
	"status":         {"route", "generator"},
	"watcher":        {"route", "generator", "interlock", "status"},
	"lab":            {},
	"lab/demo":       {},
	"bench/table":    {},
	"cmd/lab":        {"lab"},
	"cmd/wharfinger": {"route", "interlock", "generator", "git", "swarm", "nginx", "watcher", "server", "status", "dns", "feedback"},
}

// only says which package alone may import what comes from outside.
var only = map[string]string{
	"github.com/docker/docker":           "swarm",
	"github.com/moby/swarmkit":           "swarm",
	"github.com/go-git/go-git":           "git",
	"github.com/fsnotify/fsnotify":       "git",
	"github.com/ProtonMail/go-crypto":    "git",
	"github.com/hiddeco/sshsig":          "git",
	"gopkg.in/yaml.v3":                   "route",
	"github.com/pelletier/go-toml":       "interlock",
	"github.com/Masterminds/sprig":       "generator",
	"github.com/nicholas-fedor/shoutrrr": "feedback",
	"github.com/spf13/cobra":             "cmd",
	"golang.org/x/term":                  "cmd",
	"github.com/prometheus":              "server",
	"github.com/miekg/dns":               "dns",
}

// effects are what the pure packages must not import.
var (
	pure    = []string{"directive", "route", "interlock", "generator", "templates", "status"}
	effects = []string{"os", "os/exec", "net/http", "log", "log/slog", "math/rand", "math/rand/v2", "context", "syscall"}
)

func TestImportDirections(t *testing.T) {
	seen := map[string]bool{}
	eachFile(t, func(path, dir string) {
		if strings.HasSuffix(path, "_test.go") || dir == "." {
			return
		}
		seen[dir] = true
		allowed, known := mayImport[dir]
		if !known {
			t.Errorf("package %s has no place in the table of directions", dir)
		}
		for _, name := range imports(t, path) {
			if ours, ok := strings.CutPrefix(name, module); ok {
				if !slices.Contains(allowed, ours) {
					t.Errorf("%s imports %s, which package %s may not", path, ours, dir)
				}
				continue
			}
			for outside, owner := range only {
				if strings.HasPrefix(name, outside) && dir != owner && !strings.HasPrefix(dir, owner+"/") {
					t.Errorf("%s imports %s, which only %s may", path, name, owner)
				}
			}
			if slices.Contains(pure, dir) && slices.Contains(effects, name) {
				t.Errorf("%s imports %s, but package %s is pure", path, name, dir)
			}
		}
	})
	for dir := range mayImport {
		if !seen[dir] {
			t.Errorf("the table of directions names package %s, which is not there", dir)
		}
	}
}

func TestFilesStayReadable(t *testing.T) {
	eachFile(t, func(path, dir string) {
		for _, bad := range []string{"util", "utils", "common", "helper", "helpers", "misc"} {
			if filepath.Base(dir) == bad {
				t.Errorf("%s: a package is named for what it is about, not %s", path, bad)
			}
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if lines := bytes.Count(data, []byte("\n")); lines > 500 {
			t.Errorf("%s has %d lines, want at most 500", path, lines)
		}
	})
}

func eachFile(t *testing.T, do func(path, dir string)) {
	t.Helper()
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || d.Name() == "build") {
			return filepath.SkipDir
		}
		if filepath.Ext(path) == ".go" {
			do(path, filepath.ToSlash(filepath.Dir(path)))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func imports(t *testing.T, path string) []string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, i := range f.Imports {
		name, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	return names
}
