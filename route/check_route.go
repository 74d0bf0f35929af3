package route

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

func (c *checker) route(r *Route) {
	c.named(r.own)
	for _, use := range r.Use {
		c.policyThere(use)
	}
	c.snippet(r.Snippet)
	if c.gaps.fields[r] {
		return
	}
	if len(r.Hosts) == 0 {
		c.problem(r.Pos, fmt.Sprintf("route %s has no hosts", r.Name), "add the names that clients ask for, like hosts: [shop.example.org]")
	}
	if r.Paths != nil && len(r.Paths) == 0 {
		c.problem(r.Pos, fmt.Sprintf("route %s has an empty list of paths", r.Name), "add a path, or leave paths out to serve all of the host")
	}
	c.served(r.Proxy, r.Pos, "route", r.Name)
	if r.Passthrough.Value {
		c.unopened(r)
		return
	}
	c.when(r.When)
	c.answer(r)
	c.rewrite(r)
	c.canonical(r)
	c.tls(r)
	c.wire(r)
	c.traffic(r)
	c.passing(r)
	c.access(r)
	c.failing(r)
	c.mirror(r)
}

// answer looks at what the route answers with: one thing, and not two.
func (c *checker) answer(r *Route) {
	var given []Pos
	var names []string
	note := func(pos Pos, name string) {
		if pos.Line > 0 {
			given, names = append(given, pos), append(names, name)
		}
	}
	note(r.Pool.Pos, "pool")
	note(r.splitPos(), "split")
	note(r.Redirect.Pos, "redirect")
	note(r.Respond.Pos, "respond")
	switch {
	case len(given) == 0 && r.Split == nil:
		c.problem(r.Pos, fmt.Sprintf("route %s has no pool", r.Name), "add the pool that answers, like pool: shop, or split, redirect or respond")
	case len(given) > 1:
		c.problem(given[1], fmt.Sprintf("route %s has a %s and a %s", r.Name, names[0], names[1]), "a route has one answer: make two routes of it, or leave one out")
	}
	c.poolThere(r.Pool)
	c.split(r)
	c.redirect(r.Redirect)
	c.bodiless(r.Respond)
}

// bodiless are the statuses whose answers have no body.
var bodiless = []int{204, 304}

func (c *checker) bodiless(s Respond) {
	if slices.Contains(bodiless, s.Status.Value) && s.Body.Value != "" {
		c.problem(s.Body.Pos, fmt.Sprintf("an answer with status %d has no body", s.Status.Value), "leave the body out, or give it another status (RFC 9110, 15.3.5 and 15.4.5)")
	}
}

// splitPos is where the first pool of the split stands.
func (r *Route) splitPos() Pos {
	first := Pos{}
	for name, share := range r.Split {
		if name == lost {
			continue
		}
		if first.Line == 0 || share.Pos.Line < first.Line || share.Pos.Line == first.Line && share.Pos.Col < first.Col {
			first = share.Pos
		}
	}
	return first
}

func (c *checker) split(r *Route) {
	if r.SplitBy.Given() && r.Split == nil {
		c.problem(r.SplitBy.Pos, "splitBy belongs to a split, but this route has none", "add one, like split: {shop: 90, shop-next: 10}")
	}
	if r.Split == nil {
		return
	}
	_, refused := r.Split[lost]
	sum := 0
	for _, name := range slices.Sorted(maps.Keys(r.Split)) {
		if name == lost {
			continue
		}
		sum += r.Split[name].Value
		c.poolThere(At[string]{name, r.Split[name].Pos})
	}
	switch {
	case len(r.Split) == 0:
		c.problem(r.Pos, fmt.Sprintf("route %s splits between no pools", r.Name), "add them with their shares, like split: {shop: 90, shop-next: 10}")
	case sum == 0 && !refused:
		c.problem(r.splitPos(), "every share of this split is 0", "give one of the pools a share")
	}
}

func (c *checker) redirect(r Redirect) {
	if r.Pos.Line == 0 || c.gaps.objects[r.Pos] {
		return
	}
	parts := []Pos{r.Scheme.Pos, r.Host.Pos, r.Port.Pos, r.Path.Pos}
	whole := slices.IndexFunc(parts, func(p Pos) bool { return p.Line > 0 })
	switch {
	case !r.To.Given() && whole < 0:
		c.problem(r.Pos, "this redirect leads nowhere", "say where to, like redirect: https://www.example.org")
	case r.To.Given() && whole >= 0:
		c.problem(parts[whole], "to is the address as a whole", "leave either to or its parts out")
	}
	switch last := lastGroup(r.Path.Value); {
	case r.Regex.Given() && !r.Path.Given() && r.To.Given():
		if r.To.Value != (Target{}) {
			c.problem(r.To.Pos, "regex is there for path, but this redirect has to", "with regex the new address is path, with host and scheme beside it, like host: www.example.org and path: /items/$1")
		}
	case r.Regex.Given() && !r.Path.Given():
		c.problem(r.Regex.Pos, "regex is there for path, but this redirect has none", "add the new path, like path: /items/$1")
	case !r.Regex.Given() && last > 0:
		c.problem(r.Path.Pos, fmt.Sprintf("$%d is a group of regex, but this redirect has none", last), "add the regular expression, or take the group out")
	case r.Regex.Value != "" && last > groups(r.Regex.Value):
		c.problem(r.Path.Pos, fmt.Sprintf("there is no group $%d in the regular expression", last), "count its opening brackets")
	}
}

