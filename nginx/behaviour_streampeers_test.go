package nginx_test

import (
	"encoding/json"
	"fmt"
	"net"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// full is an address where connections are neither taken nor refused.
func full(t *testing.T) string {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	address := fmt.Sprintf("127.0.0.1:%d", name.(*syscall.SockaddrInet4).Port)
	for range 10 { // the queue takes one or two
		conn, err := net.DialTimeout("tcp", address, 200*time.Millisecond)
		if err != nil {
			return address
		}
		t.Cleanup(func() { conn.Close() })
	}
	t.Fatal("the queue takes everything")
	return ""
}

func streamsTimeouts(t *testing.T, w *wharf) {
	w.serve(t, fmt.Sprintf(`
		pools: {raw: {servers: [{{tcp.raw}}]}, slow: {servers: ["%s", {address: {{tcp.raw}}, backup: true}]}}
		streams:
		  idle: {listen: {{port.idle}}, pool: raw, timeouts: {idle: 300ms}}
		  patient: {listen: {{port.patient}}, pool: raw}
		  connect: {listen: {{port.connect}}, pool: slow, timeouts: {connect: 200ms}}
	`, full(t)))
	idle, patient := w.dial(t, w.port(t, "idle")), w.dial(t, w.port(t, "patient"))
	greets(t, talk(t, idle, "ahoy"), "raw")
	greets(t, talk(t, patient, "ahoy"), "raw")
	time.Sleep(time.Second)
	closed(t, talk(t, idle), "a connection on which nothing is sent")
	if got := talkOn(t, patient, "bye"); got != "bye" {
		t.Errorf("a connection with patience: got %q", got)
	}
	begin := time.Now()
	greets(t, w.tcp(t, w.port(t, "connect"), "ahoy"), "raw")
	if took := time.Since(begin); took < 200*time.Millisecond || took > 4*time.Second {
		t.Errorf("the next peer was asked after %s, want 200ms", took)
	}
	w.refused(t, `
		pools: {raw: {servers: [{{tcp.raw}}]}}
		streams: {raw: {listen: {{port.raw}}, pool: raw, timeouts: {idle: 25h}}}
	`, "is out of range")
}

// talkOn sends a line on a connection whose greeting was read and returns the
// next one.
func talkOn(t *testing.T, conn net.Conn, line string) string {
	t.Helper()
	fmt.Fprintln(conn, line)
	buf := make([]byte, len(line)+1)
	n, err := conn.Read(buf)
	if err != nil {
		return err.Error()
	}
	return strings.TrimSuffix(string(buf[:n]), "\n")
}

func streamsNextPeer(t *testing.T, w *wharf) {
	w.serve(t, `
		pools: {half: {servers: [{{dead}}, {{tcp.raw}}]}, gone: {servers: [{{dead}}]}}
		streams: {half: {listen: {{port.half}}, pool: half}, gone: {listen: {{port.gone}}, pool: gone}}
	`)
	for range 20 {
		greets(t, w.tcp(t, w.port(t, "half"), "ahoy"), "raw")
	}
	closed(t, w.tcp(t, w.port(t, "gone"), "ahoy"), "a pool whose only peer is dead")
}

func streamsHash(t *testing.T, w *wharf) {
	w.serve(t, `
		pools: {raw: {servers: [{{tcp.a}}, {{tcp.b}}], hash: client}}
		streams: {raw: {listen: {{port.raw}}, pool: raw}}
	`)
	met := map[string]bool{}
	for i := range 20 {
		from := fmt.Sprintf("127.0.0.%d", i+1)
		first := talk(t, w.dialFrom(t, from, w.port(t, "raw")), "ahoy")
		second := talk(t, w.dialFrom(t, from, w.port(t, "raw")), "ahoy")
		if len(first) < 2 || !slices.Equal(first, second) {
			t.Errorf("%s meets %q, then %q", from, first, second)
			continue
		}
		met[first[0]] = true
	}
	if len(met) != 2 {
		t.Errorf("20 clients met %v, want both peers", met)
	}
	w.refused(t, `
		pools: {raw: {servers: [{{tcp.a}}], hash: "header:X-Shard"}}
		streams: {raw: {listen: {{port.raw}}, pool: raw}}
	`, "pool raw chooses peers by header, which connections do not show")
}

func streamsBalance(t *testing.T, w *wharf) {
	w.workers = 1
	w.serve(t, `
		pools:
		  least: {servers: [{{tcp.a}}, {{tcp.b}}], balance: least-connections}
		  random: {servers: [{{tcp.a}}, {{tcp.b}}], balance: random-two}
		  one: {servers: [{{tcp.a}}], maxConnections: 1}
		streams:
		  least: {listen: {{port.least}}, pool: least}
		  random: {listen: {{port.random}}, pool: random}
		  one: {listen: {{port.one}}, pool: one}
	`)
	// Of three connections one peer has two; when it has none, it gets the next
	// one, which would be the other's turn.
	open := map[string][]net.Conn{}
	for range 3 {
		conn := w.dial(t, w.port(t, "least"))
		got := talk(t, conn, "ahoy")
		if got == nil {
			t.Fatal("nobody answers")
		}
		open[got[0]] = append(open[got[0]], conn)
	}
	for name, conns := range open {
		if len(conns) == 2 {
			conns[0].Close()
			conns[1].Close()
			w.logged(t, `upstream="`+w.address(t, "tcp."+name))
			time.Sleep(100 * time.Millisecond) // both of them
			greets(t, w.tcp(t, w.port(t, "least"), "ahoy"), name)
		}
	}
	if len(open) != 2 {
		t.Errorf("of three connections went %v, want some to each peer", open)
	}
	met := map[string]bool{}
	await(t, "random meets both peers", func() bool {
		if got := w.tcp(t, w.port(t, "random"), "ahoy"); got != nil {
			met[got[0]] = true
		}
		return len(met) == 2
	})
	one := w.dial(t, w.port(t, "one"))
	greets(t, talk(t, one, "ahoy"), "a")
	closed(t, w.tcp(t, w.port(t, "one"), "ahoy"), "a second connection to a peer that takes one")
	one.Close()
	await(t, "the peer takes another one", func() bool { return w.tcp(t, w.port(t, "one"), "ahoy") != nil })
}

// The log of streams is in JSON where that of routes is.
func streamsLogJSON(t *testing.T, w *wharf) {
	w.serve(t, `
		proxies: {edge: {image: "nginx:{{version}}", log: json, listen: {http: {{http}}}, status: {port: {{status}}}}}
		pools: {raw: {servers: [{{tcp.raw}}]}}
		streams: {raw: {listen: {{port.raw}}, pool: raw}}
	`)
	greets(t, w.tcp(t, w.port(t, "raw"), "ahoy"), "raw")
	var line struct {
		Client, Protocol, Stream, Upstream string
		Status, Bytes, Received            int
	}
	text := w.logged(t, `"stream":"raw"`)
	if err := json.Unmarshal([]byte(text), &line); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	if line.Client != "127.0.0.1" || line.Protocol != "TCP" || line.Upstream != w.address(t, "tcp.raw") || line.Status != 200 || line.Bytes != 9 || line.Received != 5 {
		t.Errorf("the connection is logged as %q", text)
	}
	w.refused(t, `
		proxies: {edge: {image: "nginx:{{version}}", log: xml}}
		pools: {raw: {servers: [{{tcp.raw}}]}}
		streams: {raw: {listen: {{port.raw}}, pool: raw}}
	`, `"xml" is not a form of log`)
}
