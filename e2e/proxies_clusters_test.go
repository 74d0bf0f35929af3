package e2e_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
)

// Two clusters of proxies share one repository and one Swarm. A change rolls the
// proxies that it touches; those of the other cluster stay, task by task.
func TestProxiesClusters(t *testing.T) {
	w := newWorld(t)
	w.application("demo", 1)
	w.application("shop", 1)
	repository := func(outer, inner, drain string) string {
		return fmt.Sprintf(`proxies:
  outer:
    image: nginx:1.30
    drain: 2s
    constraints: [node.hostname == lb-00]
  inner:
    image: nginx:1.30
    drain: %s
    constraints: [node.hostname == lb-01]
pools:
  demo: {service: demo, port: 8080}
  shop: {service: shop, port: 8080}
routes:
  demo: {proxy: outer, hosts: [%s], pool: demo}
  shop: {proxy: inner, hosts: [%s], pool: shop}
`, drain, outer, inner)
	}
	d := w.watch()
	d.rolled(w.push(repository("demo.local", "shop.local", "2s")))
	w.only("lb-00").serves("demo.local", "/", "demo")
	w.only("lb-01").serves("shop.local", "/", "shop")
	w.only("lb-00").answers("shop.local", "/", http.StatusServiceUnavailable)
	w.only("lb-01").answers("demo.local", "/", http.StatusServiceUnavailable)

	touches := func(name, touched, left string, change func()) {
		w.part(name, func() {
			nodes, hosts := map[string]string{"outer": "lb-00", "inner": "lb-01"}, map[string]string{"outer": "demo.local", "inner": "shop.local"}
			end := w.only(nodes[left]).patrol(hosts[left])
			before, stayed := w.taskIDs("wharfinger-"+touched), w.taskIDs("wharfinger-"+left)
			version := w.docker("service", "inspect", "-f", "{{.Version.Index}}", "wharfinger-"+left)
			change()
			w.eventually(w.patience, func() error {
				if after := w.taskIDs("wharfinger-" + touched); len(after) != 1 || slices.Equal(before, after) {
					return fmt.Errorf("%s has the tasks %s and had %s, want one other", touched, after, before)
				}
				return nil
			})
			if after := w.taskIDs("wharfinger-" + left); !slices.Equal(stayed, after) {
				w.Errorf("%s has the tasks %s and had %s, want the same", left, after, stayed)
			}
			if after := w.docker("service", "inspect", "-f", "{{.Version.Index}}", "wharfinger-"+left); after != version {
				w.Errorf("%s went from version %s to %s, want no update", left, version, after)
			}
			end()
		})
	}
	touches("a route of one", "outer", "inner", func() {
		d.rolled(w.push(repository("demo.local, new.local", "shop.local", "2s")))
		w.only("lb-00").serves("new.local", "/", "demo")
	})
	touches("a route of the other", "inner", "outer", func() {
		d.rolled(w.push(repository("demo.local, new.local", "shop.local, fresh.local", "2s")))
		w.only("lb-01").serves("fresh.local", "/", "shop")
	})
	touches("the proxy itself", "inner", "outer", func() {
		d.rolled(w.push(repository("demo.local, new.local", "shop.local, fresh.local", "3s")))
	})
	touches("a task of its pool", "inner", "outer", func() {
		w.move("shop")
		w.only("lb-01").spread("shop.local", "shop", 1)
	})
}

// only is the world whose proxies are on some nodes alone.
func (w *world) only(nodes ...string) *world {
	c := *w
	c.asked = nodes
	return &c
}

// taskIDs returns the IDs of a service's tasks that Swarm wants to run, sorted.
func (w *world) taskIDs(service string) []string {
	w.Helper()
	ids := lines(w.docker("service", "ps", "-q", "--no-trunc", "-f", "desired-state=running", service))
	slices.Sort(ids)
	return ids
}
