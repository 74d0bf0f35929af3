package watcher

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wharfinger/wharfinger/generator"
)

// In quiet a push is rolled in the same moment, and a task that moves is seen in it, but
// rolled once it is known where it went.
func TestFirstInQuietIsAtOnce(t *testing.T) {
	w := newWorld()
	run(t, w, func(*Loop) {
		time.Sleep(time.Minute)
		happens := func(wake chan<- struct{}, how func()) (rolled, seen int) {
			before, reads := w.rollouts(), w.count(&w.reads)
			w.mu.Lock()
			how()
			w.mu.Unlock()
			ring(wake)
			synctest.Wait() // no time passes
			return w.rollouts() - before, w.count(&w.reads) - reads
		}
		if rolled, _ := happens(w.source, func() { w.push("b.example") }); rolled != 1 {
			t.Errorf("a push in quiet: %d rollouts at once, want 1", rolled)
		}
		time.Sleep(2 * calm)
		rolled, seen := happens(w.cluster, func() { w.live.Tasks = nil })
		if rolled != 0 || seen != 1 {
			t.Errorf("a task that stops: %d rollouts and %d reads at once, want 0 and 1", rolled, seen)
		}
		time.Sleep(DefaultHoldoff().Settle / 2)
		if rolled, _ = happens(w.cluster, func() { w.live.Tasks = []generator.Task{task("t2", 32769)} }); rolled != 0 {
			t.Errorf("and starts elsewhere: %d rollouts at once, want 0", rolled)
		}
		before := w.rollouts()
		time.Sleep(DefaultHoldoff().Settle + time.Millisecond)
		synctest.Wait()
		if rolled := w.rollouts() - before; rolled != 1 {
			t.Errorf("and it is quiet: %d rollouts, want 1", rolled)
		}
	})
	w.wantApplied(t, "a.example", "b.example", "b.example")
}

// unrest pushes so many times, each before the last one is settled: b0.example first.
func (w *world) unrest(pushes int) {
	for i := range pushes {
		w.mu.Lock()
		w.push(fmt.Sprintf("b%d.example", i))
		w.mu.Unlock()
		ring(w.source)
		time.Sleep(100 * time.Millisecond)
	}
}

func TestBurstIsRolledOnce(t *testing.T) {
	w := newWorld()
	run(t, w, func(*Loop) {
		w.unrest(15)
		time.Sleep(time.Second)
	})
	w.wantApplied(t, "a.example", "b0.example", "b14.example") // the first is not waited with
}

func TestPatienceEnds(t *testing.T) {
	w := newWorld()
	run(t, w, func(*Loop) {
		start := w.rollouts()
		w.unrest(40)
		if got := w.rollouts() - start; got != 2 {
			t.Errorf("rollouts during 4 s of unrest: got %d, want the first and one after two seconds", got)
		}
	})
}

func TestHoldoffCheck(t *testing.T) {
	if err := DefaultHoldoff().Check(); err != nil {
		t.Error(err)
	}
	for want, change := range map[string]func(*Holdoff){
		"--settle":       func(h *Holdoff) { h.Settle = 0 },
		"--patience":     func(h *Holdoff) { h.Patience = h.Settle - 1 },
		"--pace":         func(h *Holdoff) { h.Pace = -1 },
		"--longest-pace": func(h *Holdoff) { h.LongestPace = h.Pace - 1 },
	} {
		h := DefaultHoldoff()
		change(&h)
		if err := h.Check(); err == nil || !strings.HasPrefix(err.Error(), want+" ") {
			t.Errorf("%s: got %v", want, err)
		}
	}
}
