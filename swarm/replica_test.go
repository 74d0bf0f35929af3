package swarm

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/network"
	api "github.com/docker/docker/api/types/swarm"
)

// engine answers what Read asks for, from what a test puts into it.
type engine struct {
	tasks    map[string]api.Task
	services []api.Service
	down     bool
	sent     int // tasks, in all answers so far
	lists    int // of everything else
}

func (e *engine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer := func(what any) { json.NewEncoder(w).Encode(what) }
	path := r.URL.Path[strings.Index(r.URL.Path[1:], "/")+1:] // without the version
	switch {
	case strings.HasSuffix(r.URL.Path, "/_ping"):
		w.Header().Set("Api-Version", "1.47")
	case e.down:
		http.Error(w, `{"message": "rpc error: the swarm does not have a leader"}`, http.StatusServiceUnavailable)
	case path == "/tasks":
		wanted, err := filters.FromJSON(r.FormValue("filters"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		list := []api.Task{}
		for _, t := range e.tasks {
			if wanted.Match("id", t.ID) && wanted.ExactMatch("desired-state", string(t.DesiredState)) {
				list = append(list, t)
			}
		}
		e.sent += len(list)
		answer(list)
	case path == "/nodes":
		e.lists++
		answer([]api.Node{{ID: "n0"}, {ID: "n1"}})
	case path == "/services":
		answer(e.services)
	case path == "/networks":
		answer([]network.Summary{})
	case strings.HasPrefix(path, "/networks/"):
		answer(network.Inspect{Name: "host", ID: "host"})
	case path == "/secrets":
		answer([]api.Secret{})
	default:
		http.NotFound(w, r)
	}
}

func (e *engine) connect(t *testing.T, at string) *Cluster {
	t.Helper()
	c, err := Connect(Options{Host: "tcp://" + at})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// TestReadFollowsTheStream has tasks and services come, change and go at random, tells
// of each as the manager's stream does, and holds what Read finds against one that asks
// for everything.
func TestReadFollowsTheStream(t *testing.T) {
	e := &engine{tasks: map[string]api.Task{}}
	server := httptest.NewServer(e)
	defer server.Close()
	at := server.Listener.Addr().String()
	told, fresh := e.connect(t, at), e.connect(t, at)
	told.streams.Store(true)
	told.replica.marks.everything()
	marks := &told.replica.marks
	rng := rand.New(rand.NewPCG(1, 2))
	change := func() {
		id := fmt.Sprintf("t%03d", rng.IntN(300))
		switch _, there := e.tasks[id]; {
		case rng.IntN(20) == 0:
			e.services = nil
			for i := range 1 + rng.IntN(5) {
				e.services = append(e.services, api.Service{ID: fmt.Sprintf("s%d", i)})
			}
			marks.others()
			return
		case there && rng.IntN(3) == 0:
			delete(e.tasks, id)
		default:
			task := api.Task{ID: id, ServiceID: fmt.Sprintf("s%d", rng.IntN(5)), NodeID: fmt.Sprintf("n%d", rng.IntN(2)), DesiredState: api.TaskStateRunning}
			if task.Status.State = api.TaskStateRunning; rng.IntN(5) == 0 {
				task.DesiredState = api.TaskStateShutdown
			}
			name := fmt.Sprintf("net%d", rng.IntN(3))
			task.NetworksAttachments = []api.NetworkAttachment{{Network: api.Network{ID: name, Spec: api.NetworkSpec{Annotations: api.Annotations{Name: name}}}, Addresses: []string{fmt.Sprintf("10.0.0.%d/24", rng.IntN(250))}}}
			e.tasks[id] = task
		}
		marks.task(id)
	}
	for range 1000 {
		change()
	}
	same := func(what string) {
		t.Helper()
		got, err := told.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		want, err := fresh.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("%s: got  %+v\nwant %+v", what, got, want)
		}
	}
	for step := range 100 {
		for range rng.IntN(10) {
			change()
		}
		if rng.IntN(10) == 0 {
			e.down = true
			if _, err := told.Read(t.Context()); err == nil {
				t.Fatal("nothing is wrong with a manager that has no leader")
			}
			e.down = false
		}
		if rng.IntN(30) == 0 { // the stream breaks: what happens is not told, then it is back
			told.streams.Store(false)
			e.tasks["t000"] = api.Task{ID: "t000", ServiceID: "s0", NodeID: "n0", DesiredState: api.TaskStateRunning}
			same("while the stream is broken")
			delete(e.tasks, "t000")
			marks.everything()
			told.streams.Store(true)
		}
		same(fmt.Sprintf("step %d", step))
	}

	told.replica.reads = 1 // so that no Read asks for everything by itself
	asked := func() (tasks, lists int) {
		tasks, lists = e.sent, e.lists
		if _, err := told.Read(t.Context()); err != nil {
			t.Fatal(err)
		}
		return e.sent - tasks, e.lists - lists
	}
	for id := range e.tasks {
		marks.task(id)
		break
	}
	if tasks, lists := asked(); tasks > 1 || lists > 0 {
		t.Fatalf("one task moved: asked for %d tasks and %d lists of all else", tasks, lists)
	}
	marks.others()
	if tasks, lists := asked(); tasks > 0 || lists != 1 {
		t.Fatalf("a service changed: asked for %d tasks and %d lists of all else", tasks, lists)
	}

	// What was lost on the way is found in the end.
	e.tasks["t999"] = api.Task{ID: "t999", ServiceID: "s0", NodeID: "n0", DesiredState: api.TaskStateRunning}
	for range anew {
		asked()
	}
	same("after a hundred reads")
}
