package nginx_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

func poolsHost(t *testing.T, w *wharf) {
	w.serve(t, `
		pools: {shop: {servers: [{{shop}}], host: inner.example}, plain: {servers: [{{shop}}]}}
		routes:
		  shop: {hosts: [shop.example], pool: shop}
		  plain: {hosts: [shop.example], paths: [/plain], pool: plain}
	`)
	for path, want := range map[string]string{"/": "inner.example", "/plain": "shop.example:81"} {
		_, s := w.ask(t, "GET "+path+" HTTP/1.1", "Host: shop.example:81")
		if s.Host != want || s.Header.Get("X-Forwarded-Host") != "shop.example:81" {
			t.Errorf("%s: the peer sees Host %q and X-Forwarded-Host %q, want %s and the client's", path, s.Host, s.Header.Get("X-Forwarded-Host"), want)
		}
		if len(s.Header["X-Request-Id"]) != 1 || len(s.Header["X-Real-Ip"]) != 1 {
			t.Errorf("%s: the peer misses headers that all peers get: %v", path, s.Header)
		}
	}
	w.refused(t, `pools: {shop: {servers: [{{shop}}], host: "*.example"}}`, `"*.example" is not one host`)
}

// secure serves a pool of one TLS peer, shop, with fields of its tls.
func (w *wharf) secure(t *testing.T, tls, more string) {
	t.Helper()
	w.serve(t, secured(tls, more))
}

func secured(tls, more string) string {
	return strings.NewReplacer("TLS", tls, "MORE", more).Replace(`
		pools: {shop: {servers: [{{tls.shop}}], tls: {TLS}MORE}}
		routes: {shop: {hosts: [shop.example, shop.internal], pool: shop}}
	`)
}

func poolsTLS(t *testing.T, w *wharf) {
	w.secret("ca", w.ca(t))
	for _, c := range []struct{ name, tls, more, host, sni string }{
		{"the client's host", "ca: ca", "", "shop.internal", "shop.internal"},
		{"the pool's host", "ca: ca", ", host: shop.internal", "shop.example", "shop.internal"},
		{"a name", "ca: ca, name: shop.internal", ", host: other.example", "shop.example", "shop.internal"},
		{"nobody cares", "verify: false", "", "shop.example", "shop.example"},
	} {
		w.secure(t, c.tls, c.more)
		if a := w.get(t, "http://"+c.host+"/x?y=1"); a.Peer != "shop" || a.Saw.SNI != c.sni || a.Saw.Path != "/x" || a.Saw.Query != "y=1" {
			t.Errorf("%s: got %d from %q, who is asked for %q at %s?%s", c.name, a.Status, a.Peer, a.Saw.SNI, a.Saw.Path, a.Saw.Query)
		}
	}
	w.refused(t, secured("name: shop.internal", ""), "nothing says who signs the certificates of the peers of pool shop")
	w.refused(t, secured("verify: true", ""), "nothing says who signs the certificates of the peers of pool shop")
	w.refused(t, secured("ca: ca, cert: cert", ""), "a certificate needs its key")
	w.refused(t, secured("ca: ca, key: key", ""), "a key needs its certificate")
}

// Each nginx speaks what is in use: TLS 1.2 and 1.3.
func poolsTLSVersions(t *testing.T, w *wharf) {
	w.secret("ca", w.ca(t))
	for version, want := range map[uint16]int{tls.VersionTLS13: 200, tls.VersionTLS12: 200, tls.VersionTLS11: http.StatusBadGateway} {
		peer := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		peer.Config.ErrorLog = log.New(io.Discard, "", 0)
		peer.TLS = w.peerTLS(t, "shop")
		peer.TLS.MinVersion, peer.TLS.MaxVersion = version, version
		peer.StartTLS()
		t.Cleanup(peer.Close)
		w.serve(t, strings.Replace(secured("ca: ca", ", keepalive: 0"), "{{tls.shop}}", `"`+peer.Listener.Addr().String()+`"`, 1))
		if a := w.get(t, "http://shop.internal/"); a.Status != want {
			t.Errorf("a peer of %s alone: got %d, want %d", tls.VersionName(version), a.Status, want)
		}
	}
}

