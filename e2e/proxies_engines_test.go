package e2e_test

import (
	"context"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/wharfinger/wharfinger/lab"
)

// mixedName is the lab whose nodes have engines 28 and 20.10.
var mixedName = labName + "-mixed"

// Old and new ends: the way from push to request, a task that moves and a rollout
// that fails, on engine 20.10 and in a Swarm that engine 28 leads and both are in;
// with proxies of nginx 1.22, which one push brings to 1.30.
func TestProxiesEngines(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	t.Run("this machine's", func(t *testing.T) {
		if err := theLab.BuildImages(ctx, "nginx:1.22"); err != nil {
			t.Fatal(err)
		}
		engines := map[string]string{}
		if os.Getenv("LAB_ENGINE") == "" { // which would be that of all nodes
			engines = map[string]string{"mgr-00": "20.10.", "lb-00": "20.10.", "lb-01": "20.10.", "wrk-00": "20.10."}
		}
		oldAndNew(newWorld(t), engines)
	})
	t.Run("28 and 20.10", func(t *testing.T) {
		t.Cleanup(func() {
			if err := lab.Remove(mixedName); err != nil {
				t.Error(err)
			}
		})
		mixed, err := lab.Up(ctx, lab.Options{
			Name: mixedName, Managers: 1, Workers: 1, Nodes: balancers,
			Labels:  map[string]map[string]string{"lb-00": {"nodetype": "loadbalancer"}, "lb-01": {"nodetype": "loadbalancer"}},
			Engines: map[string]string{"mgr-00": "28", "lb-00": "28"},
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := mixed.BuildImages(ctx, "nginx:1.22", "nginx:1.30", "demo"); err != nil {
			t.Fatal(err)
		}
		if err := pushCrashing(ctx, mixed); err != nil {
			t.Fatal(err)
		}
		oldAndNew(newWorldIn(t, mixed), map[string]string{"mgr-00": "28.", "lb-00": "28.", "lb-01": "20.10.", "wrk-00": "20.10."})
	})
}

// oldAndNew wants engines whose versions begin as told, by node.
func oldAndNew(w *world, engines map[string]string) {
	w.Helper()
	for node, want := range engines {
		if got := w.dockerOn(node, "version", "-f", "{{.Server.Version}}"); !strings.HasPrefix(got, want) {
			w.Fatalf("%s has engine %s, want %s…", node, got, want)
		}
	}
	w.application("demo", 1)
	d := w.watch()
	old := strings.Replace(edge, "nginx:1.30", "nginx:1.22", 1)
	d.rolled(w.push(toDemo(old, "demo.local")))
	w.spread("demo.local", "demo", 1)
	w.runs("nginx/1.22.")

	w.move("demo")
	w.spread("demo.local", "demo", 1)
	end := w.patrol("demo.local")

	commit := w.push(toDemo(strings.Replace(edge, "image: nginx:1.30", "image: crash:1.30\n    nginx: 1.22", 1), "demo.local", "new.local"))
	line := d.line(60*time.Second, "level=ERROR", "is not brought to the revision", "failed:")
	w.Logf("%.1f s after the push: %s", time.Since(w.pushed).Seconds(), line)
	for _, want := range []string{"non-zero exit (1)", "the proxies have again what they had before"} {
		if !strings.Contains(line, want) {
			w.Errorf("the log does not say %q", want)
		}
	}
	d.line(10*time.Second, "msg=pass", "revision="+commit, "edge.err=")
	w.noUpdate(5 * time.Second)
	w.answers("new.local", "/", http.StatusServiceUnavailable)
	w.quarantined(d, commit)

	d.rolled(w.push(toDemo(edge, "demo.local", "healed.local")))
	w.serves("healed.local", "/", "demo")
	w.runs("nginx/1.30.")
	end()
	w.move("demo")
	w.spread("healed.local", "demo", 1)
}

// runs checks which nginx the proxies say that they are.
func (w *world) runs(version string) {
	w.Helper()
	for _, node := range w.asked {
		id := w.dockerOn(node, "ps", "-q", "--latest", "--filter", "label=com.docker.swarm.service.name=wharfinger-edge")
		if got := w.dockerOn(node, "exec", id, "sh", "-c", "nginx -v 2>&1"); !strings.Contains(got, version) {
			w.Errorf("%s runs %q, want %s…", node, got, version)
		}
	}
}
