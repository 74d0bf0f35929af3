package git

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// Signatures and what is signed come from a server that nobody trusts yet.
func FuzzSignature(f *testing.F) {
	const sshKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINNwMHM8lLcve+HMdKmjaanRnkdOE0Sm3ZUxkjv5LTgg"
	var keys keyring
	if err := keys.add("keys", sshKey); err != nil {
		f.Fatal(err)
	}
	for _, kind := range []string{"PGP SIGNATURE", "SSH SIGNATURE", "SIGNED MESSAGE"} {
		f.Add([]byte("tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\ngpgsig -----BEGIN " + kind + "-----\n \n AAAA\n -----END " + kind + "-----\n\nmessage\n"))
		f.Add([]byte("object 4b825dc642cb6eb9a060e54bf8d69288fbee4904\ntype commit\ntag v1\n\nmessage\n-----BEGIN " + kind + "-----\n\nAAAA\n-----END " + kind + "-----\n"))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if payload, signature := splitTag(data); !bytes.Equal(append(bytes.Clone(payload), signature...), data) {
			t.Error("a tag is not what it is made of")
		} else if signer, text, _ := keys.verify(&signed{payload: payload, signature: signature}, time.Now()); text == "" {
			t.Errorf("a tag is taken as signed by %s", signer)
		}
		s, err := splitCommit(data)
		if err != nil {
			return
		}
		if signer, text, _ := keys.verify(s, time.Now()); text == "" {
			t.Errorf("a commit is taken as signed by %s", signer)
		}
		if _, err := splitCommit(s.payload); err != nil || strings.HasPrefix(string(s.payload), "gpgsig") {
			t.Errorf("what was signed holds a signature: %q", s.payload)
		}
	})
}

// Lines of keys come from the operator; whatever they hold, it is a key or an error.
func FuzzSignatureKeys(f *testing.F) {
	f.Add("alice@example.org namespaces=\"git\",valid-before=\"20261231Z\" ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINNwMHM8lLcve+HMdKmjaanRnkdOE0Sm3ZUxkjv5LTgg")
	f.Add("-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAAAA\n-----END PGP PUBLIC KEY BLOCK-----\n")
	f.Fuzz(func(t *testing.T, text string) {
		var k keyring
		if err := k.add("keys", text); err != nil && (!strings.HasPrefix(err.Error(), "keys:") || strings.Contains(err.Error(), "\n")) {
			t.Errorf("error %q, want a place and one line", err)
		}
	})
}
