package route

import "fmt"

func (c *checker) pool(p *Pool) {
	if c.gaps.fields[p] {
		return
	}
	var kinds []string
	for _, kind := range []struct {
		name  string
		given bool
	}{{"a service", p.Service.Given()}, {"services", p.Services != nil}, {"servers", p.Servers != nil}} {
		if kind.given {
			kinds = append(kinds, kind.name)
		}
	}
	switch {
	case p.Service.Given() && p.Services != nil:
		c.problem(p.Pos, fmt.Sprintf("pool %s has both a service and services", p.Name), "put the service into the list")
	case len(kinds) > 1:
		c.problem(p.Pos, fmt.Sprintf("pool %s has both %s and %s", p.Name, kinds[0], kinds[1]), "make two pools of it")
	case p.Service.Given():
		c.tasks(p, p.Tasks, p.Pos)
	case p.Services != nil:
		c.alone(p, "services", "write the port beside each service")
		c.services(p)
	case p.Servers != nil:
		c.alone(p, "servers", "write the port behind each server's address")
		c.servers(p)
	default:
		c.problem(p.Pos, fmt.Sprintf("pool %s has neither a service nor servers", p.Name), "add service: NAME and port: NUMBER, or servers: [ADDRESS:PORT]")
	}
	c.choice(p)
	c.discovery(p)
	c.poolTLS(p)
}

// alone tells what stands beside a list, but belongs to one service.
func (c *checker) alone(p *Pool, list, port string) {
	for _, f := range []struct {
		name string
		pos  Pos
		hint string
	}{{"port", p.Port.Pos, port}, {"via", p.Via.Pos, "leave it out, or write it beside a service"}, {"network", p.Network.Pos, "leave it out, or write it beside a service"}} {
		if f.pos.Line > 0 {
			c.problem(f.pos, fmt.Sprintf("%s belongs to a service, but this pool has %s", f.name, list), f.hint)
		}
	}
}

func (c *checker) services(p *Pool) {
	if len(p.Services) == 0 {
		c.problem(p.Pos, fmt.Sprintf("pool %s has an empty list of services", p.Name), "add one, like services: [{service: shop, port: 8080}]")
	}
	type target struct {
		service string
		port    int
	}
	seen := map[target]Pos{}
	for _, s := range p.Services {
		if s.Pos == (Pos{}) || c.gaps.objects[s.Pos] {
			continue
		}
		if !s.Service.Given() {
			c.problem(s.Pos, "this entry has no service", "add its name, like service: shop")
			continue
		}
		c.tasks(p, s.Tasks, s.Pos)
		here := target{s.Service.Value, s.Port.Value}
		if first, ok := seen[here]; ok && here.service != "" && here.port != 0 {
			c.problem(s.Pos, fmt.Sprintf("pool %s has port %d of service %s already, at %s", p.Name, here.port, here.service, first), "each task answers once: leave one of them out")
			continue
		}
		seen[here] = s.Pos
	}
}

// tasks looks at one service of a pool.
func (c *checker) tasks(p *Pool, t Tasks, pos Pos) {
	if !t.Port.Given() {
		c.problem(pos, fmt.Sprintf("pool %s has no port", p.Name), "add the target port of the service, like port: 8080")
	}
	if t.Network.Given() && (!t.Via.Given() || t.Via.Value == "host") {
		at := t.Network.Pos
		if t.Via.Given() {
			at = t.Via.Pos
		}
		c.problem(at, fmt.Sprintf("pool %s names an overlay, but reaches its tasks on their nodes", p.Name), "add via: overlay or via: vip, or leave network out")
	}
}

// routeJoins looks at every pool of a route.
func (c *checker) routeJoins(r *Route) {
	for _, pool := range r.AllPools() {
		c.joins(pool, r.Proxy, "route "+r.Name)
		c.discovers(pool, r.Proxy, "route "+r.Name)
	}
}

// joins tells when a pool of an overlay is served by a proxy that can join none.
// whose says what leads there.
func (c *checker) joins(pool, proxy At[string], whose string) {
	p, by := c.Pools[pool.Value], c.Proxies[c.proxyOf(proxy)]
	if p == nil || by == nil || by.Network.Given() && by.Network.Value != "host" {
		return // or nobody knows, which is told already
	}
	for _, t := range p.Members() {
		if t.Via.Value == "overlay" || t.Via.Value == "vip" {
			c.problem(pool.Pos, fmt.Sprintf("pool %s has peers on an overlay, at %s, but proxy %s, which serves %s, is in the host's network", p.Name, t.Via.Pos, by.Name, whose),
				"give the proxy network: published or network: ingress, or the pool via: host")
			return
		}
	}
}

// choice looks at how a pool chooses between its peers: in one way, and in one
// that its peers allow.
func (c *checker) choice(p *Pool) {
	var names []string
	var given []Pos
	for _, way := range []struct {
		name string
		pos  Pos
	}{{"balance", p.Balance.Pos}, {"hash", p.Hash.Pos}, {"sticky", p.Sticky.Pos}} {
		if way.pos.Line > 0 {
			names, given = append(names, way.name), append(given, way.pos)
		}
	}
	if len(given) > 1 {
		c.problem(given[1], fmt.Sprintf("pool %s has %s and %s", p.Name, names[0], names[1]), "each chooses the peer by itself: leave one of them")
		return
	}
	if len(given) == 0 || p.Balance.Given() && p.Balance.Value != "random-two" {
		return
	}
	if p.Via.Value == "vip" {
		c.problem(given[0], fmt.Sprintf("pool %s has one peer, the virtual IP of its service, so %s has nothing to choose", p.Name, chooser(p)), "use via: overlay, or leave it out")
	}
	for _, s := range p.Servers {
		if s.Backup.Value {
			c.problem(s.Backup.Pos, fmt.Sprintf("there are no backup servers where %s chooses", chooser(p)),
				"leave backup out, or balance by round-robin or least-connections")
		}
	}
}

// chooser names the way in which a pool chooses.
func chooser(p *Pool) string {
	switch {
	case p.Hash.Given():
		return "a hash"
	case p.Sticky.Given():
		return "a cookie"
	}
	return p.Balance.Value
}

func (c *checker) poolTLS(p *Pool) {
	t := p.TLS
	if t.Pos.Line == 0 || c.gaps.objects[t.Pos] {
		return
	}
	if (!t.Verify.Given() || t.Verify.Value) && !t.CA.Given() {
		c.problem(t.Pos, fmt.Sprintf("nothing says who signs the certificates of the peers of pool %s", p.Name),
			"add ca with the secret that holds the signer's certificate, or verify: false, and anybody may be at the other end")
	}
	switch {
	case t.Cert.Given() && !t.Key.Given():
		c.problem(t.Cert.Pos, "a certificate needs its key", "add key with the secret that holds it")
	case t.Key.Given() && !t.Cert.Given():
		c.problem(t.Key.Pos, "a key needs its certificate", "add cert with the secret that holds it")
	}
}

func (c *checker) servers(p *Pool) {
	active := len(p.Servers) == 0
	seen := map[string]Pos{}
	for _, s := range p.Servers {
		active = active || !s.Backup.Value
		if !s.Address.Given() {
			if s.Pos != (Pos{}) && !c.gaps.objects[s.Pos] {
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
