package e2e_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// Host mode in each of its variants carries requests. What is pushed are the
// examples, as they stand in the documentation.
func TestInterlockVariants(t *testing.T) {
	w := newWorld(t)
	w.patience = 90 * time.Second // where ports are published a roll stops first
	w.overlay("apps")
	w.overlay("shop_net")
	w.overlay("data")
	for _, args := range [][]string{
		service("demo", 2, "--network", "apps"),
		service("billing", 1, "--network", "apps"),
		service("shop_web", 1, "--network", "shop_net", "--network", "data", "--label", "com.docker.stack.namespace=shop"),
		service("shop", 2, "--publish", "mode=host,target=8080"),
		service("shop-next", 1, "--network", "apps"),
	} {
		w.docker(args...)
	}
	w.running("demo", 2)
	w.part("control plane only", w.controlPlaneOnly)
	d := w.watch()
	w.part("proxy only", func() {
		d.rolled(w.push(example(t, "host-mode-proxy")))
		w.spread("demo.local", "demo", 2)
		w.serves("shop.example.org", "/", "shop_web")
		w.joined("wharfinger-front", "apps", "shop_net")
		for _, node := range balancers { // soon done with tasks on a node that is lost
			if got := w.dockerOn(node, "exec", w.container(node, "wharfinger-front"), "cat", "/proc/sys/net/ipv4/tcp_retries2"); got != "5" {
				t.Errorf("%s: tcp_retries2 of the proxy is %s, want 5", node, got)
			}
		}
	})
	w.part("hybrid", func() {
		// Without its hash, which would keep this client to one task.
		yaml := strings.Replace(example(t, "host-mode-hybrid"), "    hash: client\n", "", 1)
		yaml = strings.Replace(yaml, "198.51.100.5:8080", w.outside("legacy"), 1)
		d.stop()
		before := w.instances("demo")
		w.docker("service", "update", "--detach", "--quiet", "--publish-add", "mode=host,target=8080", "--network-rm", "apps", "demo")
		w.replaced("demo", before)
		commit := w.push(yaml)
		d = w.watch()
		d.rolled(commit)
		w.spread("demo.local", "demo", 2)
		w.spread("billing.example.org", "billing", 1)
		w.spread("shop.example.org", "shop", 2, "shop-next")
		w.serves("legacy.example.org", "/", "legacy")
		w.joined("wharfinger-front", "apps")
		w.scale("shop-next", 2)
		w.running("shop-next", 2)
		w.spread("shop.example.org", "shop", 2, "shop-next")
	})
	w.part("application only", func() {
		d.rolled(w.push(example(t, "host-mode-applications")))
		w.spread("demo.local", "demo", 2)
		w.joined("wharfinger-front")
	})
}

// controlPlaneOnly has wharfinger publish its port on its node, and all else on
// overlays and behind the routing mesh. The kernel has no IPVS, so nobody comes
// through the mesh; requests are made where it would lead to.
func (w *world) controlPlaneOnly() {
	file := filepath.Join("..", "examples", "ingress", "routes.yaml")
	w.docker("config", "create", "service.wharfinger.conf", file)
	w.docker("service", "create", "--detach", "--quiet", "--name", "wharfinger",
		"--mount", "type=bind,src=/var/run/docker.sock,dst=/var/run/docker.sock", "--constraint", "node.role==manager",
		"--publish", "mode=host,target=8080", "--config", "src=service.wharfinger.conf,target=/routes/routes.yaml",
		"wharfinger/wharfinger", "watch", "/routes", "--listen", ":8080")
	w.running("wharfinger", 1)
	w.eventually(w.patience, func() error {
		at := w.published("wharfinger", 8080)
		if len(at) != 1 {
			return fmt.Errorf("wharfinger publishes its port at %s", at)
		}
		resp, err := client.Get("http://" + at[0] + "/readyz")
		if err != nil {
			return err
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("/readyz answers %s", resp.Status)
		}
		return nil
	})
	w.joined("wharfinger")
	w.joined("wharfinger-mesh", "apps")
	want := w.instances("demo")
	for _, node := range balancers {
		container := w.container(node, "wharfinger-mesh")
		for range 6 {
			var a answer
			text := w.dockerOn(node, "exec", container, "wget", "-q", "-O-", "--header", "Host: demo.local", "http://127.0.0.1:8080/ping")
			if err := json.Unmarshal([]byte(text), &a); err != nil || a.Service != "demo" || !slices.Contains(want, a.Instance) {
				w.Errorf("%s answers %q (%v), want demo's %s", node, text, err, want)
			}
		}
	}
	w.docker("service", "rm", "wharfinger")
	w.gone("wharfinger")
	w.docker("service", "rm", "wharfinger-mesh") // its status port is wanted next
	w.gone("wharfinger-mesh")
}

// example reads the routes of an example.
func example(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "examples", name, "routes.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// joined checks which overlays a service is on.
func (w *world) joined(service string, want ...string) {
	w.Helper()
	var networks []struct{ Target string }
	w.decode(&networks, "service", "inspect", "-f", "{{json .Spec.TaskTemplate.Networks}}", service)
	var got []string
	for _, n := range networks {
		if name := w.docker("network", "inspect", "-f", "{{.Name}}", n.Target); name != "host" {
			got = append(got, name)
		}
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		w.Errorf("%s is on the networks %q, want %q", service, got, want)
	}
}

// container returns the ID of a service's container on a node.
func (w *world) container(node, service string) string {
	w.Helper()
	ids := lines(w.dockerOn(node, "ps", "-q", "--filter", "label=com.docker.swarm.service.name="+service))
	if len(ids) != 1 {
		w.Fatalf("%s has the containers %q of %s, want one", node, ids, service)
	}
	return ids[0]
}

// gone waits until a service that was removed has no containers.
func (w *world) gone(service string) {
	w.Helper()
	w.eventually(60*time.Second, func() error {
		for _, node := range w.lab.Nodes() {
			if out := w.dockerOn(node.Name, "ps", "-q", "--filter", "label=com.docker.swarm.service.name="+service); out != "" {
				return fmt.Errorf("%s has a container of %s", node.Name, service)
			}
		}
		return nil
	})
}

// outside is a server beside the Swarm that answers as the demo application does.
func (w *world) outside(name string) (address string) {
	w.Helper()
	listener, err := net.Listen("tcp", w.lab.Gateway()+":0")
	if err != nil {
		w.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(out http.ResponseWriter, _ *http.Request) {
		json.NewEncoder(out).Encode(map[string]string{"instance": "outside", "metadata": name})
	})}
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			w.Error(err)
		}
	}()
	w.Cleanup(func() { server.Close() })
	return listener.Addr().String()
}
