package watcher

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wharfinger/wharfinger/generator"
	"github.com/wharfinger/wharfinger/route"
)

// The loop is tested here with a world that is made up, on a clock that is made
// up, for what cannot be timed in a real one. The end-to-end tests hold the same
// promises against real engines.

const routes = `
proxies: {edge: {image: "nginx:1.30"}}
pools: {demo: {service: demo, port: 8080}}
routes: {demo: {hosts: [%s], pool: demo}}
`

type world struct {
	mu                    sync.Mutex
	rev                   route.Revision
	live                  *generator.Live
	fetchErr              error
	readErr               error
	testErr               error
	applyErr              error
	fetches, reads, tests int
	applied               []string // the hosts of each rollout that needed an update
	confirms              int      // calls of Apply for a rollout in force
	kept                  route.Revision
	keeps                 int
	keepErr               error
	pinning
	source   chan<- struct{}
	cluster  chan<- struct{}
	woken    chan<- struct{}
	audience Audience
}

func newWorld() *world {
	w := &world{live: &generator.Live{
		Nodes:    []generator.Node{{ID: "n1", Hostname: "wrk-00", Role: "worker", State: "ready", Addr: "192.0.2.1"}},
		Services: []generator.Service{{ID: "s1", Name: "demo"}},
		Tasks:    []generator.Task{task("t1", 32768)},
	}}
	w.push("a.example")
	return w
}

func task(id string, port int) generator.Task {
	return generator.Task{ID: id, Service: "s1", Node: "n1", State: "running",
		Ports: []generator.Port{{Protocol: "tcp", Target: 8080, Published: port}}}
}

func (w *world) push(host string) {
	data := fmt.Sprintf(routes, host)
	w.rev = route.Revision{ID: host, Files: []route.File{{Path: "routes.yaml", Data: []byte(data)}}}
}

func (w *world) Fetch(context.Context) (route.Revision, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fetches++
	return w.rev, w.fetchErr
}

type watchFunc func(context.Context, chan<- struct{}) error

func (f watchFunc) Watch(ctx context.Context, wake chan<- struct{}) error { return f(ctx, wake) }

type fakeSource struct {
	*world
	watchFunc
}

type fakeCluster struct {
	*world
	watchFunc
}

func (w *world) Streams() bool { return true }

func (w *world) Read(context.Context) (*generator.Live, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reads++
	if w.readErr != nil {
		return nil, w.readErr
	}
	live := *w.live
	return &live, nil
}

func (w *world) Test(context.Context, []generator.Shard) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tests++
	return w.testErr
}

// Apply keeps the rollout as the Swarm would.
func (w *world) Apply(_ context.Context, r generator.Rollout, _ func(node, state string)) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !r.Needed() {
		w.confirms++
		return nil
	}
	service := generator.ProxyService{Proxy: r.Proxy, Service: r.Service, Spec: r.Spec, Applied: r.Named,
		Digest: r.Digest, Revision: r.Revision, Carried: map[string]string{}}
	for _, s := range r.Shards {
		service.Carried[s.Path] = s.Config
	}
	if w.applyErr != nil {
		service = generator.ProxyService{Proxy: r.Proxy, Service: r.Service, Spec: r.Spec, Failed: r.ID}
		w.live.Proxies = []generator.ProxyService{service}
		return w.applyErr
	}
	w.live.Proxies = []generator.ProxyService{service}
	w.applied = append(w.applied, r.Revision)
	return nil
}

// run starts the loop in a bubble of its own time, has act move the world, and
// returns what was logged.
func run(t *testing.T, w *world, act func(l *Loop)) string {
	t.Helper()
	var out bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		hold := func(slot *chan<- struct{}) watchFunc {
			return func(ctx context.Context, wake chan<- struct{}) error {
				*slot = wake
				wake <- struct{}{} // the first look
				<-ctx.Done()
				return nil
			}
		}
		log := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
		woken := make(chan struct{}, 1)
		w.woken = woken
		l := &Loop{Source: fakeSource{w, hold(&w.source)}, Cluster: fakeCluster{w, hold(&w.cluster)}, Tester: w, Memory: w, Log: log, Woken: woken, Audience: w.audience, Holdoff: DefaultHoldoff()}
		done := make(chan error)
		go func() { done <- l.Run(ctx) }()
		time.Sleep(time.Second)
		synctest.Wait()
		act(l)
		stop()
		if err := <-done; err != nil {
			t.Errorf("Run: got %v, want nil after the context ended", err)
		}
	})
	return out.String()
}

