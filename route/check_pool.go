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
