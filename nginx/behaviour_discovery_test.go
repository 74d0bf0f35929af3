package nginx_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wharfinger/wharfinger/dns"
	"github.com/wharfinger/wharfinger/generator"
)

// discovery is a daemon's DNS that nginx asks.
type discovery struct {
	*dns.Server
	stop func()
}

func (w *wharf) discovery(t *testing.T) *discovery {
	t.Helper()
	d := &discovery{Server: &dns.Server{Address: fmt.Sprintf("127.0.0.1:%d", w.port(t, "dns"))}}
	d.start(t)
	return d
}

func (d *discovery) start(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	d.stop = func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		d.stop = func() {}
	}
	t.Cleanup(func() { d.stop() })
}

// tasks publishes peers as the tasks of pool shop.
func (d *discovery) tasks(addresses ...string) {
	var peers []generator.Peer
	for _, a := range addresses {
		peers = append(peers, generator.Peer{Address: a, Weight: 1})
	}
	d.Publish(map[string][]generator.Peer{"shop": peers})
}

// from waits until all of some requests in a row were answered by these peers, or by
// nobody.
func (w *wharf) from(t *testing.T, what string, want ...string) {
	t.Helper()
	await(t, what, func() bool {
		got := map[string]bool{}
		for range 20 {
			got[w.get(t, "http://shop.example/").Peer] = true
		}
		if len(want) == 0 {
			want = []string{""}
		}
		for _, name := range want {
			if !got[name] {
				return false
			}
		}
		return len(got) == len(want)
	})
}

const followed = `
	proxies: {edge: {image: "nginx:{{version}}", resolvers: ["127.0.0.1:{{port.dns}}"], listen: {http: {{http}}}, status: {port: {{status}}}}}
	pools: {shop: {service: shop, port: 8080, discovery: dns%s}}
	routes: {shop: {hosts: [shop.example], pool: shop}}
`

// nginx follows the tasks by itself: their ports, their number, none at all.
func discoveryFollows(t *testing.T, w *wharf) {
	d := w.discovery(t)
	a, b, c := w.address(t, "http.a"), w.address(t, "http.b"), w.address(t, "http.c")
	d.tasks(a)
	w.serve(t, fmt.Sprintf(followed, ""))
	w.from(t, "one task", "a")
	d.tasks(a, b, c)
	w.from(t, "two more tasks", "a", "b", "c")
	d.tasks(c)
	w.from(t, "two are gone", "c")
	d.tasks()
	w.from(t, "no task")
	if got := w.get(t, "http://shop.example/").Status; got != 502 {
		t.Errorf("without a task: got %d, want 502", got)
	}
	d.tasks(b)
	w.from(t, "a task again", "b")
	w.refused(t, fmt.Sprintf(followed, ", via: overlay"), "is followed by DNS, which tells of ports on nodes")
}

// With DNS gone, slow or ignorant, nginx keeps the peers that it has.
func discoveryOutage(t *testing.T, w *wharf) {
	d := w.discovery(t)
	a, b := w.address(t, "http.a"), w.address(t, "http.b")
	d.tasks(a)
	w.serve(t, fmt.Sprintf(followed, ""))
	w.from(t, "one task", "a")
	d.stop()
	for end := time.Now().Add(6 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if got := w.get(t, "http://shop.example/"); got.Peer != "a" {
			t.Fatalf("with DNS gone: got %d from %q, want a", got.Status, got.Peer)
		}
	}
	d.Server = &dns.Server{Address: d.Address} // a new daemon, which knows nothing yet
	d.start(t)
	for end := time.Now().Add(3 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if got := w.get(t, "http://shop.example/"); got.Peer != "a" {
			t.Fatalf("with a new daemon: got %d from %q, want a", got.Status, got.Peer)
		}
	}
	d.tasks(b)
	w.from(t, "the daemon knows", "b")
}

// A pool of 200 tasks comes by TCP, and all of them are asked.
func discoveryLarge(t *testing.T, w *wharf) {
	listener, err := net.Listen("tcp4", ":0") // at each address of the loopback
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Asked", fmt.Sprint(r.Context().Value(http.LocalAddrContextKey)))
	})}
	go server.Serve(listener)
	t.Cleanup(func() { server.Close() })
	d := w.discovery(t)
	var many []string
	for i := range 200 {
		many = append(many, fmt.Sprintf("127.0.%d.1:%d", i, listener.Addr().(*net.TCPAddr).Port))
	}
	d.tasks(many...)
	w.serve(t, fmt.Sprintf(followed, ""))
	asked := map[string]bool{}
	await(t, "all tasks are asked", func() bool {
		for range 400 {
			asked[w.get(t, "http://shop.example/").Header.Get("Asked")] = true
		}
		delete(asked, "")
		return len(asked) == 200
	})
}

// With one of two daemons gone, the other one's answers count.
func discoveryTwo(t *testing.T, w *wharf) {
	d := w.discovery(t)
	a, b := w.address(t, "http.a"), w.address(t, "http.b")
	d.tasks(a)
	w.serve(t, strings.Replace(fmt.Sprintf(followed, ""), `resolvers: ["127.0.0.1:{{port.dns}}"]`, `resolvers: [{{dead}}, "127.0.0.1:{{port.dns}}"]`, 1))
	w.from(t, "one task", "a")
	d.tasks(b)
	w.from(t, "it moved", "b")
	d.tasks(a, b)
	w.from(t, "and there is another", "a", "b")
}

// Streams follow tasks as well, each protocol its own ports.
func discoveryStreams(t *testing.T, w *wharf) {
	d := w.discovery(t)
	peer := func(kind, name string) []generator.Peer {
		return []generator.Peer{{Address: w.address(t, kind+"."+name), Weight: 1}}
	}
	publish := func(name string) {
		d.Publish(map[string][]generator.Peer{"raw": peer("tcp", name), generator.RecordOf("raw", "udp"): peer("udp", name)})
	}
	publish("a")
	w.serve(t, `
		proxies: {edge: {image: "nginx:{{version}}", resolvers: ["127.0.0.1:{{port.dns}}"], listen: {http: {{http}}}, status: {port: {{status}}}}}
		pools: {raw: {service: raw, port: 53, discovery: dns}}
		streams:
		  raw: {listen: {{port.raw}}, pool: raw}
		  packets: {listen: {{port.packets}}/udp, pool: raw}
	`)
	for _, name := range []string{"a", "b", "a"} {
		publish(name)
		await(t, "TCP goes to "+name, func() bool {
			answer := w.tcp(t, w.port(t, "raw"), "ahoy")
			return len(answer) > 0 && answer[0] == name
		})
		await(t, "UDP goes to "+name, func() bool { return strings.HasPrefix(w.udp(t, w.port(t, "packets"), "ahoy", time.Second), name+" ") })
	}
}
