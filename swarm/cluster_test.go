package swarm_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/wharfinger/wharfinger/generator"
	"github.com/wharfinger/wharfinger/lab"
	"github.com/wharfinger/wharfinger/swarm"
)

func TestReadSeesServices(t *testing.T) {
	w := newWorld(t, "unused")
	defer w.lab.Docker(context.Background(), "mgr-00", "service", "rm", "demo")
	w.docker("service", "create", "--detach", "--name=demo", "--label=com.example=1", "--replicas=2", "--publish=mode=host,target=8080",
		"--constraint=node.labels.nodetype==loadbalancer", "wharfinger/demo")
	running := func() (tasks []generator.Task) {
		live := w.read()
		for _, s := range live.Services {
			for _, task := range live.Tasks {
				if s.Name == "demo" && task.Service == s.ID && task.State == "running" {
					tasks = append(tasks, task)
				}
			}
		}
		return tasks
	}
	w.eventually("two tasks run", 20*time.Second, func() bool { return len(running()) == 2 })
	for _, task := range running() {
		if len(task.Ports) != 1 || task.Ports[0].Target != 8080 || task.Ports[0].Published == 0 || task.Ports[0].Protocol != "tcp" {
			t.Errorf("ports: got %v, want one to 8080/tcp", task.Ports)
		}
	}

	t.Log("a quiet cluster")
	first := w.read()
	time.Sleep(6 * time.Second) // a heartbeat and more
	second := w.read()
	if !reflect.DeepEqual(first, second) {
		t.Errorf("two reads differ:\n%+v\n%+v", first, second)
	}
	data, err := json.Marshal(first)
	if err != nil {
		t.Fatal(err)
	}
	var back generator.Live
	if err := json.Unmarshal(data, &back); err != nil || !reflect.DeepEqual(first, &back) {
		t.Errorf("JSON and back: %v\n%+v\n%+v", err, first, back)
	}
	for _, n := range first.Nodes {
		addr, err := n.Address()
		if want := w.lab.Node(n.Hostname); err != nil || addr.String() != want.Address || n.Role != want.Role {
			t.Errorf("node %s: got %s %v %s, want %s %s", n.Hostname, addr, err, n.Role, want.Address, want.Role)
		}
	}

	t.Log("scale and drain")
	w.docker("service", "scale", "--detach", "demo=4")
	w.eventually("four tasks run", 20*time.Second, func() bool { return len(running()) == 4 })
	w.docker("node", "update", "--availability=drain", "lb-01")
	defer w.lab.Docker(context.Background(), "mgr-00", "node", "update", "--availability=active", "lb-01")
	w.eventually("four tasks run, all on lb-00", 20*time.Second, func() bool {
		tasks, nodes := running(), map[string]bool{}
		for _, task := range tasks {
			nodes[task.Node] = true
		}
		return len(tasks) == 4 && len(nodes) == 1
	})
	w.docker("service", "rm", "demo")
	w.eventually("no task is left", 20*time.Second, func() bool { return len(running()) == 0 })
}

func TestReadFailsWhole(t *testing.T) {
	c, err := swarm.Connect(swarm.Options{Host: "unix:///nowhere/docker.sock"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	live, err := c.Read(t.Context())
	if live != nil || err == nil || !strings.HasPrefix(err.Error(), "read tasks: ") {
		t.Errorf("got %v, %v", live, err)
	}
}

// A Swarm of its own: the engine is stopped.
func TestWatchHealsItself(t *testing.T) {
	needRoot(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	l, err := lab.Up(ctx, lab.Options{Name: fmt.Sprintf("watch-%d", os.Getpid()), Managers: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := l.Down(); err != nil {
			t.Error(err)
		}
	}()
	w := &world{T: t, lab: l, log: &steps{}}
	c := w.connect(0)
	wake, done := make(chan struct{}, 1), make(chan error, 1)
	watching, stop := context.WithCancel(ctx)
	go func() { done <- c.Watch(watching, wake) }()
	drain := func() {
		select {
		case <-wake:
		default:
		}
	}
	woken := func(what string, within time.Duration) {
		t.Helper()
		select {
		case <-wake:
		case <-time.After(within):
			t.Errorf("%s: not woken within %s", what, within)
		}
	}
	// Five in less than the time of a poll.
	events := func(what string) {
		t.Helper()
		for i := range 5 {
			drain()
			w.docker([]string{"config", "secret"}[i%2], "create", fmt.Sprintf("%s-%d", what, i), "/etc/hostname")
			woken(what, 300*time.Millisecond)
		}
	}
	woken("at first", time.Second)
	time.Sleep(500 * time.Millisecond)
	drain()
	woken("by the poll", 3*time.Second)
	events("event")

	node := l.Node("mgr-00")
	if err := node.Stop(true); err != nil {
		t.Fatal(err)
	}
	time.Sleep(5 * time.Second) // some tries
	if err := node.Start(ctx); err != nil {
		t.Fatal(err)
	}
	time.Sleep(5 * time.Second)
	if got, want := strings.Join(w.log.said(), "; "), "the manager's events broke off; polling goes on; the manager's events are back"; got != want {
		t.Errorf("log: got %q, want %q", got, want)
	}
	w.eventually("the Swarm answers", 20*time.Second, func() bool { _, err := c.Read(ctx); return err == nil })
	events("event-after-restart")
	stop()
	if err := <-done; err != nil {
		t.Errorf("Watch returned %v, want nil", err)
	}
}
