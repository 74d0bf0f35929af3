package git

import (
	"bytes"
	"crypto/rsa"
	"errors"
	"fmt"
	"path"
	"regexp"
	"strings"
	"time"

	"github.com/hiddeco/sshsig"
	"golang.org/x/crypto/ssh"
)

// namespace is what git signs in (PROTOCOL.sshsig), so that a signature of
// something else is none of a commit.
const namespace = "git"

// minRSABits is what NIST SP 800-131A asks of RSA keys.
const minRSABits = 2048

// sshKey is a line of a file of allowed signers.
type sshKey struct {
	key          ssh.PublicKey
	after, until time.Time // when it holds; zero is no bound
	elsewhere    bool      // it holds in other namespaces alone
}

// optionName is that of an option of allowed signers, as valid-before.
var optionName = regexp.MustCompile(`^[a-z-]+$`)

// addSSH takes a public key as in a .pub file, or a line of allowed signers: who,
// options, the key. Who it is for does not matter.
func (k *keyring) addSSH(line string) error {
	var s sshKey
	key, _, options, rest, err := ssh.ParseAuthorizedKey([]byte(line))
	if err != nil || len(options) > 0 {
		word, _, _ := strings.Cut(line, " ")
		if name, _, is := strings.Cut(word, "="); is && optionName.MatchString(name) || word == "cert-authority" {
			return errors.New("begins with an option; who may sign stands before it, as in: alice@example.org valid-before=20261231 ssh-ed25519 AAAA…")
		}
		// The first word is who.
		if key, _, options, rest, err = ssh.ParseAuthorizedKey([]byte(afterWord(line))); err != nil {
			return errors.New("is neither an OpenPGP key in armor nor a line of an SSH key")
		}
	}
	if len(rest) > 0 {
		return errors.New("holds more than one line")
	}
	if _, ok := key.(*ssh.Certificate); ok {
		return errors.New("is a certificate, which is not supported; name the key itself")
	}
	if k, ok := key.(ssh.CryptoPublicKey); ok {
		if k, ok := k.CryptoPublicKey().(*rsa.PublicKey); ok && k.N.BitLen() < minRSABits {
			return fmt.Errorf("is an RSA key of %d bits; %d is the least", k.N.BitLen(), minRSABits)
		}
	}
	if key.Type() == "ssh-dss" {
		return errors.New("is a DSA key, which is too weak")
	}
	s.key = key
	for _, option := range options {
		name, value, _ := strings.Cut(option, "=")
		value = strings.Trim(value, `"`)
		switch strings.ToLower(name) {
		case "namespaces":
			s.elsewhere = !matches(value, namespace)
		case "valid-after":
			s.after, err = sshTime(value)
		case "valid-before":
			s.until, err = sshTime(value)
		case "cert-authority":
			err = errors.New("is an authority for certificates, which is not supported; name each key itself")
		default:
			err = fmt.Errorf("has the option %q, which is not known", name)
		}
		if err != nil {
			return err
		}
	}
	k.ssh = append(k.ssh, s)
	return nil
}

// afterWord is a line without its first word, which may be in quotes.
func afterWord(line string) string {
	if rest, ok := strings.CutPrefix(line, `"`); ok {
		_, rest, _ = strings.Cut(rest, `"`)
		return strings.TrimSpace(rest)
	}
	if i := strings.IndexAny(line, " \t"); i >= 0 {
		return strings.TrimSpace(line[i:])
	}
	return ""
}

// sshTime reads a time as ssh-keygen(1) writes it: YYYYMMDD or YYYYMMDDHHMM[SS], of
// this machine's time zone, or of UTC with a Z behind it.
func sshTime(text string) (time.Time, error) {
	digits, utc := strings.CutSuffix(strings.ToUpper(text), "Z")
	zone := time.Local
	if utc {
		zone = time.UTC
	}
	for _, layout := range []string{"20060102", "200601021504", "20060102150405"} {
		if t, err := time.ParseInLocation(layout, digits, zone); err == nil && len(digits) == len(layout) {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("has the time %q, which is not one as 20261231 or 202612312359Z", text)
}

// matches reads a list of patterns as OpenSSH does: one must match, and none that
// begins with an exclamation mark may.
func matches(patterns, name string) bool {
	found := false
	for pattern := range strings.SplitSeq(patterns, ",") {
		pattern, not := strings.CutPrefix(strings.TrimSpace(pattern), "!")
		ok, err := path.Match(strings.NewReplacer(`\`, `\\`, `[`, `\[`).Replace(pattern), name)
		if ok && not || err != nil {
			return false
		}
		found = found || ok
	}
	return found
}

// verifySSH answers the fingerprint of the key that made a signature.
func (k keyring) verifySSH(payload, armored []byte, now time.Time) (signer, text, hint string) {
	sig, err := sshsig.Unarmor(armored)
	if err != nil {
		return "", "has a signature that cannot be read", signAgain
	}
	fingerprint := ssh.FingerprintSHA256(sig.PublicKey)
	text, hint = "is signed by SSH key "+fingerprint+", which --signed-by does not name", "add the key there, or sign with one that is there"
	for _, s := range k.ssh {
		if !bytes.Equal(s.key.Marshal(), sig.PublicKey.Marshal()) {
			continue
		}
		// The same key may stand in more than one line; one that fits is enough.
		if text, hint = s.holds(fingerprint, now); text == "" {
			break
		}
	}
	if text != "" {
		return "", text, hint
	}
	if sig.Namespace != namespace {
		return "", fmt.Sprintf("is signed by SSH key %s for %q and not for git", fingerprint, sig.Namespace), signAgain
	}
	if err := sshsig.Verify(bytes.NewReader(payload), sig, sig.PublicKey, sig.HashAlgorithm, namespace); err != nil {
		return "", "has a signature by SSH key " + fingerprint + " that does not hold", "find out who changed it after it was signed; if it was you, sign it again"
	}
	return fingerprint, "", ""
}

// holds says why a key does not count now, although it is there.
func (s sshKey) holds(fingerprint string, now time.Time) (text, hint string) {
	switch {
	case s.elsewhere:
		return "is signed by SSH key " + fingerprint + ", which may not sign for git", "add git to its namespaces, or sign with another key"
	case !s.after.IsZero() && now.Before(s.after):
		return "is signed by SSH key " + fingerprint + ", which is not valid before " + s.after.UTC().Format(time.RFC3339), "wait for that, or sign with another key"
	case !s.until.IsZero() && !now.Before(s.until):
		return "is signed by SSH key " + fingerprint + ", which was valid until " + s.until.UTC().Format(time.RFC3339), signAgain
	}
	return "", ""
}
