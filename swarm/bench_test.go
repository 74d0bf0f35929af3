package swarm_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/moby/swarmkit/v2/api"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/wharfinger/wharfinger/lab"
	"github.com/wharfinger/wharfinger/swarm"
)

// BenchmarkEventToWake changes 120 things in a Swarm and looks how long it takes, from
// the time that the manager wrote into the object (Meta.UpdatedAt), until Watch wakes,
// against a client of swarmkit that does nothing but receive the same event. It is the
// slowest of a hundred that counts. Then it counts how often the manager is asked for
// a list in a minute in which nothing happens.
func BenchmarkEventToWake(b *testing.B) {
	ctx, cancel := context.WithTimeout(b.Context(), 5*time.Minute)
	defer cancel()
	l, err := lab.Up(ctx, lab.Options{Name: fmt.Sprintf("bench-%d", os.Getpid()), Managers: 1})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := l.Down(); err != nil {
			b.Error(err)
		}
	})
	socket := l.Node("mgr-00").Socket
	control := filepath.Join(filepath.Dir(socket), "docker/swarm/control.sock")
	var lists atomic.Int64
	cluster, err := swarm.Connect(swarm.Options{Host: "unix://" + socket, ControlSocket: control, Asked: func(about string, _ int, _ time.Duration) {
		if about == "tasks" {
			lists.Add(1)
		}
	}})
	if err != nil {
		b.Fatal(err)
	}
	defer cluster.Close()
	wake := make(chan struct{}, 1)
	watching, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() { cluster.Watch(watching, wake); close(done) }()
	defer func() { stop(); <-done }()
	events, wakes := bareWatch(b, ctx, control), stamped(wake)

	var ours, bare []float64
	for b.Loop() {
		for i := range 120 {
			drain(wakes, events)
			if _, err := l.Docker(ctx, "mgr-00", "node", "update", fmt.Sprintf("--label-add=n=%d", i), "mgr-00"); err != nil {
				b.Fatal(err)
			}
			event, woken := received{}, time.Time{}
			for event.at.IsZero() || woken.IsZero() {
				select {
				case event = <-events:
				case woken = <-wakes:
				case <-time.After(10 * time.Second):
					b.Fatal("nobody hears of a change")
				}
			}
			ours, bare = append(ours, woken.Sub(event.written).Seconds()), append(bare, event.at.Sub(event.written).Seconds())
		}
	}
	drain(wakes, events)
	before := lists.Load()
	const quiet = 30 * time.Second
	for end := time.After(quiet); end != nil; {
		select {
		case <-wakes: // whoever is woken reads
			if _, err := cluster.Read(ctx); err != nil {
				b.Fatal(err)
			}
		case <-end:
			end = nil
		}
	}
	slices.Sort(ours)
	slices.Sort(bare)
	slowest := func(list []float64) float64 { return list[len(list)*99/100] }
	b.ReportMetric(slowest(ours)/slowest(bare), "of-bare-watch")
	b.ReportMetric(1000*slowest(ours), "ms")
	b.ReportMetric(1000*slowest(bare), "ms-bare-watch")
	b.ReportMetric(float64(lists.Load()-before)*float64(time.Minute)/float64(quiet), "lists/minute")
	b.ReportMetric(0, "ns/op")
}

// received is when an event came, and when the manager wrote what it tells of.
type received struct{ at, written time.Time }

func bareWatch(b *testing.B, ctx context.Context, control string) <-chan received {
	b.Helper()
	conn, err := grpc.NewClient("unix://"+control, grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{InsecureSkipVerify: true})))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { conn.Close() })
	stream, err := api.NewWatchClient(conn).Watch(ctx, &api.WatchRequest{Entries: []*api.WatchRequest_WatchEntry{{Kind: "node", Action: api.WatchActionKindUpdate}}})
	if err != nil {
		b.Fatal(err)
	}
	if _, err := stream.Recv(); err != nil {
		b.Fatal(err)
	}
	out := make(chan received, 100)
	go func() {
		for {
			message, err := stream.Recv()
			if err != nil {
				return
			}
			at := time.Now()
			for _, event := range message.Events {
				written := event.Object.GetNode().Meta.UpdatedAt
				out <- received{at, time.Unix(written.Seconds, int64(written.Nanos))}
			}
		}
	}()
	return out
}

// stamped tells of each wake when it came.
func stamped(wake <-chan struct{}) <-chan time.Time {
	out := make(chan time.Time, 100)
	go func() {
		for range wake {
			out <- time.Now()
		}
	}()
	return out
}

// drain waits until nobody hears of anything for a moment.
func drain(wakes <-chan time.Time, events <-chan received) {
	for {
		select {
		case <-wakes:
		case <-events:
		case <-time.After(50 * time.Millisecond):
			return
		}
	}
}
