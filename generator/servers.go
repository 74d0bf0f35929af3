package generator

import (
	"cmp"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/wharfinger/wharfinger/route"
)

// candidate is a route at one of its paths, on one host.
type candidate struct {
	answer *answered
	route  *route.Route
	path   route.Path
	// on names the variable that must be "1", or is empty where the path alone
	// decides.
	on string
}

// precedence orders candidates as they are tried: by priority; then a path
// alone before regular expressions before prefixes; then the longer path; then
// the one with more conditions; then by name.
func precedence(a, b candidate) int {
	return cmp.Or(
		-cmp.Compare(a.route.Priority.Value, b.route.Priority.Value),
		-cmp.Compare(a.path.Kind, b.path.Kind),
		-cmp.Compare(len(a.path.Text), len(b.path.Text)),
		-cmp.Compare(a.route.When.Count(), b.route.When.Count()),
		cmp.Compare(a.route.Name, b.route.Name),
		cmp.Compare(a.path.Text, b.path.Text),
	)
}

// order is the candidates of a host as they are tried, and where each may answer.
type order struct {
	candidates      []candidate
	prefixes, exact map[string][]int // by path: places in candidates
	regexes         []int
}

// orderOf sorts the candidates in place.
func orderOf(candidates []candidate) order {
	slices.SortFunc(candidates, precedence)
	o := order{candidates, map[string][]int{}, map[string][]int{}, nil}
	for i, c := range candidates {
		switch c.path.Kind {
		case route.Exact:
			o.exact[c.path.Text] = append(o.exact[c.path.Text], i)
		case route.Regex:
			o.regexes = append(o.regexes, i)
		default:
			o.prefixes[c.path.Text] = append(o.prefixes[c.path.Text], i)
		}
	}
	return o
}

// at lists the places of those that may answer at a location. Regular expressions
// are conditions, for any path can match.
func (o order) at(l Location) []int {
	out := slices.Clone(o.regexes)
	if l.Exact {
		out = append(out, o.exact[l.Path]...)
	}
	for prefix := range prefixes(l.Path) {
		out = append(out, o.prefixes[prefix]...)
	}
	slices.Sort(out)
	return out
}

// prefixes yields what covers a path by whole segments, from the root on.
func prefixes(path string) iter.Seq[string] {
	return func(yield func(string) bool) {
		if !yield("/") {
			return
		}
		for i := 1; i <= len(path); i++ {
			if i == len(path) && path != "/" || i < len(path) && path[i] == '/' {
				if !yield(path[:i]) {
					return
				}
			}
		}
	}
}

// hosts are those of a proxy, and what has to be made of them.
type hosts struct {
	names  []string                  // sorted
	by     map[string][]*route.Route // by name
	kept   map[string]Server         // of those that stay as they were
	routes []*route.Route            // of the others
}

// hostsOf sorts routes by hosts, and keeps those of a former proxy whose routes are the
// same and not touched.
func hostsOf(routes []*route.Route, former *Proxy, touched func(*route.Route) bool) hosts {
	h := hosts{by: map[string][]*route.Route{}, kept: map[string]Server{}}
	for _, r := range routes {
		for _, host := range r.Hosts {
			if list := h.by[host.Value]; len(list) == 0 || list[len(list)-1] != r {
				h.by[host.Value] = append(list, r)
			}
		}
	}
	h.names = slices.Sorted(maps.Keys(h.by))
	if former == nil {
		h.routes = routes
		return h
	}
	for _, s := range former.Servers {
		if slices.Equal(h.by[s.Host], s.routes) && !slices.ContainsFunc(s.routes, touched) {
			h.kept[s.Host] = s
		}
	}
	for _, r := range routes {
		if slices.ContainsFunc(r.Hosts, func(host route.At[string]) bool { _, kept := h.kept[host.Value]; return !kept }) {
			h.routes = append(h.routes, r)
		}
	}
	return h
}

// servers makes one virtual host of each host. nginx chooses a location by the
// path alone; so each location holds all that may answer there, in their order.
func (h hosts) servers(answers map[string]*answered) []Server {
	candidates := perHost(h.routes, func(r *route.Route, path route.Path, i int) candidate {
		return candidate{answers[r.Name], r, path, answers[r.Name].on[i]}
	})
	var out []Server
	for _, host := range h.names {
		s, kept := h.kept[host]
		if !kept {
			s = server(host, candidates[host])
			s.routes = h.by[host]
		}
		out = append(out, s)
	}
	return out
}

// fresh are the servers that are not kept.
func (h hosts) fresh(servers []Server) []Server {
	return slices.DeleteFunc(slices.Clone(servers), func(s Server) bool { _, kept := h.kept[s.Host]; return kept })
}

