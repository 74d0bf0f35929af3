package git_test

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/wharfinger/wharfinger/git"
)

func TestRemoteHeadWithoutBranch(t *testing.T) {
	r := newRepository(t)
	r.write("a.yaml", "a")
	r.push()
	r.git("push", "--quiet", "origin", "HEAD:other")
	run(t, r.bare, "update-ref", "-d", "refs/heads/main")
	head := r.remote(func(o *git.RemoteOptions) { o.Branch = "" })
	wantError(t, head, "list refs: the remote's HEAD names a branch that does not exist")
	r.push()
	fetch(t, head)
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
	const credentials = "list refs: the remote wants credentials, and none are given"
	for _, c := range []struct {
		name   string
		before func(http.ResponseWriter, *http.Request) bool
		want   string
	}{
		{"401", status(401), credentials},
		{"403", status(403), credentials},
		{"404", status(404), "list refs: the remote has no such repository"},
		{"502", status(502), "list refs: the remote answered HTTP status 502"},
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
			r.set(c.before)
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
	r.set(func(w http.ResponseWriter, req *http.Request) bool {
		if path, ok := strings.CutPrefix(req.URL.Path, "/old/"); ok {
			http.Redirect(w, req, "/"+path+"?"+req.URL.RawQuery, http.StatusMovedPermanently)
			return false
		}
		return true
	})
	moved := r.remote(func(o *git.RemoteOptions) { o.URL = r.server.URL + "/old/routes.git" })
	wantFiles(t, fetch(t, moved), first, "a.yaml=a\n")
}
