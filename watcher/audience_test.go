package watcher

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wharfinger/wharfinger/generator"
	"github.com/wharfinger/wharfinger/route"
)

// listeners is an Audience that writes down what it hears.
type listeners struct {
	mu    sync.Mutex
	heard []string
}

func (l *listeners) hear(what, revision string, problems route.Problems) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if problems != nil {
		what += ": " + problems.Error()
	}
	l.heard = append(l.heard, revision+" "+what)
}

func (l *listeners) Coming(rev string, waits route.Problems) { l.hear("coming", rev, waits) }
func (l *listeners) Live(rev string)                         { l.hear("live", rev, nil) }
func (l *listeners) Refused(rev string, ps route.Problems)   { l.hear("refused", rev, ps) }

// since returns what was heard since it was called last.
func (l *listeners) since() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	heard := l.heard
	l.heard = nil
	return heard
}

// TestOperateAudience holds what is heard of pushes, good and bad, and that a moved
// task is no news.
func TestOperateAudience(t *testing.T) {
	w, audience := newWorld(), &listeners{}
	w.audience = audience
	want := func(when string, want ...string) {
		t.Helper()
		got := audience.since()
		if !slices.EqualFunc(got, want, strings.HasPrefix) {
			t.Errorf("%s: heard\n%s\nwant\n%s", when, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
	run(t, w, func(l *Loop) {
		start := w.rev.ID
		want("start", start+" coming", start+" live")
		w.change(w.cluster, func() {
			w.live = &generator.Live{Nodes: w.live.Nodes, Services: w.live.Services, Tasks: []generator.Task{task("t2", 32769)}}
		})
		time.Sleep(calm)
		want("a moved task")
		w.change(w.source, func() { w.push("not a host") })
		bad := w.rev.ID
		want("a mistake", bad+" refused: routes.yaml:")
		w.change(w.source, func() { w.push("b.example"); w.testErr = refusal("nginx says no") })
		time.Sleep(3 * time.Second)
		refused := w.rev.ID
		want("nginx", refused+" coming", refused+" refused: proxy edge: ")
		w.change(w.source, func() { w.push("c.example"); w.testErr = errors.New("no room on the disk") })
		want("the world fails", w.rev.ID+" coming")
		w.change(w.cluster, func() { w.testErr = nil })
		time.Sleep(lastRetry)
		want("and is well again", w.rev.ID+" live")
		w.change(w.source, func() {
			w.rev = route.Revision{}
			w.fetchErr = route.Problems{{Pos: route.Pos{File: "b.yaml"}, Text: "is a symbolic link"}}
		})
		w.change(w.source, func() {})
		want("a file that is none", " refused: b.yaml: is a symbolic link")
	})
}

// TestOperateAudienceHearsWhatItWaitsFor has a secret that is not there yet.
func TestOperateAudienceHearsWhatItWaitsFor(t *testing.T) {
	w, audience := newWorld(), &listeners{}
	w.audience = audience
	w.live.Secrets = secretsOf("key", "one")
	w.pushSecret("one", "one")
	run(t, w, func(l *Loop) {
		audience.since()
		w.change(w.source, func() { w.pushSecret("two", "two") })
		time.Sleep(3 * time.Second)
		heard := audience.since()
		if len(heard) != 2 || heard[0] != "two coming" || !strings.HasPrefix(heard[1], "two coming: ") {
			t.Errorf("heard %q, want that it is coming and what it waits for", heard)
		}
	})
}
