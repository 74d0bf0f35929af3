package generator

import (
	"fmt"
	"maps"
	"slices"
)

// Changes says in words what is different between two models: routes that come,
// go and lead elsewhere, pools whose peers move. A nil model has nothing.
func Changes(old, now *Model) []string {
	before, after := proxiesOf(old), proxiesOf(now)
	var changes []string
	for _, name := range keysOf(before, after) {
		changes = append(changes, proxyChanges(name, before[name], after[name])...)
	}
	return changes
}

func proxiesOf(m *Model) map[string]Proxy {
	out := map[string]Proxy{}
	if m != nil {
		for _, p := range m.Proxies {
			out[p.Name] = p
		}
	}
	return out
}

func proxyChanges(name string, old, now Proxy) []string {
	var changes []string
	say := func(format string, args ...any) {
		changes = append(changes, name+": "+fmt.Sprintf(format, args...))
	}
	before, after := locationsOf(old), locationsOf(now)
	for _, at := range keysOf(before, after) {
		was, had := before[at]
		is, has := after[at]
		switch {
		case !had:
			say("add %s -> %s", at, target(is))
		case !has:
			say("remove %s", at)
		case target(was) != target(is):
			say("%s -> %s, was %s", at, target(is), target(was))
		case was != is:
			say("change %s", at)
		}
	}
	peersBefore, peersAfter := peersOf(old), peersOf(now)
	for _, pool := range keysOf(peersBefore, peersAfter) {
		was, is := peersBefore[pool], peersAfter[pool]
		switch {
		case len(was) != len(is):
			say("peers of pool %s: %d, was %d", pool, len(is), len(was))
		case !slices.Equal(was, is):
			say("peers of pool %s: %d, others than before", pool, len(is))
		}
	}
	return changes
}

func locationsOf(p Proxy) map[string]Location {
	out := map[string]Location{}
	for _, s := range p.Servers {
		for _, l := range s.Locations {
			out[s.Host+l.Path] = l
		}
	}
	return out
}

func target(l Location) string {
	if l.Upstream == "" {
		return "503"
	}
	return l.Upstream
}

func peersOf(p Proxy) map[string][]Peer {
	out := map[string][]Peer{}
	for _, u := range p.Upstreams {
		out[u.Name] = u.Peers
	}
	return out
}

func keysOf[T any](a, b map[string]T) []string {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return slices.Sorted(maps.Keys(all))
}
