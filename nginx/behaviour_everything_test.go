package nginx_test

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wharfinger/wharfinger/generator"
	"github.com/wharfinger/wharfinger/golden"
)

// everythingText is examples/everything as one file, on this wharf's ports.
func everythingText(t *testing.T) string {
	t.Helper()
	var files []string
	for _, f := range golden.Revision(t, "everything").Files {
		files = append(files, string(f.Data))
	}
	text := strings.Join(files, "\n---\n")
	for was, is := range map[string]string{
		"image: nginx:1.30\n":                 "image: nginx:{{version}}\n",
		"{http: 80, https: 443, http3: true}": "{http: {{http}}, https: {{https}}, http3: true}",
		"{port: 8079}":                        "{port: {{status}}}",
		"listen: 5432\n":                      "listen: {{port.postgres}}\n",
		"listen: 2222,":                       "listen: {{port.ssh}},",
		"listen: 8883\n":                      "listen: {{port.mqtt}}\n",
		"listen: 9443,":                       "listen: {{port.billing}},",
		"listen: 53/udp":                      `listen: "{{port.dns}}/udp"`,
		"listen: 514/udp":                     `listen: "{{port.syslog}}/udp"`,
	} {
		if strings.Count(text, was) != 1 {
			t.Fatalf("examples/everything has %q %d times, want once", was, strings.Count(text, was))
		}
		text = strings.Replace(text, was, is, 1)
	}
	return text
}

// peerOf is the kind of peer behind each pool of examples/everything; the others
// are plain HTTP.
var peerOf = map[string]string{
	"prices": "grpc", "billing": "tls", "appliance": "tls", "vault": "tls",
	"git-ssh": "tcp", "mqtt": "tcp", "postgres": "tcp", "dns": "udp", "syslog": "udp",
}

