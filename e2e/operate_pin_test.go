package e2e_test

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// The emergency way back, under load: another revision on every proxy, whatever is
// pushed, also after a restart and without git; and the way forth again.
func TestOperatePin(t *testing.T) {
	w := newWorld(t)
	w.application("demo", 2)
	d := w.watch()
	first := w.push(toDemo(edge, "demo.local"))
	d.rolled(first)
	second := w.push(toDemo(edge, "demo.local", "new.local"))
	d.rolled(second)
	w.serves("new.local", "/", "demo")

	each := &kind{name: "a connection each", request: text(http.MethodGet, "demo.local", "close", ""), clients: 1, pause: 20 * time.Millisecond}
	kept := &kind{name: "kept connections", request: text(http.MethodGet, "demo.local", "keep-alive", ""), clients: 1, pause: 20 * time.Millisecond, keep: true}
	load := w.load("demo", each, kept)

	out, code := w.command("pin", first, w.url, "--allow-http", "--branch", "other")
	if code != 2 || !strings.Contains(out, "no daemon has rolled out "+w.url+" (branch other) in this Swarm; there is "+w.url+" (HEAD): name it as its daemon does") {
		t.Errorf("pinned where nobody would follow it: got exit code %d, %s", code, out)
	}
	begin := time.Now()
	if out, code = w.command("pin", first, w.url, "--allow-http"); code != 0 || out != "pinned: "+first+" is followed until `wharfinger unpin`\n" {
		t.Fatalf("pin: got exit code %d, %s", code, out)
	}
	d.line(10*time.Second, "level=WARN", "a revision is pinned", "revision="+first, "waiting="+second)
	d.rolled(first)
	w.answers("new.local", "/", http.StatusServiceUnavailable)
	t.Logf("all proxies serve it %.1f s after the command", time.Since(begin).Seconds())

	if out, code = w.command("status"); code != 0 || !strings.HasPrefix(out, "PINNED since ") {
		t.Errorf("status: got exit code %d, %s; want what is pinned first", code, out)
	}
	third := w.push(toDemo(edge, "demo.local", "newer.local"))
	d.line(10*time.Second, "msg=revision", "revision="+third, "waits=")
	w.noUpdate(3 * time.Second)

	w.part("restarted", func() {
		d.stop()
		d = w.watch()
		d.line(20*time.Second, "level=WARN", "a revision is pinned", "revision="+first)
		w.noUpdate(4 * time.Second)
		w.answers("newer.local", "/", http.StatusServiceUnavailable)
	})
	w.part("a task moves, without git", func() {
		if err := gitServer.stop(); err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := gitServer.start(); err != nil {
				t.Error(err)
			}
		}()
		d.kill()
		d = w.watch()
		d.line(20*time.Second, "level=WARN", "a revision is pinned", "revision="+first)
		w.scale("demo", 3)
		w.spread("demo.local", "demo", 3)
	})

	if out, code = w.command("unpin", w.url, "--allow-http"); code != 0 || !strings.HasPrefix(out, "unpinned: "+first) {
		t.Fatalf("unpin: got exit code %d, %s", code, out)
	}
	d.rolled(third)
	w.serves("newer.local", "/", "demo")
	load.stop()
	t.Log(load.table())
	if s := load.sum(); s.failed > 0 || s.requests < 1000 {
		t.Errorf("%d of %d requests failed, want none of 1000 at least", s.failed, s.requests)
	}
	if out, code = w.command("unpin", w.url, "--allow-http"); code != 1 || out != "nothing is pinned\n" {
		t.Errorf("unpin once more: got exit code %d, %s", code, out)
	}
}
