package generator

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
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
			say("add %s -> %s", at, is.target)
		case !has:
			say("remove %s", at)
		case was.target != is.target:
			say("%s -> %s, was %s", at, is.target, was.target)
		case !reflect.DeepEqual(was, is):
			say("change %s", at)
		}
	}
	tlsBefore, tlsAfter := tlsOf(old), tlsOf(now)
	for _, host := range keysOf(tlsBefore, tlsAfter) {
		was, had := tlsBefore[host]
		is, has := tlsAfter[host]
		switch {
		case !had:
			say("add TLS of %s", host)
		case !has:
			say("remove TLS of %s", host)
		case !reflect.DeepEqual(was, is):
			say("change TLS of %s", host)
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

// handling is what is done with the requests of one place.
type handling struct {
	target string
	answer *Answer
}

// locationsOf lists who answers where: by host and path, and behind a condition
// by the route that has it.
func locationsOf(p Proxy) map[string]handling {
	out := map[string]handling{}
	for _, s := range p.Servers {
		for _, l := range s.Locations {
			at := s.Host + l.Path
			if l.Exact {
				at = s.Host + " = " + l.Path
			}
			for _, try := range l.Tries {
				out[at+" if "+try.To] = handling{target: "route " + try.To}
			}
			if l.Answer != nil {
				out[at] = handling{target(l.Answer), l.Answer}
			}
		}
		for _, l := range slices.Concat(s.Inner, s.Aside) {
			out[s.Host+" route "+l.Path] = handling{target(l.Answer), l.Answer}
		}
	}
	return out
}

// target says in words what answers.
func target(a *Answer) string {
	switch {
	case a.After != "":
		return "route " + a.After
	case a.Redirect != nil:
		return fmt.Sprintf("redirect %d", a.Redirect.Status)
	case a.Respond != nil:
		return fmt.Sprintf("respond %d", a.Respond.Status)
	case a.Upstream == "":
		return "503"
	}
	pools := []string{a.Upstream}
	for _, try := range a.Split {
		pools = append(pools, try.Value)
	}
	slices.Sort(pools)
	return strings.Join(pools, " or ")
}

func tlsOf(p Proxy) map[string]*TLS {
	out := map[string]*TLS{}
	for _, s := range p.Servers {
		if s.TLS != nil {
			out[s.Host] = s.TLS
		}
	}
	return out
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
