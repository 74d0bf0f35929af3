package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestOperatePreCommit commits with the hook of examples/ci: what counts is what
// the commit will hold.
func TestOperatePreCommit(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	t.Setenv("TMPDIR", t.TempDir())
	runGit(t, "init", "--quiet", "-b", "main")
	hook, err := os.ReadFile(example("pre-commit"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(".git/hooks/pre-commit", hook, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, e := range history[0].edits {
		e.apply(t)
	}
	right := edit{"routes.yaml", "    pool: shop-nxet\n", "    pool: shop\n"}
	wrong := edit{"routes.yaml", "    pool: shop\n", "    pool: shop-nxet\n"}
	for _, c := range []struct {
		what           string
		staged, beside []edit // what is edited before git add, and after it
		flag           string
		refused        bool
	}{
		{"a start", nil, nil, "--", false},
		{"a mistake", []edit{wrong}, nil, "--", true},
		{"a mistake that is mended beside it", nil, []edit{right, {"routes.yaml", "port: 3000", "port: 3001"}}, "--", true},
		{"the mended file", nil, nil, "--all", false},
		{"a mistake beside it", []edit{{"more.yaml", "", "policies: {secure: {hsts: true}}\n"}}, []edit{wrong}, "--", false},
		{"all, with the mistake", nil, nil, "--all", true},
	} {
		for _, e := range c.staged {
			e.apply(t)
		}
		if c.flag != "--all" {
			runGit(t, "add", "--all")
		}
		for _, e := range c.beside {
			e.apply(t)
		}
		cmd := exec.Command("git", "-c", "user.name=test", "-c", "user.email=test@example.org", "commit", "--quiet", "-m", c.what, c.flag)
		out, err := cmd.CombinedOutput()
		if refused := err != nil; refused != c.refused {
			t.Errorf("%s: refused: %v, want %v:\n%s", c.what, refused, c.refused, out)
		}
		if told := strings.Contains(string(out), "routes.yaml:12:11: there is no pool shop-nxet"); told != c.refused {
			t.Errorf("%s: the hook says\n%s", c.what, out)
		}
	}
	if left, err := os.ReadDir(os.Getenv("TMPDIR")); err != nil || len(left) > 0 {
		t.Errorf("the hook left %v behind, %v", left, err)
	}
}

// TestOperatePreCommitFramework runs what pre-commit.com would run for the
// configuration in examples/ci.
func TestOperatePreCommitFramework(t *testing.T) {
	var config struct {
		Repos []struct {
			Hooks []struct{ ID string }
		}
	}
	parse(t, example("pre-commit-config.yaml"), &config)
	var hooks []struct {
		ID, Name, Entry, Language string
		Pass                      *bool `yaml:"pass_filenames"`
		Always                    bool  `yaml:"always_run"`
	}
	parse(t, filepath.Join(packageDir, "../../.pre-commit-hooks.yaml"), &hooks)
	if len(hooks) != 1 || len(config.Repos) != 1 || len(config.Repos[0].Hooks) != 1 || config.Repos[0].Hooks[0].ID != hooks[0].ID {
		t.Fatalf("the configuration %v does not fit the hooks %v", config, hooks)
	}
	hook := hooks[0]
	if hook.Language != "golang" || hook.Pass == nil || *hook.Pass || !hook.Always {
		t.Errorf("got the hook %v: want Go's, which gets no names of files and always runs", hook)
	}
	words := strings.Fields(hook.Entry)
	for dir, want := range map[string]int{"../../examples/demo": 0, "../../examples/bad/names": 1} {
		cmd := exec.Command(words[0], words[1:]...)
		cmd.Dir = filepath.Join(packageDir, dir)
		out, _ := cmd.CombinedOutput()
		if got := cmd.ProcessState.ExitCode(); got != want {
			t.Errorf("%s in %s: got exit code %d, want %d:\n%s", hook.Entry, dir, got, want, out)
		}
	}
}
