package e2e_test

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wharfinger/wharfinger/lab"
)

// What breaks on the eight nodes costs the clients nothing. A manager that is lost
// and a worker that is drained are no proxies' matter: not one request fails, but for
// one that a task on the lost node was about to answer when its power was cut. Where
// a proxy's node is lost, clients ask the other proxy, as they do with two
// addresses; not one is left without an answer.
func TestInterlockEightNodes(t *testing.T) {
	t.Cleanup(func() { // it is heavy, and nobody needs it after this
		if err := lab.Remove(eightName); err != nil {
			t.Error(err)
		}
	})
	w := eightNodes(t)
	w.scale("demo", 6) // wherever Swarm puts them, also where it will break
	w.spread("demo.local", "demo", 6)

	w.part("leader lost", func() {
		daemon := w.nodeOf(w.tasks("wharfinger")[0])
		leader := w.leader()
		s := w.steady("demo.local")
		s.cut(leader)
		w.manager = map[bool]string{true: "mgr-01", false: "mgr-00"}[leader == "mgr-00"]
		w.eventually(time.Minute, func() error {
			if now := w.leader(); now == "" || now == leader {
				return fmt.Errorf("the leader is %q", now)
			}
			return nil
		})
		s.mark("another manager leads")
		w.scale("demo", 8)
		w.spread("demo.local", "demo", 8)
		s.mark("demo has 8 tasks, none of them on the lost node, and the proxies ask them all")
		w.Logf("%s was the leader; wharfinger was on %s, and is on %s", leader, daemon.Name, w.nodeOf(w.tasks("wharfinger")[0]).Name)
		s.end()
		s.none("lb-00", "lb-01")
		w.startNode(leader)
	})
	w.part("proxy's node lost", func() {
		s := w.steady("demo.local")
		s.cut("lb-01")
		w.asked = []string{"lb-00"}
		defer func() { w.asked = balancers }()
		w.scale("demo", 6)
		w.spread("demo.local", "demo", 6)
		s.mark("demo has 6 tasks, none of them on the lost node, and the other proxy asks them all")
		w.startNode("lb-01")
		w.asked = balancers
		w.spread("demo.local", "demo", 6)
		s.mark("the node is back, and its proxy asks the tasks that there are now")
		s.end()
		s.none("lb-00")
	})
	w.part("worker drained", func() {
		s := w.steady("demo.local")
		node := ""
		for _, t := range w.tasks("demo") {
			if on := w.nodeOf(t).Name; !slices.Contains(balancers, on) { // else its proxy would go, too
				node = on
			}
		}
		w.docker("node", "update", "--availability", "drain", node)
		w.eventually(time.Minute, func() error {
			for _, t := range w.tasks("demo") {
				if w.nodeOf(t).Name == node {
					return fmt.Errorf("%s has a task of demo", node)
				}
			}
			return nil
		})
		w.spread("demo.local", "demo", 6)
		s.mark(node + " is drained, and the proxies ask the tasks that took the place of its own")
		s.end()
		s.none("lb-00", "lb-01")
	})
}

// leader is the manager that leads, or "".
func (w *world) leader() string {
	out, err := w.lab.Docker(w.Context(), w.manager, "node", "ls", "--format", "{{.Hostname}} {{.ManagerStatus}}")
	if err != nil {
		return "" // there is none
	}
	for line := range strings.Lines(out) {
		if name, status, _ := strings.Cut(strings.TrimSpace(line), " "); status == "Leader" {
			return name
		}
	}
	return ""
}

// stopNode is a power cut.
func (w *world) stopNode(name string) {
	w.Helper()
	if err := w.lab.Node(name).Stop(true); err != nil {
		w.Fatal(err)
	}
}

func (w *world) startNode(name string) {
	w.Helper()
	if err := w.lab.Node(name).Start(w.Context()); err != nil {
		w.Fatal(err)
	}
	w.eventually(time.Minute, func() error {
		state, err := w.lab.Docker(w.Context(), w.manager, "node", "inspect", "-f", "{{.Status.State}}", name)
		if err == nil && state != "ready" {
			err = fmt.Errorf("%s is %s", name, state)
		}
		return err
	})
}