// change moves the world, wakes the loop and waits until it is done with it.
func (w *world) change(wake chan<- struct{}, how func()) {
	w.mu.Lock()
	how()
	w.mu.Unlock()
	ring(wake)
	time.Sleep(time.Second)
	synctest.Wait()
}

func (w *world) rollouts() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.applied)
}

// count reads one of the world's counters while the loop runs.
func (w *world) count(n *int) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return *n
}

func (w *world) wantApplied(t *testing.T, want ...string) {
	t.Helper()
	if got := fmt.Sprint(w.applied); got != fmt.Sprint(want) {
		t.Errorf("rolled out: got %s, want %s", got, fmt.Sprint(want))
	}
}

func TestPushIsRolledOut(t *testing.T) {
	w := newWorld()
	log := run(t, w, func(l *Loop) {
		if !l.Ready() {
			t.Error("Ready after the first pass: got false, want true")
		}
		w.change(w.source, func() { w.push("b.example") })
	})
	w.wantApplied(t, "a.example", "b.example")
	for _, want := range []string{"edge: host a.example: gone, was / -> demo; edge: host b.example: new, / -> demo", "edge.changes="} {
		if !strings.Contains(log, want) {
			t.Errorf("the log does not hold %q:\n%s", want, log)
		}
	}
}

func TestQuietCostsNothing(t *testing.T) {
	w := newWorld()
	run(t, w, func(*Loop) {
		for range 10 {
			w.change(w.cluster, func() {})
			w.change(w.source, func() {})
		}
	})
	w.wantApplied(t, "a.example")
	if w.tests != 1 || w.confirms != 0 {
		t.Errorf("got %d tests and %d confirmations, want 1 and 0", w.tests, w.confirms)
	}
}

func TestRestartConfirmsWithoutRolling(t *testing.T) {
	w := newWorld()
	run(t, w, func(*Loop) {})
	run(t, w, func(*Loop) {})
	w.wantApplied(t, "a.example")
	if w.confirms != 1 {
		t.Errorf("confirmations after the restart: got %d, want 1", w.confirms)
	}
}

func TestMovedTaskIsFollowed(t *testing.T) {
	w := newWorld()
	log := run(t, w, func(*Loop) {
		w.change(w.cluster, func() { w.live.Tasks = []generator.Task{task("t2", 32769)} })
		w.change(w.cluster, func() { w.live.Tasks = nil })
		time.Sleep(DefaultHoldoff().Pace)
	})
	w.wantApplied(t, "a.example", "a.example", "a.example")
	for _, want := range []string{"edge: pool demo: peers 192.0.2.1:32768 -> 192.0.2.1:32769", "edge: route demo: pool demo -> answer 503"} {
		if !strings.Contains(log, want) {
			t.Errorf("the log does not hold %q:\n%s", want, log)
		}
	}
}

func TestCrashLoopDoesNotKeepRolling(t *testing.T) {
	w := newWorld()
	run(t, w, func(*Loop) {
		before, port := w.rollouts(), 32769
		for range 200 { // 10 minutes: up for 2 s, down for 1 s
			w.change(w.cluster, func() { w.live.Tasks = []generator.Task{task("t", port)} })
			time.Sleep(time.Second)
			w.change(w.cluster, func() { w.live.Tasks = nil })
			port++
		}
		if n := w.rollouts() - before; n < 20 || n > 50 {
			t.Errorf("rolls in 10 minutes: got %d, want one each %s or so", n, DefaultHoldoff().LongestPace)
		}
		last := w.rollouts()
		w.change(w.source, func() { w.push("b.example") }) // nobody waits for the crashing one
		if n := w.rollouts() - last; n != 1 {
			t.Errorf("rolls for a push meanwhile: got %d, want 1 at once", n)
		}
	})
}

