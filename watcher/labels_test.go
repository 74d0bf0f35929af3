package watcher

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wharfinger/wharfinger/generator"
	"github.com/wharfinger/wharfinger/route"
)

// labelledWorld has a proxy that reads labels, and nothing else in its repository.
func labelledWorld() *world {
	w := newWorld()
	w.rev = route.Revision{ID: "r1", Files: []route.File{{Path: "routes.yaml", Data: []byte(`proxies: {edge: {image: "nginx:1.30", labels: interlock}}`)}}}
	w.live.Services[0].Labels = map[string]string{"com.docker.lb.hosts": "a.example", "com.docker.lb.port": "8080"}
	w.live.Services[0].Ports = []generator.ServicePort{{Protocol: "tcp", Target: 8080, Mode: "host"}}
	return w
}

// label gives the service another label, in a Live of its own as a read does.
func (w *world) label(key, value string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	live := *w.live
	live.Services = []generator.Service{live.Services[0]}
	labels := map[string]string{key: value}
	for k, v := range w.live.Services[0].Labels {
		if k != key {
			labels[k] = v
		}
	}
	live.Services[0].Labels = labels
	w.live = &live
}

func (w *world) move(port int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	live := *w.live
	live.Tasks = []generator.Task{task("t"+fmt.Sprint(port), port)}
	w.live = &live
}

// TestLabelsAreKept holds that labels are read when they or the repository change,
// and not when tasks move.
func TestLabelsAreKept(t *testing.T) {
	w := labelledWorld()
	parse := func() *route.Desired {
		d, problems := route.Parse(w.rev)
		if problems != nil {
			t.Fatal(problems)
		}
		return d
	}
	var b Builder
	d := parse()
	see := func(what string, d *route.Desired, anew bool) {
		t.Helper()
		before := b.read.Desired
		model, _ := b.Build(d, w.live)
		if got := b.read.Desired != before; got != anew {
			t.Errorf("%s: labels are read anew: %t, want %t", what, got, anew)
		}
		if len(model.Proxies[0].Servers) == 0 {
			t.Errorf("%s: nothing is served", what)
		}
	}
	see("the first time", d, true)
	w.move(32769)
	see("a task moves", d, false)
	w.label("com.example.build", "7")
	see("a label that is nobody's here", d, false)
	w.live.Nodes = append(w.live.Nodes, generator.Node{ID: "n2", Addr: "192.0.2.2", State: "ready"})
	see("a node comes", d, false)
	w.label("com.docker.lb.hosts", "b.example")
	see("a label changes", d, true)
	see("nothing", d, false)
	see("another revision", parse(), true)
	w.live.Services[0].Ports = []generator.ServicePort{{Protocol: "tcp", Target: 8080, Mode: "host"}, {Protocol: "tcp", Target: 81, Mode: "host"}}
	see("a port is published", d, true)
}

// TestLabelsAreFollowed holds that the daemon rolls what labels ask for, as they
// change, and tells each complaint once.
func TestLabelsAreFollowed(t *testing.T) {
	w := labelledWorld()
	out := run(t, w, func(l *Loop) {
		poke := func() { w.cluster <- struct{}{}; time.Sleep(time.Minute); synctest.Wait() }
		if len(w.applied) != 1 || !l.Ready() {
			t.Errorf("%d rollouts at the start, ready is %t", len(w.applied), l.Ready())
		}
		w.label("com.docker.lb.max_fails", "many")
		poke()
		if len(w.applied) != 1 {
			t.Error("a label that has no effect rolled the proxy")
		}
		w.move(32770)
		poke()
		w.move(32771)
		poke()
		w.label("com.docker.lb.hosts", "a.example,b.example")
		poke()
		if len(w.applied) != 4 {
			t.Errorf("%d rollouts, want one for each task that moved and one for the host", len(w.applied))
		}
		w.label("com.docker.lb.port", "http")
		poke()
		if len(w.applied) != 5 {
			t.Error("a service that is left out is served still")
		}
	})
	if n := strings.Count(out, "label com.docker.lb.max_fails: "); n != 1 {
		t.Errorf("it is told %d times of max_fails, want once:\n%s", n, out)
	}
	if n := strings.Count(out, "label com.docker.lb.port: "); n != 1 {
		t.Errorf("it is told %d times of the port, want once", n)
	}
}

// TestRefusedLabels holds that what nginx says of a route that labels ask for is
// told as the service's.
func TestRefusedLabels(t *testing.T) {
	w := labelledWorld()
	desired, problems := route.Parse(w.rev)
	if problems != nil {
		t.Fatal(problems)
	}
	plan, err := MakePlan(generator.Templates{}, desired, w.live)
	if err != nil {
		t.Fatal(err)
	}
	err = plan.Traced(plan.Rollouts[0], complaintAt{"routes/server.a.example.conf", 3})
	if want := "service demo: "; err == nil || !strings.HasPrefix(err.Error(), "the files did not pass their test: "+want) || !strings.Contains(err.Error(), "nginx says no") {
		t.Errorf("got %v, want it told as %s", err, want)
	}
}
