package git_test

import (
	"crypto/rand"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/wharfinger/wharfinger/git"
)

func TestRemoteEmptyAndDeleted(t *testing.T) {
	r := newRepository(t)
	remote := r.remote()
	wantError(t, remote, "list refs: the remote repository is empty; push a first commit")

	r.write("a.yaml", "a")
	first := r.push()
	r.git("push", "--quiet", "origin", "HEAD:other")
	wantFiles(t, fetch(t, remote), first, "a.yaml=a\n")

	run(t, r.bare, "update-ref", "-d", "refs/heads/main")
	wantError(t, remote, "list refs: branch main does not exist on the remote")
	head := r.remote(func(o *git.RemoteOptions) { o.Branch = "" })
	wantError(t, head, "list refs: the remote's HEAD names a branch that does not exist")

	r.push()
	fetch(t, remote)
}

func TestRemoteTooLarge(t *testing.T) {
	noise := make([]byte, 2<<20)
	rand.Read(noise)
	r := newRepository(t)
	r.write("a.yaml", "a")
	r.write("noise.bin", string(noise))
	r.push()
	small := r.remote(func(o *git.RemoteOptions) { o.Limits.RepositoryBytes = 1 << 20 })
	const want = "fetch: the repository is too large: a commit may hold 1 MiB, other files than routes included"
	wantError(t, small, want)
	r.requests.Store(0)
	wantError(t, small, want)
	if got := r.requests.Load(); got != 1 {
		t.Errorf("fetch of the same large commit: %d requests, want 1", got)
	}

	// 20 MiB of nothing are 20 KB on the way.
	r.write("noise.bin", strings.Repeat("\x00", 20<<20))
	r.push()
	wantError(t, small, want)
	r.write("noise.bin", "")
	last := r.push()
	wantFiles(t, fetch(t, small), last, "a.yaml=a\n")
}

// Two large files that are alike travel as one file and a small difference.
func TestRemoteTooLargeAsDelta(t *testing.T) {
	r := newRepository(t)
	base := make([]byte, 600<<10)
	rand.Read(base)
	r.write("a.yaml", "a")
	r.write("one.bin", string(base))
	r.write("two.bin", string(base)+"x")
	r.push()
	run(t, r.bare, "repack", "--quiet", "-adf")
	small := r.remote(func(o *git.RemoteOptions) { o.Limits.RepositoryBytes = 1 << 20 })
	wantError(t, small, "fetch: the repository is too large")
	fetch(t, r.remote(func(o *git.RemoteOptions) { o.Limits.RepositoryBytes = 3 << 20 }))
}

func TestRemoteSilent(t *testing.T) {
	r := newRepository(t)
	r.write("a.yaml", "a")
	r.push()
	short := func(o *git.RemoteOptions) { o.Timeout = 300 * time.Millisecond }
	bounded := func(step string, remote *git.Remote) {
		t.Helper()
		start := time.Now()
		wantError(t, remote, step+": gave up after 300ms without a full answer")
		if took := time.Since(start); took > 20*time.Second {
			t.Errorf("%s: took %s", step, took)
		}
	}

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close() // the kernel accepts; nobody ever reads
	bounded("list refs", r.remote(short, func(o *git.RemoteOptions) { o.URL = "http://" + listener.Addr().String() + "/x" }))

	r.before = func(w http.ResponseWriter, req *http.Request) bool {
		if req.Method == http.MethodGet {
			return true
		}
		w.Header().Set("Content-Type", "application/x-git-upload-pack-result")
		w.Write([]byte("0008NAK\n"))
		w.(http.Flusher).Flush()
		<-req.Context().Done()
		return false
	}
	remote := r.remote(short)
	bounded("fetch", remote)
	r.before = nil
	fetch(t, r.remote())
}

func TestRemoteDownAndBack(t *testing.T) {
	r := newRepository(t)
	r.write("a.yaml", "a")
	first := r.push()
	remote := r.remote()
	address := r.server.Listener.Addr().String()
	handler := r.server.Config.Handler
	r.server.Close()
	wantError(t, remote, "list refs: dial tcp "+address+": connect: connection refused")

	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	back := &httptest.Server{Listener: listener, Config: &http.Server{Handler: handler}}
	back.Start()
	defer back.Close()
	wantFiles(t, fetch(t, remote), first, "a.yaml=a\n")
}

func TestRemoteAnswers(t *testing.T) {
	r := newRepository(t)
	r.write("a.yaml", "a")
	r.push()
	status := func(code int) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, _ *http.Request) bool {
			http.Error(w, strings.Repeat("<h1>\n", 100_000), code)
			return false
		}
	}
	const credentials = "list refs: the remote wants credentials, which are not supported yet"
	for _, c := range []struct {
		name   string
		before func(http.ResponseWriter, *http.Request) bool
		want   string
	}{
		{"401", status(401), credentials},
		{"403", status(403), credentials},
		{"404", status(404), "list refs: the remote has no such repository"},
		{"502", status(502), "list refs: the remote answered HTTP status 502"},
		{"a web page", status(200), "list refs: the answer is not that of a git server; is the URL right?"},
		{"an endless list", func(w http.ResponseWriter, _ *http.Request) bool {
			w.Write([]byte("001e# service=git-upload-pack\n0000"))
			for i := range 40_000 {
				line := fmt.Sprintf("%040x refs/heads/%01000d", i+1, i)
				if i == 0 {
					line += "\x00shallow"
				}
				if _, err := fmt.Fprintf(w, "%04x%s\n", len(line)+5, line); err != nil {
					break
				}
			}
			return false
		}, "list refs: the list of branches and tags is longer than 16 MiB"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r.before = c.before
			_, err := r.remote().Fetch(t.Context())
			if err == nil || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("Fetch: error %v, want %s", err, c.want)
			}
			if got := err.Error(); len(got) > 500 || strings.Contains(got, "\n") {
				t.Errorf("Fetch: the server's text gets through: %.1000q", got)
			}
		})
	}
}

func TestRemoteRedirect(t *testing.T) {
	r := newRepository(t)
	r.write("a.yaml", "a")
	first := r.push()
	r.before = func(w http.ResponseWriter, req *http.Request) bool {
		if path, ok := strings.CutPrefix(req.URL.Path, "/old/"); ok {
			http.Redirect(w, req, "/"+path+"?"+req.URL.RawQuery, http.StatusMovedPermanently)
			return false
		}
		return true
	}
	moved := r.remote(func(o *git.RemoteOptions) { o.URL = r.server.URL + "/old/routes.git" })
	wantFiles(t, fetch(t, moved), first, "a.yaml=a\n")

	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		http.Redirect(w, req, r.server.URL+req.URL.RequestURI(), http.StatusFound)
	}))
	defer elsewhere.Close()
	r.requests.Store(0)
	away := r.remote(func(o *git.RemoteOptions) { o.URL = elsewhere.URL + "/routes.git" })
	wantError(t, away, "list refs: the remote redirects to "+r.server.URL+", another host or scheme")
	if got := r.requests.Load(); got != 0 {
		t.Errorf("the other host got %d requests, want 0", got)
	}
}