// A steady asks each proxy a hundred times in a second, as long as it answers, on
// new connections, and the next one in its place when it does not.
type steady struct {
	w     *world
	begin time.Time
	over  chan struct{}
	group sync.WaitGroup
	marks []string
	power time.Time // was cut

	mu      sync.Mutex
	proxies map[string]*asked
	lost    []string // requests that no proxy answered
}

// asked is how one proxy did.
type asked struct {
	requests, failed int
	underWay         int           // of those that failed, when a node was lost
	slowest          time.Duration // of those that it answered
	first, last      time.Time     // failures
	errors           []string
}

// patient is longer than a proxy waits for a connection to a task.
var patient = &http.Client{
	Timeout:   15 * time.Second,
	Transport: &http.Transport{DisableKeepAlives: true},
}

func (w *world) steady(host string) *steady {
	s := &steady{w: w, begin: time.Now(), over: make(chan struct{}), proxies: map[string]*asked{}}
	for _, node := range w.asked {
		s.proxies[node] = &asked{}
	}
	for i, node := range w.asked {
		next := w.asked[(i+1)%len(w.asked)]
		s.group.Go(func() {
			for {
				select {
				case <-s.over:
					return
				case <-time.After(10 * time.Millisecond):
				}
				if s.ask(node, host) != nil {
					if err := s.ask(next, host); err != nil {
						s.mu.Lock()
						s.lost = append(s.lost, fmt.Sprintf("%s after %s: %v", s.at(time.Now()), node, err))
						s.mu.Unlock()
					}
				}
			}
		})
	}
	w.Cleanup(s.end)
	return s
}

func (s *steady) ask(node, host string) error {
	begin := time.Now()
	a, err := s.w.askWith(patient, node, host, "/")
	if err == nil && a.Code != http.StatusOK {
		err = fmt.Errorf("status %d", a.Code)
	}
	took := time.Since(begin)
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.proxies[node]
	p.requests++
	if err == nil {
		p.slowest = max(p.slowest, took)
		return nil
	}
	if p.failed++; begin.Before(s.power) {
		p.underWay++
	}
	p.first, p.last = cmp.Or(p.first, begin), begin
	if len(p.errors) < 5 {
		p.errors = append(p.errors, fmt.Sprintf("%s, after %s: %v", s.at(begin), took.Round(time.Millisecond), err))
	}
	return err
}

func (s *steady) at(t time.Time) string { return fmt.Sprintf("%.1f s", t.Sub(s.begin).Seconds()) }

// mark notes when something was so.
func (s *steady) mark(what string) {
	s.marks = append(s.marks, fmt.Sprintf("%s: %s", s.at(time.Now()), what))
}

// end stops asking and tells the figures.
func (s *steady) end() {
	select {
	case <-s.over:
		return
	default:
	}
	close(s.over)
	s.group.Wait()
	var b strings.Builder
	for _, mark := range s.marks {
		fmt.Fprintf(&b, "\n  %s", mark)
	}
	fmt.Fprintf(&b, "\n  %-6s %9s %7s %8s  %s\n", "proxy", "requests", "failed", "slowest", "failures between")
	for _, node := range slices.Sorted(maps.Keys(s.proxies)) {
		p := s.proxies[node]
		between := "-"
		if p.failed > 0 {
			between = s.at(p.first) + " and " + s.at(p.last)
		}
		fmt.Fprintf(&b, "  %-6s %9d %7d %7.2fs  %s\n", node, p.requests, p.failed, p.slowest.Seconds(), between)
		for _, e := range p.errors {
			fmt.Fprintf(&b, "         %s\n", e)
		}
	}
	fmt.Fprintf(&b, "  %d requests were answered by no proxy", len(s.lost))
	s.w.Log(b.String())
	for _, l := range s.lost[:min(5, len(s.lost))] {
		s.w.Errorf("no proxy answers: %s", l)
	}
}

// cut loses a node.
func (s *steady) cut(node string) {
	s.w.Helper()
	s.w.stopNode(node)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.power = time.Now()
}

// none checks that these proxies answered everything, but for the one request that each
// was asked when a node was lost.
func (s *steady) none(nodes ...string) {
	s.w.Helper()
	for _, node := range nodes {
		p := s.proxies[node]
		if p.failed > p.underWay || p.underWay > 1 || p.requests < 100 {
			s.w.Errorf("%s failed %d of %d requests, want none of some hundreds", node, p.failed, p.requests)
		}
	}
}