// longestOff is how much of paths fits into one word of nginx.
const longestOff = 3500

func (c *checker) rewrite(r *Route) {
	w := r.Rewrite
	if w.Pos.Line == 0 || c.gaps.objects[w.Pos] {
		return
	}
	ways := 0
	for _, given := range []bool{w.Strip.Given(), w.Prefix.Given(), w.Regex.Given() || w.To.Given()} {
		if given {
			ways++
		}
	}
	switch {
	case ways == 0:
		c.problem(w.Pos, "this rewrite changes nothing", "add strip: true, prefix: /new, or regex and to")
	case ways > 1:
		c.problem(w.Pos, "this rewrite has several ways to change the path", "leave one of strip, prefix, and regex with to")
	case w.Regex.Given() != w.To.Given():
		c.problem(w.Pos, "regex and to belong together", "add the other one, like {regex: \"^/old/(.*)$\", to: /new/$1}")
	case strings.Contains(pathPart(w.To.Value), "%"):
		c.problem(w.To.Pos, "the path of a rewrite is not encoded, for nginx encodes it", "leave what would need it to the pool")
	case w.Regex.Value != "" && lastGroup(w.To.Value) > groups(w.Regex.Value):
		c.problem(w.To.Pos, fmt.Sprintf("there is no group $%d in the regular expression", lastGroup(w.To.Value)), "count its opening brackets")
	}
	if r.own.Rewrite.Pos.Line > 0 && r.AnswersItself() {
		c.problem(w.Pos, "a rewrite is for what a pool gets, but this route has none", "leave it out; a redirect has path and regex of its own")
	}
	if !w.Strip.Value && !w.Prefix.Given() {
		return
	}
	length := 0
	for _, p := range r.Paths {
		before := length
		length += 1 + len(regexp.QuoteMeta(regexp.QuoteMeta(p.Value.Text))) // more than nginx reads
		if before <= longestOff && length > longestOff {
			c.problem(p.Pos, "these paths are too long to take them all off", "make several routes of this one, or take them off with regex and to")
		}
		if p.Value.Kind == Regex {
			c.problem(p.Pos, "strip and prefix are for plain paths, but this is a regular expression", "use regex and to in the rewrite")
		}
	}
}

func pathPart(address string) string {
	path, _, _ := strings.Cut(address, "?")
	return path
}

func (c *checker) canonical(r *Route) {
	host := r.Canonical
	if host.Value == "" || slices.ContainsFunc(r.Hosts, func(h At[string]) bool { return h.Value == host.Value }) {
		return
	}
	c.problem(host.Pos, fmt.Sprintf("route %s does not have the host %s", r.Name, host.Value), "add it to the hosts, for clients are sent there")
}

// place is where the requests of a proxy can be the same for two routes.
type place struct {
	proxy, host, path, when string
	priority                int
}

// claim is who has a place.
type claim struct {
	route      string
	host, path Pos
}

func (c *checker) places(r *Route, taken map[place]claim) {
	proxy := c.proxyOf(r.Proxy)
	c.crowd(r, proxy)
	if proxy == "" || r.Passthrough.Value {
		return // nobody knows where it is served, which is told already; or no request is looked at
	}
	if c.gaps.objects[r.Pos] || c.lostIn(r.When) {
		return // nor which requests were meant
	}
	paths := r.Paths
	if len(paths) == 0 {
		paths = []At[Path]{{Value: Path{Text: "/"}}}
	}
	when := c.crowds.form(r.When)
	for _, host := range r.Hosts {
		for _, path := range paths {
			if host.Value == "" || path.Value.Text == "" {
				continue
			}
			here := place{proxy, host.Value, path.Value.String(), when, r.Priority.Value}
			first, ok := taken[here]
			if !ok {
				taken[here] = claim{r.Name, host.Pos, path.Pos}
				continue
			}
			at, before := first.apart(host.Pos, path.Pos)
			if first.route == r.Name {
				c.problem(at, fmt.Sprintf("%s%s stands twice in route %s, first at %s", host.Value, path.Value.shown(), r.Name, before), "leave one of them out")
				continue
			}
			c.problem(at, fmt.Sprintf("%s%s is taken already, by route %s at %s", host.Value, path.Value.shown(), first.route, before),
				"leave it out of one of the two, or give them different paths or conditions")
		}
	}
}

// apart is where a later claim to the same place stands, and where this one does:
// at the paths, but not where there is none, or where one path is reached through
// two hosts.
func (first claim) apart(host, path Pos) (at, before Pos) {
	at, before = path, first.path
	if path.Line == 0 || path == first.path {
		at = host
	}
	if before.Line == 0 || path == first.path {
		before = first.host
	}
	return at, before
}

// shown is the path behind a host.
func (p Path) shown() string {
	if p.Kind == Prefix {
		return p.Text
	}
	return " " + p.String()
}
