package nginx_test

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// serveBehind serves a repository from a proxy that trusts 127.0.0.2 and
// 127.0.0.3, with more of its fields.
func (w *wharf) serveBehind(t *testing.T, more, text string) {
	t.Helper()
	w.serve(t, strings.Replace(edge, "nginx:{{version}}\",", "nginx:{{version}}\", trusted: [127.0.0.2, 127.0.0.3/32], "+more, 1)+dedent(text))
}

const trusted, stranger = "127.0.0.2", "127.0.0.1"

// claims is a request that says all that a proxy in front can say.
func claims(r *request) {
	for name, value := range map[string]string{
		"X-Forwarded-For": "192.0.2.66, 192.0.2.7, 127.0.0.3", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "front.example",
		"X-Forwarded-Port": "8443", "X-Real-Ip": "192.0.2.66", "X-Request-Id": "id-of.the_FRONT-1", "Forwarded": "for=192.0.2.66;proto=https",
	} {
		r.Header.Set(name, value)
	}
}

// sees holds what a peer sees of the client. An empty value means no header.
func sees(t *testing.T, what string, got http.Header, want map[string]string) {
	t.Helper()
	for name, form := range want {
		switch {
		case form == "" && got[name] == nil:
		case len(got[name]) != 1 || !regexp.MustCompile("^"+form+"$").MatchString(got[name][0]):
			t.Errorf("%s: the peer sees %s %q, want %s", what, name, got[name], form)
		}
	}
}

func trafficTrusted(t *testing.T, w *wharf) {
	w.serveBehind(t, "", oneShop)
	port := fmt.Sprint(w.port(t, "http"))
	a := w.get(t, "http://shop.example/kept", claims, from(trusted))
	sees(t, "a trusted proxy", a.Saw.Header, map[string]string{
		"X-Forwarded-For": `192\.0\.2\.66, 192\.0\.2\.7, 127\.0\.0\.3, 127\.0\.0\.2`, "X-Real-Ip": `192\.0\.2\.7`,
		"X-Forwarded-Proto": "https", "X-Forwarded-Host": "front.example", "X-Forwarded-Port": "8443",
		"X-Request-Id": "id-of.the_FRONT-1", "Forwarded": "",
	})
	if line := w.logged(t, "/kept"); !strings.HasPrefix(line, "192.0.2.7 ") || !strings.Contains(line, "id-of.the_FRONT-1") {
		t.Errorf("it is logged as %q, want the client's address and the proxy's ID", line)
	}
	own := map[string]string{
		"X-Forwarded-For": `127\.0\.0\.1`, "X-Real-Ip": `127\.0\.0\.1`, "X-Forwarded-Proto": "http",
		"X-Forwarded-Host": "shop.example", "X-Forwarded-Port": port, "X-Request-Id": "[0-9a-f]{32}", "Forwarded": "",
	}
	sees(t, "a stranger", w.get(t, "http://shop.example/", claims, from(stranger)).Saw.Header, own)
	own["X-Forwarded-For"], own["X-Real-Ip"] = `127\.0\.0\.2`, `127\.0\.0\.2`
	sees(t, "a trusted proxy that says nothing", w.get(t, "http://shop.example/", from(trusted)).Saw.Header, own)
	for _, c := range []struct{ name, value, saw, want string }{
		{"X-Forwarded-Proto", "HTTPS", "X-Forwarded-Port", "443"},
		{"X-Forwarded-Proto", "wss", "X-Forwarded-Proto", "https"},
		{"X-Forwarded-Proto", "https, http", "X-Forwarded-Proto", "https"},
		{"X-Forwarded-Proto", "http, https", "X-Forwarded-Proto", "http"},
		{"X-Forwarded-Proto", "gopher", "X-Forwarded-Proto", "http"},
		{"X-Forwarded-Port", "80x", "X-Forwarded-Port", port},
		{"X-Request-Id", "a b", "X-Request-Id", "[0-9a-f]{32}"},
		{"X-Request-Id", strings.Repeat("x", 128), "X-Request-Id", "x{128}"},
		{"X-Request-Id", strings.Repeat("x", 129), "X-Request-Id", "[0-9a-f]{32}"},
		{"X-Forwarded-For", "192.0.2.8, junk", "X-Real-Ip", `127\.0\.0\.2`},
	} {
		a := w.get(t, "http://shop.example/", withHeader(c.name, c.value), from(trusted))
		sees(t, c.name+" "+c.value, a.Saw.Header, map[string]string{c.saw: c.want})
	}
}

