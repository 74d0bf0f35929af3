package watcher

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestHooksAreHeardOnceASecond holds that what wakes from outside costs one fetch a
// second, that the last one counts, and that a first one is heard at once.
func TestHooksAreHeardOnceASecond(t *testing.T) {
	w := newWorld()
	wake := func() { ring(w.woken) }
	run(t, w, func(*Loop) {
		before := w.count(&w.fetches)
		fetched := func(want int, when string) {
			t.Helper()
			synctest.Wait()
			if got := w.count(&w.fetches) - before; got != want {
				t.Errorf("%s: %d fetches, want %d", when, got, want)
			}
		}
		wake()
		time.Sleep(DefaultHoldoff().Settle + time.Millisecond)
		fetched(1, "one hook, a moment later")
		time.Sleep(time.Minute)
		fetched(1, "and nothing more")
		before++
		for range 10_000 { // in ten seconds
			wake()
			time.Sleep(time.Millisecond)
		}
		fetched(11, "ten seconds of them, the first at once")
		w.mu.Lock()
		w.push("b.example")
		w.mu.Unlock()
		wake() // the last one is not lost
		time.Sleep(gap + DefaultHoldoff().Settle + time.Millisecond)
		fetched(12, "the last one")
	})
	w.wantApplied(t, "a.example", "b.example")
}
