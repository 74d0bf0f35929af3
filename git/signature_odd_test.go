package git_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/armor"
)

// What is neither right nor one of the common mistakes.
func TestBadInputSignatureOdd(t *testing.T) {
	s := newSigning(t)
	s.write("a.yaml", "a")
	s.push()
	const then, soon = "--faked-system-time=20200101T000000", "--faked-system-time=20990101T000000"
	pgp, sshKey, rsa := s.openPGP("0"), s.ssh("ed25519"), s.ssh("rsa")

	// A key with two subkeys that sign, of which one has expired.
	old := s.openPGP("0", then)
	s.gpg(then, "--quick-add-key", old.fingerprint, "ed25519", "sign", "1y")
	s.gpg("--quick-add-key", old.fingerprint, "ed25519", "sign", "0")
	all := s.fingerprints(old.fingerprint)
	oldSub, sub := s.holding(all[1], then), s.holding(all[2])
	expires := s.holding(old.fingerprint, then, "--default-sig-expire=1y")
	sha1, future := s.holding(pgp.fingerprint, "--digest-algo=SHA1"), s.holding(pgp.fingerprint, soon)
	unbound := s.openPGP("0", "--cert-digest-algo=SHA1")
	weakRSA := s.holding(func() string {
		s.gpg("--quick-gen-key", "weak@example.org", "rsa1024", "cert,sign", "0")
		return s.fingerprints("weak@example.org")[0]
	}())

	retired := s.openPGP("0")
	// By its owner, who has another one now: what it signed before may be his.
	retiredKeys := s.elsewhere(retired, func(home string) { s.edit(home, retired.fingerprint, "revkey", "y", "2", "", "y") })
	subKeys := s.elsewhere(sub, func(home string) { s.edit(home, old.fingerprint, "key 2", "revkey", "y", "0", "", "y") })

	for _, c := range []struct {
		name string
		make func() object
		by   signer
		keys string
		want string
	}{
		{"a subkey of a key that is named", func() object { return s.commit(&sub) }, sub, sub.public, ""},
		{"a subkey that has expired", func() object { return s.commit(&oldSub) }, oldSub, oldSub.public,
			"OBJECT: is signed by OpenPGP key KEY, which has expired (extend the key and renew it where --signed-by reads it, or sign with another one)"},
		{"a subkey that is revoked", func() object { return s.commit(&sub) }, sub, subKeys,
			"OBJECT: is signed by OpenPGP key KEY, which is revoked (sign it with a key that --signed-by names, and push it again)"},
		{"a key that was retired later", func() object { return s.commit(&retired) }, retired, retiredKeys,
			"OBJECT: is signed by OpenPGP key KEY, which is revoked (sign it with a key that --signed-by names, and push it again)"},
		{"a subkey that has expired, which names another one", func() object { return s.naming(oldSub, sub) }, sub, sub.public,
			"OBJECT: has a signature that cannot be read, or more than one (sign it with a key that --signed-by names, and push it again)"},
		{"a key that is old and good", func() object { return s.commit(&old) }, old, old.public, ""},
		{"a signature that has expired", func() object { return s.commit(&expires) }, expires, expires.public,
			"OBJECT: has a signature that has expired (sign it with a key that --signed-by names, and push it again)"},
		{"a signature of the future", func() object { return s.commit(&future) }, future, future.public,
			"OBJECT: has a signature of the future: 2099-01-01T00:00:00Z (set the clock that was wrong; once that time has come it is accepted)"},
		{"SHA-1", func() object { return s.tag(&sha1) }, sha1, sha1.public,
			"OBJECT: is signed with the hash SHA-1; only SHA-256, SHA-384 and SHA-512 are accepted (sign it with a key that --signed-by names, and push it again)"},
		{"a key that SHA-1 binds", func() object { return s.commit(&unbound) }, unbound, unbound.public,
			"OBJECT: is signed by OpenPGP key KEY, which has no signature of its own that counts (renew those on the key, where SHA-1 counts no longer, or sign with another key)"},
		{"an RSA key of 1024 bits", func() object { return s.commit(&weakRSA) }, weakRSA, weakRSA.public,
			"OBJECT: is signed by OpenPGP key KEY, whose kind or length is too weak (sign it with a key that --signed-by names, and push it again)"},
		{"an RSA key of SSH", func() object { return s.tag(&rsa) }, rsa, "*@example.org,!x namespaces=\"git,file\" " + rsa.public, ""},
		{"an SSH key for something else", func() object { return s.commit(&sshKey) }, sshKey, `"some body" namespaces="file*,!git" ` + sshKey.public,
			"OBJECT: is signed by SSH key KEY, which may not sign for git (add git to its namespaces, or sign with another key)"},
		{"an SSH key of the future", func() object { return s.commit(&sshKey) }, sshKey, `x valid-after="209901012359Z" ` + sshKey.public,
			"OBJECT: is signed by SSH key KEY, which is not valid before 2099-01-01T23:59:00Z (wait for that, or sign with another key)"},
		{"an SSH key that holds in one of two lines", func() object { return s.commit(&sshKey) }, sshKey,
			`x valid-before="20200101" ` + sshKey.public + `x valid-after="20200101000000",valid-before="20990101" ` + sshKey.public, ""},
		{"an SSH signature of a file", func() object { return s.commitWith(s.signFile(sshKey)) }, sshKey, sshKey.public,
			`OBJECT: is signed by SSH key KEY for "file" and not for git (sign it with a key that --signed-by names, and push it again)`},
		{"an SSH signature that is none", func() object {
			return s.commitWith("-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END SSH SIGNATURE-----")
		}, sshKey, sshKey.public,
			"OBJECT: has a signature that cannot be read (sign it with a key that --signed-by names, and push it again)"},
		{"an OpenPGP signature that is none", func() object {
			return s.commitWith("-----BEGIN PGP SIGNATURE-----\n\nAAAA\n-----END PGP SIGNATURE-----")
		}, pgp, pgp.public,
			"OBJECT: has a signature that cannot be read, or more than one (sign it with a key that --signed-by names, and push it again)"},
		{"two OpenPGP signatures", func() object { return s.commit(s.both(pgp, old)) }, pgp, pgp.public,
			"OBJECT: has a signature that cannot be read, or more than one (sign it with a key that --signed-by names, and push it again)"},
		{"X.509", func() object {
			return s.commitWith("-----BEGIN SIGNED MESSAGE-----\nAAAA\n-----END SIGNED MESSAGE-----")
		}, pgp, pgp.public, "OBJECT: is signed with X.509, which is not supported (sign it with a key that --signed-by names, and push it again)"},
		{"nobody knows what", func() object { return s.commitWith("me") }, pgp, pgp.public,
			"OBJECT: has a signature of a kind that is not known (sign it with a key that --signed-by names, and push it again)"},
		{"a tag that is a name alone", func() object {
			s.commit(&pgp)
			s.git("tag", "light")
			s.git("push", "--quiet", "origin", "light")
			return s.tagged("light")
		}, pgp, pgp.public, "OBJECT: is a name alone and no object of its own, so nobody signed it (make it anew: git tag -s -f light)"},
		{"a tag under another name", func() object {
			before, _ := strings.CutPrefix(s.tag(&pgp).name, "tag ")
			s.git("push", "--quiet", "origin", before+":refs/tags/production")
			s.git("update-ref", "refs/tags/production", before)
			s.git("tag", "-d", before)
			s.git("tag", "old", "production")
			s.git("push", "--quiet", "origin", "old")
			return s.tagged("old")
		}, pgp, pgp.public, `OBJECT: is the signed tag "NAME" under another name (make it anew under its own name: git tag -s -f old)`},
		{"a tag of a tag", func() object {
			before, _ := strings.CutPrefix(s.tag(&pgp).name, "tag ")
			s.with(&pgp, "tag", "-s", "-m", "m", "outer", before)
			s.git("push", "--quiet", "origin", "outer")
			return s.tagged("outer")
		}, pgp, pgp.public, "OBJECT: does not lead straight to the commit that the remote names (make it anew on the commit itself: git tag -s -f outer COMMIT)"},
	} {
		o := c.make()
		got := told(t, o, c.by, o.remote(s.keys(c.keys)))
		if i := strings.Index(got, `signed tag "`); i >= 0 {
			name := got[i+len(`signed tag "`):]
			got = strings.Replace(got, name[:strings.Index(name, `"`)], "NAME", 1)
		}
		if got != c.want {
			t.Errorf("%s: told\n%s\nwant\n%s", c.name, got, c.want)
		}
	}
}