// A retry has a back-off of its own: the pace of rolls must not hold one that is
// due, for it would come round at once, again and again.
func TestRetryIsNotPutOff(t *testing.T) {
	w := newWorld()
	run(t, w, func(*Loop) {
		for i := range 20 { // until rolls are as far apart as they get
			w.change(w.cluster, func() { w.live.Tasks = []generator.Task{task("t", 32769+i)} })
			time.Sleep(DefaultHoldoff().LongestPace)
		}
		w.change(w.cluster, func() {
			w.live.Tasks = []generator.Task{task("t", 40000)}
			w.testErr = errors.New("no space left")
		})
		time.Sleep(DefaultHoldoff().LongestPace) // by now it was tried, and failed
		before := w.count(&w.reads)
		time.Sleep(time.Minute)
		if n := w.count(&w.reads) - before; n > 10 {
			t.Errorf("reads in a minute of retries: got %d, want one each retry", n)
		}
	})
}

// A revision that fails in the Swarm is given up, and the tasks of the last good
// one are followed, without the bad one being sent again.
func TestTasksAreFollowedAfterAFailedPush(t *testing.T) {
	w := newWorld()
	log := run(t, w, func(*Loop) {
		good := *w.live // what Swarm's rollback brings back
		w.change(w.source, func() { w.push("b.example"); w.applyErr = refusal("rolled back") })
		time.Sleep(firstRetry)
		w.change(w.cluster, func() {
			w.applyErr = nil
			failed := w.live.Proxies[0].Failed
			w.live.Proxies = slices.Clone(good.Proxies)
			w.live.Proxies[0].Failed = failed
		})
		for i := range 5 {
			time.Sleep(calm + time.Second)
			w.change(w.cluster, func() { w.live.Tasks = []generator.Task{task("t2", 33000+i)} })
		}
	})
	w.wantApplied(t, "a.example", "a.example", "a.example", "a.example", "a.example", "a.example")
	if want := "revision given up; the last good one is followed"; strings.Count(log, want) != 1 {
		t.Errorf("the log holds %q %d times, want once:\n%s", want, strings.Count(log, want), log)
	}
}

func TestBadRevisionIsRefusedWhole(t *testing.T) {
	w := newWorld()
	log := run(t, w, func(*Loop) {
		w.change(w.source, func() {
			w.push("b.example")
			w.rev.Files[0].Data = append(w.rev.Files[0].Data, "  x: {hosts: [c.example], pool: nowhere}\n"...)
			w.rev.Files[0].Data = bytes.ReplaceAll(w.rev.Files[0].Data, []byte("routes: {demo: {hosts: [b.example], pool: demo}}"),
				[]byte("routes:\n  demo: {hosts: [b.example], pool: demo}"))
		})
		w.change(w.cluster, func() { w.live.Tasks = []generator.Task{task("t2", 32769)} }) // the good one is still followed
		w.change(w.source, func() { w.push("d.example") })
	})
	w.wantApplied(t, "a.example", "a.example", "d.example")
	if want := "routes.yaml:6:33: there is no pool nowhere"; strings.Count(log, want) != 1 {
		t.Errorf("the log holds %q %d times, want once:\n%s", want, strings.Count(log, want), log)
	}
}

func TestUnreadableWorldChangesNothing(t *testing.T) {
	w := newWorld()
	log := run(t, w, func(*Loop) {
		w.change(w.source, func() { w.fetchErr = errors.New("git is gone") })
		time.Sleep(time.Minute) // it tries again by itself
		w.change(w.cluster, func() { w.live.Tasks = []generator.Task{task("t2", 32769)} })
		w.change(w.cluster, func() { w.readErr = errors.New("the socket is gone") })
		for range 5 {
			w.change(w.cluster, func() {})
		}
		w.change(w.source, func() { w.fetchErr = nil; w.push("b.example") })
		w.wantApplied(t, "a.example", "a.example") // a push waits for a state to be put on
		w.change(w.cluster, func() { w.readErr = nil })
	})
	w.wantApplied(t, "a.example", "a.example", "b.example")
	for _, want := range []string{"git is gone", "the socket is gone"} {
		if strings.Count(log, want) != 1 {
			t.Errorf("the log holds %q %d times, want once:\n%s", want, strings.Count(log, want), log)
		}
	}
	if w.fetches < 6 || w.fetches > 9 {
		t.Errorf("fetches with a minute without git: got %d, want 6 to 9, further and further apart", w.fetches)
	}
}

