package watcher

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/wharfinger/wharfinger/generator"
	"github.com/wharfinger/wharfinger/route"
	"github.com/wharfinger/wharfinger/status"
)

// tally is a Meter.
type tally struct{ fetched, rolled []string }

func (t *tally) Fetched(outcome string)          { t.fetched = append(t.fetched, outcome) }
func (t *tally) Took(string, time.Duration)      {}
func (t *tally) RolledOut(proxy, outcome string) { t.rolled = append(t.rolled, proxy+" "+outcome) }

// refusedRollout is an error as the Swarm's of a rollout that was taken back.
type refusedRollout struct{ error }

func (r refusedRollout) Refusal() string { return r.Error() }

func TestOperateStatusFollowsTheWorld(t *testing.T) {
	if s := new(Loop).Status(); s.Version != status.Version || len(s.Proxies) != 0 {
		t.Errorf("before it runs: got %+v", s)
	}
	w, counted := newWorld(), &tally{}
	run(t, w, func(l *Loop) {
		l.Name = "routes.git"
		one := func(what string, state status.State, revision string) status.Proxy {
			t.Helper()
			s := l.Status()
			if len(s.Proxies) != 1 {
				t.Fatalf("%s: got %+v, want one proxy", what, s.Proxies)
			}
			p := s.Proxies[0]
			if p.Name != "edge" || p.Service != "wharfinger-edge" || p.State != state || p.Revision != revision {
				t.Errorf("%s: got %+v, want %s with %s", what, p, state, revision)
			}
			return p
		}
		w.change(w.cluster, func() {})
		p := one("rolled out", status.Live, "a.example")
		if want := (status.Pool{Name: "demo", Peers: []string{"192.0.2.1:32768"}, Routes: []string{"demo"}}); len(p.Pools) != 1 || fmt.Sprint(p.Pools[0]) != fmt.Sprint(want) {
			t.Errorf("pools: got %v, want %v", p.Pools, want)
		}
		s := l.Status()
		if s.Source.Name != "routes.git" || s.Source.Revision != "a.example" || s.Source.Followed != "a.example" || s.Source.Error != "" || s.Source.Read.IsZero() || s.Swarm.Read.IsZero() {
			t.Errorf("got %+v and %+v", *s.Source, *s.Swarm)
		}
		// What the Status is made of is made once.
		if again := l.Status(); &again.Proxies[0].Pools[0] != &s.Proxies[0].Pools[0] {
			t.Error("nothing changed, and the pools were worked out again")
		}

		w.change(w.cluster, func() { w.live.Tasks, w.live.Services = nil, nil })
		time.Sleep(DefaultHoldoff().Pace)
		w.change(w.cluster, func() {})
		p = one("without tasks", status.Live, "a.example")
		if len(p.Pools) != 1 || len(p.Pools[0].Peers) != 0 {
			t.Errorf("pools without tasks: got %v", p.Pools)
		}
		if s := l.Status(); len(s.Problems) != 1 || s.Problems[0].Refuses {
			t.Errorf("without tasks: got problems %v, want one that refuses nothing", s.Problems)
		}
		w.change(w.cluster, func() {
			w.live.Tasks, w.live.Services = []generator.Task{task("t1", 32768)}, []generator.Service{{ID: "s1", Name: "demo"}}
		})
		time.Sleep(DefaultHoldoff().LongestPace)

		good := w.rev
		w.change(w.source, func() {
			w.rev = route.Revision{ID: "bad", Files: []route.File{{Path: "routes.yaml", Data: []byte("routes: 1")}}}
		})
		s = l.Status()
		if s.Source.Revision != "bad" || s.Source.Followed != "a.example" || len(s.Problems) == 0 || !s.Problems[0].Refuses || s.Problems[0].File != "routes.yaml" || s.Problems[0].Line != 1 {
			t.Errorf("a bad revision: got %+v, %+v", *s.Source, s.Problems)
		}
		one("a bad revision", status.Live, "a.example")
		w.change(w.source, func() { w.fetchErr = route.Problems{{Object: "a.yaml", Text: "is a symbolic link"}} })
		if s = l.Status(); len(s.Problems) < 2 || s.Problems[0].Object != "a.yaml" || s.Source.Error != "" {
			t.Errorf("bad files: got %+v", s)
		}
		w.change(w.source, func() { w.rev, w.fetchErr = good, nil })
		if s = l.Status(); len(s.Problems) != 0 {
			t.Errorf("a good revision again: got %v", s.Problems)
		}
		w.change(w.source, func() { w.fetchErr = errors.New("no route to host") })
		if s = l.Status(); s.Source.Error != "no route to host" || s.Source.Permanent || s.Source.Revision != "a.example" {
			t.Errorf("git is away: got %+v", *s.Source)
		}
		w.change(w.cluster, func() { w.readErr = errors.New("no leader") })
		if s = l.Status(); s.Swarm.Error != "no leader" {
			t.Errorf("the manager is away: got %+v", *s.Swarm)
		}
		one("all is away", status.Live, "a.example")
		w.change(w.cluster, func() { w.readErr = nil })

		l.Meter = counted // no pass is being made now
		w.change(w.source, func() {
			w.fetchErr, w.applyErr = nil, refusedRollout{errors.New("it crashed")}
			w.push("c.example")
		})
		if !slices.Contains(counted.fetched, "new") || !slices.Equal(counted.rolled, []string{"edge failed"}) {
			t.Errorf("counted %+v", counted)
		}
		if p = one("a failed rollout", status.RolledBack, "a.example"); p.Why != "it crashed" {
			t.Errorf("a failed rollout: got %+v", p)
		}
	})
}

// While a rollout is on its way, Status tells of each node.
func TestOperateStatusOfARollout(t *testing.T) {
	w := newWorld()
	run(t, w, func(l *Loop) {
		slow := slowCluster{w, make(chan struct{})}
		l.Cluster = fakeSlow{slow, l.Cluster}
		w.change(w.source, func() { w.push("b.example") })
		p := l.Status().Proxies[0]
		if p.State != status.Rolling || !slices.Contains(p.Nodes, status.Node{Name: "lb-00", State: "starting"}) || p.Revision != "a.example" {
			t.Errorf("on its way: got %+v", p)
		}
		close(slow.goOn)
		w.change(w.cluster, func() {})
		if p = l.Status().Proxies[0]; p.State != status.Live || p.Revision != "b.example" {
			t.Errorf("done: got %+v", p)
		}
	})
}

// slowCluster says how a rollout is, and waits.
type slowCluster struct {
	*world
	goOn chan struct{}
}

type fakeSlow struct {
	slowCluster
	WatchedCluster
}

func (f fakeSlow) Read(ctx context.Context) (*generator.Live, error) {
	return f.WatchedCluster.Read(ctx)
}

func (f fakeSlow) Apply(ctx context.Context, r generator.Rollout, progress func(node, state string)) error {
	if r.Needed() {
		progress("lb-00", "starting")
		<-f.goOn
	}
	return f.WatchedCluster.Apply(ctx, r, progress)
}
