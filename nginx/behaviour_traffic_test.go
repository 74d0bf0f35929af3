package nginx_test

import (
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

const oneShop = `
pools: {shop: {servers: [{{shop}}]}}
routes: {shop: {hosts: [shop.example], pool: shop}}
`

func trafficHost(t *testing.T, w *wharf) {
	w.serve(t, `
		pools: {shop: {servers: [{{shop}}]}}
		routes:
		  shop: {hosts: [shop.example], pool: shop}
		  part: {hosts: [part.example], paths: [/v2], pool: shop}
	`)
	own := fmt.Sprintf("shop.example:%d", w.port(t, "http"))
	for _, c := range []struct{ name, target, host, want string }{
		{"without port", "/", "shop.example", "shop.example"},
		{"with nginx's port", "/", own, own},
		{"with another port", "/", "shop.example:8443", "shop.example:8443"},
		{"with port 80", "/", "shop.example:80", "shop.example:80"},
		{"in capitals", "/", "SHOP.example:81", "shop.example:81"},
		{"an address in the path", "/http://shop.example:99/", "shop.example", "shop.example"},
		{"absolute form", "http://shop.example/", "shop.example", "shop.example"},
		{"absolute form with port", "http://shop.example:81/x:82", "shop.example:81", "shop.example:81"},
		{"absolute form without path", "http://shop.example:81", "shop.example:81", "shop.example:81"},
		{"absolute form against the header", "http://shop.example:81/", "part.example:99", "shop.example:81"},
		{"absolute form without port against the header", "http://shop.example/", "part.example:99", "shop.example"},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, s := w.ask(t, "GET "+c.target+" HTTP/1.1", "Host: "+c.host, "X-Forwarded-Host: evil.example")
			if code != http.StatusOK || s.Peer != "shop" {
				t.Fatalf("got %d from %q, want 200 from shop", code, s.Peer)
			}
			if s.Host != c.want || s.Header.Get("X-Forwarded-Host") != c.want {
				t.Errorf("the peer sees Host %q and X-Forwarded-Host %q, want %q in both", s.Host, s.Header.Get("X-Forwarded-Host"), c.want)
			}
		})
	}
}

// What a client sends under the proxy's names never arrives.
func trafficClientHeaders(t *testing.T, w *wharf) {
	w.serve(t, oneShop)
	_, s := w.ask(t, "GET / HTTP/1.1", "Host: shop.example", "X-Real-IP: 192.0.2.66", "X-Forwarded-For: 192.0.2.66",
		"X-Forwarded-Proto: https", "X-Request-ID: evil", "X-Own: kept")
	for name, want := range map[string]string{
		"X-Real-Ip": `127\.0\.0\.1`, "X-Forwarded-For": `127\.0\.0\.1`, "X-Forwarded-Proto": "http",
		"X-Forwarded-Host": `shop\.example`, "X-Request-Id": "[0-9a-f]{32}", "X-Own": "kept",
	} {
		got := s.Header[name]
		if len(got) != 1 || !regexp.MustCompile("^"+want+"$").MatchString(got[0]) {
			t.Errorf("the peer sees %s %q, want one that is %s", name, got, want)
		}
	}
	for _, name := range []string{"Upgrade", "Connection"} {
		if got := s.Header[name]; got != nil {
			t.Errorf("the peer sees %s %q, want none", name, got)
		}
	}
}

func trafficWebsocket(t *testing.T, w *wharf) {
	w.serve(t, oneShop)
	for _, upgrade := range []string{"websocket", "WebSocket"} {
		conn, in, resp := w.open(t, "", "GET /chat HTTP/1.1", "Host: shop.example", "Connection: Upgrade", "Upgrade: "+upgrade)
		if resp.StatusCode != http.StatusSwitchingProtocols {
			t.Fatalf("Upgrade: %s is answered with %d, want 101", upgrade, resp.StatusCode)
		}
		if _, err := io.WriteString(conn, "ahoy"); err != nil {
			t.Fatal(err)
		}
		echo := make([]byte, 4)
		if _, err := io.ReadFull(in, echo); err != nil || string(echo) != "ahoy" {
			t.Errorf("echo: got %q, %v, want ahoy", echo, err)
		}
		conn.Close()
	}
}

func trafficOtherUpgrades(t *testing.T, w *wharf) {
	w.serve(t, oneShop)
	for _, upgrade := range []string{"h2c", "websocket, h2c", "h2c, websocket", "websocket2", "TLS/1.2"} {
		code, s := w.ask(t, "GET / HTTP/1.1", "Host: shop.example", "Connection: Upgrade, HTTP2-Settings",
			"Upgrade: "+upgrade, "HTTP2-Settings: AAMAAABkAAQAAP__")
		if code != http.StatusOK || s.Header["Upgrade"] != nil || s.Header["Connection"] != nil {
			t.Errorf("Upgrade: %s: got %d, and the peer sees Upgrade %q and Connection %q; want 200 and none", upgrade, code, s.Header["Upgrade"], s.Header["Connection"])
		}
	}
}

func trafficBodyLimit(t *testing.T, w *wharf) {
	w.serve(t, `
		pools: {shop: {servers: [{{shop}}]}}
		routes:
		  shop: {hosts: [shop.example], pool: shop}
		  small: {hosts: [shop.example], paths: [/small], maxBody: 1k, pool: shop}
	`)
	for _, c := range []struct {
		path       string
		size, code int
	}{
		{"/small", 1 << 10, 200}, {"/small", 1<<10 + 1, 413}, {"/small/x", 1<<10 + 1, 413},
		{"/", 1<<10 + 1, 200}, {"/", 1 << 20, 200}, {"/", 1<<20 + 1, 413},
	} {
		body := strings.Repeat("x", c.size)
		if c.code == 413 {
			body = "" // the announced size decides
		}
		conn, _, resp := w.open(t, body, "POST "+c.path+" HTTP/1.1", "Host: shop.example", fmt.Sprintf("Content-Length: %d", c.size))
		if resp.StatusCode != c.code {
			t.Errorf("%d bytes to %s: got %d, want %d", c.size, c.path, resp.StatusCode, c.code)
		}
		conn.Close()
	}
}

// A peer cannot send a request on to another route, past whoever guards that.
func trafficAccelRedirect(t *testing.T, w *wharf) {
	w.peer("shop", func(rw http.ResponseWriter, r *http.Request) {
		to := "/inner/x"
		if r.URL.Path == "/internal" {
			to = "/.route/post:/inner/x"
		}
		rw.Header().Set("X-Accel-Redirect", to)
		fmt.Fprint(rw, "from shop")
	})
	w.serve(t, `
		pools: {shop: {servers: [{{shop}}]}, inner: {servers: [{{inner}}]}}
		routes:
		  shop: {hosts: [shop.example], pool: shop}
		  inner: {hosts: [shop.example], paths: [/inner], pool: inner}
		  post: {hosts: [shop.example], when: {methods: [POST]}, pool: inner}
	`)
	for _, path := range []string{"/", "/internal"} {
		a := w.get(t, "http://shop.example"+path)
		if a.Status != 200 || a.Body != "from shop" || a.Header.Get("X-Accel-Redirect") != "" {
			t.Errorf("%s: got %d, %q and X-Accel-Redirect %q, want the peer's own answer alone", path, a.Status, a.Body, a.Header.Get("X-Accel-Redirect"))
		}
	}
}