// A peer whose certificate is for another name, or of another signer, is not
// spoken to.
func poolsTLSVerify(t *testing.T, w *wharf) {
	stranger, err := newAuthority("stranger")
	if err != nil {
		t.Fatal(err)
	}
	w.secret("ca", w.ca(t))
	w.secret("strange-ca", stranger.pem)
	for _, c := range []struct{ name, tls, host, why string }{
		{"the client's host", "ca: ca", "shop.example", `upstream SSL certificate does not match "shop.example"`},
		{"a name", "ca: ca, name: other.internal", "shop.internal", `upstream SSL certificate does not match "other.internal"`},
		{"another signer", "ca: strange-ca", "shop.internal", "upstream SSL certificate verify error"},
	} {
		w.secure(t, c.tls, "")
		if a := w.get(t, "http://"+c.host+"/"); a.Status != http.StatusBadGateway || len(w.saw(t, "shop", 0)) > 0 {
			t.Errorf("%s: got %d, and the peer saw %d requests, want 502 and none", c.name, a.Status, len(w.saw(t, "shop", 0)))
		}
		w.logged(t, c.why)
	}
	// Two names of one peer, which has a certificate for each: a session that was
	// made for one must not be resumed for the other.
	var both tls.Config
	for _, name := range []string{"shop.example", "shop.internal"} {
		pair, err := tls.X509KeyPair(w.cert(t, name))
		if err != nil {
			t.Fatal(err)
		}
		both.Certificates = append(both.Certificates, pair)
	}
	peer := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	peer.TLS = &both
	peer.StartTLS()
	t.Cleanup(peer.Close)
	w.workers = 1
	w.serve(t, strings.Replace(secured("ca: ca", ", keepalive: 0"), "{{tls.shop}}", `"`+peer.Listener.Addr().String()+`"`, 1))
	for i := range 6 {
		host := []string{"shop.internal", "shop.example"}[i%2]
		if a := w.get(t, "http://"+host+"/"); a.Status != 200 {
			t.Errorf("%s, one of two names: got %d, want 200", host, a.Status)
		}
	}
	// A good name after a bad one, and the other way round.
	w.secure(t, "ca: ca", ", keepalive: 0")
	for i := range 6 {
		want, host := 200, "shop.internal"
		if i%2 == 1 {
			want, host = http.StatusBadGateway, "shop.example"
		}
		if a := w.get(t, "http://"+host+"/"); a.Status != want {
			t.Errorf("%s: got %d, want %d", host, a.Status, want)
		}
	}
}

func poolsTLSClient(t *testing.T, w *wharf) {
	cert, key := w.cert(t, "the-proxy")
	w.secret("ca", w.ca(t))
	w.secret("cert", cert)
	w.secret("key", key)
	w.secure(t, "ca: ca, cert: cert, key: key", "")
	if a := w.get(t, "http://shop.internal/"); a.Saw.Client != "the-proxy" {
		t.Errorf("got %d, and the peer sees the certificate of %q, want the-proxy", a.Status, a.Saw.Client)
	}
	w.secure(t, "ca: ca", "")
	if a := w.get(t, "http://shop.internal/"); a.Status != 200 || a.Saw.Client != "" {
		t.Errorf("got %d, and the peer sees the certificate of %q, want none", a.Status, a.Saw.Client)
	}
}

// A pool whose secret is missing answers 503; other pools go on.
func poolsTLSNoSecret(t *testing.T, w *wharf) {
	w.serve(t, `
		pools:
		  shop: {servers: [{{tls.shop}}], tls: {ca: lost}}
		  open: {servers: [{{tls.open}}], tls: {verify: false}}
		  unused: {servers: [{{tls.shop}}], tls: {ca: also-lost}}
		routes:
		  shop: {hosts: [shop.example], pool: shop}
		  open: {hosts: [open.example], pool: open}
	`)
	w.meet(t, met{"without its secret", "shop.example", "/", 503, ""}, met{"another pool", "open.example", "/", 200, "open"})
	if len(w.problems) != 1 || !strings.Contains(w.problems.Error(), "there is no secret lost in the Swarm, so pool shop answers 503") {
		t.Errorf("problems of the cluster:\n%v", w.problems)
	}
}

