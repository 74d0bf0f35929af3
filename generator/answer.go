package generator

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/wharfinger/wharfinger/route"
)

// answered is the answer of one route and what it takes outside of a location.
type answered struct {
	Answer
	// on holds for each of the route's paths the variable that must be "1", or "".
	on          []string
	definitions Definitions
	peers       map[string][]Peer
	passing     func(pool string) Passing
	// inner and aside are locations that the answer needs in every server.
	inner, aside []Location
	mounts       []route.At[string] // secrets
}

func (d Definitions) empty() bool {
	return len(d.Maps)+len(d.Splits)+len(d.Zones)+len(d.Geos) == 0 && d.Mirror == nil
}

// inside is the inner location that answers so.
func (a answered) inside(path string) Location {
	answer := a.Answer
	answer.Inner = path
	return Location{Path: path, Answer: &answer}
}

// at is the same answer with one pool of its split.
func (a answered) at(pool string) answered {
	a.Split, a.Maintenance = nil, nil
	a.lead(pool)
	return a
}

// lead leads requests to a pool.
func (a *answered) lead(pool string) {
	a.Pool, a.Upstream = pool, upstream(pool, a.peers)
	if a.Upstream != "" {
		a.Passing = a.passing(pool)
	}
}

// upstream is where requests for a pool go, or "" where it has no peers.
func upstream(pool string, peers map[string][]Peer) string {
	if len(peers[pool]) == 0 {
		return ""
	}
	return pool
}

// answers works out each route of a proxy by itself.
func (b *proxyBuilder) answers(p *route.Proxy, routes []*route.Route, peers map[string][]Peer) map[string]*answered {
	out := map[string]*answered{}
	all := b.mounts
	for _, r := range routes {
		b.mounts = map[string]Secret{}
		a := answered{Answer: Answer{
			Route: r.Name, Canonical: r.Canonical.Value, Slash: r.Slash.Value, Rewrite: rewriteOf(r), MaxBody: b.maxBody(r),
			Snippet: snippetOf(r.Snippet.Value),
			HSTS:    hstsOf(r),
		}, peers: peers, passing: func(pool string) Passing { return b.passing(r, pool) }}
		a.lead(r.Pool.Value)
		a.PeerHeaders = requestHeaders(r.Headers.Request)
		a.Log = Log{Off: !r.Log.Value, Names: p.Log.Value != "combined"}
		a.back(p, r)
		c := conditions{route: r.Name}
		when := c.when(r.When)
		for _, path := range r.Paths {
			on := when
			if path.Value.Kind == route.Regex {
				on = c.matches("$uri", cased(path.Value.Text, path.Value.AnyCase))
				if when != "" {
					on = c.all([]string{on, when})
				}
			}
			a.on = append(a.on, on)
		}
		a.split(r)
		if r.Redirect.Pos.Line > 0 {
			a.Redirect = redirectOf(r.Redirect)
		}
		if s := r.Respond; s.Pos.Line > 0 {
			a.Respond = &Respond{Status: s.Status.Value, Type: s.Type.Value, Body: a.text("body", s.Body.Value)}
		}
		a.traffic(r)
		a.guard(b, r)
		a.definitions.Route = r.Name
		a.definitions.Maps = append(c.maps, a.definitions.Maps...)
		for name, secret := range b.mounts {
			all[name] = secret
			a.mounts = append(a.mounts, route.At[string]{Value: name, Pos: r.Pos})
		}
		out[r.Name] = &a
	}
	b.mounts = all
	return out
}

