package nginx_test

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wharfinger/wharfinger/generator"
	"github.com/wharfinger/wharfinger/lab"
)

// byHand is a file that uses every kind of peer and client of the harness. What
// the features rest on is held here, whatever the templates write.
const byHand = `
worker_processes auto;
error_log stderr warn;
events {}
stream {
    server { listen {{port.tcp}}; proxy_pass {{tcp.raw}}; proxy_protocol on; }
    server { listen {{port.tcps}}; proxy_pass {{tcps.raw}}; proxy_ssl on; proxy_ssl_verify on; proxy_ssl_name raw.internal; proxy_ssl_trusted_certificate /run/secrets/ca; }
    server { listen {{port.udp}} udp; proxy_pass {{udp.raw}}; }
    server { listen {{port.through}}; proxy_pass {{tls.through}}; }
    server { listen {{port.denied}}; proxy_pass {{tcp.raw}}; deny all; }
}
http {
    access_log /dev/stdout combined buffer=64k flush=1s;
    client_body_temp_path /tmp/nginx-client-body;
    proxy_temp_path /tmp/nginx-proxy;
    fastcgi_temp_path /tmp/nginx-fastcgi;
    uwsgi_temp_path /tmp/nginx-uwsgi;
    scgi_temp_path /tmp/nginx-scgi;
    server { listen {{status}}; location = /digest/hand { return 204; } }
    server {
        listen {{http}};
        location / { proxy_pass http://{{shop}}; }
        location /own { proxy_pass http://{{own}}; }
        location /dead { proxy_pass http://{{dead}}; }
        location /socket { proxy_pass http://unix:/tmp/inner.sock:; }
    }
    server { listen unix:/tmp/inner.sock; return 200 "by the socket"; }
    server { listen {{port.forwarded}} proxy_protocol; return 200 $proxy_protocol_addr; }
    server { listen {{port.grpc}} http2; location / { grpc_pass {{grpc.shop}}; } }
    server {
        listen {{https}} ssl http2;
        ssl_certificate /run/secrets/cert;
        ssl_certificate_key /run/secrets/key;
        ssl_client_certificate /run/secrets/ca;
        ssl_verify_client optional_no_ca;
        location / {
            proxy_ssl_verify on;
            proxy_ssl_trusted_certificate /run/secrets/ca;
            proxy_ssl_certificate /run/secrets/cert;
            proxy_ssl_certificate_key /run/secrets/key;
            proxy_ssl_server_name on;
            proxy_ssl_name shop.internal;
            proxy_set_header Client $ssl_client_s_dn:$ssl_client_verify;
            proxy_pass https://{{tls.shop}};
        }
        location /grpc { grpc_pass grpcs://{{tls.shop}}; }
    }
}
`

func byHandWharf(t *testing.T) *wharf {
	t.Helper()
	if testing.Short() {
		t.Skip("the lab's nginx is fetched as root")
	}
	program, err := lab.Nginx(t.Context(), "1.30")
	if err != nil {
		t.Fatal(err)
	}
	w := newWharf(t, "1.30", program)
	cert, key := w.cert(t, "shop.example")
	w.secret("cert", cert)
	w.secret("key", key)
	w.secret("ca", w.ca(t))
	w.certify("through", "through.example")
	w.peer("own", func(rw http.ResponseWriter, r *http.Request) { http.Error(rw, "closed", http.StatusTeapot) })
	w.workers = 1
	file := w.fill(t, byHand, "")
	w.start(t, []generator.Shard{{Path: "nginx.conf", Data: []byte(file)}}, w.port(t, "status"), "hand")
	return w
}