// everythingServes has a real nginx serve a repository of 50 routes in which
// every field of the format is in use.
func everythingServes(t *testing.T, w *wharf) {
	if err := json.Unmarshal(golden.Read(t, "everything", "live.json"), &w.live); err != nil {
		t.Fatal(err)
	}
	w.live.Secrets = nil // this wharf has its own
	var hosts []string
	for _, name := range []string{"shop", "www.shop", "img", "prices", "old.shop", "outlet", "admin.shop", "login", "docs", "files", "chat",
		"git", "legacy", "appliance", "api", "a.intranet", "wiki.intranet", "forum", "status", "go", "www", "nobody", "mqtt"} {
		hosts = append(hosts, name+".example.org")
	}
	pair := func(name string, hosts ...string) {
		cert, key := w.cert(t, hosts...)
		w.secret(name+".cert", cert)
		w.secret(name+".key", key)
	}
	pair("wildcard", append(hosts, "example.org", "shop.example.de")...)
	pair("billing", "billing.example.org")
	pair("edge-client", "edge")
	pair("partners", "api.partners.example.org")
	w.secret("partner-users", nil)
	for _, name := range []string{"internal-ca", "staff-ca", "devices-ca", "partners-ca"} {
		w.secret(name, w.ca(t))
	}
	w.secret("report-users", []byte("anna:{PLAIN}open\n"))
	w.secret("partners-geo", nil) // which nobody opens
	w.certify("billing", "billing.internal.example.org")
	w.certify("vault", "blue.vault.example.org")
	w.adjust = func(p *generator.Proxy) { // whose peers are elsewhere
		at := func(pool string) []generator.Peer {
			pool, _, _ = strings.Cut(pool, "+")
			kind := peerOf[pool]
			if kind == "" {
				kind = "http"
			}
			return []generator.Peer{{Address: w.address(t, kind+"."+pool), Weight: 1}}
		}
		for i := range p.Upstreams {
			p.Upstreams[i].Peers = at(p.Upstreams[i].Name)
		}
		for i := range p.StreamUpstreams {
			p.StreamUpstreams[i].Peers = at(p.StreamUpstreams[i].Name)
		}
	}
	w.serve(t, everythingText(t))
	if w.problems != nil {
		t.Errorf("of the cluster: %v", w.problems)
	}

	cert, key := w.cert(t, "anna")
	post := func(size int) option { return withBody(strings.Repeat("x", size)) }
	for _, c := range []struct {
		url     string
		options []option
		status  int
		peer    string // or where a redirect leads, or what a fixed answer says
		path    string // that the peer sees, where it is another one
	}{
		{"http://shop.example.org/x?y", nil, 301, "https://shop.example.org:{{https}}/x?y", ""},
		{"https://www.shop.example.org/x", nil, 301, "https://shop.example.org/x", ""},
		{"https://shop.example.org/x/", nil, 301, "https://shop.example.org/x", ""},
		{"https://shop.example.org/x", with(withCookie("beta", "1")), 200, "shop-next", ""},
		{"https://shop.example.org/x?team=1", nil, 200, "shop-next", ""},
		{"https://shop.example.org/x", with(withHeader("X-Frozen", "yes"), post(1)), 503, "We count our stock.\n", ""},
		{"https://shop.example.org/cart/1", nil, 200, "cart", ""},
		{"https://shop.example.org/search/all?q=rope", nil, 200, "search", "/all"},
		{"https://img.example.org/images/a%20b.png", nil, 200, "images", "/static/a%20b.png"},
		{"https://shop.example.org/items/17", nil, 200, "shop", ""},
		{"https://shop.example.org/ARTIKEL/17", nil, 200, "shop", "/items/17"},
		{"https://shop.example.org/robots.txt", nil, 200, "User-agent: *\nDisallow: /cart\n", ""},
		{"https://shop.example.org/health", nil, 204, "", ""},
		{"https://old.shop.example.org/p/5/x", nil, 301, "https://shop.example.org/items/5", ""},
		{"https://outlet.example.org/x", nil, 308, "https://shop.example.org/outlet", ""},
		{"https://shop.example.de/x", nil, 302, "https://shop.example.org:443/de", ""},
		{"https://admin.shop.example.org/x", nil, 403, "", ""},
		{"https://admin.shop.example.org/reports", nil, 401, "", ""},
		{"https://admin.shop.example.org/reports", with(withHeader("Authorization", "Basic YW5uYTpvcGVu")), 200, "shop", ""},
		{"https://login.example.org/x", nil, 200, "sso", ""},
		{"https://docs.example.org/a", nil, 301, "https://docs.example.org/a/", ""},
		{"https://docs.example.org/a/", nil, 200, "docs", ""},
		{"https://docs.example.org/v1/a", nil, 302, "https://docs.example.org/latest", ""},
		{"https://files.example.org/x", with(post(9 << 20)), 200, "files", ""},
		{"https://files.example.org/avatars/x", with(post(257 << 10)), 413, "", ""},
		{"https://chat.example.org/x", with(withHeader("Accept", "text/event-stream")), 200, "chat", ""},
		{"https://git.example.org/hooks/x", nil, 403, "", ""},
		{"https://billing.example.org/x", nil, 400, "", ""},
		{"https://billing.example.org/x", with(withClientCert(cert, key)), 200, "billing", ""},
		{"https://billing.example.org/mail", with(withClientCert(cert, key)), 200, "billing", ""},
		{"http://legacy.example.org/x", nil, 200, "legacy", ""},
		{"https://legacy.example.org/orders", nil, 200, "legacy", ""},
		{"https://api.example.org/x", nil, 200, "shop", ""},
		{"https://api.example.org/x", with(withHeader("Api-Version", "2")), 200, "shop-next", ""},
		{"https://a.intranet.example.org/x", nil, 403, "", ""},
		{"https://forum.example.org/x", nil, 503, "", ""},
		{"http://status.example.org/", nil, 404, "", ""},
		{"https://status.example.org/", nil, 200, "<p>All is well.</p>\n", ""},
		{"https://go.example.org/jobs", nil, 302, "https://www.example.org/jobs?from=go", ""},
		{"https://go.example.org/x", nil, 404, "", ""},
		{"https://example.org/x", nil, 301, "https://www.example.org/x", ""},
		{"https://www.example.org/x", nil, 200, "docs", ""},
		{"https://www.example.org/new", nil, 302, "https://www.example.org/news", ""},
		{"http://nobody.example.org/x", nil, 404, "There is no such site here.\n", ""},
		{"https://nobody.example.org/x", nil, 404, "There is no such site here.\n", ""},
	} {
		a := w.get(t, c.url, c.options...)
		want := strings.ReplaceAll(c.peer, "{{https}}", fmt.Sprint(w.port(t, "https")))
		got := a.Peer
		switch {
		case a.Status/100 == 3:
			got = a.Header.Get("Location")
		case a.Peer == "" && c.peer != "":
			got = a.Body
		}
		if a.Status != c.status || got != want {
			t.Errorf("%s: got %d, %.80q; want %d, %q", c.url, a.Status, got, c.status, want)
		}
		if c.path != "" && a.Saw.Path != c.path {
			t.Errorf("%s: the peer sees %s, want %s", c.url, a.Saw.Path, c.path)
		}
	}

	a := w.get(t, "https://shop.example.org/x")
	if a.Status != 200 || a.Peer != "shop" && a.Peer != "shop-next" {
		t.Errorf("the split: got %d from %q", a.Status, a.Peer)
	}
	for name, want := range map[string]string{
		"X-Frame-Options": "DENY", "Strict-Transport-Security": "max-age=63072000; includeSubDomains; preload", "Alt-Svc": fmt.Sprintf(`h3=":%d"; ma=86400`, w.port(t, "https")),
	} {
		if got := a.Header.Get(name); got != want {
			t.Errorf("header %s: got %q, want %q", name, got, want)
		}
	}
	if a.Header.Get("X-Upstream-Addr") == "" {
		t.Error("no info headers where infoHeaders is on")
	}
	if a := w.get(t, "https://wiki.intranet.example.org/"); a.Status != 503 || a.Header.Get("Retry-After") != "7200" || !strings.Contains(a.Body, "moves house") {
		t.Errorf("maintenance: got %d, %q, %.60q", a.Status, a.Header.Get("Retry-After"), a.Body)
	}
	preflight := w.get(t, "https://api.example.org/x", withMethod("OPTIONS"), withHeader("Origin", "https://blue.partner.example"), withHeader("Access-Control-Request-Method", "PUT"))
	if preflight.Status != 204 || preflight.Header.Get("Access-Control-Allow-Origin") != "https://blue.partner.example" {
		t.Errorf("a preflight: got %d for %q", preflight.Status, preflight.Header.Get("Access-Control-Allow-Origin"))
	}
	if a, messages := w.grpc(t, "https://prices.example.org/prices.Prices/Get", []string{"rope", "sail"}); len(messages) != 2 || a.Trailer.Get("Grpc-Status") != "0" {
		t.Errorf("gRPC: got %q, status %q", messages, a.Trailer.Get("Grpc-Status"))
	}
	everythingStreams(t, w)
}