// split shares requests between the pools that have peers: a share of nobody
// would be a share of failures.
func (a *answered) split(r *route.Route) {
	if r.Split == nil {
		return
	}
	sum := 0
	var pools []string
	for pool, share := range r.Split {
		if share.Value > 0 && len(a.peers[pool]) > 0 {
			sum += share.Value
			pools = append(pools, pool)
		}
	}
	slices.SortFunc(pools, func(a, b string) int {
		return cmp.Or(cmp.Compare(r.Split[a].Value, r.Split[b].Value), cmp.Compare(a, b))
	})
	if len(pools) == 0 {
		a.Pool = slices.Min(slices.Collect(maps.Keys(r.Split)))
		return
	}
	// The one with the largest share takes what is left.
	last := pools[len(pools)-1]
	a.lead(last)
	if len(pools) == 1 {
		return
	}
	by := "$request_id"
	if r.SplitBy.Given() {
		// Whoever has no such property is by itself. With the route's name in it, who
		// is among the first in one split need not be so in all.
		by = a.property(r.SplitBy.Value, "by", "splitby", "", "request_id") + " " + r.Name
	}
	s := Split{Source: by, Variable: variable("split", r.Name)}
	for _, pool := range pools[:len(pools)-1] {
		// split_clients takes hundredths of a percent and no zeroes.
		hundredths := max(1, r.Split[pool].Value*10000/sum)
		s.Parts = append(s.Parts, Part{fmt.Sprintf("%d.%02d%%", hundredths/100, hundredths%100), pool})
		a.Split = append(a.Split, Try{Variable: s.Variable, Value: pool, To: r.Name + "+" + pool})
	}
	s.Parts = append(s.Parts, Part{"*", last})
	a.definitions.Splits = append(a.definitions.Splits, s)
}

// property is one of a request, with a mark before it, or another variable for
// requests that do not have it. raw and whole begin the names of the maps.
func (a *answered) property(key route.Key, raw, whole, mark, otherwise string) string {
	source, needs := valueOf(key, func() string { return variable(raw, a.Route) })
	a.definitions.Maps = append(a.definitions.Maps, needs...)
	if key.Name == "" {
		return source // all requests have one
	}
	return a.add(Map{Source: source, Variable: variable(whole, a.Route),
		Entries: []MapEntry{{"(?s)^", mark + source}}, // nginx tries none for an empty value
		Default: Text{Variables: []string{otherwise}}})
}

// rewriteOf is the one form that all rewrites have.
func rewriteOf(r *route.Route) *Rewrite {
	w := r.Rewrite
	switch {
	case w.Regex.Given():
		return &Rewrite{w.Regex.Value, w.To.Value}
	case w.Prefix.Given() && w.Prefix.Value != "/":
		return &Rewrite{ownPath(r) + `(/.*)?\z`, strings.TrimSuffix(w.Prefix.Value, "/") + "$1"}
	case w.Strip.Value || w.Prefix.Given():
		return &Rewrite{ownPath(r) + `(?:/(.*))?\z`, "/$1"}
	}
	return nil
}

// ownPath matches the longest of the route's paths.
func ownPath(r *route.Route) string {
	var paths []string
	for _, p := range r.Paths {
		paths = append(paths, regexp.QuoteMeta(strings.TrimSuffix(p.Value.Text, "/")))
	}
	slices.SortFunc(paths, func(a, b string) int { return cmp.Or(-cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) })
	return "(?s)^(?:" + strings.Join(slices.Compact(paths), "|") + ")"
}

// redirectOf puts the address together. What is not said is the client's own.
func redirectOf(r route.Redirect) *Redirect {
	to := r.To.Value
	if !r.To.Given() {
		to = route.Target{Scheme: r.Scheme.Value, Host: r.Host.Value, Port: r.Port.Value, Path: r.Path.Value}
	}
	return &Redirect{Status: r.Status.Value, Origin: originOf(to), Path: pathOf(to), Regex: r.Regex.Value}
}

// pathOf is the path and query of an address, the client's own where it has
// none. A new path keeps the query, unless it has one.
func pathOf(to route.Target) string {
	switch {
	case to.Path == "":
		return "$request_uri"
	case !strings.Contains(to.Path, "?"):
		return to.Path + "$is_args$args"
	}
	return to.Path
}

// originOf is an address up to its path, with nginx's variables for what is kept.
// A new scheme or host comes with its own port.
func originOf(to route.Target) string {
	scheme, host, port := cmp.Or(to.Scheme, "$client_scheme"), cmp.Or(to.Host, "$host"), ""
	switch {
	case to.Port != 0:
		port = fmt.Sprintf(":%d", to.Port)
	case to.Host == "" && to.Scheme == "":
		port = "$client_port"
	}
	return scheme + "://" + host + port
}
