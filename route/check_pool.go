package route

import "fmt"

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
	c.choice(p)
	c.poolTLS(p)
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
