package lab

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

// makeNetwork makes the bridge and, for each node, a network namespace with one
// cable to it. No packet leaves the machine: the bridge is not masqueraded.
func makeNetwork(ctx context.Context, p *plan) error {
	if err := os.MkdirAll(filepath.Join(p.dir(), "netns"), 0o755); err != nil {
		return err
	}
	script := fmt.Sprintf("link add %[1]s type bridge\naddr add %[2]s/24 dev %[1]s\nlink set %[1]s up\n", p.Bridge, p.gateway())
	if err := p.run(ctx, script, "ip", "-batch", "-"); err != nil {
		return err
	}
	for _, rule := range p.Rules {
		if err := p.run(ctx, "", "iptables", append([]string{"-w", "-I"}, rule...)...); err != nil {
			return err
		}
	}
	group, ctx := errgroup.WithContext(ctx)
	for _, n := range p.Nodes {
		group.Go(func() error { return makeCable(ctx, p, n) })
	}
	return group.Wait()
}

// makeCable makes a node's network namespace and connects it. The namespace
// hangs on a file of the lab's own rather than under /run/netns, which `ip
// netns` would turn into a mount point and leave behind.
func makeCable(ctx context.Context, p *plan, n nodePlan) error {
	netns := p.netns(n.Name)
	if err := os.WriteFile(netns, nil, 0o644); err != nil {
		return err
	}
	if err := p.run(ctx, "", "unshare", "--net="+netns, "true"); err != nil {
		return err
	}
	script := fmt.Sprintf("link add %[1]s type veth peer name eth0 netns %[2]s\nlink set %[1]s master %[3]s up\n", n.Link, netns, p.Bridge)
	if err := p.run(ctx, script, "ip", "-batch", "-"); err != nil {
		return err
	}
	script = fmt.Sprintf("link set lo up\naddr add %s/24 dev eth0\nlink set eth0 up\nroute add default via %s\n", n.Address, p.gateway())
	if err := p.run(ctx, script, "nsenter", "--net="+netns, "ip", "-batch", "-"); err != nil {
		return err
	}
	// What the set-up guide asks of nodes with proxies. Connections to a machine
	// that is gone end after 13 s, not 15 minutes, and the request goes to another.
	settings := "echo 5 > /proc/sys/net/ipv4/tcp_retries2"
	if !p.NoMigrate {
		// Connections that wait in a closing listener's queue move on to another
		// one: without this a rolling proxy loses some.
		settings += " && echo 1 > /proc/sys/net/ipv4/tcp_migrate_req"
	}
	return p.run(ctx, "", "nsenter", "--net="+netns, "sh", "-c", settings)
}

// removeNetwork removes what makeNetwork made, or as much of it as is there.
func removeNetwork(ctx context.Context, p *plan) error {
	var errs []error
	for _, n := range p.Nodes {
		errs = append(errs, p.removeLink(ctx, n.Link))
		netns := p.netns(n.Name)
		if err := unix.Unmount(netns, unix.MNT_DETACH); err != nil && err != unix.EINVAL && err != unix.ENOENT {
			errs = append(errs, fmt.Errorf("unmount %s: %w", netns, err))
		}
		if err := os.Remove(netns); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	errs = append(errs, p.removeLink(ctx, p.Bridge))
	for _, rule := range p.Rules {
		// -C tells whether the rule is there: it may never have been added.
		if p.run(ctx, "", "iptables", append([]string{"-w", "-C"}, rule...)...) == nil {
			errs = append(errs, p.run(ctx, "", "iptables", append([]string{"-w", "-D"}, rule...)...))
		}
	}
	return errors.Join(errs...)
}

func (p *plan) removeLink(ctx context.Context, name string) error {
	if _, err := net.InterfaceByName(name); err != nil {
		return nil
	}
	return p.run(ctx, "", "ip", "link", "del", name)
}

// neededRules returns the firewall rules without which the bridge would not
// carry: another engine on this machine sets FORWARD to DROP, which hits
// bridges too, and a firewall may close INPUT to the registry. On a machine
// without such rules none are added, not least because the first one would
// leave empty tables behind.
func neededRules(ctx context.Context, p *plan) [][]string {
	saved, err := exec.CommandContext(ctx, "iptables-save", "-t", "filter").Output()
	if err != nil {
		return nil // no iptables, no rules in the way
	}
	closed := func(chain string) bool {
		s := string(saved)
		return strings.Contains(s, ":"+chain+" DROP") || strings.Contains(s, "-A "+chain+" ")
	}
	comment := []string{"-m", "comment", "--comment", "wharfinger-lab " + p.Name, "-j", "ACCEPT"}
	var rules [][]string
	if closed("FORWARD") {
		rules = append(rules, append([]string{"FORWARD", "-i", p.Bridge, "-o", p.Bridge}, comment...))
	}
	if closed("INPUT") {
		rules = append(rules, append([]string{"INPUT", "-i", p.Bridge}, comment...))
	}
	return rules
}

func (p *plan) netns(node string) string { return filepath.Join(p.dir(), "netns", node) }

// run runs a command to its end, under the lab's lock; what it said is part of
// the error.
func (p *plan) run(ctx context.Context, stdin, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdin = strings.NewReader(stdin)
	if p.lock != nil {
		cmd.ExtraFiles = []*os.File{p.lock}
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, lastLines(out, 5))
	}
	return nil
}
