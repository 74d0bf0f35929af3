package e2e_test

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// A rollout that cannot succeed is refused before anything is sent, or is taken back,
// recorded and not tried again; either is told, and all the while the proxies serve
// what they had.
func TestProxiesFailing(t *testing.T) {
	w := newWorld(t)
	w.application("demo", 1)
	first := w.certificate("shop-1", "shop.local")
	gate := w.newGate()
	d := w.watch("--deadline", "10s", "--host", "unix://"+gate.path)
	repository := func(proxy, certificate, more string, hosts ...string) string {
		return toDemo(proxy, append(hosts, "demo.local")...) + strings.ReplaceAll(`
  shop:
    hosts: [shop.local]
    pool: demo
    tls: {cert: CERT, key: CERT-key}
`, "CERT", certificate) + more
	}
	d.rolled(w.push(repository(edge, "shop-1", "")))
	w.serves("demo.local", "/", "demo")
	w.shows("shop.local", first)

	image := func(name string) string {
		return strings.Replace(edge, "image: nginx:1.30", "image: "+name+"\n    nginx: 1.30", 1)
	}
	stream := func(listen string) string {
		return "\nstreams:\n  raw: {listen: " + listen + ", pool: demo}\n"
	}
	const (
		// What the log says besides the reason: before anything is sent, and after it.
		held    = "it keeps what it serves until this is mended"
		notSent = "nothing was sent, so the proxies have what they had before"
		back    = "the proxies have again what they had before"
	)
	for _, bad := range []struct {
		name, proxy, certificate, more string
		setUp                          func() // what is wrong with the world
		says, now                      string
		// gap is the node that has no proxy for a while, for Swarm stops the old one as
		// soon as the new one runs.
		gap string
	}{
		{name: "the container ends", proxy: image("crash:1.30"), now: back, says: `lb-0[01]: failed: task: non-zero exit \(1\)`},
		{name: "the container ends and Swarm stands still", proxy: image("crash:1.30") + "    update: {failure: pause}\n", now: back,
			says: `lb-0[01]: failed: task: non-zero exit \(1\)`, gap: "either"}, // until the deadline
		{name: "no such image", proxy: image("missing:1.30"), now: back, says: "No such image"},
		{name: "the image never comes", proxy: image(silentRegistry(t) + "/nginx:1.30"), now: back,
			says: "not every proxy serves it after 10s|No such image"}, // an engine gives up at about that time, too
		{name: "it stays pending", proxy: edge + "    resources: {reservations: {memory: 900g}}\n", now: back,
			says: "not every proxy serves it after 10s: .*insufficient resources"},
		{name: "a process has its port on the loopback", proxy: edge, more: stream("8087"), setUp: func() { w.occupy("lb-00", "127.0.0.1:8087") },
			now: back, says: `lb-00: failed: task: non-zero exit \(1\)`, gap: "lb-00"},
		{name: "a process has its port", proxy: edge, more: stream("8088"), setUp: func() { w.occupy("lb-00", "8088") },
			now: notSent, says: "port 8088 of node lb-00: another program listens there"},
		{name: "a service has its port", proxy: edge, more: stream("8089"), setUp: func() { w.squatter("lb-00", 8089) },
			// The Swarm may have been read just before the service was there.
			now: "port 8089", says: "which service squatter has on node lb-00|node lb-00: another program listens there"},
		{name: "no node fits", proxy: strings.Replace(edge, "nodetype == loadbalancer", "nodetype == nowhere", 1),
			now: held, says: "no node of the Swarm fits the constraints of proxy edge"},
		{name: "its own secret is missing", proxy: edge + "    secrets: [missing]\n",
			now: held, says: "there is no secret missing in the Swarm, so proxy edge is not rolled"},
		{name: "the secret of a route is missing", proxy: edge, certificate: "shop-3",
			now: held, says: "there is no secret shop-3 in the Swarm"},
		{name: "the secret of a route goes in the last moment", proxy: edge, certificate: "shop-2", setUp: func() {
			w.certificate("shop-2", "shop.local")
			gate.once("^POST /[^/]+/services/[^/]+/update", func() { w.inCleanup("secret", "rm", "shop-2", "shop-2-key") })
		}, now: held, says: "there is no secret shop-2 in the Swarm"},
	} {
		w.part(bad.name, func() {
			if bad.setUp != nil {
				bad.setUp()
			}
			s, version := w.steady("demo.local"), w.version()
			load := w.load("demo", &kind{name: "TLS", request: text("GET", "shop.local", "close", ""), clients: 1, pause: 40 * time.Millisecond,
				tls: trusting("shop.local", first)})
			commit := w.push(repository(bad.proxy, cmp.Or(bad.certificate, "shop-1"), bad.more, "new.local"))
			line := d.line(60*time.Second, "level=ERROR", "is not brought to the revision", bad.now)
			w.Logf("%.1f s after the push: %s", time.Since(w.pushed).Seconds(), line)
			s.mark("told")
			if !regexp.MustCompile(bad.says).MatchString(line) {
				w.Errorf("the log does not say %q", bad.says)
			}
			if bad.now == back {
				d.line(10*time.Second, "msg=pass", "revision="+commit, "edge.err=")
			}
			w.rests()
			w.answers("new.local", "/", http.StatusServiceUnavailable)
			if bad.now == back {
				w.quarantined(d, commit)
			} else if after := w.version(); after != version {
				w.Errorf("the proxy's service went from version %d to %d, want no update", version, after)
			}
			s.end()
			load.stop()
			w.shows("shop.local", first)
			if bad.gap == "" {
				s.none("lb-00", "lb-01")
				if sum := load.sum(); sum.failed > 0 || sum.requests == 0 {
					w.Errorf("%d of %d handshakes failed, want none of some: %s", sum.failed, sum.requests, load.table())
				}
			} else if bad.gap == "lb-00" {
				s.none("lb-01")
			}
			d.rolled(w.push(repository(edge, "shop-1", "# after: "+bad.name+"\n")))
		})
	}
	d.rolled(w.push(repository(edge, "shop-1", "", "healed.local")))
	w.serves("healed.local", "/", "demo")
	if failed := w.proxy().Spec.Labels["wharfinger.failed"]; failed != "" {
		t.Errorf("the label wharfinger.failed is %s after a rollout that did not fail", failed)
	}
}

