package nginx_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/wharfinger/wharfinger/generator"
	"github.com/wharfinger/wharfinger/lab"
	"github.com/wharfinger/wharfinger/route"
)

// TestBehaviour holds what clients and peers meet: a real nginx serves rendered
// files, Go servers are the peers.
func TestBehaviour(t *testing.T) {
	for _, version := range []string{"1.30", "1.22"} {
		t.Run(version, func(t *testing.T) {
			w := newWharf(t, version)
			t.Run("host", w.host)
			t.Run("client's headers", w.headers)
			t.Run("websocket", w.websocket)
			t.Run("other upgrades", w.otherUpgrades)
			t.Run("routing", w.routing)
			t.Run("body too large", w.bodyTooLarge)
			t.Run("one peer dead", w.onePeerDead)
			t.Run("backup", w.backup)
		})
	}
}

// %[1]d is nginx's port, %[2]d its status port, %[3]d that of a dead peer, and
// the others those of living ones.
const repository = `
proxies: {edge: {image: "nginx:%[4]s", listen: {http: %[1]d}, status: {port: %[2]d}}}
pools:
  shop: {servers: ["127.0.0.1:%[5]d"]}
  other: {servers: ["127.0.0.1:%[6]d"]}
  half: {servers: ["127.0.0.1:%[3]d", "127.0.0.1:%[5]d"]}
  spare: {servers: ["127.0.0.1:%[3]d", {address: "127.0.0.1:%[6]d", backup: true}]}
  nobody: {service: nobody, port: 8080}
routes:
  shop: {hosts: [shop.example], pool: shop}
  v2: {hosts: [shop.example], paths: [/v2, /small/but/long], pool: other}
  small: {hosts: [shop.example], paths: [/small], maxBody: 1k, pool: shop}
  part: {hosts: [part.example], paths: [/v2], pool: shop}
  wild: {hosts: ["*.wild.example"], pool: shop}
  exact: {hosts: [exact.wild.example], pool: other}
  half: {hosts: [half.example], pool: half}
  spare: {hosts: [spare.example], pool: spare}
  nobody: {hosts: [nobody.example], pool: nobody}
`

// wharf is an nginx with its peers.
type wharf struct {
	address string
	port    int
}

func newWharf(t *testing.T, version string) *wharf {
	t.Helper()
	if testing.Short() {
		t.Skip("the lab's nginx is fetched as root")
	}
	program, err := lab.Nginx(t.Context(), version)
	if err != nil {
		t.Fatal(err)
	}
	free := freePorts(t, 3)
	source := fmt.Sprintf(repository, free[0], free[1], free[2], version, peer(t, "shop"), peer(t, "other"))
	desired, problems := route.Parse(route.Revision{Files: []route.File{{Path: "routes.yaml", Data: []byte(source)}}})
	if problems != nil {
		t.Fatal(problems)
	}
	model, _ := generator.Build(desired, &generator.Live{})
	files, err := generator.Render(model.Proxies[0])
	if err != nil {
		t.Fatal(err)
	}
	rollout, err := generator.Pack("", model.Proxies[0], files, nil)
	if err != nil {
		t.Fatal(err)
	}
	w := &wharf{address: fmt.Sprintf("127.0.0.1:%d", free[0]), port: free[0]}
	serve(t, program, rollout.Shards)
	for begin := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		conn, err := net.Dial("tcp", w.address)
		if err == nil {
			conn.Close()
			return w
		}
		if time.Since(begin) > 10*time.Second {
			t.Fatalf("nginx does not listen: %v", err)
		}
	}
}

// freePorts returns ports that nobody listens on, below those that the system
// gives to connections: one of these could be taken before nginx has it.
func freePorts(t *testing.T, n int) []int {
	t.Helper()
	var ports []int
	for range 1000 {
		port := 20000 + rand.IntN(10000)
		l, err := net.Listen("tcp", fmt.Sprintf(":%d", port))
		if err != nil {
			continue
		}
		l.Close()
		if slices.Contains(ports, port) {
			continue
		}
		if ports = append(ports, port); len(ports) == n {
			return ports
		}
	}
	t.Fatal("no free ports from 20000 to 29999")
	return nil
}

// serve runs nginx with the shards until the test ends.
func serve(t *testing.T, program string, shards []generator.Shard) {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "routes"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, s := range shards {
		data := bytes.ReplaceAll(s.Data, []byte("_path /tmp/"), []byte("_path "+dir+"/"))
		if err := os.WriteFile(filepath.Join(dir, s.Path), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	globals := "daemon off; pid " + dir + "/nginx.pid;"
	if os.Geteuid() == 0 {
		globals += " user root root;" // whose folder this is
	}
	var log bytes.Buffer
	cmd := exec.Command(program, "-e", "stderr", "-p", dir, "-c", filepath.Join(dir, "nginx.conf"), "-g", globals)
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		cmd.Wait()
		if t.Failed() {
			t.Logf("nginx said:\n%s", log.String())
		}
	})
}

// seen is what a peer tells of a request.
type seen struct {
	Peer, Host, Path string
	Header           http.Header
}