// perHost lists who may answer on each host: each route with each of its paths.
func perHost(routes []*route.Route, one func(r *route.Route, path route.Path, i int) candidate) map[string][]candidate {
	hosts := map[string][]candidate{}
	for _, r := range routes {
		for _, host := range r.Hosts {
			for i, path := range r.Paths {
				hosts[host.Value] = append(hosts[host.Value], one(r, path.Value, i))
			}
		}
	}
	return hosts
}

func server(host string, candidates []candidate) Server {
	order := orderOf(candidates)
	s := Server{Host: host}
	inner := map[string]Location{}
	for _, l := range locations(candidates) {
		for _, i := range order.at(l) {
			c := candidates[i]
			if c.on == "" {
				answer := c.answer.Answer
				l.Answer = &answer
				l.roomForBodies(inner, c)
				break
			}
			if try := (Try{Variable: c.on, To: c.route.Name}); !slices.Contains(l.Tries, try) {
				l.Tries = append(l.Tries, try)
			}
			inner[c.route.Name] = c.answer.inside(c.route.Name)
		}
		if l.Answer != nil {
			addSplit(inner, l.Answer, candidates)
		}
		s.Locations = append(s.Locations, l)
	}
	for _, name := range slices.Sorted(maps.Keys(inner)) {
		addSplit(inner, inner[name].Answer, candidates)
	}
	for _, l := range slices.Concat(s.Locations, slices.Collect(maps.Values(inner))) {
		if l.Answer != nil {
			addStreams(inner, l.Answer)
		}
	}
	s.addAside(inner, candidates)
	for _, name := range slices.Sorted(maps.Keys(inner)) {
		s.Inner = append(s.Inner, inner[name])
	}
	return s
}

// addAside adds what the routes of a server need besides their own locations.
func (s *Server) addAside(inner map[string]Location, candidates []candidate) {
	used := map[string]bool{}
	for _, l := range slices.Concat(s.Locations, slices.Collect(maps.Values(inner))) {
		if l.Answer != nil {
			used[l.Answer.Route] = true
		}
	}
	for _, c := range candidates {
		if !used[c.route.Name] {
			continue
		}
		used[c.route.Name] = false // done
		for _, l := range c.answer.inner {
			inner[l.Path] = l.own()
		}
		for _, l := range c.answer.aside {
			s.Aside = append(s.Aside, l.own())
		}
		if m := c.answer.Mirror; m != nil {
			own := *m
			s.Mirrors = append(s.Mirrors, &own)
		}
	}
	slices.SortFunc(s.Aside, func(a, b Location) int { return cmp.Compare(a.Path, b.Path) })
	slices.SortFunc(s.Mirrors, func(a, b *Mirror) int { return cmp.Compare(a.Route, b.Route) })
}

// own is the location with an answer of its own: what is completed later must
// not be completed twice.
func (l Location) own() Location {
	answer := *l.Answer
	l.Answer = &answer
	return l
}

// addSplit adds the inner locations of the other pools of a split.
func addSplit(inner map[string]Location, a *Answer, candidates []candidate) {
	for _, try := range a.Split {
		if _, ok := inner[try.To]; ok {
			continue
		}
		for _, c := range candidates {
			if c.route.Name == a.Route {
				inner[try.To] = c.answer.at(try.Value).inside(try.To)
				break
			}
		}
	}
}

// addStreams adds the inner location for websockets and server-sent events.
func addStreams(inner map[string]Location, a *Answer) {
	name := cmp.Or(a.Inner, a.Route) + "~stream"
	if streams := a.streams(name); streams != nil {
		a.Streams = []Try{{Variable: "stream", To: name}}
		inner[name] = Location{Path: name, Answer: streams}
	}
}

// locations lists the paths at which something changes, the root among them.
func locations(candidates []candidate) []Location {
	type place struct {
		path  string
		exact bool
	}
	places := map[place]bool{{"/", false}: true}
	for _, c := range candidates {
		if c.path.Kind != route.Regex {
			places[place{c.path.Text, c.path.Kind == route.Exact}] = true
		}
	}
	// A prefix answers for its own path, too, unless that is a place of its own.
	// nginx would redirect /a to a location /a/.
	for p := range maps.Clone(places) {
		if p.path != "/" && (!p.exact || strings.HasSuffix(p.path, "/")) {
			places[place{strings.TrimSuffix(p.path, "/"), true}] = true
		}
	}
	var out []Location
	for p := range places {
		out = append(out, Location{Path: p.path, Exact: p.exact})
	}
	slices.SortFunc(out, func(a, b Location) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), -compareBool(a.Exact, b.Exact))
	})
	return out
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}
