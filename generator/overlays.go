package generator

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/wharfinger/wharfinger/route"
)

// overlay finds the network on which a service of a pool is reached, and notes
// that proxies need it. Where there is no such network, this is told.
func (b *builder) overlay(p *route.Pool, t route.Tasks, s Service) (Network, bool) {
	var on []Network // the service's overlays
	var names []string
	for _, id := range s.Networks {
		if n, ok := b.networks[id]; ok && !n.Ingress && n.Name != HostNetwork {
			on, names = append(on, n), append(names, n.Name)
		}
	}
	slices.Sort(names)
	if t.Network.Given() {
		return b.named(p, t, s, on, names)
	}
	pos := t.Via.Pos
	switch len(on) {
	case 1:
		b.needs(p, on[0])
		return on[0], true
	case 0:
		b.problem(pos, fmt.Sprintf("service %s is on no overlay, so %s", s.Name, without(p)),
			fmt.Sprintf("add one with docker service update --network-add NETWORK %s, or write via: host", s.Name))
	default:
		b.problem(pos, fmt.Sprintf("service %s is on several overlays, and nothing says which one to use, so %s", s.Name, without(p)),
			"add network with one of "+strings.Join(names, ", "))
	}
	return Network{}, false
}

// ownNetworks notes the overlays that the proxy names itself, and returns the problems
// with those that are not there.
func (b *proxyBuilder) ownNetworks(p *route.Proxy) route.Problems {
	var problems route.Problems
	for _, name := range p.Networks {
		i := slices.IndexFunc(b.all, func(n Network) bool { return n.Name == name.Value && !n.Ingress })
		if i < 0 {
			b.problem(name.Pos, fmt.Sprintf("there is no network %s in the Swarm, so proxy %s is not rolled", name.Value, p.Name),
				fmt.Sprintf("create it with docker network create --driver overlay %s", name.Value))
			problems = append(problems, b.last())
		} else if !slices.Contains(b.joins, b.all[i]) {
			b.joins = append(b.joins, b.all[i])
		}
	}
	return problems
}

// named is overlay for a network that the pool names, as Docker does or without
// the name of the service's stack.
func (b *builder) named(p *route.Pool, t route.Tasks, s Service, on []Network, names []string) (Network, bool) {
	name := t.Network.Value
	candidates := []string{name}
	if stack := s.Labels[StackLabel]; stack != "" {
		candidates = append(candidates, stack+"_"+name)
	}
	for _, candidate := range candidates {
		if i := slices.IndexFunc(on, func(n Network) bool { return n.Name == candidate }); i >= 0 {
			b.needs(p, on[i])
			return on[i], true
		}
	}
	or := ""
	if len(names) > 0 {
		or = ", or name one that the service is on: " + strings.Join(names, ", ")
	}
	known := func(n Network) bool { return slices.Contains(candidates, n.Name) }
	if i := slices.IndexFunc(b.all, known); i >= 0 {
		b.problem(t.Network.Pos, fmt.Sprintf("service %s is not on network %s, so %s", s.Name, name, without(p)),
			fmt.Sprintf("add it with docker service update --network-add %s %s%s", b.all[i].Name, s.Name, or))
	} else {
		b.problem(t.Network.Pos, fmt.Sprintf("there is no network %s in the Swarm, so %s", name, without(p)),
			"create it with docker network create --driver overlay"+or)
	}
	return Network{}, false
}

// needs notes that who serves a pool must join a network.
func (b *builder) needs(p *route.Pool, n Network) {
	if !n.in(b.overlays[p.Name]) {
		b.overlays[p.Name] = append(b.overlays[p.Name], n)
	}
}

// on finds an address on a network, the first of IPv4 or else of IPv6.
func on(n Network, addresses []Address) (netip.Addr, bool) {
	var found netip.Addr
	for _, a := range addresses {
		addr, err := usable(a.Address)
		if a.Network == n.ID && err == nil && (!found.IsValid() || addr.Is4() && !found.Is4()) {
			found = addr
		}
	}
	return found, found.IsValid()
}
