package git

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
)

// maxKeyBytes bounds a file of keys. One key is some KiB, with many signatures of
// others on it a hundred.
const maxKeyBytes = 8 << 20

// keyring is who may sign.
type keyring struct {
	openPGP openpgp.EntityList
	ssh     []sshKey
}

// readKeys reads files of public keys: OpenPGP's in armor, and lines of SSH's, as in
// a .pub file or in a file of allowed signers (ssh-keygen(1)). A file may hold both. Whatever
// cannot be read or understood is an error, for a line that was left out might be
// the one that says until when a key holds.
func readKeys(files []string) (keyring, error) {
	var k keyring
	for _, file := range files {
		data, err := readKeyFile(file)
		if err != nil {
			return keyring{}, fmt.Errorf("read the keys that may sign: %w", err)
		}
		if err := k.add(file, string(data)); err != nil {
			return keyring{}, err
		}
	}
	if len(k.openPGP) == 0 && len(k.ssh) == 0 {
		return keyring{}, fmt.Errorf("there is no key in %s, so nobody may sign", strings.Join(files, ", "))
	}
	return k, nil
}

var errPrivate = errors.New("is a private key; only public ones belong here")

func readKeyFile(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(&limitReader{f, maxKeyBytes})
	if errors.Is(err, errTooLarge) {
		return nil, fmt.Errorf("%s is larger than %s", file, bytesText(maxKeyBytes))
	}
	return data, err
}

func (k *keyring) add(file, text string) error {
	var armored strings.Builder
	begin, number := 0, 0 // the line where an armored block begins, 0 outside; this line
	for line := range strings.Lines(text) {
		number++
		line := strings.TrimSpace(line)
		var err error
		switch {
		case begin > 0:
			armored.WriteString(line + "\n")
			if strings.HasPrefix(line, "-----END ") {
				err = k.addOpenPGP(armored.String())
				armored.Reset()
				begin = 0
			}
		case strings.HasPrefix(line, "-----BEGIN ") && strings.Contains(line, "PRIVATE KEY"):
			err = errPrivate
		case line == "-----BEGIN PGP PUBLIC KEY BLOCK-----":
			begin = number
			armored.WriteString(line + "\n")
		case line != "" && !strings.HasPrefix(line, "#"):
			err = k.addSSH(line)
		}
		if err != nil {
			return fmt.Errorf("%s:%d: %w", file, number, err)
		}
	}
	if begin > 0 {
		return fmt.Errorf("%s:%d: this block of an OpenPGP key has no end", file, begin)
	}
	return nil
}
