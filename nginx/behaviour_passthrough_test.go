package nginx_test

import (
	"crypto/tls"
	"fmt"
	"strings"
	"testing"
)

// unopened serves routes that hand TLS on, with an HTTPS peer for each.
func (w *wharf) unopened(t *testing.T, more string) {
	t.Helper()
	w.certify("exact", "exact.example")
	w.certify("wild", "a.wild.example", "a.b.wild.example")
	w.serve(t, strings.Replace(dedent(`
		proxies: {edge: {image: "nginx:{{version}}", MORE listen: {http: {{http}}, https: {{https}}}, status: {port: {{status}}}}}
		pools:
		  exact: {servers: [{{tls.exact}}]}
		  wild: {servers: [{{tls.wild}}]}
		  nobody: {service: nobody, port: 443}
		routes:
		  exact: {hosts: [exact.example], pool: exact, passthrough: true}
		  wild: {hosts: ["*.wild.example"], pool: wild, passthrough: true}
		  nobody: {hosts: [nobody.example], pool: nobody, passthrough: true}
	`), "MORE", more, 1))
}

func passthroughExact(t *testing.T, w *wharf) {
	w.unopened(t, "")
	// The client verifies the peer's own certificate.
	a := w.get(t, "https://exact.example/a?b=c")
	if a.Peer != "exact" || a.Saw.SNI != "exact.example" || a.Saw.Path != "/a" || a.Saw.Query != "b=c" {
		t.Errorf("got %+v, want an answer from exact", a)
	}
	if a.Saw.Header.Get("X-Forwarded-For") != "" {
		t.Error("somebody opened the connection and added headers")
	}
	if a := w.get(t, "https://exact.example/", withTLS(func(c *tls.Config) { c.ServerName = "EXACT.example" })); a.Peer != "exact" {
		t.Errorf("in capitals: got %+v", a)
	}
	if a := w.get(t, "https://exact.example/", withHTTP2()); a.Proto != "HTTP/2.0" || a.Peer != "exact" {
		t.Errorf("by HTTP/2, which the peer has chosen: got %+v", a)
	}
	w.get(t, "https://exact.example/", from("127.0.0.2"))
	if line := w.logged(t, `127.0.0.2 - `); !strings.Contains(line, `tls="exact.example" upstream="`+w.address(t, "tls.exact")) {
		t.Errorf("a connection from 127.0.0.2 is logged as %q", line)
	}
	if a := w.get(t, "http://exact.example/"); a.Status != 503 {
		t.Errorf("without TLS, where no route has the host: got %d, want 503", a.Status)
	}
	w.refused(t, `
		pools: {exact: {servers: [{{tls.exact}}]}}
		routes: {exact: {hosts: [exact.example], paths: [/v2], pool: exact, passthrough: true}}
	`, "route exact hands TLS on unopened, so paths can have no effect")
}

func passthroughWildcard(t *testing.T, w *wharf) {
	w.unopened(t, "")
	for _, host := range []string{"a.wild.example", "a.b.wild.example"} {
		if a := w.get(t, "https://"+host+"/"); a.Peer != "wild" || a.Saw.SNI != host {
			t.Errorf("%s: got %+v, want an answer from wild", host, a)
		}
	}
	if _, err := w.try(t, "https://wild.example/"); err == nil {
		t.Error("the name above the wildcard is answered")
	}
	w.refused(t, `
		pools: {exact: {servers: [{{tls.exact}}]}}
		routes: {exact: {hosts: ["*"], pool: exact, passthrough: true}}
	`, "passthrough looks for names, and * is none")
}

func passthroughClientCert(t *testing.T, w *wharf) {
	w.unopened(t, "")
	cert, key := w.cert(t, "anna")
	if a := w.get(t, "https://exact.example/", withClientCert(cert, key)); a.Saw.Client != "anna" {
		t.Errorf("the peer saw the certificate of %q, want anna", a.Saw.Client)
	}
	if a := w.get(t, "https://exact.example/"); a.Saw.Client != "" {
		t.Errorf("the peer saw the certificate of %q, want none", a.Saw.Client)
	}
}

