package swarm

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/docker/docker/api/types/events"
	"github.com/docker/docker/api/types/filters"
)

// poll is how often Watch wakes without an event. The manager's events tell
// nothing of tasks on other nodes, so this is how long a moved task may go
// unseen: shorter than a person's patience, and rare enough that a manager with
// thousands of tasks does not feel it.
const poll = 2 * time.Second

// Watch wakes the reader of wake, a channel with one slot, whenever the cluster
// may have changed, and every two seconds besides unless the manager's own stream
// tells of tasks and the last Read was one. A wake says "read", nothing more; it never blocks. Watch returns
// nil when ctx ends, and for nothing else: a stream that breaks is opened again, and
// is logged when it breaks and when it is back, not on each try.
func (c *Cluster) Watch(ctx context.Context, wake chan<- struct{}) error {
	ring := func() {
		select {
		case wake <- struct{}{}:
		default: // one is waiting already
		}
	}
	// The poll goes on whatever the stream does: a manager that hangs holds
	// whoever opens one.
	var listening sync.WaitGroup
	listening.Go(func() { c.listen(ctx, ring) })
	defer listening.Wait()
	if c.hasStream() {
		listening.Go(func() { c.streamTasks(ctx, ring) })
	}
	ring()
	for asked := time.Now(); sleep(ctx, poll) == nil; {
		switch {
		case !c.streams.Load(), c.unread.Load():
			ring()
		case time.Since(asked) >= pulse:
			if asked = time.Now(); c.hears(ctx) != nil {
				ring() // the read tells why
			}
		}
	}
	return nil
}

// Streams reports whether the manager's own stream tells of each task as it moves, so
// that Watch need not look for them.
func (c *Cluster) Streams() bool { return c.streams.Load() }

// listen keeps a stream of events open.
func (c *Cluster) listen(ctx context.Context, ring func()) {
	broken := false
	for {
		err := c.stream(ctx, ring, func() {
			if broken {
				c.log.Info("the manager's events are back")
			}
			broken = false
		})
		if ctx.Err() != nil {
			return
		}
		if !broken {
			c.log.Warn("the manager's events broke off; polling goes on", "error", err)
		}
		broken = true
		if sleep(ctx, poll) != nil {
			return
		}
	}
}

// stream passes events on until the stream breaks. It calls works once it knows
// that the stream does: an open one says nothing by itself, one to an engine that
// is away ends at once.
func (c *Cluster) stream(ctx context.Context, ring, works func()) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	messages, errs := c.docker.Events(ctx, events.ListOptions{Filters: watched()})
	others := func() {
		c.replica.marks.others()
		ring()
	}
	others() // what happened while no stream was open
	open := time.After(poll)
	for {
		select {
		case m := <-messages:
			works()
			switch {
			case m.Type != events.ContainerEventType:
				others()
			case matters(m):
				ring()
			}
		case <-open:
			works()
			others() // or while it was on its way
		case err := <-errs:
			return err
		}
	}
}

// watched is the kinds of events that can change a Live. Those of containers
// are of this node alone, and still the fastest word of its tasks.
func watched() filters.Args {
	args := filters.NewArgs()
	for _, t := range []events.Type{
		events.ServiceEventType, events.NodeEventType, events.ConfigEventType, events.SecretEventType,
		events.NetworkEventType, events.ContainerEventType,
	} {
		args.Add("type", string(t))
	}
	return args
}

// matters drops the chatter of containers, such as their health checks' execs.
func matters(m events.Message) bool {
	return m.Action == events.ActionStart || m.Action == events.ActionDie ||
		strings.HasPrefix(string(m.Action), string(events.ActionHealthStatus))
}
