package nginx_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
)

// http3 sends a request by HTTP/3, to {{https}} or to the port that the URL names.
func (w *wharf) http3(t *testing.T, url string, options ...option) (answer, error) {
	t.Helper()
	r := w.request(t, url, options...)
	port := r.URL.Port()
	if port == "" {
		port = fmt.Sprint(w.port(t, "https"))
	}
	transport := &http3.Transport{
		TLSClientConfig: r.transport.TLSClientConfig, DisableCompression: true,
		Dial: func(ctx context.Context, _ string, config *tls.Config, quicConfig *quic.Config) (*quic.Conn, error) {
			return quic.DialAddr(ctx, w.at(port), config, quicConfig)
		},
	}
	t.Cleanup(func() { transport.Close() })
	resp, err := transport.RoundTrip(r.Request)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return answer{}, err
	}
	a := answer{Status: resp.StatusCode, Proto: resp.Proto, Header: resp.Header, Body: string(body), TLS: resp.TLS}
	if json.Unmarshal(body, &a.Saw) == nil {
		a.Peer = a.Saw.Peer
	}
	return a, nil
}

func tlsHTTP3(t *testing.T, w *wharf) {
	w.certified(t, "all", "shop.example", "staff.example", "plain.example", "soon.example")
	w.secret("ca", w.ca(t))
	w.serve(t, `
		proxies:
		  edge:
		    image: "nginx:{{version}}"
		    listen: {http: {{http}}, https: {{https}}, http3: true}
		    status: {port: {{status}}}
		pools: {shop: {servers: [{{shop}}]}}
		policies: {all: {tls: {cert: all, key: all-key}}}
		routes:
		  shop: {hosts: [shop.example], use: [all], pool: shop, tls: {plain: serve}}
		  old: {hosts: [shop.example], paths: [/old], redirect: /new}
		  staff: {hosts: [staff.example], use: [all], pool: shop, tls: {clients: ca}}
		  plain: {hosts: [plain.example], pool: shop}
		  soon: {hosts: [soon.example], pool: shop, tls: {cert: soon, key: soon-key}}
	`)
	ask := func(url string, options ...option) answer {
		t.Helper()
		a, err := w.http3(t, url, options...)
		if err != nil {
			t.Errorf("%s: %v", url, err)
		}
		return a
	}
	port := w.port(t, "https")
	host := fmt.Sprintf("shop.example:%d", port)
	a := ask("https://"+host+"/a%2Fb?q=1", withBody("ahoy"))
	if a.Proto != "HTTP/3.0" || a.Peer != "shop" || a.Saw.Path != "/a%2Fb" || a.Saw.Query != "q=1" || a.Saw.Body != "ahoy" {
		t.Errorf("got %s %d from %q, which sees %+v", a.Proto, a.Status, a.Peer, a.Saw)
	}
	if got := a.Saw.Header; a.Saw.Host != host || got.Get("X-Forwarded-Host") != host || got.Get("X-Forwarded-Proto") != "https" || got.Get("X-Forwarded-Port") != fmt.Sprint(port) {
		t.Errorf("the peer sees Host %s and %v", a.Saw.Host, got)
	}
	if a := ask("https://" + host + "/old"); a.Header.Get("Location") != "https://"+host+"/new" {
		t.Errorf("a redirect leads to %q", a.Header.Get("Location"))
	}
	// How clients learn of it.
	for url, want := range map[string]string{
		"https://shop.example/": fmt.Sprintf(`h3=":%d"; ma=86400`, port), "https://shop.example/old": fmt.Sprintf(`h3=":%d"; ma=86400`, port),
		"http://shop.example/": "", "http://plain.example/": "",
	} {
		if got := w.get(t, url).Header.Get("Alt-Svc"); got != want {
			t.Errorf("%s: got Alt-Svc %q, want %q", url, got, want)
		}
	}
	for _, name := range []string{"unknown.example", "plain.example", "soon.example"} {
		if a, err := w.http3(t, "https://shop.example/", withName(name)); err == nil {
			t.Errorf("%s: got %d, want a handshake that is rejected", name, a.Status)
		}
	}
	cert, key := w.cert(t, "anna")
	anna := withClientCert(cert, key)
	if a := ask("https://staff.example/", anna, forged); a.Peer != "shop" || a.Saw.Header.Get("X-Client-Subject") != "CN=anna" {
		t.Errorf("a client's certificate: got %d from %q, which sees %v", a.Status, a.Peer, a.Saw.Header)
	}
	if a := ask("https://staff.example/"); a.Status != 400 || a.Peer != "" {
		t.Errorf("without a certificate: got %d from %q, want 400", a.Status, a.Peer)
	}
	for _, other := range []string{"staff.example", "soon.example"} {
		if a := ask("https://"+other+"/", withName("shop.example"), anna); a.Status != http.StatusMisdirectedRequest {
			t.Errorf("%s behind another name: got %d from %q, want 421", other, a.Status, a.Peer)
		}
	}
	w.refused(t, `
		proxies: {edge: {image: "nginx:{{version}}", listen: {http3: true, proxyProtocol: true}, trusted: [127.0.0.1/32]}}
		routes: {shop: {hosts: [shop.example], respond: 200}}
	`, "HTTP/3 knows no PROXY protocol")
}
