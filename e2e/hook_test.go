package e2e_test

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A push that a hook tells of is served at once, though the next look is an hour
// away. The hook is sent as docs/trust.md says, and only what was signed counts.
func TestHook(t *testing.T) {
	w := newWorld(t)
	w.application("demo", 1)
	dir := w.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	if err := os.WriteFile(in("hook-secret"), []byte("0123456789abcdef\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", in("key")).CombinedOutput(); err != nil {
		t.Fatalf("ssh-keygen: %v: %s", err, out)
	}
	for _, setting := range []string{"gpg.format=ssh", "user.signingkey=" + in("key"), "commit.gpgsign=true"} {
		name, value, _ := strings.Cut(setting, "=")
		w.git(w.clone, "config", name, value)
	}
	first := w.push(toDemo(edge, "one.local"))
	d := w.watch("--interval", "1h", "--hook-secret-file", in("hook-secret"), "--signed-by", in("key.pub"))
	d.rolled(first)
	w.serves("one.local", "/", "demo")

	doc, err := os.ReadFile("../docs/trust.md")
	if err != nil {
		t.Fatal(err)
	}
	var curl string
	for line := range strings.Lines(string(doc)) {
		if strings.HasPrefix(line, "curl ") {
			curl = strings.TrimSpace(line)
		}
	}
	hook := func() {
		t.Helper()
		if out, code := w.onManager("sh", "-c", "cd "+dir+" && "+curl+" --silent --show-error"); code != 0 {
			t.Fatalf("%s: exit code %d: %s", curl, code, out)
		}
	}
	second := w.push(toDemo(edge, "one.local", "two.local"))
	hook()
	d.line(5*time.Second, "msg=revision", "revision="+second, "signer=SHA256:")
	w.Logf("read %.1f s after the push", time.Since(w.pushed).Seconds())
	d.rolled(second)
	w.serves("two.local", "/", "demo")

	w.git(w.clone, "config", "commit.gpgsign", "false")
	third := w.push(toDemo(edge, "three.local"))
	hook()
	d.line(5*time.Second, "level=ERROR", "commit "+third[:7]+": is not signed", "the last good one stays in force")
	w.serves("two.local", "/", "demo")
	w.refuses(request{node: balancers[0], host: "three.local", path: "/"}, http.StatusServiceUnavailable)
}
