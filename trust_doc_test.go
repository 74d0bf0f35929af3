package wharfinger

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// ofTrust reports whether a command line of docs/trust.md is one of those that are
// run in their order, by the test below or, where a daemon has to listen, by
// TestHook of package e2e.
func ofTrust(file, command string) bool {
	program, _, _ := strings.Cut(command, " ")
	return file == "docs/trust.md" && program != "wharfinger" && program != "docker"
}

// TestTrustCommandsRun runs what docs/trust.md tells people to do with their keys, and
// sees that what they sign is taken then, and nothing else.
func TestTrustCommandsRun(t *testing.T) {
	for _, program := range []string{"gpg", "ssh-keygen"} {
		if _, err := exec.LookPath(program); err != nil && testing.Short() {
			t.Skip(err) // a full run installs them, and fails without
		}
	}
	home, err := os.MkdirTemp("", "trust") // short, for gpg's sockets
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(home)
	program := filepath.Join(home, "wharfinger")
	if out, err := exec.Command("go", "build", "-o", program, "./cmd/wharfinger").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	work := filepath.Join(home, "work")
	shell := func(script string) (string, error) {
		cmd := exec.Command("timeout", "120", "sh", "-ec", script)
		cmd.Dir = work
		cmd.Env = append(os.Environ(), "HOME="+home, "GNUPGHOME="+home+"/.gnupg", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1", "GIT_EDITOR=false")
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	must := func(script string) {
		t.Helper()
		if out, err := shell(script); err != nil {
			t.Fatalf("%s: %v\n%s", script, err, out)
		}
	}
	if err := os.CopyFS(work, os.DirFS("examples/demo")); err != nil {
		t.Fatal(err)
	}
	must(`mkdir -m 700 ~/.ssh ~/.gnupg
		ssh-keygen -q -t ed25519 -N '' -C alice -f ~/.ssh/id_ed25519
		gpg --batch --quiet --passphrase '' --quick-gen-key bob@example.org ed25519 cert,sign 0
		git init -q -b main .
		git config user.name Somebody
		git config user.email somebody@example.org
		git add .
		git commit -q -m unsigned`)
	defer shell("gpgconf --kill all")

	const check = " check file://$HOME/work --allow-file --signed-by signers"
	ran := 0
	for _, b := range blocks(t) {
		if b.language != "sh" {
			continue
		}
		for line := range strings.Lines(b.text) {
			command := strings.TrimSpace(line)
			if !ofTrust(b.file, command) || strings.HasPrefix(line, " ") || strings.HasPrefix(command, "curl ") {
				continue
			}
			if strings.HasPrefix(command, "git commit") { // there must be something to commit
				if out, err := shell(program + check); ran < 4 && (err == nil || !strings.Contains(out, "is not signed")) {
					t.Errorf("before the first signed commit: %v\n%s", err, out)
				}
				must("echo '#' >> routes.yaml && git add routes.yaml")
			}
			must(command)
			ran++
			if strings.HasPrefix(command, "git commit") {
				must(program + check)
			}
			if strings.HasPrefix(command, "git tag") {
				must(program + check + " --revision production")
			}
		}
	}
	if ran < 10 {
		t.Errorf("ran %d command lines, want at least 10: is the pattern right?", ran)
	}
}
