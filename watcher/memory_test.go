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

func (w *world) Keep(_ context.Context, rev route.Revision) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.keepErr != nil {
		return w.keepErr
	}
	w.keeps++
	w.kept = rev
	return nil
}

func (w *world) Last(context.Context) (route.Revision, bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.kept, w.kept.ID != "", w.keepErr
}

// restarted is a world in which a daemon rolled a.example out and was killed.
func restarted(t *testing.T) *world {
	w := newWorld()
	run(t, w, func(*Loop) {})
	w.wantApplied(t, "a.example")
	return w
}

func TestRestartWithoutGitFollowsTasks(t *testing.T) {
	w := restarted(t)
	w.fetchErr = errors.New("no route to host")
	w.live.Tasks = []generator.Task{task("t2", 32769)}
	log := run(t, w, func(l *Loop) {
		w.wantApplied(t, "a.example", "a.example")
		if !l.Ready() {
			t.Error("Ready with the last good revision served: got false, want true")
		}
		w.change(w.cluster, func() { w.live.Tasks = []generator.Task{task("t3", 32770)} })
		time.Sleep(DefaultHoldoff().LongestPace)
		w.wantApplied(t, "a.example", "a.example", "a.example")
		// Git is back: with the same revision there is nothing to do, a new one is rolled.
		w.change(w.source, func() { w.fetchErr = nil })
		w.wantApplied(t, "a.example", "a.example", "a.example")
		w.change(w.source, func() { w.push("b.example") })
		w.wantApplied(t, "a.example", "a.example", "a.example", "b.example")
	})
	if want := "the last good revision is followed"; !strings.Contains(log, want) {
		t.Errorf("the log does not hold %q:\n%s", want, log)
	}
	if w.kept.ID != "b.example" || w.keeps != 2 {
		t.Errorf("kept: got %s after %d times, want b.example after 2", w.kept.ID, w.keeps)
	}
}

func TestRestartWithRefusedRevision(t *testing.T) {
	for name, refuse := range map[string]func(w *world){
		"a problem": func(w *world) {
			w.rev = route.Revision{ID: "bad", Files: []route.File{{Path: "a.yaml", Data: []byte("routes: 1\n")}}}
		},
		"unreadable files":      func(w *world) { w.fetchErr = route.Problems{{Pos: route.Pos{File: "a.yaml"}, Text: "too large"}} },
		"refused by nginx":      func(w *world) { w.push("b.example"); w.testErr = refusal("nginx says no") },
		"a rollout that failed": func(w *world) { w.push("b.example") },
	} {
		t.Run(name, func(t *testing.T) {
			w := restarted(t)
			refuse(w)
			w.live.Tasks = []generator.Task{task("t2", 32769)}
			if strings.HasPrefix(name, "a rollout") {
				w.applyErr = refusal("it was taken back")
				run(t, w, func(*Loop) {}) // which quarantines it
				w.applyErr = nil
			}
			run(t, w, func(*Loop) {
				w.change(w.cluster, func() { w.testErr = nil })
				time.Sleep(lastRetry)
			})
			if n := len(w.applied); n < 2 || w.applied[1] != "a.example" {
				t.Errorf("rolled out: got %v, want a.example once more, with the task's new port", w.applied)
			}
		})
	}
}

func TestKeptRevisionThatIsNoLongerTaken(t *testing.T) {
	w := restarted(t)
	w.kept.Files = []route.File{{Path: "a.yaml", Data: []byte("routes: 1\n")}}
	w.fetchErr = errors.New("no route to host")
	log := run(t, w, func(*Loop) {})
	if want := "the last good revision is no longer taken"; !strings.Contains(log, want) {
		t.Errorf("the log does not hold %q:\n%s", want, log)
	}
}

func TestMemoryThatFails(t *testing.T) {
	w := newWorld()
	w.keepErr = errors.New("no manager")
	log := run(t, w, func(*Loop) {
		w.wantApplied(t, "a.example") // routing does not wait for it
		w.change(w.source, func() { w.push("b.example"); w.keepErr = nil })
	})
	if w.kept.ID != "b.example" {
		t.Errorf("kept once it can be: got %q, want b.example", w.kept.ID)
	}
	for _, want := range []string{"the last good revision cannot be", "no manager", "well again"} {
		if !strings.Contains(log, want) {
			t.Errorf("the log does not hold %q:\n%s", want, log)
		}
	}
}
