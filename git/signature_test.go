package git_test

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wharfinger/wharfinger/git"
	"github.com/wharfinger/wharfinger/route"
)

// A signer signs as git is told to by its settings. What it makes is real: gpg's or
// ssh-keygen's.
type signer struct {
	settings    []string // of git
	fingerprint string
	public      string // a file of keys that has this one
}

// signing is a repository with people who sign.
type signing struct {
	*repository
	home  string // of gpg
	dir   string // of key files
	names int
}

func newSigning(t *testing.T) *signing {
	t.Helper()
	for _, program := range []string{"gpg", "ssh-keygen"} {
		if _, err := exec.LookPath(program); err != nil && testing.Short() {
			t.Skip(err) // a full run installs them, and fails without
		}
	}
	// gpg's sockets lie below, and their paths must be short.
	home, err := os.MkdirTemp("", "gpg")
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("GNUPGHOME", home)
	t.Cleanup(func() {
		if out, err := exec.Command("gpgconf", "--kill", "all").CombinedOutput(); err != nil {
			t.Errorf("gpgconf --kill all: %v: %s", err, out)
		}
		if err := os.RemoveAll(home); err != nil {
			t.Error(err)
		}
	})
	return &signing{repository: newRepository(t), home: home, dir: t.TempDir()}
}

// do runs a program to its end.
func (s *signing) do(program string, args ...string) string {
	s.t.Helper()
	out, err := exec.Command(program, args...).Output()
	if err != nil {
		var exit *exec.ExitError
		errors.As(err, &exit)
		s.t.Fatalf("%s %s: %v\n%s", program, strings.Join(args, " "), err, exit.Stderr)
	}
	return string(out)
}

func (s *signing) name() string {
	s.names++
	return fmt.Sprintf("n%d", s.names)
}

// gpg runs gpg as tests need it: it asks nobody anything.
func (s *signing) gpg(args ...string) string {
	s.t.Helper()
	return s.do("gpg", append([]string{"--batch", "--quiet", "--no-tty", "--yes", "--pinentry-mode=loopback", "--passphrase="}, args...)...)
}

// openPGP makes a key. The options are gpg's, when it is made and whenever it signs.
func (s *signing) openPGP(expire string, options ...string) signer {
	s.t.Helper()
	user := s.name() + "@example.org"
	s.gpg(append(options, "--quick-gen-key", user, "ed25519", "cert,sign", expire)...)
	return s.holding(s.fingerprints(user)[0], options...)
}

// holding is a signer with a key that gpg holds.
func (s *signing) holding(fingerprint string, options ...string) signer {
	s.t.Helper()
	program := filepath.Join(s.dir, s.name())
	writeFile(s.t, program, "#!/bin/sh\nexec gpg --quiet "+strings.Join(options, " ")+` "$@"`+"\n")
	if err := os.Chmod(program, 0o755); err != nil {
		s.t.Fatal(err)
	}
	return signer{fingerprint: fingerprint, public: s.gpg("--armor", "--export", fingerprint),
		settings: []string{"gpg.program=" + program, "user.signingkey=" + fingerprint + "!"}}
}

// fingerprints are those of a key and its subkeys.
func (s *signing) fingerprints(of string) []string {
	s.t.Helper()
	var all []string
	for line := range strings.Lines(s.gpg("--with-colons", "--list-keys", of)) {
		if fields := strings.Split(line, ":"); fields[0] == "fpr" {
			all = append(all, fields[9])
		}
	}
	return all
}

