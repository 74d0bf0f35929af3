package swarm_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wharfinger/wharfinger/generator"
	"github.com/wharfinger/wharfinger/lab"
	"github.com/wharfinger/wharfinger/swarm"
)

// TestWatchTellsOfEverything has the same things happen to a Swarm of three managers,
// its leader lost among them, with the manager's own stream and without: whoever reads
// when woken knows in the end what one finds who asks for everything. With the stream
// nobody looks as long as nothing happens.
func TestWatchTellsOfEverything(t *testing.T) {
	needRoot(t)
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	l, err := lab.Up(ctx, lab.Options{Name: fmt.Sprintf("stream-%d", os.Getpid()), Managers: 3, Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := l.Down(); err != nil {
			t.Error(err)
		}
	}()
	if err := l.BuildImages(ctx, "demo"); err != nil {
		t.Fatal(err)
	}
	w := &world{T: t, lab: l, log: &steps{}}
	followers := map[string]*follower{"events and polling": newFollower(ctx, t, l, ""), "the stream": newFollower(ctx, t, l, "docker/swarm/control.sock")}
	worker := l.Node("wrk-00")
	for _, step := range []struct {
		name string
		do   func()
	}{
		{"service", func() {
			w.docker("service", "create", "--detach", "--quiet", "--name=demo", "--replicas=2", "--constraint=node.hostname==wrk-00", "--publish=mode=host,target=8080", "wharfinger/demo")
		}},
		{"scale", func() { w.docker("service", "scale", "--detach", "demo=4") }},
		{"task replaced", func() { w.docker("service", "update", "--detach", "--force", "demo") }},
		{"label of a service", func() { w.docker("service", "update", "--detach", "--label-add=a=b", "demo") }},
		{"label of a node", func() { w.docker("node", "update", "--label-add=zone=a", "wrk-00") }},
		{"network", func() { w.docker("network", "create", "--driver=overlay", "apps") }},
		{"secret", func() { w.docker("secret", "create", "key", "/etc/hostname") }},
		{"node drained", func() { w.docker("node", "update", "--availability=drain", "wrk-00") }},
		{"node active", func() { w.docker("node", "update", "--availability=active", "wrk-00") }},
		{"node lost", func() {
			if err := worker.Stop(true); err != nil {
				t.Fatal(err)
			}
		}},
		{"node back", func() {
			if err := worker.Start(ctx); err != nil {
				t.Fatal(err)
			}
		}},
		{"secret removed", func() { w.docker("secret", "rm", "key") }},
		{"leader lost", func() {
			if err := l.Node("mgr-00").Stop(true); err != nil {
				t.Fatal(err)
			}
		}},
		{"leader back", func() {
			if err := l.Node("mgr-00").Start(ctx); err != nil {
				t.Fatal(err)
			}
			w.eventually("the manager that was lost answers", 30*time.Second, func() bool {
				return exec.CommandContext(ctx, "docker", "-H", "unix://"+l.Node("mgr-00").Socket, "node", "ls").Run() == nil
			})
		}},
		{"service removed", func() { w.docker("service", "rm", "demo") }},
	} {
		step.do()
		var group sync.WaitGroup
		for name, f := range followers {
			group.Go(func() { f.agrees(ctx, t, step.name+", by "+name) })
		}
		group.Wait()
	}

	for name, f := range followers {
		if streams, want := f.cluster.Streams(), name == "the stream"; streams != want {
			t.Errorf("%s: Streams is %t, want %t", name, streams, want)
		}
	}
	streaming := followers["the stream"]
	// On a busy machine the last step's tasks take their time to go.
	const quiet = 10 * time.Second
	before, since := streaming.lists.Load(), time.Now()
	for end := time.Now().Add(6 * quiet); time.Since(since) < quiet; time.Sleep(100 * time.Millisecond) {
		if n := streaming.lists.Load(); n != before {
			before, since = n, time.Now()
		}
		if time.Now().After(end) {
			t.Fatal("on a quiet Swarm there were no ten seconds without a list in a minute")
		}
	}
}

// A follower reads whenever it is woken, as a daemon does.
type follower struct {
	cluster *swarm.Cluster
	fresh   *swarm.Cluster // is told nothing
	lists   atomic.Int64
	live    atomic.Pointer[generator.Live]
}

func newFollower(ctx context.Context, t *testing.T, l *lab.Lab, control string) *follower {
	t.Helper()
	f := &follower{}
	socket := l.Node("mgr-01").Socket // which follows
	o := swarm.Options{Host: "unix://" + socket, Asked: func(about string, _ int, _ time.Duration) {
		if about == "tasks" {
			f.lists.Add(1)
		}
	}}
	if control != "" {
		o.ControlSocket = filepath.Join(filepath.Dir(socket), control)
		if _, err := os.Stat(o.ControlSocket); err != nil {
			t.Fatal(err)
		}
	}
	var err error
	if f.cluster, err = swarm.Connect(o); err != nil {
		t.Fatal(err)
	}
	if f.fresh, err = swarm.Connect(swarm.Options{Host: o.Host}); err != nil {
		t.Fatal(err)
	}
	wake := make(chan struct{}, 1)
	ctx, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		f.cluster.Watch(ctx, wake)
	}()
	go func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-wake:
			}
			if live, err := f.cluster.Read(ctx); err == nil {
				f.live.Store(live)
			}
		}
	}()
	t.Cleanup(func() {
		stop()
		<-done
		f.cluster.Close()
		f.fresh.Close()
	})
	return f
}

// agrees waits until the follower and a fresh read are of one mind for a while, in
// which nothing but wakes tells the follower.
func (f *follower) agrees(ctx context.Context, t *testing.T, what string) {
	t.Helper()
	same := 0
	for end := time.Now().Add(40 * time.Second); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		fresh, err := f.fresh.Read(ctx)
		if err != nil || !reflect.DeepEqual(fresh, f.live.Load()) {
			same = 0
			continue
		}
		if same++; same == 6 {
			return
		}
	}
	t.Errorf("%s: what it knows is not what there is", what)
}
