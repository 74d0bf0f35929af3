package e2e_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// Without git nothing changes but the tasks, and they are followed.
func TestGitDown(t *testing.T) {
	w := newWorld(t)
	w.application("demo", 1)
	d := w.watch()
	d.rolled(w.push(toDemo(edge, "demo.local")))
	w.spread("demo.local", "demo", 1)

	if err := gitServer.stop(); err != nil {
		t.Fatal(err)
	}
	start := sync.OnceValue(gitServer.start)
	t.Cleanup(func() {
		if err := start(); err != nil {
			t.Error(err)
		}
	})
	d.line(10*time.Second, "the repository cannot be read", "what=source")
	w.noUpdate(3 * time.Second)
	w.serves("demo.local", "/", "demo")

	w.move("demo")
	w.spread("demo.local", "demo", 1)
	d.line(30*time.Second, "msg=pass", "edge: pool demo: ")

	w.part("killed, and a task moves", func() {
		d.kill()
		w.move("demo")
		d = w.watch()
		d.line(20*time.Second, "the last good revision is followed")
		d.line(30*time.Second, "msg=pass")
		w.spread("demo.local", "demo", 1)
		w.serves("demo.local", "/", "demo")
	})

	w.remote = w.bare // past the server
	commit := w.push(toDemo(edge, "demo.local", "new.local"))
	w.noUpdate(2 * time.Second)
	if err := start(); err != nil {
		t.Fatal(err)
	}
	d.rolled(commit)
	w.serves("new.local", "/", "demo")
}

// Without a manager the proxies keep what they have.
func TestManagerSocketGone(t *testing.T) {
	w := newWorld(t)
	w.application("demo", 1)
	wire := w.newWire(theLab.Node(manager).Socket)
	d := w.watch("--host", "unix://"+wire.path)
	d.rolled(w.push(toDemo(edge, "demo.local")))
	w.serves("demo.local", "/", "demo")

	end := w.patrol("demo.local")
	wire.cut()
	d.line(10*time.Second, "the Swarm cannot be read; the proxies keep what they have")
	commit := w.push(toDemo(edge, "demo.local", "new.local"))
	d.line(10*time.Second, "msg=revision", "revision="+commit)
	w.noUpdate(4 * time.Second)
	w.serves("demo.local", "/", "demo")
	w.answers("new.local", "/", http.StatusServiceUnavailable)

	wire.mend()
	d.rolled(commit)
	w.serves("new.local", "/", "demo")
	end()
}

// Killed in any step of a rollout, it leaves proxies that serve, and the next
// start completes what was begun.
func TestKilledAtEachStep(t *testing.T) {
	w := newWorld(t)
	w.application("demo", 1)
	w.watch().rolled(w.push(toDemo(edge, "demo.local")))
	hosts := []string{"demo.local"}
	for _, step := range []string{"configs", "update", "confirm", "clean-up"} {
		w.part(step, func() {
			host := step + ".local"
			hosts = append(hosts, host)
			end := w.patrol("demo.local")
			commit := w.push(toDemo(edge, hosts...))
			w.daemon.line(30*time.Second, "step="+step, "digest=")
			w.daemon.kill()
			at := w.daemon.log.String()
			if last := at[strings.LastIndex(at, "step="):]; !strings.HasPrefix(last, "step="+step) {
				w.Logf("it came as far as: %s", last)
			}
			w.watch().rolled(commit)
			w.serves(host, "/", "demo")
			end()
			w.Logf("%d configs", w.tidy())
		})
	}
	// What was young until now goes once it is old, with the next rollout.
	unnamed, before := w.unnamed()
	for _, c := range unnamed {
		time.Sleep(time.Until(c.CreatedAt.Add(unusedFor + time.Second)))
	}
	w.daemon.rolled(w.push(toDemo(edge, append(hosts, "last.local")...)))
	if after := w.tidy(); after >= before {
		t.Errorf("%d configs, %d of them unused, became %d, want the unused ones to go", before, len(unnamed), after)
	}
}

// wire is a Unix socket that leads to another one until it is cut.
type wire struct {
	testing.TB
	path, to string
	mu       sync.Mutex
	listener net.Listener
	open     []net.Conn
}

func (w *world) newWire(to string) *wire {
	w.Helper()
	l := &wire{TB: w.TB, path: filepath.Join(w.TempDir(), "docker.sock"), to: to}
	l.mend()
	w.Cleanup(l.cut)
	return l
}

func (l *wire) mend() {
	l.Helper()
	listener, err := net.Listen("unix", l.path)
	if err != nil {
		l.Fatal(err)
	}
	l.mu.Lock()
	l.listener = listener
	l.mu.Unlock()
	go func() {
		for {
			from, err := listener.Accept()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err == nil {
				l.carry(from)
			}
		}
	}()
}

func (l *wire) carry(from net.Conn) {
	to, err := net.Dial("unix", l.to)
	if err != nil {
		from.Close()
		return
	}
	l.mu.Lock()
	l.open = append(l.open, from, to)
	l.mu.Unlock()
	for _, way := range [][2]net.Conn{{from, to}, {to, from}} {
		go func() {
			io.Copy(way[0], way[1])
			way[0].Close()
			way[1].Close()
		}()
	}
}

// cut leaves no file behind and no connection open.
func (l *wire) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.listener.Close()
	for _, conn := range l.open {
		conn.Close()
	}
	l.open = nil
	if _, err := os.Stat(l.path); err == nil {
		l.Error(fmt.Errorf("%s is still there", l.path))
	}
}
