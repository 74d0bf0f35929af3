package route

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// checker tells what is wrong between fields that are right by themselves. A
// field that the decoder refused is given, but has no value: the checker passes
// it over, for its problem is told already.
type checker struct {
	*Desired
	gaps
	names    struct{ proxies, pools, policies []string } // that there are, sorted
	guesser  Guesser
	problems Problems
	noProxy  bool // told already
	snippets bool // they are allowed
	crowds   crowds
	// checked names routes that are as they were when there was no problem with them,
	// in themselves and in all that they name.
	checked map[string]bool
}

func (c *checker) problem(pos Pos, text, hint string) {
	if len(c.problems) > mostProblems {
		return
	}
	c.problems = append(c.problems, Problem{Pos: pos, Text: text, Hint: hint})
}

func (c *checker) check() {
	c.names.proxies = slices.Sorted(maps.Keys(c.Proxies))
	c.names.pools = slices.Sorted(maps.Keys(c.Pools))
	c.names.policies = slices.Sorted(maps.Keys(c.Policies))
	for _, name := range c.names.proxies {
		c.proxy(c.Proxies[name])
		c.headers(c.Proxies[name].Defaults.Headers)
	}
	for _, p := range c.Pools {
		c.pool(p)
	}
	for _, name := range c.names.policies {
		c.headers(c.Policies[name].Headers)
		c.named(c.Policies[name].Options)
	}
	taken := map[place]claim{}
	routes := slices.SortedFunc(maps.Values(c.Routes), asRead)
	terminated := c.terminated(routes)
	for _, r := range routes {
		if !c.checked[r.Name] || c.streamed(r) != nil { // whether gRPC is taken is up to other routes, too
			c.route(r)
		}
		c.hsts(r, terminated)
		c.routeJoins(r)
		c.places(r, taken)
	}
	c.handedOn(routes)
	for _, s := range c.streamsAsRead() {
		c.stream(s)
	}
	c.ports()
}

// asRead orders routes as a reader meets them, so that of two that clash the
// later one is told.
func asRead(a, b *Route) int { return comparePos(a.Pos, b.Pos) }

const tellNginx = "add the field nginx with its version, like nginx: 1.30"

// maxProxyName leaves room for the rest of a Docker config's name, which has 64
// characters: "wharfinger-", the proxy, a dash and 16 digits of a digest.
const maxProxyName = 32

func (c *checker) proxy(p *Proxy) {
	if len(p.Name) > maxProxyName {
		c.problem(p.Pos, fmt.Sprintf("the proxy's name %s is too long", p.Name),
			fmt.Sprintf("a proxy's name has at most %d characters", maxProxyName))
	}
	c.snippet(p.Snippet)
	c.named(p.Defaults)
	if c.gaps.fields[p] {
		return
	}
	switch {
	case !p.Image.Given():
		c.problem(p.Pos, fmt.Sprintf("proxy %s has no image", p.Name), "add one with stock nginx, like image: nginx:1.30")
	case p.Image.Value != "" && !p.Nginx.Given():
		version, ok := imageVersion(p.Image.Value)
		if !ok {
			c.problem(p.Image.Pos, fmt.Sprintf("%s does not tell which nginx is in it", p.Image.Value), tellNginx)
		} else if _, complaint, hint := readVersion(version); complaint != "" {
			c.problem(p.Image.Pos, complaint, hint)
		}
	}
	if l := p.Labels; l.Pos.Line > 0 && !l.Read.Given() && !c.gaps.objects[l.Pos] {
		c.problem(l.Pos, fmt.Sprintf("nothing says which labels proxy %s reads", p.Name), "add read: interlock")
	}
	c.listen(p)
	c.resolvers(p)
	c.service(p)
}

func valueOr(a At[int], value int) int {
	setDefault(&a, value)
	return a.Value
}

// served tells when nobody knows which proxy serves a route or a stream.
func (c *checker) served(proxy At[string], pos Pos, kind, name string) {
	there := c.names.proxies
	switch {
	case proxy.Given():
		c.proxyThere(proxy)
	case len(there) == 0 && !c.noProxy && !c.gaps.names:
		c.noProxy = true
		c.problem(pos, fmt.Sprintf("there is no proxy to serve %s %s", kind, name), "add one, like proxies: {edge: {image: nginx:1.30}}")
	case len(there) > 1:
		c.problem(pos, fmt.Sprintf("%s %s does not say which proxy serves it", kind, name), "add proxy: NAME; the proxies are "+enumerate(there))
	}
}

// proxyThere, poolThere and policyThere tell when what somebody names is not there.
func (c *checker) proxyThere(proxy At[string]) {
	c.there(proxy, c.Proxies[proxy.Value] != nil, "proxy", "proxies", c.names.proxies)
}

func (c *checker) poolThere(pool At[string]) {
	c.there(pool, c.Pools[pool.Value] != nil, "pool", "pools", c.names.pools)
}

func (c *checker) policyThere(policy At[string]) {
	c.there(policy, c.Policies[policy.Value] != nil, "policy", "policies", c.names.policies)
}

func (c *checker) there(name At[string], is bool, kind, kinds string, names []string) {
	if is || name.Value == "" || c.gaps.names {
		return
	}
	c.problem(name.Pos, fmt.Sprintf("there is no %s %s", kind, name.Value), cmp.Or(c.guesser.Likely(name.Value, names), known(kind, kinds, names)))
}

// known says what there is.
func known(kind, kinds string, names []string) string {
	switch len(names) {
	case 0:
		return "there are no " + kinds + " at all"
	case 1:
		return "the only " + kind + " is " + names[0]
	}
	return "the " + kinds + " are " + enumerate(names)
}

// enumerate writes all names, or the first of them.
func enumerate(names []string) string {
	const most = 8
	if rest := len(names) - most; rest > 0 {
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", rest)
	}
	return strings.Join(names, ", ")
}
