package nginx_test

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// ipv6Listeners holds that clients of both families are served on every port, the
// status included, and that peers may have addresses of IPv6.
func ipv6Listeners(t *testing.T, w *wharf) {
	w.certified(t, "shop", "shop.example")
	l, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Fatal(err)
	}
	peer := &httptest.Server{Listener: l, Config: &http.Server{Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Peer", "six")
		fmt.Fprint(rw, r.Header.Get("X-Forwarded-For"))
	})}}
	peer.Start()
	defer peer.Close()
	text := fmt.Sprintf(`
		proxies: {edge: {image: "nginx:{{version}}", listen: {http: {{http}}, https: {{https}}, IPV6}, status: {port: {{status}}}}}
		pools:
		  six: {servers: ["%s"]}
		  raw: {servers: [{{tcp.raw}}]}
		  packets: {servers: [{{udp.packets}}]}
		routes: {shop: {hosts: [shop.example], pool: six, tls: {cert: shop, key: shop-key, plain: serve}}}
		streams:
		  raw: {listen: {{port.raw}}, pool: raw}
		  packets: {listen: "{{port.packets}}/udp", pool: packets}
	`, l.Addr())
	w.serve(t, strings.Replace(text, "IPV6", "ipv6: false", 1))
	if conn, err := net.DialTimeout("tcp", fmt.Sprintf("[::1]:%d", w.port(t, "http")), time.Second); err == nil {
		conn.Close()
		t.Error("nobody asked for IPv6, and nginx listens there")
	}
	for _, address := range []string{"127.0.0.1", "::1"} {
		w.server = address // the status as well
		w.serve(t, strings.Replace(text, "IPV6", "ipv6: true", 1))
		for _, url := range []string{"http://shop.example/", "https://shop.example/"} {
			if a := w.get(t, url); a.Peer != "six" || a.Body != address {
				t.Errorf("%s on %s: got %d from %q, which sees the client %q", url, address, a.Status, a.Peer, a.Body)
			}
		}
		for url, want := range map[string]int{"http://unknown.example/": 503, "https://unknown.example/": 0} {
			a, err := w.try(t, url)
			if a.Status != want || (err == nil) != (want != 0) {
				t.Errorf("%s on %s: got %d, %v, want %d", url, address, a.Status, err, want)
			}
		}
		if got := w.tcp(t, w.port(t, "raw"), "ahoy"); len(got) != 2 || got[0] != "raw" {
			t.Errorf("a stream of TCP on %s: got %q", address, got)
		}
		if got := w.udp(t, w.port(t, "packets"), "ahoy", patience); got != "packets ahoy" {
			t.Errorf("a stream of UDP on %s: got %q", address, got)
		}
	}
}

func ipv6HTTP3(t *testing.T, w *wharf) {
	w.certified(t, "shop", "shop.example")
	for _, address := range []string{"127.0.0.1", "::1"} {
		w.server = address
		w.serve(t, `
			proxies: {edge: {image: "nginx:{{version}}", listen: {http: {{http}}, https: {{https}}, http3: true, ipv6: true}, status: {port: {{status}}}}}
			pools: {shop: {servers: [{{shop}}]}}
			routes: {shop: {hosts: [shop.example], pool: shop, tls: {cert: shop, key: shop-key}}}
		`)
		if a, err := w.http3(t, "https://shop.example/"); err != nil || a.Peer != "shop" || a.Saw.Header.Get("X-Real-IP") != address {
			t.Errorf("on %s: got %+v, %v", address, a, err)
		}
	}
}

func ipv6Passthrough(t *testing.T, w *wharf) {
	w.certified(t, "opened", "opened.example")
	w.certify("through", "through.example")
	for _, address := range []string{"127.0.0.1", "::1"} {
		w.server = address
		w.serve(t, `
			proxies: {edge: {image: "nginx:{{version}}", listen: {http: {{http}}, https: {{https}}, ipv6: true}, status: {port: {{status}}}}}
			pools: {through: {servers: [{{tls.through}}]}, shop: {servers: [{{shop}}]}}
			routes:
			  through: {hosts: [through.example], pool: through, passthrough: true}
			  opened: {hosts: [opened.example], pool: shop, tls: {cert: opened, key: opened-key}}
		`)
		if a := w.get(t, "https://through.example/"); a.Peer != "through" {
			t.Errorf("handed on, on %s: got %+v", address, a)
		}
		// The client's address comes through the socket.
		if a := w.get(t, "https://opened.example/"); a.Peer != "shop" || a.Saw.Header.Get("X-Real-IP") != address {
			t.Errorf("opened, on %s: got %d from %q, which sees %v", address, a.Status, a.Peer, a.Saw.Header)
		}
	}
}
