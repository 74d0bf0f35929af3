package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"wharfinger": main})
}

// TestScript runs the real program; each file in testdata/script is one story.
func TestScript(t *testing.T) { runScripts(t, "testdata/script") }

// TestOperateScript runs the stories of those who operate it.
func TestOperateScript(t *testing.T) { runScripts(t, "testdata/operate") }

func runScripts(t *testing.T, dir string) {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: dir,
		// GOLDIE_UPDATE refreshes these expectations, too.
		UpdateScripts: os.Getenv("GOLDIE_UPDATE") != "",
		Setup: func(env *testscript.Env) error {
			env.Setenv("EXAMPLES", filepath.Join(root, "examples"))
			env.Setenv("GOLDEN", filepath.Join(root, "golden"))
			return nil
		},
	})
}

// TestCheckKnowsWhatFits has one host with so many paths that its file fits into
// a Docker config without peers, and no longer with them; and with more still.
func TestCheckKnowsWhatFits(t *testing.T) {
	for paths, want := range map[int]int{100: 0, 2200: 1, 4000: 1} {
		var list strings.Builder
		for i := range paths {
			fmt.Fprintf(&list, "/path-%04d, ", i)
		}
		routes := fmt.Sprintf("proxies: {edge: {image: \"nginx:1.30\"}}\npools: {demo: {service: demo, port: 8080}}\n"+
			"routes: {demo: {hosts: [demo.local], pool: demo, paths: [%s]}}\n", list.String())
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "routes.yaml"), []byte(routes), 0o644); err != nil {
			t.Fatal(err)
		}
		var stdout, stderr bytes.Buffer
		code := run([]string{"check", dir}, &stdout, &stderr)
		if code != want || stderr.Len() > 0 || (code == 1) != strings.Contains(stdout.String(), "but a Docker config holds") {
			t.Errorf("%d paths: got exit code %d, want %d; it said %s%s", paths, code, want, stdout.String(), stderr.String())
		}
	}
}
