package e2e_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// What is pushed is routed; what is pushed without an effect rolls nothing.
func TestPushRoutes(t *testing.T) {
	w := newWorld(t)
	w.application("demo", 1)
	w.application("shop", 1)
	d := w.watch()
	yaml := toDemo(edge, "demo.local") + `
  shop:
    hosts: [shop.local]
    paths: [/v2]
    pool: shop
`
	yaml = strings.Replace(yaml, "pools:", "pools:\n  shop: {service: shop, port: 8080}", 1)
	commit := w.push(yaml)
	w.serves("demo.local", "/", "demo")
	w.Logf("created and served %.1f s after the push", time.Since(w.pushed).Seconds())
	w.serves("shop.local", "/v2", "shop")
	w.serves("shop.local", "/v2/items", "shop")
	w.answers("shop.local", "/v20", http.StatusNotFound)
	w.answers("shop.local", "/", http.StatusNotFound)
	w.answers("other.local", "/", http.StatusServiceUnavailable)
	d.rolled(commit)

	commit = w.push(strings.Replace(yaml, "[demo.local]", "[new.local]", 1))
	w.serves("new.local", "/", "demo")
	w.Logf("served %.1f s after the push of another route", time.Since(w.pushed).Seconds())
	w.answers("demo.local", "/", http.StatusServiceUnavailable)
	d.rolled(commit)
	w.Logf("confirmed %.1f s after the push", time.Since(w.pushed).Seconds())

	before := w.version()
	commit = w.push(strings.Replace(yaml, "[demo.local]", "[new.local] # a comment", 1))
	d.rolled(commit)
	if after := w.version(); after != before {
		t.Errorf("a comment brought the proxy's service from version %d to %d, want no update", before, after)
	}
}

// The tasks of a service come and go; the proxies ask those that there are.
func TestScale(t *testing.T) {
	w := newWorld(t)
	w.application("demo", 1)
	d := w.watch()
	d.rolled(w.push(toDemo(edge, "demo.local")))
	w.spread("demo.local", "demo", 1)

	w.scale("demo", 4)
	all := w.spread("demo.local", "demo", 4)
	d.line(30*time.Second, "msg=pass", "pool demo: 4 peers, was")

	w.scale("demo", 2)
	left := w.spread("demo.local", "demo", 2)
	for _, instance := range left {
		if !slices.Contains(all, instance) {
			t.Errorf("instance %s answers, which is none of %s", instance, all)
		}
	}
	d.line(30*time.Second, "msg=pass", "pool demo: 2 peers, was")
	for range 100 { // it is quiet again: every request counts
		for _, node := range balancers {
			if a, err := w.ask(node, "demo.local", "/"); err != nil || a.Code != http.StatusOK || !slices.Contains(left, a.Instance) {
				t.Fatalf("%s answers %d from %q (%v), want 200 from one of %s", node, a.Code, a.Instance, err, left)
			}
		}
	}

	w.scale("demo", 0)
	w.answers("demo.local", "/", http.StatusServiceUnavailable)
	w.scale("demo", 1)
	w.spread("demo.local", "demo", 1)
}

// The route follows a task to another node.
func TestDrain(t *testing.T) {
	w := newWorld(t)
	w.application("demo", 2)
	d := w.watch()
	d.rolled(w.push(toDemo(edge, "demo.local")))
	before := w.spread("demo.local", "demo", 2)

	w.docker("node", "update", "--availability", "drain", "wrk-00")
	t.Cleanup(func() { w.inCleanup("node", "update", "--availability", "active", "wrk-00") })
	drained := w.docker("node", "inspect", "-f", "{{.ID}}", "wrk-00")
	w.eventually(30*time.Second, func() error {
		tasks := w.tasks("demo")
		onDrained := func(t task) bool { return t.Node == drained }
		if len(tasks) != 2 || slices.ContainsFunc(tasks, onDrained) {
			return fmt.Errorf("tasks of demo: %v, want 2 and none of them on %s", tasks, drained)
		}
		return nil
	})
	after := w.spread("demo.local", "demo", 2)
	if slices.Equal(before, after) {
		t.Errorf("no task moved off the drained node: %s", after)
	}
}

// A push with a mistake is told, with its place, and changes nothing.
func TestBadPush(t *testing.T) {
	w := newWorld(t)
	w.application("demo", 1)
	d := w.watch()
	good := toDemo(edge, "demo.local")
	d.rolled(w.push(good))
	w.serves("demo.local", "/", "demo")

	end := w.patrol("demo.local")
	bad := strings.Replace(toDemo(edge, "demo.local", "other.local"), "    pool: demo\n", "    pool: dmeo\n", 1)
	commit := w.push(bad)
	line := d.line(10*time.Second, "level=ERROR", "revision="+commit)
	if want := position(bad, "dmeo"); !strings.Contains(line, want) {
		t.Errorf("the log says\n%s\nwant a problem at %s", line, want)
	}
	w.noUpdate(3 * time.Second)
	w.serves("demo.local", "/", "demo")
	w.answers("other.local", "/", http.StatusServiceUnavailable)

	d.rolled(w.push(toDemo(edge, "demo.local", "other.local")))
	w.serves("other.local", "/", "demo")
	end()
}

// position is where a word stands in routes.yaml.
func position(yaml, word string) string {
	before, _, _ := strings.Cut(yaml, word)
	line := strings.Count(before, "\n") + 1
	column := len(before) - strings.LastIndex(before, "\n")
	return fmt.Sprintf("routes.yaml:%d:%d:", line, column)
}