// called holds that a gRPC call to a URL ends well, with the messages echoed.
func (w *wharf) called(t *testing.T, url, peer string, options ...option) {
	t.Helper()
	messages := []string{"ahoy", "", strings.Repeat("x", 3<<20)}
	a, back := w.grpc(t, url, messages, options...)
	if a.Peer != peer || a.Trailer.Get("Grpc-Status") != "0" || !slices.Equal(back, messages) {
		t.Errorf("%s: got %d from %q with %d messages and Grpc-Status %q, want %d messages from %s and 0",
			url, a.Status, a.Peer, len(back), a.Trailer.Get("Grpc-Status"), len(messages), peer)
	}
}

const grpcShop = `
	pools: {echo: {servers: [{{grpc.echo}}], protocol: grpc}, web: {servers: [{{web}}]}}
	routes:
	  echo: {hosts: [shop.example], paths: [/echo.Echo], pool: echo}
	  small: {hosts: [shop.example], paths: [/small.Small], pool: echo, maxBody: 1k}
	  when: {hosts: [shop.example], paths: [/when.When], when: {headers: {X-When: "*"}}, pool: echo}
	  web: {hosts: [shop.example], pool: web}
`

func poolsGRPC(t *testing.T, w *wharf) {
	w.serve(t, grpcShop)
	w.called(t, "http://shop.example/echo.Echo/Say", "echo")
	w.called(t, "http://shop.example/when.When/Say", "echo", withHeader("X-When", "1"))
	if a := w.get(t, "http://shop.example/small.Small/Say", withHTTP2(), withBody(strings.Repeat("x", 2000))); a.Status != http.StatusRequestEntityTooLarge {
		t.Errorf("a call that is longer than its route lets it be: got %d, want 413", a.Status)
	}
	saw := w.saw(t, "echo", 2)
	for i, path := range []string{"/echo.Echo/Say", "/when.When/Say"} {
		s := saw[i]
		if s.Proto != "HTTP/2.0" || s.Path != path || s.Host != "shop.example" || s.Header.Get("X-Forwarded-Proto") != "http" ||
			s.Header.Get("Te") != "trailers" || len(s.Header["X-Request-Id"]) != 1 || s.Header["Connection"] != nil {
			t.Errorf("the peer sees %s of %s by %s with %v", s.Path, s.Host, s.Proto, s.Header)
		}
	}
	// The same port still speaks HTTP/1.1, and HTTP/2 to other pools.
	w.meet(t, met{"HTTP/1.1 on the same port", "shop.example", "/", 200, "web"})
	if a := w.get(t, "http://shop.example/", withHTTP2()); a.Peer != "web" || a.Saw.Proto != "HTTP/1.1" {
		t.Errorf("HTTP/2 from the client: got %d from %q by %s", a.Status, a.Peer, a.Saw.Proto)
	}
	w.refused(t, strings.Replace(grpcShop, "pool: echo}", "pool: echo, buffering: {responses: false}}", 1), "route echo speaks gRPC, which nginx never buffers")
	w.refused(t, strings.Replace(grpcShop, "grpc}", "h2c}", 1), `"h2c" is not a protocol of peers`)
}

// Over TLS, clients of gRPC come to every nginx.
func poolsGRPCByTLS(t *testing.T, w *wharf) {
	w.certified(t, "site", "shop.example")
	w.serve(t, strings.Replace(grpcShop, "pool: web}", "pool: web, tls: {cert: site, key: site-key, plain: serve}}", 1))
	w.called(t, "https://shop.example/echo.Echo/Say", "echo")
	w.called(t, "https://shop.example/when.When/Say", "echo", withHeader("X-When", "1"))
	if s := w.saw(t, "echo", 2)[1]; s.Path != "/when.When/Say" || s.Header.Get("X-Forwarded-Proto") != "https" {
		t.Errorf("the peer sees %s by %q", s.Path, s.Header.Get("X-Forwarded-Proto"))
	}
	w.meet(t, met{"HTTP/1.1 without TLS", "shop.example", "/", 200, "web"})
}

