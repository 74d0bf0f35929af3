package route

import (
	"cmp"
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
}

func (c *checker) problem(pos Pos, text, hint string) {
	c.problems = append(c.problems, Problem{Pos: pos, Text: text, Hint: hint})
}

func (c *checker) check() {
	for _, p := range c.Proxies {
		c.proxy(p)
	}
	for _, p := range c.Pools {
		c.pool(p)
	}
	taken := map[place]claim{}
	for _, r := range slices.SortedFunc(maps.Values(c.Routes), asRead) {
		c.route(r)
		c.places(r, taken)
	}
}

// asRead orders routes as a reader meets them, so that of two that clash the
// later one is told.
func asRead(a, b *Route) int {
	return cmp.Or(cmp.Compare(a.Pos.File, b.Pos.File), cmp.Compare(a.Pos.Line, b.Pos.Line), cmp.Compare(a.Pos.Col, b.Pos.Col))
}

// maxProxyName leaves room for the rest of a Docker config's name, which has 64
// characters: "wharfinger-", the proxy, a dash and 16 digits of a digest.
const maxProxyName = 32

func (c *checker) proxy(p *Proxy) {
	if len(p.Name) > maxProxyName {
		c.problem(p.Pos, fmt.Sprintf("the proxy's name %s is too long", p.Name),
			fmt.Sprintf("a proxy's name has at most %d characters", maxProxyName))
	}
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
	http, status := valueOr(p.Listen.HTTP, defaultHTTP), valueOr(p.Status.Port, defaultStatus)
	if http == status && http != 0 { // 0 was refused
		pos := p.Status.Port.Pos
		if !p.Status.Port.Given() {
			pos = p.Listen.HTTP.Pos
		}
		c.problem(pos, fmt.Sprintf("port %d serves clients and the status of proxy %s", status, p.Name), "give the status a port of its own, with status: {port: …}")
	}
}

func valueOr(a At[int], value int) int {
	setDefault(&a, value)
	return a.Value
}

func (c *checker) pool(p *Pool) {
	if c.gaps.fields[p] {
		return
	}
	switch {
	case p.Service.Given() && p.Servers != nil:
		c.problem(p.Pos, fmt.Sprintf("pool %s has both a service and servers", p.Name), "make two pools of it")
	case p.Servers != nil:
		if p.Port.Given() {
			c.problem(p.Port.Pos, "port belongs to a service, but this pool has servers", "write the port behind each server's address")
		}
		c.servers(p)
	case !p.Service.Given():
		c.problem(p.Pos, fmt.Sprintf("pool %s has neither a service nor servers", p.Name), "add service: NAME and port: NUMBER, or servers: [ADDRESS:PORT]")
	case !p.Port.Given():
		c.problem(p.Pos, fmt.Sprintf("pool %s has no port", p.Name), "add the target port of the service, like port: 8080")
	}
}

func (c *checker) servers(p *Pool) {
	active := len(p.Servers) == 0
	seen := map[string]Pos{}
	for _, s := range p.Servers {
		active = active || !s.Backup.Value
		if !s.Address.Given() {
			if s.Pos != (Pos{}) {
				c.problem(s.Pos, "this server has no address", "add one, like address: 10.0.0.5:8080")
			}
			continue
		}
		if !s.Address.Value.IsValid() {
			continue
		}
		address := s.Address.Value.String()
		if first, ok := seen[address]; ok {
			c.problem(s.Address.Pos, fmt.Sprintf("pool %s has %s already, at %s", p.Name, address, first), "leave one of them out, or give it a weight")
		}
		seen[address] = s.Address.Pos
	}
	if len(p.Servers) == 0 {
		c.problem(p.Pos, fmt.Sprintf("pool %s has an empty list of servers", p.Name), "add a server, like servers: [10.0.0.5:8080]")
	}
	if !active {
		c.problem(p.Pos, fmt.Sprintf("pool %s has backup servers only", p.Name), "leave backup out of one of them")
	}
}

func (c *checker) route(r *Route) {
	if c.gaps.fields[r] {
		return
	}
	if len(r.Hosts) == 0 {
		c.problem(r.Pos, fmt.Sprintf("route %s has no hosts", r.Name), "add the names that clients ask for, like hosts: [shop.example.org]")
	}
	if r.Paths != nil && len(r.Paths) == 0 {
		c.problem(r.Pos, fmt.Sprintf("route %s has an empty list of paths", r.Name), "add a path, or leave paths out to serve all of the host")
	}
	switch {
	case !r.Pool.Given():
		c.problem(r.Pos, fmt.Sprintf("route %s has no pool", r.Name), "add the pool that answers, like pool: shop")
	case r.Pool.Value != "" && c.Pools[r.Pool.Value] == nil && !c.gaps.names:
		c.problem(r.Pool.Pos, fmt.Sprintf("there is no pool %s", r.Pool.Value), known("pool", "pools", c.Pools))
	}
	switch {
	case r.Proxy.Given():
		if r.Proxy.Value != "" && c.Proxies[r.Proxy.Value] == nil && !c.gaps.names {
			c.problem(r.Proxy.Pos, fmt.Sprintf("there is no proxy %s", r.Proxy.Value), known("proxy", "proxies", c.Proxies))
		}
	case len(c.Proxies) == 0 && !c.noProxy && !c.gaps.names:
		c.noProxy = true
		c.problem(r.Pos, fmt.Sprintf("there is no proxy to serve route %s", r.Name), "add one, like proxies: {edge: {image: nginx:1.30}}")
	case len(c.Proxies) > 1:
		c.problem(r.Pos, fmt.Sprintf("route %s does not say which proxy serves it", r.Name), "add proxy: NAME; "+known("proxy", "proxies", c.Proxies))
	}
}

// place is what one location of one proxy answers.
type place struct{ proxy, host, path string }

// claim is who has a place.
type claim struct {
	route      string
	host, path Pos
}

func (c *checker) places(r *Route, taken map[place]claim) {
	proxy := r.Proxy.Value
	if !r.Proxy.Given() && len(c.Proxies) == 1 {
		proxy = names(c.Proxies)
	}
	if proxy == "" {
		return // nobody knows where it is served, which is told already
	}
	paths := r.Paths
	if len(paths) == 0 {
		paths = []At[string]{{Value: "/"}}
	}
	for _, host := range r.Hosts {
		for _, path := range paths {
			if host.Value == "" || path.Value == "" {
				continue
			}
			here := place{proxy, host.Value, path.Value}
			first, ok := taken[here]
			if !ok {
				taken[here] = claim{r.Name, host.Pos, path.Pos}
				continue
			}
			// Point at the paths, but not where there is none, or where one path
			// is reached through two hosts.
			at, before := path.Pos, first.path
			if !path.Given() || path.Pos == first.path {
				at = host.Pos
			}
			if before.Line == 0 || path.Pos == first.path {
				before = first.host
			}
			c.problem(at, fmt.Sprintf("%s%s is taken already, by route %s at %s", host.Value, path.Value, first.route, before),
				"leave it out of one of the two, or give them different paths")
		}
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
