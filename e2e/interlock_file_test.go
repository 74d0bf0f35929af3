package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// Interlock's file, as it stands in the documentation of host mode, is imported as it
// is and brings up a proxy that serves what labels ask for; and it is pinned to the
// load balancers afterwards, as that page does.
func TestInterlockFile(t *testing.T) {
	w := newWorld(t)
	w.patience = 90 * time.Second // where ports are published a roll stops first
	labels := []string{"--label", "com.docker.lb.hosts=demo.local", "--label", "com.docker.lb.port=8080"}
	w.docker(service("demo", 2, append(labels, "--publish", "mode=host,target=8080")...)...)
	w.running("demo", 2)

	toml, err := filepath.Abs("../interlock/testdata/host-mode.toml")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "interlock.yaml")
	w.ends(0, "ProxyImage is not taken over", "import", "interlock", toml, "--out", file)
	yaml, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	d := w.watch()
	d.rolled(w.push(string(yaml)))
	w.docker("service", "update", "--detach", "--quiet", "--constraint-add", "node.labels.nodetype==loadbalancer", "wharfinger-default")
	w.eventually(w.patience, func() error {
		nodes := lines(w.docker("service", "ps", "--filter", "desired-state=running", "--format", "{{.Node}}", "wharfinger-default"))
		if len(nodes) != 1 || !slices.Contains(balancers, nodes[0]) {
			return fmt.Errorf("the proxy is on %s, want it on one of %s", nodes, balancers)
		}
		w.asked = nodes
		return nil
	})
	w.spread("demo.local", "demo", 2)
	w.answers("nobody.local", "/", 503)
}
