package git_test

import (
	"strings"
	"testing"
	"time"

	"github.com/wharfinger/wharfinger/git"
)

func TestNewRemoteRefuses(t *testing.T) {
	url := func(u string) git.RemoteOptions { return git.RemoteOptions{URL: u} }
	with := func(change func(*git.RemoteOptions)) git.RemoteOptions {
		o := url("https://example.org/r")
		change(&o)
		return o
	}
	ssh := func(u string, change ...func(*git.RemoteOptions)) git.RemoteOptions {
		o := git.RemoteOptions{URL: u, Credentials: git.Credentials{KeyFile: "k", KnownHostsFile: "h"}}
		for _, c := range change {
			c(&o)
		}
		return o
	}
	for _, c := range []struct {
		options git.RemoteOptions
		want    string
	}{
		{url(""), `remote "": has no scheme; write https://host/path`},
		{url("/srv/routes.git"), `remote "/srv/routes.git": has no scheme; write https://host/path`},
		{url("routes.git"), `remote "routes.git": has no scheme; write https://host/path`},
		{url("http://example.org/r"), `remote "http://example.org/r": http is not allowed, since anybody on the way can change routes; use https or allow http`},
		{url("file:///srv/r"), `remote "file:///srv/r": file is not allowed, since it runs the git program on this machine; use https or allow file`},
		{url("ssh://git@example.org/r"), `remote "ssh://***@example.org/r": ssh needs a private key`},
		{url("git@example.org:r.git"), `remote "***@example.org:r.git": ssh needs a private key`},
		{ssh("git@example.org:r.git", func(o *git.RemoteOptions) { o.Credentials.KnownHostsFile = "" }), `remote "***@example.org:r.git": ssh needs a file of known hosts`},
		{ssh("git@example.org:r.git", func(o *git.RemoteOptions) { o.Credentials.TokenFile = "t" }), `remote "***@example.org:r.git": a token is for https only, and not for ssh`},
		{ssh("git@example.org:r.git", func(o *git.RemoteOptions) { o.Credentials.CAFile = "t" }), `remote "***@example.org:r.git": a file of certificates is for https only, and not for ssh`},
		{ssh("ssh://git:s3cret@example.org/r"), `remote "ssh://***@example.org/r": credentials do not belong in a URL`},
		{ssh("ssh://git@example.org"), `remote "ssh://***@example.org": names no repository`},
		{ssh("ssh://git@example.org/"), `remote "ssh://***@example.org/": names no repository`},
		{ssh("git@example.org:-x"), `remote "***@example.org:-x": a user, host or path that begins with - or holds a control character is not taken`},
		{ssh("-oProxyCommand=x@example.org:r"), `remote "***@example.org:r": a user, host or path that begins with - or holds a control character is not taken`},
		{ssh("ssh://git@example.org/a%0Ab"), `remote "ssh://***@example.org/a%0Ab": a user, host or path that begins with -`},
		{url("git://example.org/r"), `remote "git://example.org/r": scheme git is not supported; use https or ssh`},
		{url("https:///r"), `remote "https:///r": names no host`},
		{url("https://example.org:0/r"), `remote "https://example.org:0/r": the port must be between 1 and 65535`},
		{url("https://me:s3cret@example.org/r"), `remote "https://***@example.org/r": credentials do not belong in a URL`},
		{url("https://example.org/r?token=s3cret"), `remote "https://example.org/r?***": must not have a query or a fragment`},
		{url("https://example.org/%zz-s3cret@x"), `remote "https://***@x": is not a URL; write https://host/path`},
		{git.RemoteOptions{URL: "http://example.org/r", AllowHTTP: true, Credentials: git.Credentials{TokenFile: "t"}}, `remote "http://example.org/r": a token is for https only, and not for http`},
		{with(func(o *git.RemoteOptions) { o.Credentials.KeyFile = "k" }), `remote "https://example.org/r": a private key is for ssh only, and not for https`},
		{with(func(o *git.RemoteOptions) { o.Credentials.User = "me" }), `remote "https://example.org/r": a user is of no use without a token`},
		{with(func(o *git.RemoteOptions) { o.Credentials = git.Credentials{User: "a:b", TokenFile: "t"} }), `remote "https://example.org/r": the user must have no blank and no colon`},
		{git.RemoteOptions{URL: "file://host/r", AllowFile: true}, `remote "file://host/r": must be written file:///path`},
		{with(func(o *git.RemoteOptions) { o.Branch = "a..b" }), `branch "a..b": is not a valid name`},
		{with(func(o *git.RemoteOptions) { o.Folder = "../x" }), `folder "../x": must be a path inside the repository, as a/b`},
		{with(func(o *git.RemoteOptions) { o.Folder = "/x" }), `folder "/x": must be a path inside the repository, as a/b`},
		{with(func(o *git.RemoteOptions) { o.Interval = 30 }), `interval 30ns: must be 1s or more`},
		{with(func(o *git.RemoteOptions) { o.Timeout = -time.Second }), `timeout -1s: must not be negative`},
		{with(func(o *git.RemoteOptions) { o.Limits.Files = -1 }), `limits must not be negative`},
	} {
		_, err := git.NewRemote(c.options)
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("NewRemote(%+v): error\n%v, want\n%s", c.options, err, c.want)
		}
	}
}

func TestRemoteString(t *testing.T) {
	for branch, want := range map[string]string{
		"":     "https://example.org/r (HEAD)",
		"main": "https://example.org/r (branch main)",
	} {
		r, err := git.NewRemote(git.RemoteOptions{URL: "https://example.org/r", Branch: branch})
		if err != nil {
			t.Fatal(err)
		}
		if got := r.String(); got != want {
			t.Errorf("String() = %s, want %s", got, want)
		}
	}
}

func TestRedact(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"https://example.org/a/b.git", "https://example.org/a/b.git"},
		{"https://s3cret@example.org/a", "https://***@example.org/a"},
		{"https://me:s3cret@example.org/a", "https://***@example.org/a"},
		{"https://me:s3/c?r#et@example.org/a", "https://***@example.org/a"},
		{"https://me:s3@cret@example.org/a", "https://***@example.org/a"},
		{"https://example.org/a?private_token=s3cret", "https://example.org/a?***"},
		{"https://example.org/a#s3cret", "https://example.org/a#***"},
		{"me:s3cret@example.org:a", "***@example.org:a"},
		{"/srv/a", "/srv/a"},
		{"", ""},
	} {
		if got := git.Redact(c.in); got != c.want {
			t.Errorf("Redact(%q) = %q, want %q", c.in, got, c.want)
		}
	}
}