func poolsGRPCTLS(t *testing.T, w *wharf) {
	cert, key := w.cert(t, "the-proxy")
	w.secret("ca", w.ca(t))
	w.secret("cert", cert)
	w.secret("key", key)
	w.serve(t, `
		pools:
		  echo: {servers: [{{tls.echo}}], protocol: grpc, tls: {ca: ca, cert: cert, key: key}, host: echo.internal}
		  wrong: {servers: [{{tls.wrong}}], protocol: grpc, tls: {ca: ca, name: other.internal}}
		routes:
		  echo: {hosts: [shop.example], pool: echo}
		  wrong: {hosts: [wrong.example], pool: wrong}
	`)
	w.called(t, "http://shop.example/echo.Echo/Say", "echo")
	if s := w.saw(t, "echo", 1)[0]; s.SNI != "echo.internal" || s.Client != "the-proxy" || s.Host != "echo.internal" || s.Header.Get("X-Forwarded-Host") != "shop.example" {
		t.Errorf("the peer is asked for %q by %q, and sees Host %q and %v", s.SNI, s.Client, s.Host, s.Header)
	}
	if a := w.get(t, "http://wrong.example/echo.Echo/Say", withHTTP2(), withBody("")); a.Status != http.StatusBadGateway || len(w.saw(t, "wrong", 0)) > 0 {
		t.Errorf("a peer with another name: got %d, want 502", a.Status)
	}
}

// A dead peer is passed over; a call that cannot be repeated is not.
func poolsGRPCRetries(t *testing.T, w *wharf) {
	w.serve(t, `
		pools: {echo: {servers: [{{dead}}, {{grpc.echo}}], protocol: grpc, maxFails: 0}}
		routes: {echo: {hosts: [shop.example], pool: echo}, once: {hosts: [once.example], pool: echo, retries: 1}}
	`)
	failed := 0
	for range 6 {
		w.called(t, "http://shop.example/echo.Echo/Say", "echo")
		if a := w.get(t, "http://once.example/echo.Echo/Say", withHTTP2(), withBody("")); a.Status == http.StatusBadGateway {
			failed++
		}
	}
	if failed == 0 {
		t.Error("with one try, no call meets the dead peer")
	}
}

// One route leads to pools of every kind, each in its own way.
func poolsMixed(t *testing.T, w *wharf) {
	w.secret("ca", w.ca(t))
	w.serve(t, `
		pools:
		  plain: {servers: [{{plain}}], host: plain.example}
		  safe: {servers: [{{tls.safe}}], tls: {ca: ca, name: safe.internal}, keepalive: 0}
		  cookie: {servers: [{{cookie}}], sticky: berth}
		routes:
		  all: {hosts: [shop.example], split: {plain: 1, safe: 1, cookie: 1}, splitBy: query:id}
	`)
	by := map[string]int{}
	for i := range 60 {
		a := w.get(t, fmt.Sprintf("http://shop.example/x?id=%d", i))
		by[a.Peer]++
		want := map[string]struct{ host, connection, sni string }{
			"plain": {"plain.example", "", ""}, "safe": {"shop.example", "close", "safe.internal"}, "cookie": {"shop.example", "", ""},
		}[a.Peer]
		if a.Saw.Host != want.host || a.Saw.Header.Get("Connection") != want.connection || a.Saw.SNI != want.sni || a.Saw.Path != "/x" ||
			(a.Peer == "cookie") != (a.Header["Set-Cookie"] != nil) {
			t.Errorf("%d from %q, who sees %+v; Set-Cookie %q", a.Status, a.Peer, a.Saw, a.Header["Set-Cookie"])
		}
	}
	for _, peer := range []string{"plain", "safe", "cookie"} {
		if by[peer] < 5 {
			t.Errorf("requests by peer: %v, want some for each", by)
		}
	}
}