func TestHarnessHTTP(t *testing.T) {
	w := byHandWharf(t)
	a := w.get(t, "http://any.example/a%2Fb?q=1", withMethod("PUT"), withHeader("X-Own", "1"), withCookie("c", "2"))
	if a.Status != 200 || a.Proto != "HTTP/1.1" || a.Peer != "shop" || a.Saw.Method != "PUT" || a.Saw.Path != "/a%2Fb" ||
		a.Saw.Query != "q=1" || a.Saw.Header.Get("X-Own") != "1" || a.Saw.Header.Get("Cookie") != "c=2" {
		t.Errorf("a request: got %+v", a)
	}
	if a := w.get(t, "http://any.example/", withBody(strings.Repeat("x", 2000))); a.Saw.Method != "POST" || a.Saw.Size != 2000 || len(a.Saw.Body) != 1024 {
		t.Errorf("a body of 2000 bytes: the peer saw %s with %d, and begins with %d", a.Saw.Method, a.Saw.Size, len(a.Saw.Body))
	}
	if a := w.get(t, "http://any.example/own"); a.Status != http.StatusTeapot || a.Peer != "" || a.Body != "closed\n" {
		t.Errorf("a peer of the feature's own: got %+v", a)
	}
	if got := w.saw(t, "own", 1); len(got) != 1 || got[0].Path != "/own" {
		t.Errorf("a peer of the feature's own saw %+v", got)
	}
	if a := w.get(t, "http://any.example/dead"); a.Status != http.StatusBadGateway {
		t.Errorf("nobody listens: got %d, want 502", a.Status)
	}
	if a := w.get(t, "http://any.example/socket"); a.Body != "by the socket" {
		t.Errorf("a socket: got %q", a.Body)
	}
	forwarded := fmt.Sprintf("http://any.example:%d/", w.port(t, "forwarded"))
	if a := w.get(t, forwarded, withPreamble("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n")); a.Body != "192.0.2.1" {
		t.Errorf("a PROXY protocol header: nginx sees %q", a.Body)
	}
	if _, err := w.try(t, forwarded); err == nil {
		t.Error("without a PROXY protocol header: got an answer")
	}
	w.get(t, "http://any.example/logged", from("127.0.0.2"))
	if line := w.logged(t, "/logged"); !strings.HasPrefix(line, "127.0.0.2 ") {
		t.Errorf("a request from 127.0.0.2 is logged as %q", line)
	}
	if log := w.log(); !strings.Contains(log, "Connection refused") {
		t.Errorf("the log has no error of the peer that is dead:\n%s", log)
	}
	open := w.transport(t, "http://any.example/")
	first, second := w.get(t, "http://any.example/", via(open)), w.get(t, "http://any.example/", via(open))
	if first.Header.Get("Connection") != "keep-alive" || second.Header.Get("Connection") != "keep-alive" {
		t.Errorf("a connection that stays open: got %q, then %q", first.Header, second.Header)
	}
}

func TestHarnessTLS(t *testing.T) {
	w := byHandWharf(t)
	a := w.get(t, "https://shop.example/")
	if a.TLS == nil || a.Saw.SNI != "shop.internal" || a.Saw.Client != "shop.example" || a.Saw.Header.Get("Client") != ":NONE" {
		t.Errorf("TLS on both sides: got %+v", a)
	}
	cert, key := w.cert(t, "anna")
	if a := w.get(t, "https://shop.example/", withClientCert(cert, key), withHTTP2()); a.Proto != "HTTP/2.0" || a.Saw.Header.Get("Client") != "CN=anna:SUCCESS" {
		t.Errorf("a client's certificate by HTTP/2: got %+v", a)
	}
	cert, key = w.strangeCert(t, "mallory")
	if a := w.get(t, "https://shop.example/", withClientCert(cert, key)); !strings.HasPrefix(a.Saw.Header.Get("Client"), "CN=mallory:FAILED") {
		t.Errorf("a stranger's certificate: got %+v", a)
	}
	if _, err := w.try(t, "https://other.example/"); err == nil {
		t.Error("a certificate for another name is good enough for the client")
	}
	if a := w.get(t, "https://shop.example/", withTLS(func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 })); a.TLS.Version != tls.VersionTLS12 {
		t.Errorf("a client of TLS 1.2 at most: got %x", a.TLS.Version)
	}
	conn, err := w.tls(t, w.port(t, "through"), &tls.Config{ServerName: "through.example"})
	if err != nil {
		t.Fatal(err)
	}
	if _, resp := speak(t, conn, "", "GET / HTTP/1.1", "Host: through.example"); resp.StatusCode != 200 {
		t.Errorf("a TLS peer with a name of its own: got %d", resp.StatusCode)
	}
	if got := w.saw(t, "through", 1); got[0].SNI != "through.example" {
		t.Errorf("a TLS peer saw the name %q", got[0].SNI)
	}
}

