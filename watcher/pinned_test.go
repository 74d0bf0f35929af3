package watcher

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/wharfinger/wharfinger/generator"
	"github.com/wharfinger/wharfinger/route"
)

// pinning is the world's pin.
type pinning struct {
	pinned   route.Revision
	pinnedAt time.Time
	pinErr   error
}

func (w *world) Pinned(context.Context) (route.Revision, time.Time, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.pinned, w.pinnedAt, w.pinErr
}

// pin has the revision of a host stand in the place of what is pushed.
func (w *world) pin(host string) {
	pushed := w.rev
	w.push(host)
	w.pinned, w.pinnedAt, w.rev = w.rev, time.Now(), pushed
}

func (w *world) unpin() { w.pinned, w.pinnedAt = route.Revision{}, time.Time{} }

const shouted = "a revision is pinned; what is pushed waits until"

// TestOperatePinInLoop holds that a pinned revision is followed with its tasks and
// nothing that is pushed, also across a restart with git down, and that the log says
// so at each start and every hour.
func TestOperatePinInLoop(t *testing.T) {
	w := newWorld()
	log := run(t, w, func(l *Loop) {
		w.change(w.source, func() { w.push("b.example") })
		w.change(w.cluster, func() { w.pin("a.example") })
		if p := l.Status().Pinned; len(p) != 1 || p[0].Revision != "a.example" || !p[0].Since.Equal(w.pinnedAt) {
			t.Errorf("the status says that %+v is pinned, want a.example", p)
		}
		w.wantApplied(t, "a.example", "b.example", "a.example")
		w.change(w.source, func() { w.push("c.example") })
		w.wantApplied(t, "a.example", "b.example", "a.example")
		for range 31 { // the Swarm is read all the time; the source rests
			time.Sleep(10 * time.Minute)
			w.change(w.cluster, func() {})
		}
		w.change(w.cluster, func() { w.live.Tasks = []generator.Task{task("t2", 32769)} })
		w.wantApplied(t, "a.example", "b.example", "a.example", "a.example")
	})
	if n := strings.Count(log, shouted); n != 6 {
		t.Errorf("in five hours it was told %d times, want at the start and each hour:\n%s", n, log)
	}
	if want := "revision=c.example routes=1 pools=1 proxies=1 waits="; !strings.Contains(log, want) {
		t.Errorf("the log does not hold %q:\n%s", want, log)
	}

	w.fetchErr = errors.New("no route to host")
	w.live.Tasks = []generator.Task{task("t3", 32770)}
	log = run(t, w, func(l *Loop) {
		w.wantApplied(t, "a.example", "b.example", "a.example", "a.example", "a.example")
		w.change(w.source, func() { w.fetchErr = nil; w.push("d.example") })
		time.Sleep(time.Minute)
		w.change(w.cluster, func() { w.pin("b.example") }) // another one
		w.change(w.cluster, w.unpin)
		if p := l.Status().Pinned; len(p) != 0 {
			t.Errorf("the status says that %+v is pinned still", p)
		}
	})
	w.wantApplied(t, "a.example", "b.example", "a.example", "a.example", "a.example", "b.example", "d.example")
	if n := strings.Count(log, shouted); n != 2 {
		t.Errorf("after a restart it was told %d times, want 2, once for each revision:\n%s", n, log)
	}
	if !strings.Contains(log, "unpinned: the repository is followed again") {
		t.Errorf("the log does not tell of the end:\n%s", log)
	}
}

// TestOperatePinUnknown holds that nothing is rolled as long as nobody can tell
// whether a revision is pinned.
func TestOperatePinUnknown(t *testing.T) {
	w := restarted(t)
	w.pinErr = errors.New("no manager")
	w.push("b.example")
	log := run(t, w, func(*Loop) {
		w.change(w.cluster, func() {})
		w.wantApplied(t, "a.example")
		w.change(w.cluster, func() { w.pinErr = nil; w.pin("c.example") })
	})
	w.wantApplied(t, "a.example", "c.example")
	if strings.Count(log, "the Swarm cannot be read; the proxies keep what they have") != 1 || !strings.Contains(log, "no manager") {
		t.Errorf("the log shall tell once what cannot be read:\n%s", log)
	}
}

// TestOperatePinRefused holds that what cannot be pinned leaves the last good
// revision in force, with its tasks, and no way for what is pushed.
func TestOperatePinRefused(t *testing.T) {
	for name, refuse := range map[string]func(w *world){
		"a problem": func(w *world) {
			w.pin("x.example")
			w.pinned.Files = []route.File{{Path: "a.yaml", Data: []byte("routes: 1\n")}}
		},
		"refused by nginx": func(w *world) { w.pin("x.example"); w.testErr = refusal("nginx says no") },
	} {
		t.Run(name, func(t *testing.T) {
			w := restarted(t)
			w.push("b.example")
			refuse(w)
			run(t, w, func(*Loop) {
				w.change(w.cluster, func() { w.testErr = nil; w.live.Tasks = []generator.Task{task("t2", 32769)} })
				time.Sleep(lastRetry)
				w.wantApplied(t, "a.example", "a.example")
				w.change(w.cluster, w.unpin)
			})
			w.wantApplied(t, "a.example", "a.example", "b.example")
		})
	}
}

// TestOperateUnpinWithoutGit holds that the last pushed revision that is known comes
// back at once, and after a restart, when none is, as soon as it can be read.
func TestOperateUnpinWithoutGit(t *testing.T) {
	w := newWorld()
	run(t, w, func(*Loop) {
		w.change(w.cluster, func() { w.pin("b.example") })
		w.change(w.source, func() { w.fetchErr = errors.New("no route to host") })
		w.change(w.cluster, w.unpin)
		w.wantApplied(t, "a.example", "b.example", "a.example")
		w.change(w.cluster, func() { w.pin("b.example") })
	})
	run(t, w, func(*Loop) {
		w.change(w.cluster, w.unpin)
		w.wantApplied(t, "a.example", "b.example", "a.example", "b.example")
		w.change(w.source, func() { w.fetchErr = nil })
	})
	w.wantApplied(t, "a.example", "b.example", "a.example", "b.example", "a.example")
}
