package git_test

import (
	"os"
	"strings"
	"testing"

	"github.com/wharfinger/wharfinger/git"
)

// Branch, tag, commit and folder are the same by ssh as by https.
func TestRemoteSSH(t *testing.T) {
	w := newFaults(t, true)
	w.write("prod/a.yaml", "one")
	first := w.push()
	w.git("tag", "-a", "-m", "a tag", "v1")
	w.git("push", "--quiet", "origin", "v1")
	w.write("prod/a.yaml", "two")
	second := w.push()

	in := func(branch, revision string) *git.Remote {
		return w.remote(func(o *git.RemoteOptions) { o.Branch, o.Revision, o.Folder = branch, revision, "prod" })
	}
	wantFiles(t, fetch(t, in("", "")), second, "a.yaml=two\n")
	wantFiles(t, fetch(t, in("", "v1")), first, "a.yaml=one\n")
	run(t, w.bare, "config", "uploadpack.allowAnySHA1InWant", "true")
	wantFiles(t, fetch(t, in("", first)), first, "a.yaml=one\n")
	run(t, w.bare, "config", "uploadpack.allowAnySHA1InWant", "false")
	wantError(t, in("", strings.Repeat("1", 40)), "fetch: the remote does not have that commit, or does not give it away by its hash")
	wantError(t, in("gone", ""), "list refs: branch gone does not exist on the remote")

	// The path goes through a shell over there.
	odd := w.bare + "/it's $(touch odd) !.git"
	run(t, w.bare, "clone", "--quiet", "--bare", w.bare, odd)
	quoted := w.remote(func(o *git.RemoteOptions) {
		o.URL = w.ssh.user + "@" + hiddenHost + ":" + odd
	})
	if got, want := quoted.String(), "***@"+hiddenHost+":"+odd+" (branch main)"; got != want {
		t.Errorf("String() = %s, want %s", got, want)
	}
	spoken := w.remote(func(o *git.RemoteOptions) {
		o.URL = strings.Replace(o.URL, w.bare, strings.ReplaceAll(odd, " ", "%20"), 1)
	})
	wantFiles(t, fetch(t, spoken), second, "prod/a.yaml=two\n")
	if _, err := os.Stat(w.bare + "/odd"); err == nil {
		t.Error("the path was run as a command")
	}
}

// A server that has keys of several kinds is asked for the one that is known.
func TestRemoteSSHKnownKind(t *testing.T) {
	for _, kind := range []string{"ed25519", "ecdsa", "rsa"} {
		w := newFaults(t, true)
		w.write("a.yaml", "a")
		commit := w.push()
		var all []string
		for _, k := range []string{"ed25519", "ecdsa", "rsa"} {
			w.ssh.newKey("host-"+k, k)
			all = append(all, "host-"+k)
		}
		w.ssh.hostKey(all...)
		w.ssh.known(w.file("known_hosts"), "host-"+kind)
		w.ssh.newKey("mine", kind)
		w.ssh.letIn("mine")
		w.useKey("mine")
		wantFiles(t, fetch(t, w.remote()), commit, "a.yaml=a\n")
	}
}

func TestURLForms(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"git@example.org:ops/routes.git", "ssh git example.org 22 ops/routes.git"},
		{"example.org:ops/routes.git", "ssh git example.org 22 ops/routes.git"},
		{"me@example.org:/srv/routes.git", "ssh me example.org 22 /srv/routes.git"},
		{"git@[2001:db8::1]:routes.git", "ssh git 2001:db8::1 22 routes.git"},
		{"ssh://example.org/routes.git", "ssh git example.org 22 /routes.git"},
		{"ssh://me@example.org:2222/a%20b.git", "ssh me example.org 2222 /a b.git"},
		{"ssh://me@[2001:db8::1]/routes.git", "ssh me 2001:db8::1 22 /routes.git"},
		{"https://example.org:8443/a%20b.git/", "https  example.org 8443 /a%20b.git"},
		{"https://[2001:db8::1]/routes.git", "https  [2001:db8::1] 0 /routes.git"},
	} {
		if got, err := git.ParseURL(c.in); err != nil || got != c.want {
			t.Errorf("%s: got %q, error %v, want %q", c.in, got, err, c.want)
		}
	}
}
