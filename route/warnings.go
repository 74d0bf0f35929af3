package route

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
)

// Warnings tells what is legal and most likely not meant, sorted by place. Nothing
// of it rejects a revision. What it takes to know in which order routes are tried
// is told elsewhere, by generator.Warnings.
func (d *Desired) Warnings() Problems {
	w := warner{checker{Desired: d}}
	w.unused()
	for _, r := range d.Routes {
		w.split(r)
		w.twice(r)
		w.nobody(r.Access.Allow, r.Access.Deny)
	}
	for _, s := range d.Streams {
		w.nobody(s.Allow, s.Deny)
	}
	for _, p := range d.Proxies {
		w.trust(p)
		w.quic(p)
		w.stopped(p)
	}
	return w.problems.Sorted()
}

// warner collects warnings about what the checker has found to be right.
type warner struct{ checker }

// unused looks for pools, policies and proxies that stand there for nothing. What
// an unused policy names counts as used, for one of the two is to be mended first.
func (w *warner) unused() {
	pools, policies, proxies := map[string]bool{}, map[string]bool{}, map[string]bool{}
	note := func(names []At[string]) {
		for _, name := range names {
			pools[name.Value] = true
		}
	}
	for _, r := range w.Routes {
		note(r.AllPools())
		proxies[r.Proxy.Value] = true
		for _, use := range r.Use {
			policies[use.Value] = true
		}
	}
	for _, s := range w.Streams {
		pools[s.Pool.Value], proxies[s.Proxy.Value] = true, true
	}
	for _, p := range w.Policies {
		note(p.Options.poolsToo())
	}
	for name, p := range w.Proxies {
		note(p.Defaults.poolsToo())
		if !proxies[name] && !p.Labels.Read.Given() {
			w.problem(p.Pos, fmt.Sprintf("proxy %s serves no route and no stream", name), "say proxy: "+name+" in a route, or leave the proxy out")
		}
	}
	for name, p := range w.Pools {
		if !pools[name] {
			w.problem(p.Pos, fmt.Sprintf("nothing leads to pool %s", name), "name it in a route or a stream, or leave it out")
		}
	}
	for name, p := range w.Policies {
		if !policies[name] {
			w.problem(p.Pos, fmt.Sprintf("no route uses policy %s", name), "say use: ["+name+"] in a route, or leave the policy out")
		}
	}
}

// split looks at shares that hardly do what was meant.
func (w *warner) split(r *Route) {
	if r.Split == nil {
		return
	}
	names := slices.Sorted(maps.Keys(r.Split))
	sum, largest, alike := 0, names[0], true
	for _, name := range names {
		share := r.Split[name].Value
		sum += share
		alike = alike && share == r.Split[names[0]].Value
		if share > r.Split[largest].Value {
			largest = name
		}
		if share == 0 {
			w.problem(r.Split[name].Pos, fmt.Sprintf("pool %s has a share of 0, so it gets nothing", name), "give it a share, or leave it out of the split")
		}
	}
	// Who writes numbers that make about 100 thinks of percents, unless they are
	// three thirds.
	const about = 10
	switch {
	case len(names) == 1:
		w.problem(r.splitPos(), fmt.Sprintf("this split has one pool alone, so %s gets everything", names[0]), "write pool: "+names[0]+", or add the other pool")
	case sum != 100 && sum >= 100-about && sum <= 100+about && !alike:
		w.problem(r.splitPos(), fmt.Sprintf("the shares of this split make %d, not 100", sum),
			fmt.Sprintf("they are parts of their sum, so %s gets %.1f %%: if percents were meant, let them make 100", largest, 100*float64(r.Split[largest].Value)/float64(sum)))
	}
}

// twice looks for pools that get a request and get it once more.
func (w *warner) twice(r *Route) {
	for _, pool := range r.Pools() {
		if r.Mirror.Pool.Given() && r.Mirror.Pool.Value == pool.Value {
			w.problem(r.Mirror.Pool.Pos, fmt.Sprintf("pool %s gets the requests of route %s, and copies of them as well", pool.Value, r.Name), "mirror to another pool")
		}
	}
	for _, rule := range r.own.Errors { // what is inherited does no harm
		if rule.Pool.Given() && rule.Pool.Value == r.Pool.Value {
			w.problem(rule.Pool.Pos, fmt.Sprintf("where pool %s fails in route %s, it is asked again", r.Pool.Value, r.Name), "name another pool, or leave it to retries to ask another peer")
		}
	}
}

// nobody looks for networks that are let in and kept out.
func (w *warner) nobody(allow, deny []At[netip.Prefix]) {
	for _, a := range allow {
		for _, d := range deny {
			if d.Value.Bits() <= a.Value.Bits() && d.Value.Contains(a.Value.Addr()) {
				w.problem(a.Pos, fmt.Sprintf("%s is allowed, but denied as part of %s, at %s", shown(a.Value), shown(d.Value), d.Pos), "deny is looked at before allow: leave one of the two out")
				break
			}
		}
	}
}

// shown is a network as people write it.
func shown(p netip.Prefix) string {
	if p.IsSingleIP() {
		return p.Addr().String()
	}
	return p.String()
}

// trust looks for proxies that believe everybody.
func (w *warner) trust(p *Proxy) {
	for _, network := range p.Trusted {
		if network.Value.Bits() == 0 {
			w.problem(network.Pos, fmt.Sprintf("proxy %s trusts everybody, so any client can claim any address", p.Name), "name the networks of the proxies in front of it")
		}
	}
}

func (w *warner) quic(p *Proxy) {
	if p.Listen.HTTP3.Value && !w.serves(p, (*Route).terminates) {
		w.problem(p.Listen.HTTP3.Pos, fmt.Sprintf("proxy %s has no host with a certificate, so nobody gets HTTP/3", p.Name), "add tls with cert and key to a route, or leave http3 out")
	}
}

// stopped looks at a signal that ends nginx in the middle of what it does.
func (w *warner) stopped(p *Proxy) {
	if signal := p.Stop.Signal; signal.Given() && signal.Value != "SIGQUIT" {
		w.problem(signal.Pos, fmt.Sprintf("%s has nginx drop the requests that it has, so each roll of proxy %s fails some", signal.Value, p.Name), "leave signal out, for SIGQUIT lets them end")
	}
}