// A proxy in front that has taken off TLS is not sent round in circles.
func trafficTrustedTLS(t *testing.T, w *wharf) {
	w.certified(t, "shop", "shop.example", "staff.example", "refuse.example")
	w.secret("ca", w.ca(t))
	w.serveBehind(t, "defaults: {tls: {cert: shop, key: shop-key}},", `
		pools: {shop: {servers: [{{shop}}]}}
		routes:
		  shop: {hosts: [shop.example], pool: shop, hsts: true}
		  old: {hosts: [shop.example], paths: [/old], redirect: /new}
		  slash: {hosts: [shop.example], paths: [/slash], pool: shop, slash: add}
		  refuse: {hosts: [refuse.example], pool: shop, tls: {plain: refuse}}
		  staff: {hosts: [staff.example], pool: shop, tls: {clients: ca}}
	`)
	byTLS := withHeader("X-Forwarded-Proto", "https")
	port := w.port(t, "https")
	for _, c := range []struct {
		url      string
		options  []option
		status   int
		location string
	}{
		{"http://shop.example/", []option{from(trusted), byTLS}, 200, ""},
		{"http://shop.example/", []option{from(trusted)}, 301, fmt.Sprintf("https://shop.example:%d/", port)},
		{"http://shop.example/", []option{from(stranger), byTLS}, 301, fmt.Sprintf("https://shop.example:%d/", port)},
		{"http://shop.example/old", []option{from(trusted), byTLS}, 302, "https://shop.example/new"},
		{"http://shop.example/slash", []option{from(trusted), byTLS}, 301, "https://shop.example/slash/"},
		{"http://refuse.example/", []option{from(trusted), byTLS}, 200, ""},
		{"http://refuse.example/", []option{from(stranger), byTLS}, 404, ""},
		// It has not seen the client's certificate.
		{"http://staff.example/", []option{from(trusted), byTLS}, 301, fmt.Sprintf("https://staff.example:%d/", port)},
		{"https://staff.example/", []option{from(trusted), byTLS}, 400, ""},
	} {
		a := w.get(t, c.url, c.options...)
		if a.Status != c.status || a.Header.Get("Location") != c.location {
			t.Errorf("%s: got %d to %q, want %d to %q", c.url, a.Status, a.Header.Get("Location"), c.status, c.location)
		}
		if hsts := a.Header.Get("Strict-Transport-Security"); (hsts != "") != (a.Peer == "shop" && c.url == "http://shop.example/") {
			t.Errorf("%s: got HSTS %q", c.url, hsts)
		}
	}
}

func trafficProxyProtocol(t *testing.T, w *wharf) {
	w.certified(t, "shop", "shop.example")
	const header = "PROXY TCP4 192.0.2.9 192.0.2.1 4711 443\r\n"
	w.serveBehind(t, "defaults: {tls: {cert: shop, key: shop-key, plain: serve}},", `
		pools: {shop: {servers: [{{shop}}]}}
		routes: {shop: {hosts: [shop.example], pool: shop}}
	`)
	if code, _ := w.ask(t, strings.TrimSpace(header), "GET / HTTP/1.1", "Host: shop.example"); code != 400 {
		t.Errorf("off: got %d, want 400", code)
	}
	w.serve(t, strings.Replace(strings.Replace(edge, "nginx:{{version}}\",", "nginx:{{version}}\", trusted: [127.0.0.2, 127.0.0.3], ", 1),
		"https: {{https}}", "https: {{https}}, proxyProtocol: true", 1)+dedent(`
		pools: {shop: {servers: [{{shop}}]}}
		routes: {shop: {hosts: [shop.example], pool: shop, tls: {cert: shop, key: shop-key, plain: serve}}}
	`))
	for _, scheme := range []string{"http", "https"} {
		for address, want := range map[string]string{trusted: `192\.0\.2\.9`, stranger: `127\.0\.0\.1`} {
			// What HTTP says comes from the client, whoever has passed it on.
			a := w.get(t, scheme+"://shop.example/", withPreamble(header), claims, from(address))
			if a.Peer != "shop" {
				t.Errorf("%s, from %s: got %d from %q", scheme, address, a.Status, a.Peer)
			}
			sees(t, scheme+", from "+address, a.Saw.Header, map[string]string{
				"X-Real-Ip": want, "X-Forwarded-For": want, "X-Forwarded-Proto": scheme, "X-Forwarded-Host": "shop.example",
				"X-Forwarded-Port": fmt.Sprint(w.port(t, scheme)), "X-Request-Id": "[0-9a-f]{32}", "Forwarded": "",
			})
		}
		if a, err := w.try(t, scheme+"://shop.example/", from(trusted)); err == nil {
			t.Errorf("%s without a PROXY header: got %d, want a closed connection", scheme, a.Status)
		}
	}
	if _, err := w.tls(t, w.port(t, "https"), &tls.Config{ServerName: "shop.example"}); err == nil {
		t.Error("a handshake without a PROXY header is taken")
	}
	w.refused(t, `proxies: {edge: {image: nginx:1.30, listen: {proxyProtocol: true}}}`, "nobody is trusted to tell clients' addresses")
}