// squatter makes a service that has a port of a node.
func (w *world) squatter(node string, port int) {
	w.Helper()
	w.docker("service", "create", "--name", "squatter", "--detach", "--quiet", "--constraint", "node.hostname=="+node,
		"--publish", fmt.Sprintf("mode=host,published=%d,target=8080", port), "wharfinger/demo")
	w.running("squatter", 1)
}

// occupy has a process listen on a port of a node, as nginx writes it, until the
// test ends.
func (w *world) occupy(node, listen string) {
	w.Helper()
	dir := w.TempDir()
	conf := filepath.Join(dir, "nginx.conf")
	text := fmt.Sprintf("error_log stderr; pid %s/pid; events {} stream { server { listen %s; return x; } }\n", dir, listen)
	if err := os.WriteFile(conf, []byte(text), 0o644); err != nil {
		w.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	cmd := w.lab.Node(node).Command(ctx, nginx, "-c", conf, "-g", "daemon off;")
	if err := cmd.Start(); err != nil {
		stop()
		w.Fatal(err)
	}
	w.Cleanup(func() {
		stop()
		cmd.Wait()
	})
	w.eventually(5*time.Second, func() error {
		_, err := os.Stat(filepath.Join(dir, "pid")) // nginx writes it when it listens
		return err
	})
}

// After a push that failed the application goes on to move, and the proxies follow
// it by the last good revision; what failed is not sent again for that.
func TestMovesAfterAFailedPush(t *testing.T) {
	w := newWorld(t)
	w.application("demo", 1)
	d := w.watch()
	d.rolled(w.push(toDemo(edge, "demo.local")))
	w.spread("demo.local", "demo", 1)

	broken := strings.Replace(edge, "image: nginx:1.30", "image: crash:1.30\n    nginx: 1.30", 1)
	commit := w.push(toDemo(broken, "demo.local", "new.local"))
	d.line(60*time.Second, "level=ERROR", "is not brought to the revision", "the proxies have again what they had before")
	d.line(10*time.Second, "msg=pass", "revision="+commit, "edge.err=")
	w.Logf("failed %.1f s after the push", time.Since(w.pushed).Seconds())

	w.move("demo")
	moved := time.Now()
	w.spread("demo.local", "demo", 1)
	w.Logf("followed %.1f s after the task had moved", time.Since(moved).Seconds())
	w.scale("demo", 3)
	w.spread("demo.local", "demo", 3)
	w.answers("new.local", "/", http.StatusServiceUnavailable)
	w.rests()
	if got := w.proxy().Spec.TaskTemplate.ContainerSpec.Image; !strings.HasPrefix(got, "nginx:1.30") {
		t.Errorf("the image is %s, want nginx:1.30", got)
	}
	sent := 0
	for line := range strings.Lines(d.log.String()) {
		if containsAll(line, []string{"msg=pass", "-> crash:1.30", "edge.apply="}) {
			sent++
		}
	}
	if sent != 1 {
		t.Errorf("the image that crashes was sent %d times, want once", sent)
	}

	d.rolled(w.push(toDemo(edge, "demo.local", "healed.local")))
	w.serves("healed.local", "/", "demo")
	w.spread("demo.local", "demo", 3)
}

// quarantined checks that the daemon has sent a rollout once and no more.
func (w *world) quarantined(d *daemon, commit string) {
	w.Helper()
	_, since, _ := strings.Cut(d.log.String(), "msg=revision revision="+commit)
	if n := strings.Count(since, "step=update"); n != 1 {
		w.Errorf("the failed rollout was sent %d times, want once", n)
	}
	if w.proxy().Spec.Labels["wharfinger.failed"] == "" {
		w.Error("the service has no label wharfinger.failed, so another wharfinger would try it again")
	}
}

// silentRegistry takes connections and says nothing, so a pull from it neither
// comes to its end nor fails.
func silentRegistry(t *testing.T) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", theLab.Gateway()+":0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { conn.Close() })
		}
	}()
	return listener.Addr().String()
}
