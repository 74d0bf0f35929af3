package e2e_test

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"strings"
	"testing"
	"time"
)

// A certificate is renewed by one push that names another secret. Clients that
// shake hands all the while see the first certificate, then the second, and not one
// handshake fails.
func TestProxiesRotation(t *testing.T) {
	w := newWorld(t)
	w.application("demo", 2)
	certificates := map[string]*x509.CertPool{}
	for _, name := range []string{"shop-1", "shop-2"} {
		certificates[name] = w.certificate(name, "shop.local")
	}
	d := w.watch()
	yaml := toDemo(edge, "demo.local") + `
  shop:
    hosts: [shop.local]
    pool: demo
    tls: {cert: shop-1, key: shop-1-key}
`
	d.rolled(w.push(yaml))
	w.shows("shop.local", certificates["shop-1"])

	either := func(least, most uint16) *tls.Config {
		config := trusting("shop.local", certificates["shop-1"], certificates["shop-2"])
		config.MinVersion, config.MaxVersion = least, most
		return config
	}
	load := w.load("demo",
		&kind{name: "TLS 1.3, new connection", request: text("GET", "shop.local", "close", ""), clients: 2, tls: either(tls.VersionTLS13, 0)},
		&kind{name: "TLS 1.2, new connection", request: text("GET", "shop.local", "close", ""), clients: 1, tls: either(0, tls.VersionTLS12)},
		&kind{name: "TLS 1.3, kept alive", request: text("GET", "shop.local", "keep-alive", ""), keep: true, clients: 1, tls: either(0, 0)},
	)
	const rotations = 3
	for i := range rotations {
		name := fmt.Sprintf("shop-%d", (i+1)%2+1)
		before := load.sum()
		d.rolled(w.push(strings.ReplaceAll(yaml, "shop-1", name)))
		w.shows("shop.local", certificates[name])
		w.Logf("%s on every proxy %.1f s after the push; %d handshakes meanwhile", name, time.Since(w.pushed).Seconds(), load.sum().dialled-before.dialled)
	}
	load.stop()
	total := load.sum()
	w.Log(load.table())
	if total.failed > 0 {
		t.Errorf("%d of %d requests failed while certificates were renewed, want none", total.failed, total.requests)
	}
	for _, k := range load.kinds {
		if k.sum().requests == 0 {
			t.Errorf("%s: not one request", k.name)
		}
	}
	w.docker("secret", "rm", "shop-1", "shop-1-key") // nothing uses it any more
}

// trusting takes certificates for a host that are trusted by any of the roots.
func trusting(host string, roots ...*x509.CertPool) *tls.Config {
	verify := func(state tls.ConnectionState) error {
		var err error
		for _, r := range roots {
			if _, err = state.PeerCertificates[0].Verify(x509.VerifyOptions{DNSName: host, Roots: r}); err == nil {
				return nil
			}
		}
		return err
	}
	return &tls.Config{ServerName: host, InsecureSkipVerify: true, VerifyConnection: verify} // Go's own knows one set of roots
}

// shows waits until all proxies show a certificate to everybody.
func (w *world) shows(host string, roots *x509.CertPool) {
	w.Helper()
	w.eventually(w.patience, func() error {
		for range inARow {
			for _, node := range w.asked {
				c, err := dial(w.lab.Node(node).Address, trusting(host, roots))
				if err != nil {
					return fmt.Errorf("%s: %w", node, err)
				}
				c.Close()
			}
		}
		return nil
	})
}
