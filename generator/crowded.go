package generator

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/wharfinger/wharfinger/route"
)

// otherMode tells when a proxy's service would have to change from a task on every
// node to replicas or back, which Swarm refuses ("service mode change is not
// allowed").
func (b *proxyBuilder) otherMode(p *route.Proxy) route.Problems {
	current := b.live.ProxyByName(p.Name)
	if current == nil || current.Spec.Replicated == p.Replicas.Given() {
		return nil
	}
	pos, is, wants := p.Pos, "replicas", "one on every node"
	if p.Replicas.Given() {
		pos, is, wants = p.Replicas.Pos, wants, is
	}
	b.problem(pos, fmt.Sprintf("the service of proxy %s has %s, and Swarm cannot change that to %s, so it is not rolled", p.Name, is, wants),
		fmt.Sprintf("remove it with docker service rm %s, and it is made anew; or write a proxy of another name beside it", current.Service))
	return route.Problems{b.last()}
}

// room makes replicas as many as there are nodes for them. Swarm would wait for a node
// for the others, and would end no update before it finds one.
func (b *proxyBuilder) room(p *route.Proxy, out *Proxy) {
	constraints := out.after(b.live.ProxyByName(p.Name)).Constraints
	nodes := 0
	for _, n := range b.live.Nodes {
		if n.State != "down" && n.Availability == "" && n.fits(constraints) {
			nodes++
		}
	}
	if wanted := out.Spec.Replicas; nodes > 0 && nodes < wanted {
		out.Spec.Replicas = nodes
		b.problem(p.Replicas.Pos, fmt.Sprintf("proxy %s has nodes for %d of its %d replicas, so there are no more of it", p.Name, nodes, wanted),
			"let more nodes fit its constraints, or write fewer replicas")
	}
}

// claim is what a proxy takes of nodes.
type claim struct {
	name  string
	pos   route.Pos
	spec  Spec // that it gets
	ports []PublishedPort
	// current is what there is of it now, or nil. An orphan is no more in the
	// repository, and stays as it is.
	current *ProxyService
	orphan  bool
	held    *route.Problems
}

// crowded tells when two proxies would meet on a node and listen on one port, and when
// a service of somebody else's has a port already. The one that comes is held; where
// both have been there, it is only told.
func (b *builder) crowded(d *route.Desired, m *Model) {
	var claims []claim
	ours := map[string]bool{} // services
	for i := range m.Proxies {
		p := &m.Proxies[i]
		current := b.live.ProxyByName(p.Name)
		claims = append(claims, claim{name: p.Name, pos: d.Proxies[p.Name].Pos, spec: p.after(current), ports: p.Ports, current: current, held: &p.Held})
		ours[Prefix+p.Name] = true
	}
	slices.SortFunc(claims, func(a, b claim) int {
		switch {
		case a.pos.Before(b.pos):
			return -1
		case b.pos.Before(a.pos):
			return 1
		}
		return 0
	})
	for i, p := range b.live.Proxies {
		if d.Proxies[p.Proxy] == nil {
			c := claim{name: p.Proxy, spec: p.Spec, ports: p.has(), current: &b.live.Proxies[i], orphan: true}
			claims = append([]claim{c}, claims...)
			ours[p.Service] = true
		}
	}
	for i, c := range claims {
		for _, before := range claims[:i] {
			b.meeting(before, c)
		}
	}
	for _, s := range b.takers(claims) {
		if !ours[s.Name] {
			for _, c := range claims {
				b.besides(c, s)
			}
		}
	}
}

// takers are the services that have any port on a node, or on all of them, that a proxy
// claims.
func (b *builder) takers(claims []claim) []Service {
	claimed := map[int]bool{}
	for _, c := range claims {
		for _, p := range c.ports {
			claimed[p.Port] = true
		}
	}
	var out []Service
	for _, s := range b.live.Services {
		takes := slices.ContainsFunc(s.Ports, func(p ServicePort) bool { return claimed[p.Published] }) ||
			slices.ContainsFunc(b.tasks[s.ID], func(t Task) bool {
				return slices.ContainsFunc(t.Ports, func(p Port) bool { return claimed[p.Published] })
			})
		if takes {
			out = append(out, s)
		}
	}
	return out
}

// has lists the ports that a service has as far as is known.
func (p *ProxyService) has() []PublishedPort {
	if p.Spec.OnHost() {
		return p.Applied.Listens
	}
	return p.Spec.Publish
}

// settled reports whether a proxy has a port already where it shall have it.
func (c claim) settled(port PublishedPort) bool {
	if c.orphan {
		return true
	}
	if c.current == nil || !sameConstraints(c.current.Spec, c.spec) || c.current.Spec.OnHost() != c.spec.OnHost() {
		return false
	}
	had := c.current.has()
	return had == nil && c.spec.OnHost() || slices.Contains(had, port) // or nobody noted it
}

func sameConstraints(a, b Spec) bool {
	return slices.Equal(slices.Sorted(slices.Values(a.Constraints)), slices.Sorted(slices.Values(b.Constraints)))
}

