package swarm_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wharfinger/wharfinger/generator"
)

// network says how the proxy meets the outside from now on.
func (w *world) network(mode string) {
	w.extra = "    constraints: [node.labels.nodetype == loadbalancer]\n    network: " + mode + "\n"
}

// asks sends a request to the proxy of a node and returns the status and the body.
func (w *world) asks(node string) (int, string) {
	w.Helper()
	req, err := http.NewRequestWithContext(w.Context(), http.MethodGet, fmt.Sprintf("http://%s:%d/ping", w.lab.Node(node).Address, w.http), nil)
	if err != nil {
		w.Fatal(err)
	}
	req.Host = w.host
	client := http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(body)
}

// answers checks what both proxies answer to a request.
func (w *world) answers(status int) {
	w.Helper()
	for _, node := range []string{"lb-00", "lb-01"} {
		if got, body := w.asks(node); got != status {
			w.Errorf("%s answers %d %s, want %d", node, got, body, status)
		}
	}
}

// spec is what the engine says of the proxy's service.
func (w *world) spec(format string) string {
	w.Helper()
	return strings.TrimSpace(w.docker("service", "inspect", "-f", format, "wharfinger-"+w.proxy))
}

const (
	orders = "{{.Spec.UpdateConfig.Order}} {{.Spec.RollbackConfig.Order}}"
	joined = "{{range .Spec.TaskTemplate.Networks}}{{.Target}} {{end}}"
	opened = `{{with .Spec.EndpointSpec}}{{range .Ports}}{{.PublishedPort}}:{{.TargetPort}}/{{.PublishMode}} {{end}}{{end}}`
)

// TestNetworks takes a proxy through all networks that there are, on real engines:
// what it joins and publishes, what an operator added, and that requests arrive.
func TestNetworks(t *testing.T) {
	w := newWorld(t, "front")
	w.cluster = w.connect(2 * time.Minute)
	w.cleansUp("service", "rm", "networked")
	w.cleansUp("network", "rm", "apps-of-test", "mine-of-test")
	apps := strings.TrimSpace(w.docker("network", "create", "--driver=overlay", "apps-of-test"))
	mine := strings.TrimSpace(w.docker("network", "create", "--driver=overlay", "mine-of-test"))
	w.docker("service", "create", "--detach", "--name=networked", "--network=apps-of-test", "--replicas=2", "wharfinger/demo")
	var service generator.Service
	w.eventually("two tasks run, with addresses", 60*time.Second, func() bool {
		live, n := w.read(), 0
		for _, s := range live.Services {
			if s.Name == "networked" {
				service = s
			}
		}
		for _, task := range live.Tasks {
			if task.Service == service.ID && task.State == "running" && len(task.Addresses) == 1 && task.Addresses[0].Network == apps {
				n++
			}
		}
		return n == 2
	})
	if len(service.VIPs) != 1 || service.VIPs[0].Network != apps || !slices.Equal(service.Networks, []string{apps}) {
		t.Errorf("the service is read as %+v, want one virtual IP on %s", service, apps)
	}
	const operators = "19999:9999/host"
	ports := func(client string) string {
		return fmt.Sprintf("%d:%d/%s %d:%d/host", w.http, w.http, client, w.status, w.status)
	}
	check := func(wantNetworks, wantPorts, wantOrders string) {
		t.Helper()
		for format, want := range map[string]string{joined: wantNetworks, opened: wantPorts, orders: wantOrders} {
			if got := w.spec(format); got != want {
				t.Errorf("the service's %s: got %q, want %q", format, got, want)
			}
		}
		if r := w.rollout(); r.Needed() {
			t.Errorf("after the rollout there is still to do: %q", r.Changes)
		}
	}
	hostNet := ""
	for _, n := range w.read().Networks {
		if n.Name == generator.HostNetwork {
			hostNet = n.ID
		}
	}

	t.Log("published, with peers on an overlay")
	w.network("published")
	w.pool = "{service: networked, port: 8080, via: overlay}"
	w.must()
	check(apps, ports("host"), "stop-first stop-first")
	w.answers(200)

	t.Log("the mesh, as far as the specification goes; an operator's network and port stay")
	w.docker("service", "update", "--detach", "--network-add=mine-of-test", "--publish-add=mode=host,target=9999,published=19999", "wharfinger-front")
	w.eventually("the operator's update is done", 2*time.Minute, func() bool {
		return w.spec("{{with .UpdateStatus}}{{.State}}{{end}}") == "completed"
	})
	w.network("ingress")
	silent, deserted := w.silence(), w.deserted()
	w.must()
	for node, d := range silent() {
		t.Logf("%s was silent for %s", node, d.Round(100*time.Millisecond))
	}
	if n := deserted(); n > 0 {
		t.Errorf("%d times neither node had a proxy: they go one after the other", n)
	}
	if got, want := sorted(strings.Fields(w.spec(joined))), sorted([]string{apps, mine}); !slices.Equal(got, want) {
		t.Errorf("networks: got %q, want %q", got, want)
	}
	if got, want := w.spec(opened), operators+" "+ports("ingress"); got != want {
		t.Errorf("ports: got %q, want %q", got, want)
	}

	t.Log("the host's network, in which there are neither")
	w.network("host")
	w.pool = `{servers: ["10.255.255.1:80"]}`
	w.must()
	check(hostNet, "", "stop-first start-first")
	w.host = "b.local"
	w.must()
	check(hostNet, "", "start-first start-first")
	w.docker("service", "rm", "networked")
	w.eventually("the overlay can be removed, for nobody is on it", 30*time.Second, func() bool {
		_, err := w.lab.Docker(t.Context(), "mgr-00", "network", "rm", "apps-of-test")
		return err == nil
	})

	t.Log("published again, with peers elsewhere: no overlay")
	w.network("published")
	w.must()
	check("", ports("host"), "stop-first stop-first")
}