// peer starts a server that answers with what it sees, and echoes what comes
// after an upgrade. It returns the port.
func peer(t *testing.T, name string) int {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if upgrade := r.Header.Get("Upgrade"); upgrade != "" && strings.EqualFold(r.Header.Get("Connection"), "upgrade") {
			conn, buffered, err := rw.(http.Hijacker).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			fmt.Fprintf(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: %s\r\nConnection: upgrade\r\n\r\n", upgrade)
			io.Copy(conn, buffered)
			return
		}
		io.Copy(io.Discard, r.Body)
		json.NewEncoder(rw).Encode(seen{Peer: name, Host: r.Host, Path: r.URL.Path, Header: r.Header})
	}))
	t.Cleanup(s.Close)
	return s.Listener.Addr().(*net.TCPAddr).Port
}

// open writes a request, whose lines are given, on a connection of its own.
func (w *wharf) open(t *testing.T, body string, lines ...string) (net.Conn, *bufio.Reader, *http.Response) {
	t.Helper()
	conn, err := net.Dial("tcp", w.address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.WriteString(conn, strings.Join(lines, "\r\n")+"\r\n\r\n"+body); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(conn)
	resp, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatalf("%s: %v", lines[0], err)
	}
	return conn, in, resp
}

// ask returns the status and, where it is 200, what the peer saw.
func (w *wharf) ask(t *testing.T, lines ...string) (int, seen) {
	t.Helper()
	conn, _, resp := w.open(t, "", lines...)
	defer conn.Close()
	var s seen
	if resp.StatusCode == http.StatusOK {
		if err := json.NewDecoder(resp.Body).Decode(&s); err != nil {
			t.Fatal(err)
		}
	}
	return resp.StatusCode, s
}

func (w *wharf) host(t *testing.T) {
	own := fmt.Sprintf("shop.example:%d", w.port)
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
func (w *wharf) headers(t *testing.T) {
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

func (w *wharf) websocket(t *testing.T) {
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

func (w *wharf) otherUpgrades(t *testing.T) {
	for _, upgrade := range []string{"h2c", "websocket, h2c", "h2c, websocket", "websocket2", "TLS/1.2"} {
		code, s := w.ask(t, "GET / HTTP/1.1", "Host: shop.example", "Connection: Upgrade, HTTP2-Settings",
			"Upgrade: "+upgrade, "HTTP2-Settings: AAMAAABkAAQAAP__")
		if code != http.StatusOK || s.Header["Upgrade"] != nil || s.Header["Connection"] != nil {
			t.Errorf("Upgrade: %s: got %d, and the peer sees Upgrade %q and Connection %q; want 200 and none", upgrade, code, s.Header["Upgrade"], s.Header["Connection"])
		}
	}
}

func (w *wharf) routing(t *testing.T) {
	for _, c := range []struct {
		name, host, path string
		code             int
		peer             string
	}{
		{"known host", "shop.example", "/", 200, "shop"},
		{"unknown host", "unknown.example", "/", 503, ""},
		{"unknown path", "part.example", "/", 404, ""},
		{"the path itself", "part.example", "/v2", 200, "shop"},
		{"below the path", "part.example", "/v2/x", 200, "shop"},
		{"beside the path", "part.example", "/v20", 404, ""},
		{"out of the path", "part.example", "/v2/../x", 404, ""},
		{"longest path", "shop.example", "/v2/x", 200, "other"},
		{"longest path, beside it", "shop.example", "/v20", 200, "shop"},
		{"longest of three", "shop.example", "/small/but/long/x", 200, "other"},
		{"second of three", "shop.example", "/small/but", 200, "shop"},
		{"wildcard", "a.wild.example", "/", 200, "shop"},
		{"wildcard, two labels", "a.b.wild.example", "/", 200, "shop"},
		{"wildcard, none", "wild.example", "/", 503, ""},
		{"exact before wildcard", "exact.wild.example", "/", 200, "other"},
		{"no peers", "nobody.example", "/", 503, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, s := w.ask(t, "GET "+c.path+" HTTP/1.1", "Host: "+c.host)
			if code != c.code || s.Peer != c.peer {
				t.Fatalf("got %d from %q, want %d from %q", code, s.Peer, c.code, c.peer)
			}
			if code == 200 && s.Path != c.path {
				t.Errorf("the peer sees path %s, want %s", s.Path, c.path)
			}
		})
	}
}

func (w *wharf) bodyTooLarge(t *testing.T) {
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

func (w *wharf) onePeerDead(t *testing.T) {
	for i := range 40 {
		method := []string{"GET", "POST"}[i%2]
		if code, s := w.ask(t, method+" / HTTP/1.1", "Host: half.example", "Content-Length: 0"); code != 200 || s.Peer != "shop" {
			t.Errorf("%s number %d: got %d from %q, want 200 from shop", method, i, code, s.Peer)
		}
	}
}

func (w *wharf) backup(t *testing.T) {
	for i := range 10 {
		if code, s := w.ask(t, "GET / HTTP/1.1", "Host: spare.example"); code != 200 || s.Peer != "other" {
			t.Errorf("number %d: got %d from %q, want 200 from other", i, code, s.Peer)
		}
	}
}
