package nginx

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/wharfinger/wharfinger/nginx/sandbox"
)

// A proxy has places outside the folder of nginx.conf: /tmp, for temporary files,
// caches and sockets, and /run/secrets. nginx -t opens what is named there, so in
// a test these places are .tmp and .run/secrets in the test's own folder: a dot
// takes the place of the leading slash, and nginx starts from the folder of
// nginx.conf or, for sockets, from the one that it runs in, which are the same.
// So a path is as long as in the proxy; a socket's has 107 bytes at most
// (sun_path).
var (
	// place is a path to be moved: the first word of a directive whose name says
	// that it takes a file, or a socket to listen on. Elsewhere /tmp/ may be
	// anything, such as a location. The last part is the first name in the place.
	place = regexp.MustCompile(`(?m)((?:^|[;{}])\s*(?:[a-z_]+_(?:path|file|certificate|key|crl|dhparam|log)\s+["']?|listen\s+["']?unix:))/(tmp|run/secrets)/([\w.-]*)`)
	// moved is such a path in what nginx says.
	moved = regexp.MustCompile(`(?m)(^|[^\w./-])\.((?:tmp|run/secrets)/)`)
)

// makePlaces makes the folders of a test. nginx runs as another user and writes
// to two of them: its pid, and what belongs into /tmp.
func makePlaces(dir string) error {
	if err := sandbox.Own(dir); err != nil {
		return err
	}
	for _, name := range []string{".tmp", ".run/secrets", "routes", "streams"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
			return err
		}
	}
	return sandbox.Own(filepath.Join(dir, ".tmp"))
}

// move returns a file as the test has it, and the names of the secrets in it, each
// once.
func move(data []byte) (out []byte, secrets []string) {
	if !bytes.Contains(data, []byte("/tmp/")) && !bytes.Contains(data, []byte("/run/secrets/")) {
		return data, nil
	}
	for _, m := range place.FindAllSubmatch(data, -1) {
		if name := string(m[3]); string(m[2]) == "run/secrets" && strings.Trim(name, ".") != "" {
			secrets = append(secrets, name)
		}
	}
	slices.Sort(secrets)
	return place.ReplaceAll(data, []byte("${1}.${2}/${3}")), slices.Compact(secrets)
}

// asInProxy returns what nginx said with the paths of the proxy; those below the
// folder of nginx.conf are relative to it.
func asInProxy(said []byte, dir string) string {
	said = bytes.ReplaceAll(said, []byte(dir+"/"), nil)
	return string(moved.ReplaceAll(said, []byte("${1}/${2}")))
}

// standIn lies in the place of every secret, for the test has none: a certificate
// for itself and its key, in PEM. It will do as a certificate, as a key and as
// authorities alike; files of passwords are not read in a test. The key is
// nobody's and lives as long as the process.
var standIn = sync.OnceValues(func() ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "wharfinger test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(10, 0, 0),
		IsCA: true, BasicConstraintsValid: true,
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})...), nil
})

func makeSecrets(dir string, names []string) error {
	if len(names) == 0 {
		return nil
	}
	data, err := standIn()
	if err != nil {
		return fmt.Errorf("make a certificate: %v", err)
	}
	for _, name := range names {
		if err := os.WriteFile(filepath.Join(dir, ".run/secrets", name), data, 0o644); err != nil {
			return err
		}
	}
	return nil
}
