package git

import (
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"
)

// Credentials says by which files a Remote and this side know each other. The
// files are read again for each Fetch, so that what is renewed in place counts
// from then on; nothing of them is kept or printed.
type Credentials struct {
	// TokenFile holds a token, or a password, for https: one line. It goes to the
	// remote as the password of HTTP's basic authentication, which GitHub, GitLab,
	// Gitea, Forgejo, Bitbucket and Azure DevOps all take.
	TokenFile string
	// User is the name beside the token. Most servers take any; GitLab's deploy
	// tokens and Bitbucket's want their own. Default git.
	User string
	// CAFile holds certificates in PEM. A remote by https must show one that they
	// vouch for, and the system's own no longer count. Empty means the system's.
	CAFile string
	// KeyFile holds the private key for ssh, in OpenSSH's or PEM's form, without a
	// passphrase. Agents and ~/.ssh are not asked.
	KeyFile string
	// KnownHostsFile holds the host keys for ssh, as in OpenSSH's known_hosts. A
	// host that is not in it is refused.
	KnownHostsFile string
}

// maxCredentialBytes bounds each file. A known_hosts of a thousand hosts, the
// longest of them, fits well.
const maxCredentialBytes = 1 << 20

// check holds the credentials against the scheme that they are for.
func (c Credentials) check(scheme string) error {
	needs := []struct {
		name, file, scheme string
		required           bool
	}{
		{"a token", c.TokenFile, "https", false},
		{"a user beside a token", c.User, "https", false},
		{"a file of certificates", c.CAFile, "https", false},
		{"a private key", c.KeyFile, "ssh", true},
		{"a file of known hosts", c.KnownHostsFile, "ssh", true},
	}
	for _, n := range needs {
		switch {
		case n.file != "" && n.scheme != scheme:
			return fmt.Errorf("%s is for %s only, and not for %s", n.name, n.scheme, scheme)
		case n.file == "" && n.scheme == scheme && n.required:
			return fmt.Errorf("%s needs %s", scheme, n.name)
		}
	}
	switch {
	case c.User != "" && c.TokenFile == "":
		return errors.New("a user is of no use without a token")
	case strings.ContainsFunc(c.User, func(r rune) bool { return r <= ' ' || r == ':' || r == 0x7f }):
		return errors.New("the user must have no blank and no colon")
	}
	return nil
}

// user is the name beside the token.
func (c Credentials) user() string {
	if c.User == "" {
		return "git"
	}
	return c.User
}

// token reads the token; "" where none is used. secrets are what must not be
// printed: the token as it is, and as it travels.
func (c Credentials) token() (token string, secrets []string, err error) {
	if c.TokenFile == "" {
		return "", nil, nil
	}
	data, err := readFile(c.TokenFile)
	if err != nil {
		return "", nil, lastingf("read the token: %s", oneLine(err))
	}
	token = strings.TrimSpace(string(data))
	switch {
	case token == "":
		return "", nil, lastingf("read the token: %s is empty", c.TokenFile)
	case strings.ContainsFunc(token, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return "", nil, lastingf("read the token: %s holds more than one line", c.TokenFile)
	}
	return token, []string{base64.StdEncoding.EncodeToString([]byte(c.user() + ":" + token)), token}, nil
}

// authorities reads who may vouch for the remote; nil means whom the system trusts.
func (c Credentials) authorities() (*x509.CertPool, error) {
	if c.CAFile == "" {
		return nil, nil
	}
	data, err := readFile(c.CAFile)
	if err != nil {
		return nil, lastingf("read the certificates: %s", oneLine(err))
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(data) {
		return nil, lastingf("read the certificates: %s holds none in PEM", c.CAFile)
	}
	return pool, nil
}

// key reads the private key.
func (c Credentials) key() (ssh.Signer, error) {
	data, err := readFile(c.KeyFile)
	if err != nil {
		return nil, lastingf("read the private key: %s", oneLine(err))
	}
	signer, err := ssh.ParsePrivateKey(data)
	if _, ok := errors.AsType[*ssh.PassphraseMissingError](err); ok {
		return nil, lastingf("read the private key: %s has a passphrase, and nobody is there to be asked for it; use a key of its own without one (ssh-keygen -p takes it off)", c.KeyFile)
	}
	if err != nil { // not the error's own text, which may quote the file
		return nil, lastingf("read the private key: %s holds no private key in the form of OpenSSH or PEM", c.KeyFile)
	}
	return signer, nil
}

// knownHosts reads the host keys.
func (c Credentials) knownHosts() (*knownhosts.HostKeyDB, error) {
	if _, err := readFile(c.KnownHostsFile); err != nil {
		return nil, lastingf("read the known hosts: %s", oneLine(err))
	}
	hosts, err := knownhosts.NewDB(c.KnownHostsFile)
	if err != nil {
		return nil, lastingf("read the known hosts: %s", oneLine(err))
	}
	return hosts, nil
}

func readFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a file", name)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxCredentialBytes+1))
	if len(data) > maxCredentialBytes {
		return nil, fmt.Errorf("%s is longer than %s", name, bytesText(maxCredentialBytes))
	}
	return data, err
}
