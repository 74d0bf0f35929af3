package git

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/storer"

	"github.com/wharfinger/wharfinger/route"
)

// signed is the object whose signature counts, a commit or a tag, as its signer
// saw it.
type signed struct {
	name      string        // as people call it
	payload   []byte        // without the signature
	signature []byte        // armored; empty where nobody signed
	problem   route.Problem // why no signature could make it good; empty otherwise
}

// tag answers where the tag that is followed leads, if it is one.
func (r *Remote) tag(refs *packp.AdvRefs) (plumbing.Hash, bool) {
	hash, ok := refs.References[plumbing.NewTagReferenceName(r.options.Revision).String()]
	return hash, ok && r.options.Revision != ""
}

// counts answers the object whose signature counts, which is the one to ask for:
// the commit, or the tag that is followed.
func (r *Remote) counts(refs *packp.AdvRefs, commit plumbing.Hash) plumbing.Hash {
	if tag, ok := r.tag(refs); ok && len(r.options.SignedBy) > 0 {
		return tag
	}
	return commit
}

// signature takes the object whose signature counts out of what was downloaded. It
// is read from the object's own bytes, and not from what go-git understood of them,
// so what was signed and what is read cannot be two things. It answers nil where
// signatures do not matter.
func (r *Remote) signature(objects storer.EncodedObjectStorer, refs *packp.AdvRefs, commit *object.Commit) (*signed, error) {
	if len(r.options.SignedBy) == 0 {
		return nil, nil
	}
	hash := r.counts(refs, commit.Hash)
	raw, err := objects.EncodedObject(plumbing.AnyObject, hash)
	if err != nil {
		return nil, fmt.Errorf("object %s: %s", hash, oneLine(err))
	}
	reader, err := raw.Reader()
	if err != nil {
		return nil, fmt.Errorf("object %s: %s", hash, oneLine(err))
	}
	defer reader.Close()
	data, err := io.ReadAll(reader)
	if err != nil {
		return nil, fmt.Errorf("object %s: %s", hash, oneLine(err))
	}
	if _, ok := r.tag(refs); ok {
		s := &signed{name: "tag " + r.options.Revision}
		if raw.Type() == plumbing.TagObject {
			s.payload, s.signature = splitTag(data)
		}
		s.problem.Text, s.problem.Hint = checkTag(s.payload, commit.Hash, r.options.Revision)
		return s, nil
	}
	s, err := splitCommit(data)
	if err != nil {
		return nil, lastingf("commit %s: %s", hash, err)
	}
	if !bytes.HasPrefix(s.payload, []byte("tree "+commit.TreeHash.String()+"\n")) {
		return nil, lastingf("commit %s: does not begin with its tree", hash)
	}
	s.name = "commit " + hash.String()[:7]
	return s, nil
}

// splitCommit takes a commit apart as git does: the header gpgsig is the signature,
// its lines go on with a blank, and what is left is what was signed.
func splitCommit(data []byte) (*signed, error) {
	s := &signed{}
	within, found := false, false
	for rest := data; len(rest) > 0; {
		line := rest
		if i := bytes.IndexByte(rest, '\n'); i >= 0 {
			line = rest[:i+1]
		}
		if line[0] == '\n' { // the message
			s.payload = append(s.payload, rest...)
			break
		}
		rest = rest[len(line):]
		switch first, isFirst := bytes.CutPrefix(line, []byte("gpgsig ")); {
		case isFirst && found:
			return nil, errors.New("has more than one signature")
		case isFirst:
			s.signature, within, found = append(s.signature, first...), true, true
		case bytes.HasPrefix(line, []byte("gpgsig")): // of another kind of hash
			return nil, errors.New("has a signature of a kind that is not known")
		case within && line[0] == ' ':
			s.signature = append(s.signature, line[1:]...)
		default:
			s.payload, within = append(s.payload, line...), false
		}
	}
	return s, nil
}

// splitTag takes a tag apart as git does: the signature is the end of its message,
// from the last line that begins one.
func splitTag(data []byte) (payload, signature []byte) {
	at := len(data)
	for i := 0; i < len(data); {
		if kindOf(data[i:]) != unsigned {
			at = i
		}
		next := bytes.IndexByte(data[i:], '\n')
		if next < 0 {
			break
		}
		i += next + 1
	}
	return data[:at], data[at:]
}

// checkTag holds a tag against what is asked for: it is the tag of that name, so
// that an old one cannot be served under the name of another, and it leads straight
// to the commit.
func checkTag(payload []byte, commit plumbing.Hash, name string) (text, hint string) {
	lines := strings.SplitN(string(payload), "\n", 4)
	switch {
	case len(payload) == 0:
		return "is a name alone and no object of its own, so nobody signed it", "make it anew: git tag -s -f " + name
	case len(lines) < 4 || lines[1] != "type commit" || lines[0] != "object "+commit.String():
		return "does not lead straight to the commit that the remote names", "make it anew on the commit itself: git tag -s -f " + name + " COMMIT"
	case lines[2] != "tag "+name:
		return fmt.Sprintf("is the signed tag %q under another name", strings.TrimPrefix(lines[2], "tag ")), "make it anew under its own name: git tag -s -f " + name
	}
	return "", ""
}

// accept holds an object against the keys of SignedBy as they are now, and answers
// whose signature it carries. The error holds route.Problems if people have to sign
// otherwise; any other says that nobody can be accepted, since the keys cannot be
// read, and lasts until they can.
func (r *Remote) accept(s *signed) (signer string, err error) {
	if s == nil {
		return "", nil
	}
	keys, err := readKeys(r.options.SignedBy)
	if err != nil {
		return "", lastingf("%s", err)
	}
	signer, text, hint := keys.verify(s, time.Now())
	if text != "" {
		return "", route.Problems{{Object: s.name, Text: text, Hint: hint}}
	}
	return signer, nil
}

// verify answers the key that signed an object, or why its signature does not count.
func (k keyring) verify(s *signed, now time.Time) (signer, text, hint string) {
	if s.problem.Text != "" {
		return "", s.problem.Text, s.problem.Hint
	}
	switch kindOf(s.signature) {
	case openPGP:
		return k.verifyOpenPGP(s.payload, s.signature, now)
	case openSSH:
		return k.verifySSH(s.payload, s.signature, now)
	case cms:
		return "", "is signed with X.509, which is not supported", signAgain
	}
	if len(s.signature) > 0 {
		return "", "has a signature of a kind that is not known", signAgain
	}
	if strings.HasPrefix(s.name, "tag ") {
		return "", "is not signed", "sign it with git tag -s -f, and push it again"
	}
	return "", "is not signed", "sign it with git commit --amend --no-edit -S, or push a signed one on top"
}

const signAgain = "sign it with a key that --signed-by names, and push it again"

// kind is what made a signature.
type kind int

const (
	unsigned kind = iota
	openPGP
	openSSH
	cms
)

// kindOf tells signatures apart by their first line, as git does.
func kindOf(signature []byte) kind {
	for first, kind := range map[string]kind{
		"-----BEGIN PGP SIGNATURE-----":  openPGP,
		"-----BEGIN PGP MESSAGE-----":    openPGP, // as old versions of gpg wrote it
		"-----BEGIN SSH SIGNATURE-----":  openSSH,
		"-----BEGIN SIGNED MESSAGE-----": cms,
	} {
		if bytes.HasPrefix(signature, []byte(first)) {
			return kind
		}
	}
	return unsigned
}
