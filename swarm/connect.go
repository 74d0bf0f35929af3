package swarm

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/docker/docker/client"
)

// Options say which Swarm, and how.
type Options struct {
	// Host is a manager's engine, as unix:///var/run/docker.sock or
	// tcp://10.0.0.1:2376. Empty means DOCKER_HOST or, without it, the local
	// engine. TLS follows DOCKER_CERT_PATH and DOCKER_TLS_VERIFY.
	Host string
	// ControlSocket is the local manager's control.sock, which tells of tasks at once;
	// without it, or where there is none, they are looked for every two seconds.
	ControlSocket string
	// Deadline is how long the proxies may take to serve a rollout; 0 means 5m. Where
	// the old proxy of a node has to stop first, all their stop grace periods come on
	// top, and so does taking a rollout back (see Failed).
	Deadline time.Duration
	// Log gets a line for each step; nil is silence.
	Log *slog.Logger
	// Asked, if not nil, is told of each request to the manager: the kind of thing that
	// it is about, as "tasks", the HTTP status or 0 where none came, and how long it
	// took until then. It is called from several goroutines.
	Asked func(about string, status int, took time.Duration)
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
	http      *http.Client // what docker speaks through
	status    *http.Client // asks the proxies' status listeners
	control   string
	unread    atomic.Bool // the last Read failed
	streams   atomic.Bool // the manager's own stream is open
	replica   replica
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
	var through *http.Client
	opts = append(opts, counted(o.Asked, &through))
	docker, err := client.NewClientWithOpts(opts...)
	if err != nil {
		return nil, fmt.Errorf("connect to Docker: %v", err)
	}
	c := &Cluster{docker: docker, http: through, status: statusClient(), control: o.ControlSocket, deadline: o.Deadline, unusedFor: unusedFor, log: o.Log}
	if c.deadline == 0 {
		c.deadline = defaultDeadline
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	return c, nil
}

// Close ends the connections to the manager.
func (c *Cluster) Close() error {
	c.http.CloseIdleConnections()
	return c.docker.Close()
}

// counted has the client's requests told to asked. It is the last option: it wraps the
// transport that the others have set up, after which the client sees no longer whether
// that has TLS.
func counted(asked func(string, int, time.Duration), through **http.Client) client.Opt {
	return func(c *client.Client) error {
		*through = c.HTTPClient()
		transport, ok := (*through).Transport.(*http.Transport)
		if asked == nil || !ok {
			return nil
		}
		(*through).Transport = counter{transport, asked}
		if err := client.WithHTTPClient(*through)(c); err != nil || transport.TLSClientConfig == nil {
			return err
		}
		return client.WithScheme("https")(c)
	}
}

// counter tells of each request.
type counter struct {
	*http.Transport
	asked func(about string, status int, took time.Duration)
}

// RoundTrip is http.RoundTripper's.
func (t counter) RoundTrip(req *http.Request) (*http.Response, error) {
	start, status := time.Now(), 0
	res, err := t.Transport.RoundTrip(req)
	if err == nil {
		status = res.StatusCode
	}
	t.asked(aboutOf(req.URL.Path), status, time.Since(start))
	return res, err
}

// about are the kinds of things that a manager is asked about here.
var about = []string{"configs", "swarm", "events", "networks", "nodes", "_ping", "secrets", "services", "tasks"}

// aboutOf is the kind of thing in a path, as tasks in /v1.41/tasks.
func aboutOf(path string) string {
	for part := range strings.SplitSeq(path, "/") {
		if slices.Contains(about, part) {
			return strings.TrimPrefix(part, "_")
		}
	}
	return "other"
}

// call makes one bounded request to the manager.
func call[T any](ctx context.Context, f func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return f(ctx)
}
