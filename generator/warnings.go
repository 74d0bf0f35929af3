package generator

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/wharfinger/wharfinger/route"
)

// Warnings tells what is legal in a repository and most likely not meant, sorted by
// place: what route.Desired tells, and what shows only in the order in which Build
// has routes tried.
func Warnings(d *route.Desired) route.Problems {
	w := warner{d.Warnings()}
	byProxy := map[string][]*route.Route{}
	for _, name := range slices.Sorted(maps.Keys(d.Routes)) {
		r := d.Routes[name]
		byProxy[r.Proxy.Value] = append(byProxy[r.Proxy.Value], r)
	}
	for _, routes := range byProxy {
		w.proxy(opened(routes))
	}
	return w.problems.Sorted()
}

type warner struct{ problems route.Problems }

func (w *warner) warn(pos route.Pos, text, hint string) {
	w.problems = append(w.problems, route.Problem{Pos: pos, Text: text, Hint: hint})
}

// proxy looks at the routes of one proxy.
func (w *warner) proxy(routes []*route.Route) {
	hosts := map[string]order{}
	taken := map[spot]*route.Route{}
	for host, candidates := range perHost(routes, func(r *route.Route, path route.Path, _ int) candidate { return candidate{route: r, path: path} }) {
		hosts[host] = orderOf(candidates)
		for i, by := range hosts[host].shadowed() {
			taken[spot{candidates[i].route, host, candidates[i].path}] = by
		}
	}
	tls := map[string]*route.Route{}
	for _, r := range routes {
		w.shadowed(r, taken)
		if r.TLS.Cert.Given() {
			for _, host := range r.Hosts {
				tls[host.Value] = r
			}
		}
	}
	for _, r := range routes {
		w.circle(r, hosts, tls)
	}
	for host := range hosts {
		w.partial(host, hosts)
	}
}

// spot is a place in which a route wants to answer.
type spot struct {
	route *route.Route
	host  string
	path  route.Path
}

// shadowed warns of a route that never answers, be it at all or in some places.
func (w *warner) shadowed(r *route.Route, taken map[spot]*route.Route) {
	by := func(hosts []route.At[string], paths []route.At[route.Path]) (takers []*route.Route) {
		for _, host := range hosts {
			for _, path := range paths {
				taker := taken[spot{r, host.Value, path.Value}]
				if taker == nil {
					return nil
				}
				if !slices.Contains(takers, taker) {
					takers = append(takers, taker)
				}
			}
		}
		return takers
	}
	tell := func(pos route.Pos, what string, takers []*route.Route) {
		if len(takers) == 1 && takers[0] == r {
			return // it answers all the same
		}
		var names []string
		priority := r.Priority.Value
		for _, t := range takers {
			names = append(names, fmt.Sprintf("route %s at %s", t.Name, t.Pos))
			priority = max(priority, t.Priority.Value)
		}
		slices.Sort(names)
		w.warn(pos, fmt.Sprintf("%s is never reached, for its requests go to %s", what, strings.Join(names, " and ")),
			fmt.Sprintf("leave it out, or give route %s a priority above %d", r.Name, priority))
	}
	if takers := by(r.Hosts, r.Paths); takers != nil {
		tell(r.Pos, "route "+r.Name, takers)
		return
	}
	told := map[string]bool{} // hosts
	for _, host := range r.Hosts {
		if takers := by([]route.At[string]{host}, r.Paths); takers != nil {
			tell(host.Pos, fmt.Sprintf("route %s on %s", r.Name, host.Value), takers)
			told[host.Value] = true
		}
	}
	for _, path := range r.Paths {
		one := []route.At[route.Path]{path}
		if takers := by(r.Hosts, one); takers != nil {
			tell(path.Pos, fmt.Sprintf("route %s at %s", r.Name, path.Value), takers)
			continue
		}
		for _, host := range r.Hosts {
			if takers := by([]route.At[string]{host}, one); takers != nil && !told[host.Value] {
				tell(path.Pos, fmt.Sprintf("route %s at %s on %s", r.Name, path.Value, host.Value), takers)
			}
		}
	}
}

// partial warns of a host that has routes for some requests alone, where a
// wildcard's routes would answer the others if it had none.
func (w *warner) partial(host string, hosts map[string]order) {
	root := Location{Path: "/"}
	for _, i := range hosts[host].at(root) {
		if c := hosts[host].candidates[i]; c.route.When.Empty() && matcherOf(c.path).takes(root) {
			return
		}
	}
	wildcard := widerHost(host, hosts)
	if wildcard == "" {
		return
	}
	pos, _ := hosts[host].named(host)
	_, wider := hosts[wildcard].named(wildcard)
	w.warn(pos, fmt.Sprintf("requests for %s that none of its routes covers answer 404, and do not go to route %s of %s", host, wider.Name, wildcard),
		fmt.Sprintf("add the host to route %s, or a route of its own for the rest", wider.Name))
}

// named finds where the host is named first.
func (o order) named(host string) (pos route.Pos, r *route.Route) {
	for _, c := range o.candidates {
		for _, h := range c.route.Hosts {
			if h.Value == host && (r == nil || h.Pos.Before(pos)) {
				pos, r = h.Pos, c.route
			}
		}
	}
	return pos, r
}

// widerHost is the nearest wildcard that a host is below, or "". A lone star is
// none: it is there for hosts that nobody names.
func widerHost(host string, hosts map[string]order) string {
	rest := strings.TrimPrefix(host, "*.")
	for {
		_, behind, ok := strings.Cut(rest, ".")
		if !ok {
			return ""
		}
		rest = behind
		if _, ok := hosts["*."+rest]; ok {
			return "*." + rest
		}
	}
}

// circle warns of a redirect to what the same route answers.
func (w *warner) circle(r *route.Route, hosts map[string]order, tls map[string]*route.Route) {
	to := r.Redirect.To.Value
	if !r.Redirect.To.Given() {
		to = route.Target{Scheme: r.Redirect.Scheme.Value, Host: r.Redirect.Host.Value, Port: r.Redirect.Port.Value, Path: r.Redirect.Path.Value}
	}
	if r.Redirect.Pos.Line == 0 || to.Port != 0 || r.Redirect.Regex.Given() || !r.When.Empty() {
		return // or nobody can tell
	}
	for _, host := range r.Hosts {
		next := cmp.Or(to.Host, host.Value)
		if _, ok := hosts[next]; !ok {
			next = widerHost(next, hosts)
		}
		certain := tls[next]
		switch {
		case to.Scheme == "https" && certain == nil,
			to.Scheme == "http" && certain != nil && certain.TLS.Plain.Value == "refuse":
			continue // somebody else answers there, or nobody
		}
		for _, path := range r.Paths {
			text, _, _ := strings.Cut(cmp.Or(to.Path, path.Value.Text), "?")
			if to.Path == "" && path.Value.Kind == route.Regex {
				continue
			}
			if c, ok := hosts[next].first(text); !ok || c.route != r {
				continue
			}
			hint := "lead it to another host or path, or take that one out of the route"
			switch {
			case to.Path == "" && to.Host != "" && to.Host != host.Value:
				hint = "take " + to.Host + " out of its hosts, or write canonical: " + to.Host + " in place of the redirect"
			case to.Path == "" && to.Scheme == "https":
				hint = "leave the route out: where a host has a certificate, plain HTTP is redirected to TLS by itself"
			}
			w.warn(r.Redirect.Pos, fmt.Sprintf("this redirect of route %s leads back to itself, for ever", r.Name), hint)
			return
		}
	}
}
