package git_test

import (
	"io"
	"log"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/wharfinger/wharfinger/git"
)

// repository is a real bare repository behind git http-backend, and a checkout
// to push to it from.
type repository struct {
	t        *testing.T
	work     string
	bare     string
	backend  http.Handler // git itself
	server   *httptest.Server
	requests atomic.Int32
	before   atomic.Pointer[intercept]
}

// intercept answers a request in git's place, or true to let git do it.
type intercept func(w http.ResponseWriter, r *http.Request) bool

// set puts an intercept in front of git from now on, or nothing.
func (r *repository) set(i intercept) { r.before.Store(&i) }

const main = "main"

var gitEnv = []string{
	"GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "GIT_TERMINAL_PROMPT=0",
	"GIT_AUTHOR_NAME=test", "GIT_AUTHOR_EMAIL=test@example.org",
	"GIT_COMMITTER_NAME=test", "GIT_COMMITTER_EMAIL=test@example.org",
}

func newRepository(t *testing.T) *repository {
	t.Helper()
	dir := t.TempDir()
	r := &repository{t: t, work: filepath.Join(dir, "work"), bare: filepath.Join(dir, "served", "routes.git")}
	run(t, dir, "init", "--quiet", "--bare", "-b", main, r.bare)
	run(t, dir, "init", "--quiet", "-b", main, r.work)
	r.git("remote", "add", "origin", r.bare)

	r.backend = &cgi.Handler{
		Path: filepath.Join(run(t, dir, "--exec-path"), "git-http-backend"),
		Env:  append([]string{"GIT_PROJECT_ROOT=" + filepath.Dir(r.bare), "GIT_HTTP_EXPORT_ALL=1"}, gitEnv...),
		// Both complain of a client that left early, as some tests do.
		Stderr: io.Discard,
		Logger: log.New(io.Discard, "", 0),
	}
	r.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.requests.Add(1)
		if i := r.before.Load(); i == nil || *i == nil || (*i)(w, req) {
			r.backend.ServeHTTP(w, req)
		}
	}))
	t.Cleanup(r.server.Close)
	return r
}

func run(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), gitEnv...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

func (r *repository) git(args ...string) string {
	r.t.Helper()
	return run(r.t, r.work, args...)
}

func (r *repository) write(name, data string) {
	r.t.Helper()
	writeFile(r.t, filepath.Join(r.work, name), data)
}

// push commits what is in the checkout, pushes it to the branch that is checked
// out there, and returns the commit.
func (r *repository) push() string {
	r.t.Helper()
	r.git("add", "--all")
	r.git("commit", "--quiet", "--allow-empty", "-m", "change")
	r.git("push", "--quiet", "--force", "origin", "HEAD")
	return r.git("rev-parse", "HEAD")
}

func (r *repository) url() string { return r.server.URL + "/routes.git" }

func (r *repository) remote(change ...func(*git.RemoteOptions)) *git.Remote {
	r.t.Helper()
	o := git.RemoteOptions{URL: r.url(), Branch: main, AllowHTTP: true}
	for _, c := range change {
		c(&o)
	}
	remote, err := git.NewRemote(o)
	if err != nil {
		r.t.Fatal(err)
	}
	return remote
}

func writeFile(t *testing.T, name, data string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(data), 0o666); err != nil {
		t.Fatal(err)
	}
}
