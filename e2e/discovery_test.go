package e2e_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// moves is how many tasks TestDiscovery has move, and sockets how many websockets it
// keeps open meanwhile.
const moves, sockets = 50, 100

// Tasks move, and no proxy is rolled: nginx follows them by DNS. Whoever stays keeps
// its websockets, no request fails, and a new task is asked within moments. It goes on
// with the daemon gone.
func TestDiscovery(t *testing.T) {
	w := newWorld(t)
	w.docker(service("stay", 2, "--env", "METADATA=demo", "--publish", "mode=host,target=8080")...)
	w.application("demo", 5)
	w.running("stay", 2)
	at := w.lab.Node(w.manager).Address + ":8053"
	d := w.watch("--dns", at)
	text := fmt.Sprintf(`%s    resolvers: [%s]
pools:
  demo:
    services: [{service: stay, port: 8080}, {service: demo, port: 8080}]
    discovery: dns
  idle: {service: nobody, port: 8080, discovery: dns}
routes:
  demo: {hosts: [demo.local], pool: demo}
  idle: {hosts: [idle.local], pool: idle}
`, edge, at)
	d.rolled(w.push(text))
	w.serves("demo.local", "/", "demo")

	w.part("dig", func() {
		for _, node := range []string{"mgr-00", "wrk-00", "wrk-01", "lb-00", "lb-01"} {
			if got := w.dig(node, "SRV", "_http._tcp.demo.wharfinger.internal"); len(got) != 7 {
				t.Errorf("%s: dig SRV got %q, want 7 records", node, got)
			}
		}
		if got := w.dig("wrk-00", "A", "demo.wharfinger.internal"); len(got) != 2 {
			t.Errorf("dig A got %q, want the addresses of two workers", got)
		}
	})
	rest := func() int { w.rests(); return w.version() }
	before := rest()
	w.part("moves", func() {
		open := w.stayOpen("demo.local", w.instances("stay"))
		load := w.load("demo",
			&kind{name: "GET, kept alive", request: []byte("GET / HTTP/1.1\r\nHost: demo.local\r\n\r\n"), keep: true, clients: 2},
			&kind{name: "GET, new connection", request: []byte("GET / HTTP/1.1\r\nHost: demo.local\r\nConnection: close\r\n\r\n"), clients: 2},
		)
		moved, begin := 0, time.Now()
		for moved < moves {
			tasks := w.instances("demo")
			w.docker("service", "update", "--detach", "--quiet", "--force", "--update-order", "start-first", "--update-parallelism", "1", "--update-monitor", "100ms", "demo")
			w.replaced("demo", tasks)
			moved += len(tasks)
		}
		took := time.Since(begin)
		load.stop()
		kept := open()
		w.Logf("%d tasks moved in %.0f s, with %d rolls; %d of %d websockets to tasks that stay were kept\n%s", moved, took.Seconds(), w.version()-before, kept, sockets, load.table())
		if sum := load.sum(); sum.failed > 0 || sum.requests == 0 {
			t.Errorf("%d of %d requests failed, want none", sum.failed, sum.requests)
		}
		if kept != sockets {
			t.Errorf("%d of %d websockets were kept, want all", kept, sockets)
		}
		if after := w.version(); after != before {
			t.Errorf("the proxy's service went from version %d to %d, want no roll", before, after)
		}
	})
	var followed time.Duration
	w.part("a new task", func() {
		var all []time.Duration
		for i := range 5 {
			all = append(all, w.first("demo.local", "demo", 6+i))
		}
		slices.Sort(all)
		followed = all[len(all)/2]
		w.Logf("from running to the first request: %s", all)
	})
	w.part("DNS gone", func() {
		end := w.patrol("demo.local")
		d.kill()
		time.Sleep(5 * time.Second)
		d = w.watch("--dns", at)
		w.eventually(20*time.Second, func() error {
			if got := w.dig("lb-00", "SRV", "_http._tcp.demo.wharfinger.internal"); len(got) != 12 {
				return fmt.Errorf("dig got %q, want 12 records", got)
			}
			return nil
		})
		w.move("demo")
		time.Sleep(3 * time.Second)
		end()
	})
	w.part("rolled", func() {
		d.rolled(w.push(strings.ReplaceAll(strings.ReplaceAll(text, ", discovery: dns", ""), "    discovery: dns\n", "")))
		w.rests()
		took := w.first("demo.local", "demo", 11)
		w.Logf("from running to the first request: %s when rolled, %s by DNS, %.2f of it", took, followed, followed.Seconds()/took.Seconds())
	})
}

