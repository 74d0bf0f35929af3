package swarm_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/wharfinger/wharfinger/generator"
	"github.com/wharfinger/wharfinger/lab"
	"github.com/wharfinger/wharfinger/route"
	"github.com/wharfinger/wharfinger/swarm"
)

// The tests of this package share one Swarm: a manager and two load-balancer
// nodes. Each test has a proxy of its own, on ports of its own.
var shared struct {
	once sync.Once
	lab  *lab.Lab
	err  error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if shared.lab != nil {
		if err := shared.lab.Down(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// needRoot fails rather than skips: a gap that nobody sees is worse than a red test.
func needRoot(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: brings up real engines")
	}
	if os.Geteuid() != 0 {
		t.Fatal("bringing up engines needs root (or go test -short)")
	}
}

func bringUp(ctx context.Context) (*lab.Lab, error) {
	balancer := map[string]string{"nodetype": "loadbalancer"}
	l, err := lab.Up(ctx, lab.Options{
		Name: fmt.Sprintf("swarm-%d", os.Getpid()), Managers: 1, Nodes: []string{"lb-00", "lb-01"},
		Labels: map[string]map[string]string{"lb-00": balancer, "lb-01": balancer},
	})
	if err != nil {
		return nil, err
	}
	if err := l.BuildImages(ctx, "nginx:1.30", "nginx:1.22", "demo"); err != nil {
		return l, err
	}
	// Stock nginx to the eye, but its container ends at once.
	nginx, err := lab.Nginx(ctx, "1.30")
	if err != nil {
		return l, err
	}
	layer, err := lab.DirLayer(filepath.Join(filepath.Dir(nginx), "root"))
	if err != nil {
		return l, err
	}
	return l, l.Push(ctx, lab.Image{
		Names: []string{"library/crash:1.30"}, Layers: []lab.Layer{layer},
		Config: lab.Config{Cmd: []string{"/bin/sh", "-c", "echo no luck >&2; exit 3"}},
	})
}

// world is what a test works with: the shared Swarm and a proxy of its own.
type world struct {
	*testing.T
	lab     *lab.Lab
	cluster *swarm.Cluster
	log     *steps
	// The proxy, and what its repository says.
	proxy  string
	http   int
	status int
	image  string
	extra  string // more lines below the proxy
	pool   string // the one pool
	host   string // the one route's host
	// Names of secrets. No field of the repository has to name one here.
	secrets []string
}

var ports = 20000 // of the last proxy

// newWorld brings the shared Swarm up when it is first asked for.
func newWorld(t *testing.T, proxy string) *world {
	needRoot(t)
	shared.once.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
		defer cancel()
		shared.lab, shared.err = bringUp(ctx)
	})
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	ports += 2
	w := &world{
		T: t, lab: shared.lab, log: &steps{}, proxy: proxy, http: ports, status: ports + 1, image: "nginx:1.30", host: "a.local",
		pool:  `{servers: ["10.255.255.1:80"]}`,
		extra: "    constraints: [node.labels.nodetype == loadbalancer]\n",
	}
	w.cluster = w.connect(45 * time.Second)
	t.Cleanup(func() {
		if t.Failed() {
			out, _ := w.lab.Docker(context.Background(), "mgr-00", "service", "ps", "--no-trunc", "wharfinger-"+proxy)
			t.Logf("tasks:\n%s", out)
		}
		w.lab.Docker(context.Background(), "mgr-00", "service", "rm", "wharfinger-"+proxy)
	})
	return w
}

func (w *world) connect(deadline time.Duration) *swarm.Cluster {
	w.Helper()
	return w.connectTo("unix://"+w.lab.Node("mgr-00").Socket, deadline)
}

func (w *world) connectTo(host string, deadline time.Duration) *swarm.Cluster {
	w.Helper()
	c, err := swarm.Connect(swarm.Options{Host: host, Deadline: deadline, Log: slog.New(w.log)})
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { c.Close() })
	return c
}

func (w *world) read() *generator.Live {
	w.Helper()
	live, err := w.cluster.Read(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	return live
}

func (w *world) service() generator.ProxyService {
	w.Helper()
	p := w.read().ProxyByName(w.proxy)
	if p == nil {
		w.Fatalf("there is no service of proxy %s", w.proxy)
	}
	return *p
}

// rollout computes what the repository and the Swarm say now.
func (w *world) rollout() generator.Rollout {
	w.Helper()
	yaml := fmt.Sprintf(`proxies:
  %s:
    image: %s
    nginx: 1.30
    drain: 2s
    listen: {http: %d}
    status: {port: %d}
%spools:
  out: %s
routes:
  r: {hosts: [%s], pool: out}
`, w.proxy, w.image, w.http, w.status, w.extra, w.pool, w.host)
	desired, problems := route.Parse(route.Revision{ID: "rev-" + w.host, Files: []route.File{{Path: "r.yaml", Data: []byte(yaml)}}})
	if problems != nil {
		w.Fatal(problems)
	}
	live := w.read()
	model, problems := generator.Build(desired, live)
	if len(problems) > 0 {
		w.Fatal(problems)
	}
	for _, s := range live.Secrets {
		if slices.Contains(w.secrets, s.Name) {
			model.Proxies[0].Spec.Secrets = append(model.Proxies[0].Spec.Secrets, s)
		}
	}
	files, err := generator.Render(model.Proxies[0])
	if err != nil {
		w.Fatal(err)
	}
	r, err := generator.Pack(desired.Revision, model.Proxies[0], files, live.ProxyByName(w.proxy))
	if err != nil {
		w.Fatal(err)
	}
	return r
}

func (w *world) apply(r generator.Rollout) error {
	w.Helper()
	start := time.Now()
	err := w.cluster.Apply(w.Context(), r, func(node, state string) {
		w.Logf("%5.1fs %s %s", time.Since(start).Seconds(), node, state)
	})
	w.Logf("%5.1fs apply: %v", time.Since(start).Seconds(), err)
	return err
}

// must applies what the repository says now, and checks that it is served.
func (w *world) must() generator.Rollout {
	w.Helper()
	r := w.rollout()
	if err := w.apply(r); err != nil {
		w.Fatal(err)
	}
	w.serves(r.Digest)
	return r
}

// serves checks what both load balancers answer.
func (w *world) serves(digest string) {
	w.Helper()
	for _, node := range []string{"lb-00", "lb-01"} {
		if got := w.answer(node, digest); got != yes {
			w.Errorf("%s, asked for %q, answers %q, want %q", node, digest, got, yes)
		}
	}
}

// yes is how a status listener agrees.
const yes = "204 No Content"

// answer asks a proxy whether it serves a digest.
func (w *world) answer(node, digest string) string {
	client := http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Get(fmt.Sprintf("http://%s:%d/digest/%s", w.lab.Node(node).Address, w.status, digest))
	if err != nil {
		return err.Error()
	}
	res.Body.Close()
	return res.Status
}

func (w *world) docker(args ...string) string {
	w.Helper()
	out, err := w.lab.Docker(w.Context(), "mgr-00", args...)
	if err != nil {
		w.Fatal(err)
	}
	return out
}

// version is the service's version index: it moves with every update.
func (w *world) version() string {
	w.Helper()
	return w.docker("service", "inspect", "-f", "{{.Version.Index}}", "wharfinger-"+w.proxy)
}

// eventually waits for what takes Swarm a moment.
func (w *world) eventually(what string, within time.Duration, ok func() bool) {
	w.Helper()
	for end := time.Now().Add(within); !ok(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			w.Fatalf("after %s still not: %s", within, what)
		}
	}
}
