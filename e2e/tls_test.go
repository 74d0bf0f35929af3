package e2e_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// A host is served over TLS as soon as its secrets are in the Swarm, on every
// proxy; until then it is rejected and everything else goes on.
func TestTLS(t *testing.T) {
	w := newWorld(t)
	w.application("demo", 1)
	d := w.watch()
	yaml := toDemo(edge, "demo.local") + `
  shop:
    hosts: [shop.local]
    pool: demo
    hsts: true
    tls: {cert: shop-1, key: shop-1-key}
`
	d.rolled(w.push(yaml))
	w.serves("demo.local", "/", "demo")
	w.answers("shop.local", "/", http.StatusMovedPermanently)
	for _, node := range balancers {
		if _, _, err := askTLS(node, "shop.local", nil); err == nil || !strings.Contains(err.Error(), "unrecognized name") {
			t.Errorf("%s, without secrets: got %v, want a handshake that is rejected", node, err)
		}
	}

	end := w.patrol("demo.local")
	first := w.certificate("shop-1", "shop.local")
	w.servesTLS("shop.local", first)
	w.Logf("served over TLS %.1f s after the secrets were made", time.Since(w.pushed).Seconds())

	// A certificate is renewed under another name.
	second := w.certificate("shop-2", "shop.local")
	d.rolled(w.push(strings.ReplaceAll(yaml, "shop-1", "shop-2")))
	w.servesTLS("shop.local", second)
	end()
	w.docker("secret", "rm", "shop-1", "shop-1-key") // nothing uses it any more
}

// certificate makes the secrets NAME and NAME-key and returns what their host is
// trusted by.
func (w *world) certificate(name, host string) *x509.CertPool {
	w.Helper()
	cert, key := w.selfSigned(name, host)
	w.secret(name, string(cert))
	w.secret(name+"-key", string(key))
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(cert)
	w.pushed = time.Now()
	return pool
}

// selfSigned makes a certificate for a host, by name or address, and its key, in PEM.
func (w *world) selfSigned(name, host string) (cert, key []byte) {
	w.Helper()
	pair, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		w.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true,
	}
	if ip := net.ParseIP(host); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{host}
	}
	public, err := x509.CreateCertificate(rand.Reader, template, template, pair.Public(), pair)
	if err != nil {
		w.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(pair)
	if err != nil {
		w.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: public}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})
}

// askTLS asks the proxy on a node over TLS, with HTTP/2, and trusts one
// certificate.
func askTLS(node, host string, roots *x509.CertPool) (answer, http.Header, error) {
	transport := &http.Transport{
		DisableKeepAlives: true, ForceAttemptHTTP2: true,
		TLSClientConfig: &tls.Config{ServerName: host, RootCAs: roots},
	}
	address := net.JoinHostPort(theLab.Node(node).Address, "443")
	req, err := http.NewRequest(http.MethodGet, "https://"+address+"/", nil)
	if err != nil {
		return answer{}, nil, err
	}
	req.Host = host
	resp, err := (&http.Client{Timeout: 5 * time.Second, Transport: transport}).Do(req)
	if err != nil {
		return answer{}, nil, err
	}
	defer resp.Body.Close()
	a := answer{Code: resp.StatusCode}
	if resp.ProtoMajor != 2 {
		return a, nil, fmt.Errorf("it speaks %s", resp.Proto)
	}
	return a, resp.Header, json.NewDecoder(resp.Body).Decode(&a)
}

// servesTLS waits until all proxies answer with a certificate.
func (w *world) servesTLS(host string, roots *x509.CertPool) {
	w.Helper()
	w.eventually(w.patience, func() error {
		for range inARow {
			for _, node := range w.asked {
				a, header, err := askTLS(node, host, roots)
				if err != nil || a.Code != http.StatusOK || a.Service != "demo" || header.Get("Strict-Transport-Security") != "max-age=31536000" {
					return fmt.Errorf("%s answers %s with %+v and %v (%v), want an answer from demo with HSTS", node, host, a, header, err)
				}
			}
		}
		return nil
	})
}