// meeting looks at two proxies, of which the second is written later.
func (b *builder) meeting(first, second claim) {
	if first.spec.keepsApart() && second.spec.keepsApart() {
		return
	}
	var both []string
	hold := (*route.Problems)(nil)
	pos, node := second.pos, ""
	for _, p := range first.ports {
		for _, q := range second.ports {
			if !p.samePlace(q) {
				continue
			}
			where, ok := b.onOneNode(first.spec, p, second.spec, q)
			if !ok {
				continue
			}
			both, node = append(both, p.String()), where
			switch {
			case first.settled(p) && second.settled(q):
			case second.settled(q):
				hold, pos = first.held, first.pos
			default:
				hold, pos = second.held, second.pos
			}
		}
	}
	if both == nil {
		return
	}
	hint := "give one of them other ports (listen, status), or constraints that keep them apart"
	if first.orphan {
		hint = fmt.Sprintf("remove the one that the repository no longer has, with docker service rm %s, or give the other one other ports", first.current.Service)
	}
	b.problem(pos, fmt.Sprintf("proxies %s and %s meet on node %s, but both listen on %s", first.name, second.name, node, portList(both)), hint)
	if hold != nil {
		*hold = append(*hold, b.last())
	}
}

// keepsApart reports whether Swarm itself finds nodes where the ports are free.
func (s Spec) keepsApart() bool { return s.Replicated && !s.OnHost() }

func portList(ports []string) string {
	if len(ports) == 1 {
		return "port " + ports[0]
	}
	return "ports " + strings.Join(ports, ", ")
}

// onOneNode finds a node on which both ports would be taken.
func (b *builder) onOneNode(first Spec, p PublishedPort, second Spec, q PublishedPort) (hostname string, ok bool) {
	for _, n := range b.live.Nodes {
		if (p.Mode == modeIngress || n.fits(first.Constraints)) && (q.Mode == modeIngress || n.fits(second.Constraints)) {
			return n.Hostname, true
		}
	}
	return "", false
}

// besides looks at a proxy and a service of somebody else's.
func (b *builder) besides(c claim, s Service) {
	for _, port := range c.ports {
		node, ok := b.occupied(c.spec, port, s)
		if !ok {
			continue
		}
		b.problem(c.pos, fmt.Sprintf("proxy %s listens on port %s, which service %s has on node %s", c.name, port, s.Name, node),
			"give the proxy other ports (listen, status), or constraints that keep it away from there")
		if !c.settled(port) {
			*c.held = append(*c.held, b.last())
		}
	}
}

// occupied finds a node that a proxy may come to and where a service has a port.
func (b *builder) occupied(spec Spec, port PublishedPort, s Service) (hostname string, ok bool) {
	comesTo := func(n Node) bool { return port.Mode == modeIngress || n.fits(spec.Constraints) }
	for _, p := range s.Ports {
		if p.Mode != modeIngress || p.Published != port.Port || p.Protocol != port.Protocol {
			continue
		}
		if i := slices.IndexFunc(b.live.Nodes, comesTo); i >= 0 {
			return b.live.Nodes[i].Hostname, true
		}
	}
	for _, t := range b.tasks[s.ID] {
		has := func(p Port) bool { return p.Published == port.Port && p.Protocol == port.Protocol }
		if n, known := b.nodes[t.Node]; known && slices.ContainsFunc(t.Ports, has) && comesTo(n) {
			return n.Hostname, true
		}
	}
	return "", false
}

// fits reports whether a task with such constraints may run on a node, as far as is
// known: one that this does not understand fits nowhere. Swarm compares without
// regard to case (swarmkit: constraint.NodeMatches).
func (n Node) fits(constraints []string) bool {
	for _, c := range constraints {
		key, value, equal := strings.Cut(c, "==")
		if !equal {
			var unequal bool
			if key, value, unequal = strings.Cut(c, "!="); !unequal {
				return false
			}
		}
		is, known := n.is(strings.TrimSpace(key), strings.TrimSpace(value))
		if !known || is != equal {
			return false
		}
	}
	return true
}

// is reports whether a property of a node has a value.
func (n Node) is(key, value string) (is, known bool) {
	label, ok := cutFold(key, "node.labels.")
	if ok {
		return strings.EqualFold(n.Labels[label], value) && n.Labels[label] != "", true
	}
	if label, ok := cutFold(key, "engine.labels."); ok {
		return strings.EqualFold(n.EngineLabels[label], value) && n.EngineLabels[label] != "", true
	}
	switch strings.ToLower(key) {
	case "node.id":
		return strings.EqualFold(n.ID, value), true
	case "node.hostname":
		return strings.EqualFold(n.Hostname, value), true
	case "node.role":
		return strings.EqualFold(n.Role, value), true
	case "node.platform.os":
		return strings.EqualFold(n.OS, value), true
	case "node.platform.arch":
		return strings.EqualFold(n.Arch, value), true
	case "node.ip":
		addr, err := netip.ParseAddr(n.Addr)
		if err != nil {
			return false, false
		}
		if one, err := netip.ParseAddr(value); err == nil {
			return addr == one, true
		}
		network, err := netip.ParsePrefix(value)
		return err == nil && network.Contains(addr), err == nil
	}
	return false, false
}

// cutFold is strings.CutPrefix without regard to case.
func cutFold(s, prefix string) (rest string, ok bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return "", false
	}
	return s[len(prefix):], true
}