func TestRetryDoesNotSpinWhileUnreadable(t *testing.T) {
	w := newWorld()
	w.applyErr = errors.New("the socket broke off")
	run(t, w, func(*Loop) {
		w.change(w.cluster, func() { w.readErr = errors.New("the socket is gone") })
		before := w.count(&w.reads)
		time.Sleep(time.Minute)
		if n := w.count(&w.reads) - before; n > 40 {
			t.Errorf("reads in a minute without the Swarm: got %d, want one each %s", n, firstRetry)
		}
	})
}

func TestRefusedByNginx(t *testing.T) {
	w := newWorld()
	log := run(t, w, func(*Loop) {
		w.change(w.source, func() { w.push("b.example"); w.testErr = refusal("nginx says no") })
		w.change(w.cluster, func() { w.testErr = nil; w.live.Tasks = []generator.Task{task("t2", 32769)} })
	})
	w.wantApplied(t, "a.example", "a.example")
	if strings.Count(log, "nginx says no") == 0 {
		t.Errorf("the log does not say what nginx said:\n%s", log)
	}
}

// complaintAt is a Tester's error that tells of a place in the files.
type complaintAt struct {
	path string
	line int
}

func (c complaintAt) Error() string   { return "nginx says no" }
func (c complaintAt) Refusal() string { return "nginx says no" }
func (c complaintAt) Complaints() []generator.Complaint {
	return []generator.Complaint{{Path: c.path, Line: c.line, Text: "nginx says no", Hint: "mend it"}}
}

func TestRefusedByNginxAtAPlace(t *testing.T) {
	w := newWorld()
	log := run(t, w, func(*Loop) {
		w.change(w.source, func() { w.push("b.example"); w.testErr = complaintAt{"routes/server.b.example.conf", 2} })
		time.Sleep(10 * time.Minute)
		w.change(w.cluster, func() { w.testErr = nil; w.live.Tasks = []generator.Task{task("t2", 32769)} })
	})
	w.wantApplied(t, "a.example", "a.example")
	if want := `problem="routes.yaml:`; strings.Count(log, want) != 1 || !strings.Contains(log, ": nginx says no (mend it)\"") {
		t.Errorf("the log holds %q %d times, want once:\n%s", want, strings.Count(log, want), log)
	}
}

func TestTooLargeIsRefusedWhole(t *testing.T) {
	w := newWorld()
	log := run(t, w, func(*Loop) {
		w.change(w.source, func() {
			w.push("b.example")
			paths := ""
			for i := range 4000 { // two locations each, more than a Docker config holds
				paths += fmt.Sprintf("/path-%d, ", i)
			}
			w.rev.Files[0].Data = bytes.Replace(w.rev.Files[0].Data, []byte("pool: demo}"), []byte("pool: demo, paths: ["+paths+"]}"), 1)
		})
		w.change(w.cluster, func() { w.live.Tasks = []generator.Task{task("t2", 32769)} }) // the good one is still followed
	})
	w.wantApplied(t, "a.example", "a.example")
	if want := "but a Docker config holds"; strings.Count(log, want) != 1 {
		t.Errorf("the log holds %q %d times, want once:\n%s", want, strings.Count(log, want), log)
	}
}

func TestFailedRolloutIsNotTriedAgain(t *testing.T) {
	w := newWorld()
	w.applyErr = errors.New("rolled back")
	run(t, w, func(*Loop) {
		tests := w.count(&w.tests)
		time.Sleep(10 * time.Minute)
		if n := w.count(&w.tests) - tests; n != 0 {
			t.Errorf("tries while quarantined: got %d, want none", n)
		}
		w.change(w.source, func() { w.push("b.example"); w.applyErr = nil })
	})
	w.wantApplied(t, "b.example")
}

func TestFailureOfTheWorldIsTriedAgain(t *testing.T) {
	w := newWorld()
	w.testErr = errors.New("no space left")
	run(t, w, func(*Loop) {
		time.Sleep(5 * time.Minute)
		if n := w.count(&w.tests); n < 5 || n > 12 {
			t.Errorf("tries in 5 minutes: got %d, want 5 to 12, further and further apart", n)
		}
		w.mu.Lock()
		w.testErr = nil
		w.mu.Unlock()
		time.Sleep(lastRetry + time.Second)
	})
	w.wantApplied(t, "a.example")
}
