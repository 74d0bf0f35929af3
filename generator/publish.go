package generator

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/wharfinger/wharfinger/route"
)

// PublishedPort is a port that a proxy's service publishes.
type PublishedPort struct {
	Protocol string `json:"protocol"`       // tcp, udp or sctp
	Port     int    `json:"port,omitempty"` // 0 is any that is free
	// Target is the port in the proxy, 0 where it is the same.
	Target int `json:"target,omitempty"`
	// Mode is "host", on the proxy's own node, or "ingress", on every node by the
	// routing mesh.
	Mode string `json:"mode"`
}

// The modes of published ports, as Swarm calls them.
const (
	modeHost    = "host"
	modeIngress = "ingress"
)

// The orders of updates, as Swarm calls them.
const (
	// startFirst has the next proxy of a node listen before the last one stops.
	startFirst = "start-first"
	// stopFirst is all that Swarm can do where a port of the node is taken.
	stopFirst = "stop-first"
)

// samePlace reports whether two ports exclude each other.
func (p PublishedPort) samePlace(q PublishedPort) bool {
	return p.Protocol == q.Protocol && p.Port == q.Port && (p.Port != 0 || p.Target == q.Target)
}

// ComparePorts orders ports by their numbers.
func ComparePorts(a, b PublishedPort) int {
	return cmp.Or(cmp.Compare(a.Port, b.Port), cmp.Compare(a.Target, b.Target), cmp.Compare(a.Protocol, b.Protocol), cmp.Compare(a.Mode, b.Mode))
}

// String writes the port as `docker service update --publish-add` takes it, without
// what goes without saying.
func (p PublishedPort) String() string {
	var out string
	if p.Port != 0 {
		out = fmt.Sprint(p.Port)
	}
	if p.Target != 0 {
		out += fmt.Sprintf(":%d", p.Target)
	}
	if p.Protocol != tcp {
		out += "/" + p.Protocol
	}
	return out
}

// meet adds to a proxy's specification how it meets the outside. The ports of
// out are known by now.
func (b *proxyBuilder) meet(p *route.Proxy, routes []*route.Route, out *Proxy) {
	out.Spec.Order = cmp.Or(p.Update.Order.Value, startFirst)
	mode := modeHost
	if p.Network.Value == "ingress" {
		mode = modeIngress
	}
	out.Ports = out.listens(mode)
	if p.Replicas.Given() {
		out.Spec.Order = stopFirst // a node takes one replica, be it the old one
	}
	if p.Network.Value == "host" {
		out.Spec.Networks = []Network{b.host}
		return
	}
	out.Spec.Order = stopFirst
	out.Spec.Networks = b.joins
	for _, pool := range b.poolsNamed(p, routes) {
		for _, n := range b.overlays[pool] {
			if !slices.Contains(out.Spec.Networks, n) {
				out.Spec.Networks = append(out.Spec.Networks, n)
			}
		}
	}
	slices.SortFunc(out.Spec.Networks, byNetworkID)
	out.Spec.Publish = out.Ports
}

// listens lists the ports that a proxy listens on, those for clients with a mode.
func (p *Proxy) listens(mode string) []PublishedPort {
	var out []PublishedPort
	add := func(port int, protocol, mode string) {
		out = append(out, PublishedPort{Protocol: protocol, Port: port, Mode: mode})
	}
	add(p.Status.Port, tcp, modeHost) // each node has a proxy of its own to ask
	add(p.HTTP, tcp, mode)
	if p.HTTPS != 0 {
		add(p.HTTPS, tcp, mode)
	}
	if p.Listen.HTTP3 {
		add(p.HTTPS, udp, mode)
	}
	for _, s := range p.Streams {
		if s.UDP {
			add(s.Port, udp, mode)
		} else {
			add(s.Port, tcp, mode)
		}
	}
	slices.SortFunc(out, ComparePorts)
	return out
}

// poolsNamed lists the pools that a proxy's routes and streams name, sorted.
func (b *proxyBuilder) poolsNamed(p *route.Proxy, routes []*route.Route) []string {
	named := map[string]bool{}
	for _, r := range routes {
		for _, pool := range r.AllPools() {
			named[pool.Value] = true
		}
	}
	for _, s := range b.streams {
		if s.Proxy.Value == p.Name {
			named[s.Pool.Value] = true
		}
	}
	return slices.Sorted(maps.Keys(named))
}

func byNetworkID(a, b Network) int { return cmp.Compare(a.ID, b.ID) }

func (n Network) same(m Network) bool {
	return n.ID == m.ID && n.ID != "" || n.Name == HostNetwork && m.Name == HostNetwork
}

// in reports whether a network is in a list.
func (n Network) in(list []Network) bool { return slices.ContainsFunc(list, n.same) }

// OnHost reports whether a proxy is in the host's network.
func (s Spec) OnHost() bool { return onHost(s.Networks) }

func onHost(networks []Network) bool { return Network{Name: HostNetwork}.in(networks) }

// mergeNetworks is merge for networks. Who is in the host's network can be in no
// other.
func mergeNetworks(live, applied, named []Network) []Network {
	out := slices.Clone(named)
	if onHost(named) {
		return out
	}
	for _, n := range live {
		if n.Name != HostNetwork && !n.in(named) && !n.in(applied) {
			out = append(out, n)
		}
	}
	slices.SortFunc(out, byNetworkID)
	return out
}

// mergePorts is merge for published ports. Of two for one port the repository's
// stays. In the host's network nothing is published, and Swarm would count such a
// port as taken when the next proxy starts beside the last one.
func mergePorts(live, applied, named Spec) []PublishedPort {
	if named.OnHost() {
		return nil
	}
	out := slices.Clone(named.Publish)
	for _, p := range live.Publish {
		if !slices.ContainsFunc(named.Publish, p.samePlace) && !slices.Contains(applied.Publish, p) {
			out = append(out, p)
		}
	}
	slices.SortFunc(out, ComparePorts)
	return out
}

// mergeOrder decides in which order the next update goes. A proxy that comes to
// the host's network or leaves it needs ports that the old one still has; so do
// all that publish ports. Otherwise start-first comes back where it was Wharfinger
// who took it away.
func mergeOrder(live, applied, named Spec) string {
	switch {
	case named.Order == stopFirst, !live.OnHost():
		return stopFirst
	case live.Order == applied.Order:
		return named.Order
	}
	return live.Order
}

func networkChanges(live, want []Network) []string {
	var changes []string
	for _, n := range want {
		if !n.in(live) {
			changes = append(changes, "join network "+n.String())
		}
	}
	for _, n := range live {
		if !n.in(want) {
			changes = append(changes, "leave network "+n.String())
		}
	}
	return changes
}

func (n Network) String() string { return cmp.Or(n.Name, n.ID) }

func portChanges(live, want []PublishedPort) []string {
	var changes []string
	for _, p := range want {
		if !slices.Contains(live, p) {
			changes = append(changes, fmt.Sprintf("publish port %s with mode=%s", p, p.Mode))
		}
	}
	for _, p := range live {
		if !slices.ContainsFunc(want, p.samePlace) {
			changes = append(changes, fmt.Sprintf("publish port %s no more", p))
		}
	}
	return changes
}
