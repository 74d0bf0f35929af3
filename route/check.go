package route

import (
	"fmt"
	"maps"
	"slices"
)

// checker tells what is wrong between fields that are right by themselves. A
// field that the decoder refused is given, but has no value: the checker passes
// it over, for its problem is told already.
type checker struct {
	*Desired
	gaps
	problems Problems
	noProxy  bool // told already
	snippets bool // they are allowed
}

func (c *checker) problem(pos Pos, text, hint string) {
	c.problems = append(c.problems, Problem{Pos: pos, Text: text, Hint: hint})
}

func (c *checker) check() {
	for _, p := range c.Proxies {
		c.proxy(p)
		c.headers(p.Defaults.Headers)
	}
	for _, p := range c.Pools {
		c.pool(p)
	}
	for _, p := range c.Policies {
		c.headers(p.Headers)
		c.named(p.Options)
	}
	taken := map[place]claim{}
	routes := slices.SortedFunc(maps.Values(c.Routes), asRead)
	terminated := c.terminated(routes)
	for _, r := range routes {
		c.route(r)
		c.hsts(r, terminated)
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
			c.problem(p.Image.Pos, fmt.Sprintf("%s does not tell which nginx is in it", p.Image.Value), "add the field nginx with its version, like nginx: 1.30")
		} else if _, complaint, hint := readVersion(version); complaint != "" {
			c.problem(p.Image.Pos, complaint, hint)
		}
	}
	c.listen(p)
}

func valueOr(a At[int], value int) int {
	setDefault(&a, value)
	return a.Value
}

// served tells when nobody knows which proxy serves a route or a stream.
func (c *checker) served(proxy At[string], pos Pos, kind, name string) {
	switch {
	case proxy.Given():
		if proxy.Value != "" && c.Proxies[proxy.Value] == nil && !c.gaps.names {
			c.problem(proxy.Pos, fmt.Sprintf("there is no proxy %s", proxy.Value), known("proxy", "proxies", c.Proxies))
		}
	case len(c.Proxies) == 0 && !c.noProxy && !c.gaps.names:
		c.noProxy = true
		c.problem(pos, fmt.Sprintf("there is no proxy to serve %s %s", kind, name), "add one, like proxies: {edge: {image: nginx:1.30}}")
	case len(c.Proxies) > 1:
		c.problem(pos, fmt.Sprintf("%s %s does not say which proxy serves it", kind, name), "add proxy: NAME; "+known("proxy", "proxies", c.Proxies))
	}
}

// poolThere tells when a pool that somebody names is not there.
func (c *checker) poolThere(pool At[string]) {
	if pool.Value != "" && c.Pools[pool.Value] == nil && !c.gaps.names {
		c.problem(pool.Pos, fmt.Sprintf("there is no pool %s", pool.Value), known("pool", "pools", c.Pools))
	}
}

func known[T any](one, many string, m map[string]T) string {
	switch len(m) {
	case 0:
		return "there are no " + many + " at all"
	case 1:
		return "the only " + one + " is " + names(m)
	}
	return "the " + many + " are " + names(m)
}
