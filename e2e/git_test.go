package e2e_test

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/wharfinger/wharfinger/lab"
)

func (s *server) start() error {
	handler, err := lab.GitHandler(s.dir)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", s.address)
	if err != nil {
		return err
	}
	s.http = &http.Server{Handler: handler}
	go s.http.Serve(listener)
	return nil
}

// stop closes open connections, too.
func (s *server) stop() error { return s.http.Close() }

// makeRepository makes the test's repository, empty, and a clone of it.
func (w *world) makeRepository() {
	w.Helper()
	name := "ops/" + w.Name() + ".git"
	w.bare = filepath.Join(gitServer.dir, name)
	w.url = "http://" + gitServer.address + "/" + name
	w.remote = w.url
	w.clone = w.TempDir()
	w.git(w.clone, "init", "--quiet", "--bare", "--initial-branch=main", w.bare)
	w.git(w.clone, "clone", "--quiet", w.url, ".")
}

// push writes routes.yaml, pushes it and returns the commit.
func (w *world) push(yaml string) (commit string) {
	w.Helper()
	if err := os.WriteFile(filepath.Join(w.clone, "routes.yaml"), []byte(yaml), 0o644); err != nil {
		w.Fatal(err)
	}
	w.git(w.clone, "add", "routes.yaml")
	w.git(w.clone, "commit", "--quiet", "-m", "routes")
	w.git(w.clone, "push", "--quiet", w.remote, "HEAD:main")
	w.pushed = time.Now()
	return w.git(w.clone, "rev-parse", "HEAD")
}

// git runs the git program without the settings of this machine's user.
func (w *world) git(dir string, args ...string) string {
	w.Helper()
	cmd := exec.CommandContext(w.Context(), "git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0",
		"GIT_AUTHOR_NAME=Test", "GIT_AUTHOR_EMAIL=test@example.org",
		"GIT_COMMITTER_NAME=Test", "GIT_COMMITTER_EMAIL=test@example.org")
	out, err := cmd.CombinedOutput()
	if err != nil {
		w.Fatalf("git %s: %v: %s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// edge is the proxy of most tests. Its drain is short, so that a replaced proxy
// does not outlive its test.
const edge = `proxies:
  edge:
    image: nginx:1.30
    drain: 2s
    constraints: [node.labels.nodetype == loadbalancer]
`

// toDemo is a repository that leads hosts to the service demo.
func toDemo(proxy string, hosts ...string) string {
	return fmt.Sprintf(`%s
pools:
  demo:
    service: demo
    port: 8080

routes:
  demo:
    hosts: [%s]
    pool: demo
`, proxy, strings.Join(hosts, ", "))
}
