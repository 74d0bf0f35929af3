package swarm

import (
	"context"
	"strings"
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
// may have changed and every two seconds besides. A wake says "read", nothing
// more; it never blocks. Watch returns nil when ctx ends, and for nothing else:
// a stream that breaks is opened again, and is logged when it breaks and when
// it is back, not on each try.
func (c *Cluster) Watch(ctx context.Context, wake chan<- struct{}) error {
	ring := func() {
		select {
		case wake <- struct{}{}:
		default: // one is waiting already
		}
	}
	ticker := time.NewTicker(poll)
	defer ticker.Stop()
	broken := false
	for ctx.Err() == nil {
		c.stream(ctx, ring, ticker.C, func(err error) {
			if broken != (err != nil) {
				broken = err != nil
				if broken {
					c.log.Warn("the manager's events broke off; polling goes on", "error", err)
				} else {
					c.log.Info("the manager's events are back")
				}
			}
		})
		select { // the poll is the pause between two tries
		case <-ctx.Done():
		case <-ticker.C:
			ring()
		}
	}
	return nil
}

// stream passes events on until the stream ends. health is told of the break,
// and that the stream works once it has stayed open for a whole poll: an engine
// that is away refuses at once, and an open stream says nothing by itself.
func (c *Cluster) stream(ctx context.Context, ring func(), tick <-chan time.Time, health func(error)) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	messages, errs := c.docker.Events(ctx, events.ListOptions{Filters: watched()})
	ring() // what happened while no stream was open
	for {
		select {
		case m := <-messages:
			health(nil)
			if matters(m) {
				ring()
			}
		case <-tick:
			health(nil)
			ring()
		case err := <-errs:
			if ctx.Err() == nil {
				health(err)
			}
			return
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
	return m.Type != events.ContainerEventType || m.Action == events.ActionStart || m.Action == events.ActionDie ||
		strings.HasPrefix(string(m.Action), string(events.ActionHealthStatus))
}
