package git_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wharfinger/wharfinger/git"
	"github.com/wharfinger/wharfinger/route"
)

func fetch(t *testing.T, s reader) route.Revision {
	t.Helper()
	rev, err := s.Fetch(t.Context())
	if err != nil {
		t.Fatalf("Fetch: %v", err)
	}
	return rev
}

func wantFiles(t *testing.T, rev route.Revision, id, files string) {
	t.Helper()
	if rev.ID != id {
		t.Errorf("ID %s, want %s", rev.ID, id)
	}
	if got := text(rev.Files); got != files {
		t.Errorf("files\n%swant\n%s", got, files)
	}
}

func wantError(t *testing.T, s source, want string) {
	t.Helper()
	rev, err := s.Fetch(t.Context())
	if err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("Fetch: error %v, want %s", err, want)
	}
	if rev.ID != "" || rev.Files != nil {
		t.Errorf("Fetch: an error and a revision too: %v", rev)
	}
}

func TestRemotePoll(t *testing.T) {
	r := newRepository(t)
	r.write("a.yaml", "one")
	first := r.push()
	remote := r.remote()

	wantFiles(t, fetch(t, remote), first, "a.yaml=one\n")
	if got := r.requests.Swap(0); got != 2 {
		t.Errorf("first fetch: %d requests, want 2", got)
	}
	wantFiles(t, fetch(t, remote), first, "a.yaml=one\n")
	if got := r.requests.Swap(0); got != 1 {
		t.Errorf("fetch of the same: %d requests, want 1", got)
	}
	r.write("a.yaml", "two")
	second := r.push()
	wantFiles(t, fetch(t, remote), second, "a.yaml=two\n")
}

// A commit that cannot be used is downloaded once, not at every poll.
func TestRemoteBadCommitOnce(t *testing.T) {
	r := newRepository(t)
	r.write("README.md", "readme")
	r.push()
	remote := r.remote()
	const want = "read tree: no route files (*.yaml, *.yml) below the root of branch main"
	wantError(t, remote, want)
	r.requests.Store(0)
	wantError(t, remote, want)
	if got := r.requests.Load(); got != 1 {
		t.Errorf("fetch of the same bad commit: %d requests, want 1", got)
	}
	r.write("a.yaml", "a")
	good := r.push()
	wantFiles(t, fetch(t, remote), good, "a.yaml=a\n")
}

func TestRemoteBranchAndFolder(t *testing.T) {
	r := newRepository(t)
	r.write("a.yaml", "a")
	r.write("prod/eu/b.yaml", "b")
	r.write("prod/c.yaml", "c")
	r.write("docs/d.md", "d")
	r.push()
	r.git("checkout", "--quiet", "-b", "feature/x")
	r.write("prod/c.yaml", "feature")
	feature := r.push()
	mainID := r.git("rev-parse", main)

	in := func(branch, folder string) *git.Remote {
		return r.remote(func(o *git.RemoteOptions) { o.Branch, o.Folder = branch, folder })
	}
	wantFiles(t, fetch(t, in("", "prod")), mainID, "c.yaml=c\neu/b.yaml=b\n")
	wantFiles(t, fetch(t, in(main, "prod/eu/")), mainID, "b.yaml=b\n")
	wantFiles(t, fetch(t, in("feature/x", "prod")), feature, "c.yaml=feature\neu/b.yaml=b\n")
	wantError(t, in(main, "nowhere/eu"), "read tree: folder nowhere/eu does not exist in the repository")
	wantError(t, in(main, "a.yaml"), "read tree: folder a.yaml does not exist in the repository")
	wantError(t, in(main, "docs"), "read tree: no route files (*.yaml, *.yml) below folder docs of branch main")
	wantError(t, in("gone", ""), "list refs: branch gone does not exist on the remote")
}

// The branch moves after it was listed and before its commit is asked for.
func TestRemoteMovesDuringFetch(t *testing.T) {
	r := newRepository(t)
	r.write("a.yaml", "one")
	first := r.push()
	move := func() {}
	r.set(func(_ http.ResponseWriter, req *http.Request) bool {
		if req.Method == http.MethodPost {
			move()
			move = func() {}
		}
		return true
	})

	var second string
	move = func() {
		r.write("a.yaml", "two")
		second = r.push()
	}
	remote := r.remote()
	wantFiles(t, fetch(t, remote), first, "a.yaml=one\n")
	wantFiles(t, fetch(t, remote), second, "a.yaml=two\n")

	// Now to a history that the listed commit is no part of. git refuses that
	// one then; what counts is that nobody gets the files of another.
	r.write("a.yaml", "three")
	r.push()
	move = func() {
		r.git("checkout", "--quiet", "--orphan", "new")
		r.git("commit", "--quiet", "-m", "orphan")
		r.git("push", "--quiet", "--force", "origin", "HEAD:main")
	}
	wantError(t, remote, "fetch: the branch was rewritten meanwhile; the next fetch reads the new commit")
	wantFiles(t, fetch(t, remote), r.git("rev-parse", "new"), "a.yaml=three\n")
}

func TestRemoteFile(t *testing.T) {
	r := newRepository(t)
	r.write("a.yaml", "one")
	first := r.push()
	remote := r.remote(func(o *git.RemoteOptions) { o.URL, o.AllowFile = "file://"+r.bare, true })
	wantFiles(t, fetch(t, remote), first, "a.yaml=one\n")
	wantFiles(t, fetch(t, remote), first, "a.yaml=one\n")
	r.write("a.yaml", "two")
	second := r.push()
	wantFiles(t, fetch(t, remote), second, "a.yaml=two\n")

	gone := r.remote(func(o *git.RemoteOptions) { o.URL, o.AllowFile = "file://"+r.bare+"x", true })
	wantError(t, gone, "list refs: the remote has no such repository")
}

func TestRemoteWatch(t *testing.T) {
	r := newRepository(t)
	remote := r.remote(func(o *git.RemoteOptions) { o.Interval = time.Second })
	ctx, cancel := context.WithCancel(t.Context())
	wake := make(chan struct{}, 1)
	done := make(chan error, 1)
	go func() { done <- remote.Watch(ctx, wake) }()
	for _, which := range []string{"first", "second"} {
		select {
		case <-wake:
		case <-time.After(20 * time.Second):
			t.Fatalf("no %s wake", which)
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Watch: %v, want nil", err)
	}
	if got := r.requests.Load(); got != 0 {
		t.Errorf("Watch made %d requests, want 0", got)
	}
}

// While whoever fetches tries again on its own, the ticks rest.
func TestRemoteWatchRests(t *testing.T) {
	r := newRepository(t)
	r.write("a.yaml", "a")
	r.push()
	remote := r.remote(func(o *git.RemoteOptions) { o.Interval = time.Second })
	r.set(func(w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(http.StatusBadGateway)
		return false
	})
	wantError(t, remote, "list refs: the remote answered HTTP status 502")
	wake := make(chan struct{}, 1)
	go remote.Watch(t.Context(), wake)
	select {
	case <-wake:
		t.Error("a wake after a failure that may pass")
	case <-time.After(2500 * time.Millisecond):
	}
	r.set(func(w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(http.StatusNotFound)
		return false
	})
	wantError(t, remote, "list refs: the remote has no such repository")
	select {
	case <-wake:
	case <-time.After(20 * time.Second):
		t.Error("no wake after a failure that stays")
	}
}
