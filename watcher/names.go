package watcher

import (
	"context"
	"reflect"
	"time"

	"github.com/wharfinger/wharfinger/generator"
	"github.com/wharfinger/wharfinger/route"
)

// breath is how long Names waits for more of a burst. Its time counts for each task
// that moves.
const breath = 20 * time.Millisecond

// follow has Names tell of the tasks of a revision from now on.
func (l *Loop) follow(d *route.Desired) {
	if l.followed.Swap(d) != d {
		ring(l.renamed)
	}
}

// ring wakes the reader of a channel with one slot.
func ring(wake chan<- struct{}) {
	select {
	case wake <- struct{}{}:
	default: // it is about to look
	}
}

// name tells Names where the tasks are, whenever that may have changed. It reads the
// Swarm by itself: a pass takes as long as the rollout that it makes, and tasks move
// meanwhile. A read that failed changes nothing; passes tell of it.
func (l *Loop) name(ctx context.Context, cluster <-chan struct{}) {
	var told map[string][]generator.Peer
	for {
		select {
		case <-ctx.Done():
			return
		case <-cluster:
		case <-l.renamed:
		}
		time.Sleep(breath)
		desired := l.followed.Load()
		if desired == nil {
			continue
		}
		live, err := l.Cluster.Read(ctx)
		if err != nil {
			continue
		}
		if records := generator.Records(desired, live); told == nil || !reflect.DeepEqual(records, told) {
			l.Names(records)
			told = records
		}
	}
}

// fork rings two bells for each wake.
func fork(ctx context.Context, wake <-chan struct{}, bells ...chan<- struct{}) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-wake:
		}
		for _, bell := range bells {
			ring(bell)
		}
	}
}
