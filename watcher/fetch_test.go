package watcher

import (
	"errors"
	"strings"
	"testing"
	"time"
)

type lastingError string

func (e lastingError) Error() string   { return string(e) }
func (e lastingError) Permanent() bool { return true }

// What stays until somebody acts is not asked for again and again; the source's
// own wakes are enough.
func TestPermanentFailureWaitsForTheSource(t *testing.T) {
	w := newWorld()
	log := run(t, w, func(*Loop) {
		w.change(w.source, func() { w.fetchErr = errors.New("git is gone") })
		time.Sleep(10 * time.Minute)
		w.change(w.source, func() { w.fetchErr = lastingError("the token is refused") })
		before := w.count(&w.fetches)
		time.Sleep(10 * time.Minute)
		if n := w.count(&w.fetches) - before; n != 0 {
			t.Errorf("fetches after the source said that it stays: got %d, want none", n)
		}
		w.change(w.source, func() { w.fetchErr = errors.New("git is gone, too") })
		before = w.count(&w.fetches)
		time.Sleep(firstRetry + firstRetry/2)
		if n := w.count(&w.fetches) - before; n != 1 {
			t.Errorf("fetches soon after the next failure: got %d, want 1: it begins with %s again", n, firstRetry)
		}
		w.change(w.source, func() { w.fetchErr = nil; w.push("b.example") })
	})
	w.wantApplied(t, "a.example", "b.example")
	for _, want := range []string{
		`msg="the repository cannot be read for now; the last good revision stays in force" what=source err="git is gone"`,
		`msg="the repository cannot be read until somebody acts; the last good revision stays in force" what=source err="the token is refused"`,
		`msg="well again" what=source`,
	} {
		if strings.Count(log, want) != 1 {
			t.Errorf("the log holds %q %d times, want once:\n%s", want, strings.Count(log, want), log)
		}
	}
}
