package route

import "fmt"

// discovers tells when a proxy cannot follow a pool by DNS. whose says what leads
// there.
func (c *checker) discovers(pool, proxy At[string], whose string) {
	p, by := c.Pools[pool.Value], c.Proxies[c.proxyOf(proxy)]
	if p == nil || by == nil || !p.ByDNS() || c.gaps.fields[p] || c.gaps.fields[by] {
		return // or nobody knows, which is told already
	}
	if v, known := by.version(); known && !v.AtLeast(1, 27, 3) {
		c.problem(pool.Pos, fmt.Sprintf("pool %s is followed by DNS, which nginx %d.%d of proxy %s, which serves %s, cannot do", p.Name, v.Major, v.Minor, by.Name, whose),
			"use nginx 1.27.3 or later, or leave discovery out")
	}
	if by.Resolvers == nil {
		c.problem(pool.Pos, fmt.Sprintf("pool %s is followed by DNS, but proxy %s, which serves %s, has no resolvers", p.Name, by.Name, whose),
			"add where the daemons answer, like resolvers: [10.0.0.11:8053], which is their --dns")
	}
}

// discovery looks at what a pool can be followed by.
func (c *checker) discovery(p *Pool) {
	if !p.ByDNS() {
		return
	}
	if len(p.Servers) > 0 {
		c.problem(p.Servers[0].Pos, fmt.Sprintf("the servers of pool %s do not move", p.Name), "leave discovery out")
	}
	for _, t := range p.Members() {
		if t.Via.Given() && t.Via.Value != "host" {
			c.problem(t.Via.Pos, fmt.Sprintf("pool %s is followed by DNS, which tells of ports on nodes", p.Name), "use via: host, or leave discovery out")
		}
	}
}

// resolvers looks at a proxy's list of them.
func (c *checker) resolvers(p *Proxy) {
	if p.Resolvers != nil && len(p.Resolvers) == 0 {
		c.problem(p.Pos, fmt.Sprintf("proxy %s has an empty list of resolvers", p.Name), "add one, like resolvers: [10.0.0.11:8053], or leave it out")
	}
	seen := map[string]bool{}
	for _, r := range p.Resolvers {
		address := r.Value.String()
		if r.Value.IsValid() && seen[address] {
			c.problem(r.Pos, fmt.Sprintf("%s is in this list already", address), "leave it out")
		}
		seen[address] = true
	}
}