func passthroughUnknown(t *testing.T, w *wharf) {
	w.unopened(t, "")
	for name, sni := range map[string]string{"unknown": "unknown.example", "no name": ""} {
		_, err := w.tls(t, w.port(t, "https"), &tls.Config{ServerName: sni, InsecureSkipVerify: true})
		if err == nil || !strings.Contains(err.Error(), "unrecognized name") {
			t.Errorf("%s: got %v, want an alert that the name is unknown", name, err)
		}
	}
	if _, err := w.tls(t, w.port(t, "https"), &tls.Config{ServerName: "nobody.example"}); err == nil {
		t.Error("a pool without peers shakes hands")
	}
	if saw := len(w.peers["tls.exact"].saw); saw != 0 {
		t.Errorf("a peer got %d requests that are not for it", saw)
	}
}

// Who is in front tells the client's address in the PROXY protocol.
func passthroughProxyProtocol(t *testing.T, w *wharf) {
	w.certify("exact", "exact.example")
	w.serve(t, `
		proxies:
		  edge:
		    image: nginx:{{version}}
		    listen: {http: {{http}}, https: {{https}}, proxyProtocol: true}
		    trusted: [127.0.0.1]
		    status: {port: {{status}}}
		pools: {exact: {servers: [{{tls.exact}}]}}
		routes: {exact: {hosts: [exact.example], pool: exact, passthrough: true}}
	`)
	if a := w.get(t, "https://exact.example/", withPreamble(proxyHeader+"\n")); a.Peer != "exact" {
		t.Errorf("got %+v, want an answer from exact", a)
	}
	w.logged(t, "192.0.2.1 - ")
	if _, err := w.try(t, "https://exact.example/"); err == nil {
		t.Error("a client without the PROXY protocol is answered")
	}
	if a := w.get(t, "https://exact.example/", from("127.0.0.3"), withPreamble(proxyHeader+"\n")); a.Peer != "exact" {
		t.Errorf("from somebody who is not trusted: got %+v", a)
	}
	w.logged(t, "127.0.0.3 - ")
}

