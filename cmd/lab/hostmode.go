package main

import (
	"context"
	"fmt"
	"os"

	"github.com/wharfinger/wharfinger/lab"
)

// hostModePage tells how to set up host mode on a cluster of eight nodes. The demo
// does what stands there, so what stands there is true.
const hostModePage = "docs/host-mode.md"

func hostModeDemo(ctx context.Context, name string) error {
	page, err := os.ReadFile(hostModePage)
	if err != nil {
		return fmt.Errorf("%w: the demo follows this page, from the root of the checkout", err)
	}
	commands := readPage(string(page))
	step("A Swarm: 3 managers, 5 workers, 2 of them load balancers")
	l, err := lab.Up(ctx, lab.Options{Name: name, Managers: 3, Workers: 3, Nodes: []string{"lb-00", "lb-01"}, Log: os.Stdout})
	if err != nil {
		return err
	}
	step("The images: stock nginx, Wharfinger, a demo application")
	if err := l.BuildImages(ctx, "nginx:1.30", "wharfinger", "demo"); err != nil {
		return stays(err)
	}
	w := walk{Lab: l, out: os.Stdout, blanks: map[string]string{
		"<proxy-address>": l.Node("lb-00").Address, "<routing-http-port>": "80",
	}}
	for i, c := range commands {
		if i == 0 || c.heading != commands[i-1].heading {
			step(c.heading)
		}
		if err := w.do(ctx, c); err != nil {
			return stays(fmt.Errorf("%s: %w", hostModePage, err))
		}
	}
	step("It stays up. What to try next")
	fmt.Printf(`Move tasks, and see the proxies follow:
    go run ./cmd/lab --name %[1]s exec mgr-00 docker service scale demo=4
    curl -vs -H "Host: demo.local" http://%[2]s/ping
Lose a manager, or a proxy's node:
    go run ./cmd/lab --name %[1]s stop mgr-00 --kill
    go run ./cmd/lab --name %[1]s stop lb-01 --kill
Remove everything:
    make demo-down
`, name, l.Node("lb-00").Address)
	return nil
}
