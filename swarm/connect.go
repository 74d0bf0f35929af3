package swarm

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/docker/docker/client"
)

// Options say which Swarm, and how.
type Options struct {
	// Host is a manager's engine, as unix:///var/run/docker.sock or
	// tcp://10.0.0.1:2376. Empty means DOCKER_HOST or, without it, the local
	// engine. TLS follows DOCKER_CERT_PATH and DOCKER_TLS_VERIFY.
	Host string
	// Deadline is how long the proxies may take to serve a rollout; 0 means 5m.
	// Taking a rollout back comes on top (see Failed).
	Deadline time.Duration
	// Log gets a line for each step; nil is silence.
	Log *slog.Logger
}

// defaultDeadline allows for a pull of the image on every node in turn.
const defaultDeadline = 5 * time.Minute

// callTimeout bounds one request to the manager. A list of 100,000 tasks is
// some 200 MB, so it is generous.
const callTimeout = time.Minute

// Cluster is a Swarm, by one of its managers. It may be used from several
// goroutines.
type Cluster struct {
	docker    *client.Client
	status    *http.Client // asks the proxies' status listeners
	deadline  time.Duration
	unusedFor time.Duration
	log       *slog.Logger
}

// Connect makes a Cluster. It sends nothing yet: a manager that is away shows
// when it is first asked.
func Connect(o Options) (*Cluster, error) {
	opts := []client.Opt{client.WithTLSClientConfigFromEnv(), client.WithHostFromEnv(), client.WithAPIVersionNegotiation()}
	if o.Host != "" {
		opts = append(opts, client.WithHost(o.Host))
	}
	docker, err := client.NewClientWithOpts(opts...)
	if err != nil {
		return nil, fmt.Errorf("connect to Docker: %v", err)
	}
	c := &Cluster{docker: docker, status: statusClient(), deadline: o.Deadline, unusedFor: unusedFor, log: o.Log}
	if c.deadline == 0 {
		c.deadline = defaultDeadline
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	return c, nil
}

// Close ends the connections to the manager.
func (c *Cluster) Close() error { return c.docker.Close() }

// call makes one bounded request to the manager.
func call[T any](ctx context.Context, f func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return f(ctx)
}
