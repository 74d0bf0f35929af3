package nginx_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"sync"
	"testing"
	"time"
)

// authority signs certificates.
type authority struct {
	pem  []byte // its own certificate
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// testCA is the authority that peers and clients trust.
var testCA = sync.OnceValues(func() (*authority, error) { return newAuthority("test CA") })

func newAuthority(name string) (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}, &x509.Certificate{Subject: pkix.Name{CommonName: name}}, key.Public(), key)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	return &authority{pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), cert, key}, err
}

// sign returns a certificate and its key as PEM, for servers of these names and
// for a client of the first one.
func (a *authority) sign(t *testing.T, names ...string) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: names[0]}, DNSNames: names,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, a.cert, private.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})
}

func (w *wharf) authority(t *testing.T) *authority {
	t.Helper()
	a, err := testCA()
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// ca returns the test CA's own certificate as PEM.
func (w *wharf) ca(t *testing.T) []byte {
	t.Helper()
	return w.authority(t).pem
}

// cert returns a certificate of the test CA and its key as PEM, for servers of
// these names and for a client of the first one.
func (w *wharf) cert(t *testing.T, names ...string) (cert, key []byte) {
	t.Helper()
	return w.authority(t).sign(t, names...)
}

// strangeCert is like cert, but of a CA that nobody knows.
func (w *wharf) strangeCert(t *testing.T, names ...string) (cert, key []byte) {
	t.Helper()
	a, err := newAuthority("stranger")
	if err != nil {
		t.Fatal(err)
	}
	return a.sign(t, names...)
}

// roots is what a client trusts.
func (w *wharf) roots(t *testing.T) *x509.CertPool {
	t.Helper()
	pool := x509.NewCertPool()
	pool.AddCert(w.authority(t).cert)
	return pool
}