// Hosts whose TLS is opened share the port: behind the same socket as unknown
// names, with the client's own address.
func passthroughBeside(t *testing.T, w *wharf) {
	cert, key := w.cert(t, "shop.example", "own.wild.example")
	w.secret("cert", cert)
	w.secret("key", key)
	w.certify("wild", "a.wild.example")
	w.serve(t, `
		pools:
		  shop: {servers: [{{shop}}]}
		  wild: {servers: [{{tls.wild}}]}
		routes:
		  wild: {hosts: ["*.wild.example"], pool: wild, passthrough: true}
		  shop: {hosts: [shop.example, own.wild.example], pool: shop, tls: {cert: cert, key: key}}
	`)
	for _, host := range []string{"shop.example", "own.wild.example"} { // one beside, one below what is handed on
		a := w.get(t, "https://"+host+"/", from("127.0.0.2"))
		if a.Peer != "shop" || a.Saw.SNI != "" || a.TLS.PeerCertificates[0].Subject.CommonName != "shop.example" {
			t.Errorf("%s: got %+v, want an answer from shop, opened", host, a)
		}
		for name, want := range map[string]string{"X-Forwarded-For": "127.0.0.2", "X-Real-Ip": "127.0.0.2", "X-Forwarded-Proto": "https",
			"X-Forwarded-Port": fmt.Sprint(w.port(t, "https"))} {
			if got := a.Saw.Header.Get(name); got != want {
				t.Errorf("%s: the peer sees %s %q, want %q", host, name, got, want)
			}
		}
	}
	if a := w.get(t, "https://shop.example/", withHeader("X-Forwarded-For", "192.0.2.66"), withHeader("X-Forwarded-Proto", "http")); a.Saw.Header.Get("X-Forwarded-For") != "127.0.0.1" || a.Saw.Header.Get("X-Forwarded-Proto") != "https" {
		t.Errorf("what a client claims is passed on: %v", a.Saw.Header)
	}
	if a := w.get(t, "https://shop.example/", withHTTP2()); a.Proto != "HTTP/2.0" || a.Peer != "shop" {
		t.Errorf("by HTTP/2: got %+v", a)
	}
	if line := w.logged(t, `127.0.0.2 - `); !strings.Contains(line, "shop") {
		t.Errorf("a request from 127.0.0.2 is logged as %q", line)
	}
	if a := w.get(t, "https://a.wild.example/"); a.Peer != "wild" || a.Saw.SNI != "a.wild.example" {
		t.Errorf("handed on: got %+v, want an answer from wild", a)
	}
	if _, err := w.try(t, "https://unknown.example/"); err == nil || !strings.Contains(err.Error(), "unrecognized name") {
		t.Errorf("an unknown name: got %v, want an alert that says so", err)
	}
	if a := w.get(t, "https://shop.example/", withTLS(func(c *tls.Config) { c.ServerName = "own.wild.example" })); a.Peer != "shop" {
		t.Errorf("two hosts that are opened, on one connection: got %+v", a)
	}
	if a := w.get(t, "http://shop.example/"); a.Status != 301 {
		t.Errorf("without TLS: got %d, want a redirect to it", a.Status)
	}
	w.refused(t, `
		pools: {shop: {servers: [{{shop}}]}}
		routes:
		  handed: {hosts: [shop.example], pool: shop, passthrough: true}
		  opened: {hosts: [shop.example], pool: shop, tls: {cert: cert, key: key}}
	`, "the TLS connections of shop.example are opened for route opened")
	w.refused(t, `
		proxies: {edge: {image: "nginx:{{version}}", trusted: [10.0.0.0/8]}}
		pools: {shop: {servers: [{{shop}}]}}
		routes:
		  handed: {hosts: [a.example], pool: shop, passthrough: true}
		  opened: {hosts: [shop.example], pool: shop, tls: {cert: cert, key: key}}
	`, "proxy edge hands on some TLS unopened, so it cannot take clients' addresses from X-Forwarded-For")
}

// Who is in front tells the client's address in the PROXY protocol, to hosts that
// are opened as well.
func passthroughBesideProxyProtocol(t *testing.T, w *wharf) {
	cert, key := w.cert(t, "shop.example")
	w.secret("cert", cert)
	w.secret("key", key)
	w.serve(t, `
		proxies:
		  edge:
		    image: nginx:{{version}}
		    listen: {http: {{http}}, https: {{https}}, proxyProtocol: true}
		    trusted: [127.0.0.1]
		    status: {port: {{status}}}
		pools: {shop: {servers: [{{shop}}]}, wild: {servers: [{{tls.wild}}]}}
		routes:
		  wild: {hosts: ["*.wild.example"], pool: wild, passthrough: true}
		  shop: {hosts: [shop.example], pool: shop, tls: {cert: cert, key: key}}
	`)
	if a := w.get(t, "https://shop.example/", withPreamble(proxyHeader+"\n")); a.Saw.Header.Get("X-Forwarded-For") != "192.0.2.1" {
		t.Errorf("from who is trusted: the peer sees %v, want the address 192.0.2.1", a.Saw.Header)
	}
	if a := w.get(t, "https://shop.example/", from("127.0.0.3"), withPreamble(proxyHeader+"\n")); a.Saw.Header.Get("X-Forwarded-For") != "127.0.0.3" {
		t.Errorf("from somebody who is not trusted: the peer sees %v, want the address 127.0.0.3", a.Saw.Header)
	}
	if _, err := w.try(t, "https://shop.example/"); err == nil {
		t.Error("a client without the PROXY protocol is answered")
	}
}