// signFile is an SSH signature of a commit, as a file.
func (s *signing) signFile(by signer) string {
	s.t.Helper()
	file := s.keys(s.git("cat-file", "commit", "HEAD") + "\n")
	_, key, _ := strings.Cut(by.settings[1], "=")
	s.do("ssh-keygen", "-q", "-Y", "sign", "-n", "file", "-f", key, file)
	data, err := os.ReadFile(file + ".sig")
	if err != nil {
		s.t.Fatal(err)
	}
	return strings.TrimSpace(string(data))
}

// naming pushes a commit that one key signed and whose signature names another one,
// in the part of it that is not signed.
func (s *signing) naming(by, other signer) object {
	s.t.Helper()
	o := s.commit(&by)
	branch := s.git("branch", "--show-current")
	s.git("checkout", "--quiet", "--detach")
	_, rest, _ := strings.Cut(s.git("cat-file", "commit", o.commit), "\ngpgsig ")
	before, _, _ := strings.Cut(rest, "\n\n")
	block, err := armor.Decode(strings.NewReader(strings.ReplaceAll(before, "\n ", "\n")))
	if err != nil {
		s.t.Fatal(err)
	}
	packet, err := io.ReadAll(block.Body)
	if err != nil || packet[0] != 0x88 { // of old format, with a length of one byte
		s.t.Fatalf("signature %x, error %v", packet, err)
	}
	name, err := hex.DecodeString(other.fingerprint)
	if err != nil {
		s.t.Fatal(err)
	}
	// RFC 9580, 5.2.3: the hashed subpackets begin at 6, the others behind them.
	body := packet[2:]
	at := 6 + int(binary.BigEndian.Uint16(body[4:]))
	others := binary.BigEndian.Uint16(body[at:])
	added := append([]byte{22, 33, 4}, name...)
	changed := binary.BigEndian.AppendUint16(bytes.Clone(body[:at]), others+uint16(len(added)))
	changed = append(append(changed, added...), body[at+2:]...)
	var after strings.Builder
	w, err := armor.Encode(&after, "PGP SIGNATURE", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	w.Write(append(binary.BigEndian.AppendUint16([]byte{0x89}, uint16(len(changed))), changed...))
	w.Close()
	s.rewrite("commit", "refs/heads/"+branch, before, strings.ReplaceAll(strings.TrimSpace(after.String()), "\n", "\n "))
	return s.branch(branch)
}

// commitWith pushes a commit with a signature put in.
func (s *signing) commitWith(signature string) object {
	s.t.Helper()
	s.commit(nil)
	branch := s.git("branch", "--show-current")
	s.git("checkout", "--quiet", "--detach")
	s.rewrite("commit", "refs/heads/"+branch, "\n\n", "\ngpgsig "+strings.ReplaceAll(signature, "\n", "\n ")+"\n\n")
	return s.branch(branch)
}

// both signs with two keys at once.
func (s *signing) both(one, other signer) *signer {
	s.t.Helper()
	two := s.holding(one.fingerprint, "--local-user="+other.fingerprint)
	return &two
}

// What was signed is the object's own bytes, as git reads them.
func TestSignatureSmuggled(t *testing.T) {
	s := newSigning(t)
	s.write("a.yaml", "a")
	s.push()
	key := s.ssh("ed25519")
	keys := s.keys(key.public)
	good := s.commit(&key)
	tree := s.git("rev-parse", good.commit+"^{tree}")
	s.write("a.yaml", "evil")
	s.git("add", "--all")
	evil := s.git("write-tree")
	s.git("checkout", "--quiet", "--detach", "--force")

	for name, change := range map[string][2]string{
		"another tree":                {"tree " + tree, "tree " + evil},
		"a second tree":               {"\nauthor", "\ntree " + evil + "\nauthor"},
		"a first tree":                {"tree " + tree, "tree " + evil + "\ntree " + tree},
		"a tree behind the signature": {"-----END SSH SIGNATURE-----", "-----END SSH SIGNATURE-----\ntree " + evil},
		"a tree in the signature":     {"-----END SSH SIGNATURE-----", "-----END SSH SIGNATURE-----\n tree " + evil},
		"a tree in another signature": {"\nauthor", "\ngpgsig-sha256 x\n tree " + evil + "\nauthor"},
		"a second signature":          {"\n\n", "\ngpgsig x\n\n"},
	} {
		branch := s.name()
		s.git("update-ref", "refs/heads/"+branch, good.commit)
		s.rewrite("commit", "refs/heads/"+branch, change[0], change[1])
		rev, err := s.branch(branch).remote(keys).Fetch(t.Context())
		if err == nil && string(rev.Files[0].Data) == "evil" {
			t.Errorf("%s: is read", name)
		} else if name != "a tree in the signature" && err == nil { // which is nowhere at all, for git as for us
			t.Errorf("%s: is accepted", name)
		} else {
			t.Logf("%s: %v", name, err)
		}
	}
}

// The keys are looked at each time: what was taken is refused when its key goes, and
// what was refused is taken when its key comes, without another commit.
func TestSignatureKeysChange(t *testing.T) {
	s := newSigning(t)
	s.write("a.yaml", "a")
	s.push()
	one, other := s.ssh("ed25519"), s.openPGP("0")
	file := s.keys(one.public)
	o := s.commit(&one)
	remote := o.remote(file)
	want := func(by signer, want string) {
		t.Helper()
		if got := told(t, o, by, remote); !strings.HasPrefix(got, want) || got != "" && want == "" {
			t.Errorf("told %q, want %q", got, want)
		}
	}
	want(one, "")
	s.requests.Store(0)
	want(one, "")
	if got := s.requests.Load(); got != 1 {
		t.Errorf("a fetch of the same: %d requests, want 1", got)
	}
	writeFile(t, file, other.public)
	want(one, "OBJECT: is signed by SSH key KEY, which --signed-by does not name")
	s.requests.Store(0)
	want(one, "OBJECT: is signed by SSH key KEY, which --signed-by does not name")
	if got := s.requests.Load(); got != 1 {
		t.Errorf("a fetch of what is refused: %d requests, want 1", got)
	}
	writeFile(t, file, other.public+one.public)
	want(one, "")

	s.with(&other, "commit", "--quiet", "--allow-empty", "-S", "-m", "next")
	s.git("push", "--quiet", "origin", "HEAD")
	o.commit = s.git("rev-parse", "HEAD")
	o.name = "commit " + o.commit[:7]
	writeFile(t, file, one.public)
	want(other, "OBJECT: is signed by OpenPGP key KEY, which --signed-by does not name")
	writeFile(t, file, other.public)
	want(other, "")
	writeFile(t, file, s.revokedLater(other))
	want(other, "OBJECT: is signed by OpenPGP key KEY, which is revoked")

	// Nothing is accepted with keys that cannot be read.
	for _, bad := range []func() error{
		func() error { return os.WriteFile(file, nil, 0o600) },
		func() error { return os.Remove(file) },
	} {
		if err := bad(); err != nil {
			t.Fatal(err)
		}
		rev, err := remote.Fetch(t.Context())
		var lasting interface{ Permanent() bool }
		if rev.ID != "" || !errors.As(err, &lasting) || !lasting.Permanent() {
			t.Errorf("without keys: revision %q, error %v; want one that lasts until somebody acts", rev.ID, err)
		}
	}
	writeFile(t, file, other.public)
	want(other, "")

	// A tag is made anew on the same commit, this time signed.
	tag := s.tag(nil)
	_, tagName, _ := strings.Cut(tag.name, " ")
	tagged := tag.remote(file)
	if got := told(t, tag, other, tagged); !strings.HasPrefix(got, "OBJECT: is not signed") {
		t.Errorf("a tag that is not signed: told %q", got)
	}
	s.with(&other, "tag", "-s", "-f", "-m", "again", tagName)
	s.git("push", "--quiet", "--force", "origin", tagName)
	if got := told(t, tag, other, tagged); got != "" {
		t.Errorf("the same tag, signed: told %q", got)
	}

	// It ends while nothing else changes.
	o = s.commit(&one)
	remote = o.remote(file)
	until := time.Now().Add(2 * time.Second).Truncate(time.Second)
	writeFile(t, file, "x valid-before=\""+until.UTC().Format("20060102150405")+"Z\" "+one.public)
	if got := told(t, o, one, remote); got != "" && time.Now().Before(until) {
		t.Errorf("before the key's end: told %q", got)
	}
	time.Sleep(time.Until(until))
	want(one, "OBJECT: is signed by SSH key KEY, which was valid until")
}

// dsa is a key as ssh-keygen no longer makes them.
const dsa = "ssh-dss AAAAB3NzaC1kc3MAAACBAPkVF0/C/6rypvVqXXKIej4EYnZVQLbrqW7AZUnNXO3keKkcK1G48h86Lpeui+ArC56tAEPHUp7mZImgvQNrSCPPaMPLfFnmdiJa4xylZYdHDxqCO2/yDbGM8MEJOQz+k0vn8lBBTiS2OE5PBxh8Day1s2gflORlDNgAiXsgHKotAAAAFQDKgwAYRQdz9WijgxIHzYhuHy/hmQAAAIEAjlqS0E1zLZ/mZZnBnHIf0tbO+IxvjCINk2fBW+GuStynT8JXVftqsvIQ8yPlcM9QMSqNeWthqGqFNXP2Yv/RbKkA/6GLTWfR6h2Y2mucI0Kraax30GtSjGH0oCVDkCvtJLv//5+c+E90Q5Mt8bGbdRF5JPJ7pYBWk7mxkFdGQ58AAACABAOPwrpIqKvO9cvbxZzJflWq+Ws4dbqdPwkmypVsePV9yQJeI6GbASzA06bscg+vVqkb0stlKWyoL/7Y7nFKkNT55pjAT2s4JNN18tizIwsyP0J7SnRgPIwDInft6G0REX/uhtKoyA46jUPFGUq1iyXZsyPM4tyUf8wzXVlqtEw="

func TestSignatureKeyFiles(t *testing.T) {
	s := newSigning(t)
	s.write("a.yaml", "a")
	s.push()
	key, pgp := s.ssh("ed25519"), s.openPGP("0")
	o := s.commit(&key)
	private, err := os.ReadFile(strings.TrimPrefix(key.settings[1], "user.signingkey="))
	if err != nil {
		t.Fatal(err)
	}
	weak := filepath.Join(s.dir, "weak")
	s.do("ssh-keygen", "-q", "-t", "rsa", "-b", "1024", "-N", "", "-f", weak)
	weakPublic, err := os.ReadFile(weak + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	public := strings.TrimSpace(key.public)
	for _, c := range []struct{ text, want string }{
		{"", "there is no key in FILE, so nobody may sign"},
		{"# nobody\n\n", "there is no key in FILE, so nobody may sign"},
		{public + "\nnonsense\n", "FILE:2: is neither an OpenPGP key in armor nor a line of an SSH key"},
		{public + "\n" + string(private), "FILE:2: is a private key; only public ones belong here"},
		{s.gpg("--armor", "--export-secret-keys", pgp.fingerprint), "FILE:1: is a private key; only public ones belong here"},
		{s.gpg("--export", pgp.fingerprint), "FILE:1: is neither an OpenPGP key in armor nor a line of an SSH key"},
		{strings.Replace(pgp.public, "-----END", "----END", 1), "FILE:1: this block of an OpenPGP key has no end"},
		{"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAAAA\n-----END PGP PUBLIC KEY BLOCK-----\n", "FILE:4: the OpenPGP key that ends here cannot be read: "},
		{"* cert-authority " + public, "FILE:1: is an authority for certificates, which is not supported; name each key itself"},
		{"cert-authority " + public, "FILE:1: begins with an option; who may sign stands before it"},
		{`valid-before="20200101" ` + public, "FILE:1: begins with an option; who may sign stands before it"},
		{`x valid-before="2020" ` + public, `FILE:1: has the time "2020", which is not one as 20261231 or 202612312359Z`},
		{"x no-touch-required " + public, `FILE:1: has the option "no-touch-required", which is not known`},
		{dsa, "FILE:1: is a DSA key, which is too weak"},
		{string(weakPublic), "FILE:1: is an RSA key of 1024 bits; 2048 is the least"},
		{strings.Repeat("#", 8<<20) + "#\n", "read the keys that may sign: FILE is larger than 8 MiB"},
	} {
		file := s.keys(c.text)
		rev, err := o.remote(s.keys(key.public), file).Fetch(t.Context())
		if c.text == "" || strings.HasPrefix(c.text, "# nobody") {
			rev, err = o.remote(file).Fetch(t.Context())
		}
		if want := "signature: " + strings.Replace(c.want, "FILE", file, 1); err == nil || !strings.HasPrefix(err.Error(), want) || rev.ID != "" {
			t.Errorf("%.60q: error %v, want %s", c.text, err, want)
		}
	}
	// All kinds in one file, and more than one file.
	all := s.keys("# who may\n" + pgp.public + "\nsomebody " + public + "\n")
	if got := told(t, o, key, o.remote(all)); got != "" {
		t.Error(got)
	}
	if got := told(t, o, key, o.remote(s.keys(pgp.public), s.keys(key.public))); got != "" {
		t.Error(got)
	}
}
