package swarm

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	api "github.com/docker/docker/api/types/swarm"

	"github.com/wharfinger/wharfinger/generator"
)

// taken finds ports that a rollout brings to nodes where another program has them;
// the Swarm's services were looked at before. The proxy would only end there when
// Swarm has stopped the one before it. What does not listen at the node's address, or
// not by TCP, is not found.
func (c *Cluster) taken(ctx context.Context, r generator.Rollout, svc api.Service) error {
	fresh := freshPorts(r)
	if len(fresh) == 0 {
		return nil
	}
	all, err := c.history(ctx, svc)
	if err != nil {
		return err
	}
	nodes, err := c.nodes(ctx)
	if err != nil {
		return err
	}
	var mu sync.Mutex
	var found []string
	var group sync.WaitGroup
	for _, n := range nodes {
		node := nodeOf(n)
		addr, err := node.Address()
		if err != nil || !slices.ContainsFunc(wanted(all), func(t api.Task) bool { return t.NodeID == n.ID }) {
			continue // what is wrong with an address is told where it is needed
		}
		for _, port := range fresh {
			group.Go(func() {
				if somebody(ctx, netip.AddrPortFrom(addr, uint16(port))) {
					mu.Lock()
					defer mu.Unlock()
					found = append(found, fmt.Sprintf("port %d of node %s", port, node.Hostname))
				}
			})
		}
	}
	group.Wait()
	if len(found) == 0 {
		return ctx.Err()
	}
	slices.Sort(found)
	return &Failed{
		Proxy: r.Proxy, Rollout: r.ID, Now: notSent,
		Reason: fmt.Sprintf("%s: another program listens there; stop it or give the proxy another port", strings.Join(found, ", ")),
	}
}

// freshPorts are the TCP ports that a proxy gets on its nodes and did not have there.
// Where nobody noted which it had, there are none.
func freshPorts(r generator.Rollout) []int {
	if r.From == nil || r.From.Spec.OnHost() && r.From.Applied.Listens == nil {
		return nil
	}
	had := slices.Concat(r.From.Applied.Listens, r.From.Spec.Publish)
	var fresh []int
	for _, p := range slices.Concat(r.Named.Listens, r.Spec.Publish) {
		same := func(q generator.PublishedPort) bool { return p.Port == q.Port && p.Protocol == q.Protocol }
		if p.Protocol == "tcp" && p.Mode != "ingress" && p.Port != 0 && !slices.ContainsFunc(had, same) {
			fresh = append(fresh, p.Port)
		}
	}
	return fresh
}

// somebody reports whether a connection to an address is taken.
func somebody(ctx context.Context, addr netip.AddrPort) bool {
	dialer := net.Dialer{Timeout: time.Second}
	conn, err := dialer.DialContext(ctx, "tcp", addr.String())
	if err != nil {
		return false
	}
	conn.Close()
	return true
}