func (s *signing) ssh(kind string) signer {
	s.t.Helper()
	file := filepath.Join(s.dir, s.name())
	s.do("ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "somebody", "-f", file)
	public, err := os.ReadFile(file + ".pub")
	if err != nil {
		s.t.Fatal(err)
	}
	return signer{fingerprint: strings.Fields(s.do("ssh-keygen", "-l", "-f", file))[1], public: string(public),
		settings: []string{"gpg.format=ssh", "user.signingkey=" + file}}
}

// keys writes a file of keys.
func (s *signing) keys(text string) string {
	s.t.Helper()
	file := filepath.Join(s.dir, s.name())
	writeFile(s.t, file, text)
	return file
}

// An object is a commit or a tag that was pushed.
type object struct {
	name   string // as people call it
	commit string
	remote func(keys ...string) *git.Remote
}

// with runs git with a signer's settings; without one, nothing is signed.
func (s *signing) with(by *signer, args ...string) {
	s.t.Helper()
	var settings []string
	if by != nil {
		for _, setting := range by.settings {
			settings = append(settings, "-c", setting)
		}
	}
	s.git(append(settings, args...)...)
}

// rewrite pushes an object that is another one with something changed.
func (s *signing) rewrite(kind, ref, from, to string) {
	s.t.Helper()
	before := s.git("cat-file", kind, ref)
	after := strings.Replace(before, from, to, 1) + "\n"
	if !strings.Contains(before, from) {
		s.t.Fatalf("no %q in\n%s", from, before)
	}
	file := s.keys(after)
	s.git("update-ref", ref, s.git("hash-object", "-w", "-t", kind, file))
	s.git("push", "--quiet", "--force", "origin", ref)
}

// commit pushes a commit on a branch of its own.
func (s *signing) commit(by *signer) object {
	s.t.Helper()
	branch := s.name()
	s.git("checkout", "--quiet", "-b", branch)
	s.write("a.yaml", branch)
	s.git("add", "--all")
	if by == nil {
		s.git("commit", "--quiet", "-m", "the message")
	} else {
		s.with(by, "commit", "--quiet", "-S", "-m", "the message")
	}
	s.git("push", "--quiet", "origin", branch)
	return s.branch(branch)
}

func (s *signing) branch(branch string) object {
	s.t.Helper()
	commit := s.git("rev-parse", branch)
	return object{"commit " + commit[:7], commit, func(keys ...string) *git.Remote {
		return s.remote(func(o *git.RemoteOptions) { o.Branch, o.SignedBy = branch, keys })
	}}
}

// tag pushes a tag of a commit that nobody signed.
func (s *signing) tag(by *signer) object {
	s.t.Helper()
	s.commit(nil)
	name := s.name()
	if by == nil {
		s.git("tag", "-a", "-m", "the message", name)
	} else {
		s.with(by, "tag", "-s", "-m", "the message", name)
	}
	s.git("push", "--quiet", "origin", name)
	return s.tagged(name)
}

func (s *signing) tagged(name string) object {
	return object{"tag " + name, s.git("rev-parse", name+"^{commit}"), func(keys ...string) *git.Remote {
		return s.remote(func(o *git.RemoteOptions) { o.Branch, o.Revision, o.SignedBy = "", name, keys })
	}}
}

// tamper changes what was signed.
func (s *signing) tamper(o object) object {
	s.t.Helper()
	kind, name, _ := strings.Cut(o.name, " ")
	if kind == "tag" {
		s.rewrite("tag", "refs/tags/"+name, "the message", "the massage")
		return s.tagged(name)
	}
	branch := s.git("branch", "--show-current")
	s.git("checkout", "--quiet", "--detach")
	s.rewrite("commit", "refs/heads/"+branch, "the message", "the massage")
	return s.branch(branch)
}

// told is what Fetch has against an object, a line with names in place of what is
// different each time; empty where it is taken.
func told(t *testing.T, o object, by signer, remote *git.Remote) string {
	t.Helper()
	rev, err := remote.Fetch(t.Context())
	if err == nil {
		if rev.ID != o.commit || rev.Signer != by.fingerprint || len(rev.Files) != 1 {
			t.Errorf("revision %s with %d files, signed by %s; want %s with one, by %s", rev.ID, len(rev.Files), rev.Signer, o.commit, by.fingerprint)
		}
		return ""
	}
	if rev.ID != "" || rev.Files != nil {
		t.Errorf("an error and a revision too: %v", rev)
	}
	var problems route.Problems
	if !errors.As(err, &problems) || len(problems) != 1 {
		t.Errorf("error %v, want one Problem", err)
	}
	text, _ := strings.CutPrefix(err.Error(), "signature: ")
	return strings.NewReplacer(o.name+":", "OBJECT:", cmp.Or(by.fingerprint, "none"), "KEY").Replace(text)
}

// The matrix: how it was signed, what was signed, by which kind of key.
func TestBadInputSignature(t *testing.T) {
	s := newSigning(t)
	s.write("a.yaml", "a")
	s.push()
	const then = "--faked-system-time=20200101T000000"
	pgp, otherPGP, expired, revoked := s.openPGP("0"), s.openPGP("0"), s.openPGP("1y", then), s.openPGP("0")
	sshKey, otherSSH := s.ssh("ed25519"), s.ssh("ed25519")
	const (
		noCommit = "OBJECT: is not signed (sign it with git commit --amend --no-edit -S, or push a signed one on top)"
		noTag    = "OBJECT: is not signed (sign it with git tag -s -f, and push it again)"
	)
	right, passed, all := func(o object) object { return o }, 0, 0
	for _, c := range []struct {
		name    string
		by      *signer
		keys    string
		then    func(object) object
		want    string
		wantTag string // where it is another one
	}{
		{"OpenPGP, unsigned", nil, pgp.public, right, noCommit, noTag},
		{"OpenPGP, wrong key", &otherPGP, pgp.public, right,
			"OBJECT: is signed by OpenPGP key KEY, which --signed-by does not name (add the key there, or sign with one that is there)", ""},
		{"OpenPGP, right key", &pgp, otherPGP.public + pgp.public, right, "", ""},
		{"OpenPGP, expired", &expired, expired.public, right,
			"OBJECT: is signed by OpenPGP key KEY, which has expired (extend the key and renew it where --signed-by reads it, or sign with another one)", ""},
		{"OpenPGP, revoked", &revoked, s.revokedLater(revoked), right,
			"OBJECT: is signed by OpenPGP key KEY, which is revoked (sign it with a key that --signed-by names, and push it again)", ""},
		{"OpenPGP, tampered", &pgp, pgp.public, s.tamper,
			"OBJECT: has a signature by OpenPGP key KEY that does not hold (find out who changed it after it was signed; if it was you, sign it again)", ""},
		{"SSH, unsigned", nil, sshKey.public, right, noCommit, noTag},
		{"SSH, wrong key", &otherSSH, sshKey.public, right,
			"OBJECT: is signed by SSH key KEY, which --signed-by does not name (add the key there, or sign with one that is there)", ""},
		{"SSH, right key", &sshKey, otherSSH.public + "somebody " + sshKey.public, right, "", ""},
		{"SSH, expired", &sshKey, `somebody valid-before="20200101Z" ` + sshKey.public, right,
			"OBJECT: is signed by SSH key KEY, which was valid until 2020-01-01T00:00:00Z (sign it with a key that --signed-by names, and push it again)", ""},
		// Nothing in an SSH key or a list of allowed signers revokes: the line goes.
		{"SSH, revoked", &sshKey, "# somebody " + sshKey.public + otherSSH.public, right,
			"OBJECT: is signed by SSH key KEY, which --signed-by does not name (add the key there, or sign with one that is there)", ""},
		{"SSH, tampered", &sshKey, sshKey.public, s.tamper,
			"OBJECT: has a signature by SSH key KEY that does not hold (find out who changed it after it was signed; if it was you, sign it again)", ""},
	} {
		for kind, make := range map[string]func(*signer) object{"commit": s.commit, "tag": s.tag} {
			all++
			o := c.then(make(c.by))
			want := c.want
			if kind == "tag" && c.wantTag != "" {
				want = c.wantTag
			}
			by := signer{}
			if c.by != nil {
				by = *c.by
			}
			if got := told(t, o, by, o.remote(s.keys(c.keys))); got != want {
				t.Errorf("%s, %s: told\n%s\nwant\n%s", c.name, kind, got, want)
				continue
			}
			passed++
			t.Logf("%-6s %s: %s", kind, c.name, cmp.Or(want, "taken"))
		}
	}
	t.Logf("signatures: %d of %d", passed, all)
}

// elsewhere does something to a signer's key in a copy of gpg's home, and answers what
// others are given then. In its own home gpg would sign no more.
func (s *signing) elsewhere(by signer, do func(home string)) string {
	s.t.Helper()
	home, err := os.MkdirTemp("", "gpg")
	if err != nil {
		s.t.Fatal(err)
	}
	defer os.RemoveAll(home)
	s.do("cp", "-R", s.home+"/private-keys-v1.d", s.home+"/pubring.kbx", s.home+"/trustdb.gpg", home)
	defer s.do("gpgconf", "--homedir", home, "--kill", "all")
	do(home)
	return s.gpg("--homedir", home, "--armor", "--export", by.fingerprint)
}

// revokedLater is what others are given when a key is revoked, with the certificate
// that gpg made beside it.
func (s *signing) revokedLater(by signer) string {
	s.t.Helper()
	data, err := os.ReadFile(filepath.Join(s.home, "openpgp-revocs.d", by.fingerprint+".rev"))
	if err != nil {
		s.t.Fatal(err)
	}
	file := s.keys(strings.Replace(string(data), ":-----BEGIN", "-----BEGIN", 1))
	return s.elsewhere(by, func(home string) { s.gpg("--homedir", home, "--import", file) })
}

// edit changes a key as gpg's menu does.
func (s *signing) edit(home, fingerprint string, commands ...string) {
	s.t.Helper()
	cmd := exec.Command("gpg", "--homedir", home, "--quiet", "--no-tty", "--pinentry-mode=loopback", "--passphrase=", "--command-fd=0", "--edit-key", fingerprint)
	cmd.Stdin = strings.NewReader(strings.Join(append(commands, "save", ""), "\n"))
	if out, err := cmd.CombinedOutput(); err != nil {
		s.t.Fatalf("gpg --edit-key: %v: %s", err, out)
	}
}