// dig asks the daemon from a node.
func (w *world) dig(node, kind, name string) []string {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), 10*time.Second)
	defer cancel()
	manager := w.lab.Node(w.manager).Address
	out, err := w.lab.Node(node).Command(ctx, "dig", "@"+manager, "-p", "8053", "+short", "+tries=1", kind, name).Output()
	if err != nil {
		w.Logf("dig on %s: %v: %s", node, err, out)
		return nil
	}
	return slices.Collect(strings.Lines(string(out)))
}

// first scales a service and returns how long after its new task ran every proxy was
// answered by it.
func (w *world) first(host, service string, replicas int) time.Duration {
	w.Helper()
	before := w.instances(service)
	w.scale(service, replicas)
	w.running(service, replicas)
	var fresh string
	for _, instance := range w.instances(service) {
		if !slices.Contains(before, instance) {
			fresh = instance
		}
	}
	var since time.Time // by the workers' clock, which is this machine's
	for _, id := range lines(w.docker("service", "ps", "-q", "-f", "desired-state=running", service)) {
		var task []struct {
			Status struct {
				Timestamp       time.Time
				ContainerStatus struct{ ContainerID string }
			}
		}
		w.decode(&task, "inspect", "--type=task", id)
		if strings.HasPrefix(task[0].Status.ContainerStatus.ContainerID, fresh) {
			since = task[0].Status.Timestamp
		}
	}
	var group sync.WaitGroup
	var missing atomic.Int32
	for _, node := range w.asked {
		group.Go(func() {
			for end := time.Now().Add(20 * time.Second); time.Now().Before(end); {
				if a, err := w.ask(node, host, "/"); err == nil && a.Instance == fresh {
					return
				}
			}
			missing.Add(1)
		})
	}
	group.Wait()
	if missing.Load() > 0 {
		w.Errorf("%d proxies never asked the new task", missing.Load())
	}
	return time.Since(since).Round(time.Millisecond)
}

// stayOpen opens websockets to some tasks, half of them by each proxy, and has them
// talk until kept is called. That returns how many did so to the end.
func (w *world) stayOpen(host string, instances []string) (kept func() int) {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), 5*time.Minute)
	w.Cleanup(cancel)
	var group sync.WaitGroup
	var good atomic.Int32
	over := make(chan struct{})
	for i := range sockets {
		address := w.lab.Node(w.asked[i%len(w.asked)]).Address + ":80"
		group.Add(1)
		conn := w.socketTo(ctx, address, host, instances)
		go func() {
			defer group.Done()
			defer conn.CloseNow()
			for n := 0; ; n++ {
				message := fmt.Sprint("still there ", n)
				if conn.Write(ctx, websocket.MessageText, []byte(message)) != nil {
					return
				}
				if _, text, err := conn.Read(ctx); err != nil || string(text) != message {
					return
				}
				select {
				case <-over:
					good.Add(1)
					return
				case <-time.After(500 * time.Millisecond):
				}
			}
		}()
	}
	return func() int {
		close(over)
		group.Wait()
		return int(good.Load())
	}
}

// socketTo opens a websocket again and again until one of the instances has it.
func (w *world) socketTo(ctx context.Context, address, host string, instances []string) *websocket.Conn {
	w.Helper()
	for range 200 {
		conn, _, err := websocket.Dial(ctx, "ws://"+host+"/", &websocket.DialOptions{
			HTTPClient: &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, "tcp", address)
			}}},
		})
		if err != nil {
			w.Fatal(err)
		}
		_, text, err := conn.Read(ctx)
		if err == nil && slices.ContainsFunc(instances, func(i string) bool { return strings.Contains(string(text), i) }) {
			return conn
		}
		conn.CloseNow()
	}
	w.Fatal("no websocket leads to a task that stays")
	return nil
}