// deserted asks both proxies all the time; the function it returns ends that and says
// how often neither answered.
func (w *world) deserted() func() int {
	ctx, cancel := context.WithCancel(w.Context())
	found := make(chan int)
	there := func(node string) bool { return w.answer(node, "") == "404 Not Found" }
	go func() {
		n := 0
		for ctx.Err() == nil {
			// Between two looks one may have gone and the other come.
			if !there("lb-00") && !there("lb-01") && !there("lb-00") && ctx.Err() == nil {
				n++
			}
			time.Sleep(20 * time.Millisecond)
		}
		found <- n
	}()
	return func() int {
		cancel()
		return <-found
	}
}

// TestNetworkThatFails holds that a proxy comes back to the network that it had
// when its rollout to another one fails.
func TestNetworkThatFails(t *testing.T) {
	for _, c := range []struct{ from, to string }{{"host", "published"}, {"published", "host"}} {
		t.Run("from "+c.from, func(t *testing.T) {
			w := newWorld(t, "from-"+c.from)
			w.cluster = w.connect(2 * time.Minute)
			w.network(c.from)
			good := w.must()
			networks, ports := w.spec(joined), w.spec(opened)
			w.network(c.to)
			w.image = "crash:1.30"
			w.fails(w.rollout(), true)
			// Swarm goes back to the host's network in that one's order, so a proxy may
			// find its port taken and have to start once more.
			w.eventually("both serve what they had", 30*time.Second, func() bool {
				return w.answer("lb-00", good.Digest) == yes && w.answer("lb-01", good.Digest) == yes
			})
			if got := w.spec(joined); got != networks {
				t.Errorf("networks: got %q, want %q", got, networks)
			}
			if got := w.spec(opened); got != ports {
				t.Errorf("ports: got %q, want %q", got, ports)
			}
		})
	}
}

// TestNetworkThatIsLate holds so where it is Wharfinger that takes a rollout back:
// the ports of the one network must be free before the other can have them.
func TestNetworkThatIsLate(t *testing.T) {
	w := newWorld(t, "late-front")
	good := w.must()
	w.cluster = w.connect(5 * time.Second)
	w.network("published")
	late := w.rollout()
	late.Digest = "0000000000000000" // which no proxy will ever agree to
	w.fails(late, true)
	w.serves(good.Digest)
	if got := w.spec(opened); got != "" {
		t.Errorf("ports: got %q, want none", got)
	}

	t.Log("and start-first is back with the next rollout")
	w.cluster = w.connect(time.Minute)
	w.network("host")
	w.host = "b.local"
	w.must()
	if got, want := w.spec(orders), "start-first start-first"; got != want {
		t.Errorf("orders: got %q, want %q", got, want)
	}
}

func sorted(list []string) []string { return slices.Sorted(slices.Values(list)) }

// cleansUp runs a command of Docker's when the test ends; it may fail then.
func (w *world) cleansUp(args ...string) {
	w.Cleanup(func() { w.lab.Docker(context.Background(), "mgr-00", args...) })
}
