package e2e_test

import (
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// A rollout that fails is taken back, not tried again, and told.
func TestFailedRollout(t *testing.T) {
	for _, bad := range []struct {
		name, image, says string
		quiet             time.Duration // for how long it must not be tried again
	}{
		{"the container ends", "crash:1.30", "non-zero exit (1)", 10 * time.Second},
		{"no such image", "missing:1.30", "No such image", 5 * time.Second},
		{"the image never comes", silentRegistry(t) + "/nginx:1.30", "not every proxy serves it after 10s", 5 * time.Second},
	} {
		t.Run(bad.name, func(t *testing.T) {
			w := newWorld(t)
			w.application("demo", 1)
			d := w.watch("--deadline", "10s")
			d.rolled(w.push(toDemo(edge, "demo.local")))
			w.serves("demo.local", "/", "demo")

			end := w.patrol("demo.local")
			broken := strings.Replace(edge, "image: nginx:1.30", "image: "+bad.image+"\n    nginx: 1.30", 1)
			commit := w.push(toDemo(broken, "demo.local", "new.local"))
			line := d.line(60*time.Second, "level=ERROR", "is not brought to the revision", "failed:")
			w.Logf("%.1f s after the push: %s", time.Since(w.pushed).Seconds(), line)
			for _, want := range []string{bad.says, "the proxies have again what they had before"} {
				if !strings.Contains(line, want) {
					t.Errorf("the log does not say %q", want)
				}
			}
			d.line(10*time.Second, "msg=pass", "revision="+commit, "edge.err=")
			w.noUpdate(bad.quiet)
			w.answers("new.local", "/", http.StatusServiceUnavailable)
			w.quarantined(d, commit)

			d.rolled(w.push(toDemo(edge, "demo.local", "healed.local")))
			w.serves("healed.local", "/", "demo")
			end()
		})
	}
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
