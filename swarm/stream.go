package swarm

import (
	"context"
	"crypto/tls"
	"os"
	"strings"
	"time"

	"github.com/moby/swarmkit/v2/api"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
)

// DefaultControlSocket is where a manager's engine has swarmkit's own API, unless its
// --exec-root is another one.
const DefaultControlSocket = "/var/run/docker/swarm/control.sock"

// pulse is how often a manager that has a stream is asked whether it still hears of
// anything: one that is cut off from the others streams nothing, and says nothing.
const pulse = 15 * time.Second

// streamed are the kinds of things that a manager's stream tells of here. Not secrets:
// it would send what is in them.
var streamed = []string{"task", "node", "service", "network"}

// hasStream reports whether there is a manager's own stream. By TCP the manager is
// another machine's, and the socket here tells of who knows which Swarm.
func (c *Cluster) hasStream() bool {
	if c.control == "" || !strings.HasPrefix(c.docker.DaemonHost(), "unix://") {
		return false
	}
	_, err := os.Stat(c.control)
	return err == nil
}

// streamTasks rings for each change that the manager's own stream tells of, tasks
// among them, which the engine's events lack. It opens the stream again for ever.
//
// What happened while none was open is not asked for: an open one rings, and whoever is
// rung for reads everything.
func (c *Cluster) streamTasks(ctx context.Context, ring func()) {
	broken := false
	for {
		err := c.streamOnce(ctx, func() {
			c.replica.marks.everything()
			c.streams.Store(true)
			if broken {
				c.log.Info("the manager's stream is back")
			}
			broken = false
			ring()
		}, ring)
		c.streams.Store(false)
		if ctx.Err() != nil {
			return
		}
		ring()
		if !broken {
			c.log.Warn("the manager's stream broke off; polling goes on", "error", err)
		}
		broken = true
		if sleep(ctx, poll) != nil {
			return
		}
	}
}

func (c *Cluster) streamOnce(ctx context.Context, works, ring func()) error {
	// Who has the socket is root on the manager: there is nobody to tell apart.
	conn, err := grpc.NewClient("unix://"+c.control, grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{InsecureSkipVerify: true})))
	if err != nil {
		return err
	}
	defer conn.Close()
	request := &api.WatchRequest{}
	for _, kind := range streamed {
		request.Entries = append(request.Entries, &api.WatchRequest_WatchEntry{
			Kind: kind, Action: api.WatchActionKindCreate | api.WatchActionKindUpdate | api.WatchActionKindRemove})
	}
	stream, err := api.NewWatchClient(conn).Watch(ctx, request)
	if err != nil {
		return err
	}
	if _, err := stream.Recv(); err != nil { // an empty one, once it is open
		return err
	}
	works()
	for {
		message, err := stream.Recv()
		if err != nil {
			return err
		}
		for _, event := range message.Events {
			if t := event.Object.GetTask(); t != nil {
				c.replica.marks.task(t.ID)
			} else {
				c.replica.marks.others()
			}
		}
		ring()
	}
}

// hears reports whether the manager still has a leader to hear from.
func (c *Cluster) hears(ctx context.Context) error {
	_, err := c.hostNetwork(ctx)
	return err
}