func everythingStreams(t *testing.T, w *wharf) {
	t.Helper()
	conn, err := w.tls(t, w.port(t, "https"), &tls.Config{ServerName: "blue.vault.example.org"})
	if err != nil {
		t.Fatalf("passthrough: %v", err)
	}
	if _, resp := speak(t, conn, "", "GET / HTTP/1.1", "Host: blue.vault.example.org"); resp.StatusCode != http.StatusOK {
		t.Errorf("passthrough: got %d", resp.StatusCode)
	}
	if got := w.tcp(t, w.port(t, "postgres"), "x"); len(got) != 0 {
		t.Errorf("a stream that is not for this client: got %q", got)
	}
	if got := w.tcp(t, w.port(t, "ssh"), "x"); len(got) < 2 || got[0] != "git-ssh" || !strings.HasPrefix(got[1], "PROXY TCP4 127.0.0.1 ") {
		t.Errorf("a stream with the PROXY protocol: got %q", got)
	}
	cert, key := w.cert(t, "device")
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	secure, err := w.tls(t, w.port(t, "mqtt"), &tls.Config{ServerName: "mqtt.example.org", Certificates: []tls.Certificate{pair}})
	if err != nil {
		t.Fatalf("a stream with TLS: %v", err)
	}
	if got := talk(t, secure, "x"); len(got) != 2 || got[0] != "mqtt" {
		t.Errorf("a stream with TLS: got %q", got)
	}
	if _, resp := speak(t, w.dial(t, w.port(t, "billing")), "", "GET / HTTP/1.1", "Host: billing"); resp.StatusCode != http.StatusOK {
		t.Errorf("a stream with TLS to its pool: got %d", resp.StatusCode)
	}
	if got := w.udp(t, w.port(t, "dns"), "query", 5*time.Second); got != "dns query" {
		t.Errorf("a stream of packets: got %q", got)
	}
}