func TestHarnessGRPC(t *testing.T) {
	w := byHandWharf(t)
	for _, url := range []string{fmt.Sprintf("http://any.example:%d/echo.Echo/Say", w.port(t, "grpc")), "https://shop.example/grpc"} {
		a, back := w.grpc(t, url, []string{"ahoy", ""})
		if a.Peer != "shop" || a.Trailer.Get("Grpc-Status") != "0" || !slices.Equal(back, []string{"ahoy", ""}) {
			t.Errorf("%s: got %q in %+v", url, back, a)
		}
	}
}

func TestHarnessStreams(t *testing.T) {
	w := byHandWharf(t)
	got := w.tcp(t, w.port(t, "tcp"), "ahoy", "bye")
	if len(got) != 4 || got[0] != "raw" || !strings.HasPrefix(got[1], "PROXY TCP4 127.0.0.1 ") || got[2] != "ahoy" || got[3] != "bye" {
		t.Errorf("TCP: got %q", got)
	}
	if got := w.tcp(t, w.port(t, "tcps"), "ahoy"); !slices.Equal(got, []string{"raw", "ahoy"}) {
		t.Errorf("TCP, with TLS to the peer: got %q", got)
	}
	if got := w.tcp(t, w.port(t, "denied"), "ahoy"); got != nil {
		t.Errorf("TCP, denied: got %q", got)
	}
	if got := w.udp(t, w.port(t, "udp"), "ahoy", patience); got != "raw ahoy" {
		t.Errorf("UDP: got %q", got)
	}
	if got := w.udp(t, w.port(t, "nobody"), "ahoy", 50*time.Millisecond); got != "" {
		t.Errorf("UDP to nobody: got %q", got)
	}
}

func TestHarnessServesAgain(t *testing.T) {
	w := byHandWharf(t)
	for _, peer := range []string{"shop", "other"} {
		w.serve(t, fmt.Sprintf(`
			pools: {it: {servers: [{{%s}}]}}
			routes: {it: {hosts: [shop.example], pool: it}}
		`, peer))
		if a := w.get(t, "http://shop.example/"); a.Peer != peer {
			t.Errorf("got %d from %q, want %s", a.Status, a.Peer, peer)
		}
		if got := w.children(t); got != 1 {
			t.Errorf("nginx has %d workers, want 1", got)
		}
	}
}

// children counts nginx's workers.
func (w *wharf) children(t *testing.T) int {
	t.Helper()
	pid, err := os.ReadFile(filepath.Join(w.dir, "nginx.pid"))
	if err != nil {
		t.Fatal(err)
	}
	id := strings.TrimSpace(string(pid))
	children, err := os.ReadFile(fmt.Sprintf("/proc/%s/task/%s/children", id, id))
	if err != nil {
		t.Fatal(err)
	}
	return len(strings.Fields(string(children)))
}

// A feature that nginx lacks ends where what it would serve is refused.
func TestHarnessLacks(t *testing.T) {
	w := newWharf(t, "1.20", "")
	w.lacks = "1.22"
	reached := false
	w.run(t, feature{do: func(t *testing.T, w *wharf) {
		w.serve(t, oneShop)
		reached = true
	}})
	if reached {
		t.Error("a feature that nginx lacks goes on behind serve")
	}
}
