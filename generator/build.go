package generator

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/wharfinger/wharfinger/route"
)

// Build merges the two sides. Its problems are of the cluster, such as a
// service that is not there: the pool in question answers 503, everything else
// goes on.
func Build(d *route.Desired, l *Live) (*Model, route.Problems) {
	b := newBuilder(l)
	m := &Model{Revision: d.Revision}
	byProxy := map[string][]*route.Route{}
	for _, r := range d.Routes {
		byProxy[r.Proxy.Value] = append(byProxy[r.Proxy.Value], r)
	}
	peers := map[string][]Peer{}
	for _, name := range slices.Sorted(maps.Keys(d.Pools)) {
		peers[name] = b.peers(d.Pools[name])
	}
	for _, name := range slices.Sorted(maps.Keys(d.Proxies)) {
		m.Proxies = append(m.Proxies, b.one().proxy(d.Proxies[name], byProxy[name], peers))
	}
	for _, p := range l.Proxies {
		if d.Proxies[p.Proxy] == nil {
			b.problems = append(b.problems, route.Problem{Object: "proxy " + p.Proxy,
				Text: "it runs in the Swarm, but the repository no longer has it; it keeps what it serves",
				Hint: "when nobody needs it any more: docker service rm " + p.Service})
		}
	}
	return m, b.problems.Sorted()
}

type builder struct {
	nodes    map[string]Node
	services map[string]string // name to ID
	tasks    map[string][]Task // by service ID
	secrets  map[string]string // name to ID
	problems route.Problems
}

func newBuilder(l *Live) *builder {
	b := &builder{nodes: map[string]Node{}, services: map[string]string{}, tasks: map[string][]Task{}, secrets: map[string]string{}}
	for _, n := range l.Nodes {
		b.nodes[n.ID] = n
	}
	for _, s := range l.Services {
		b.services[s.Name] = s.ID
	}
	for _, t := range l.Tasks {
		b.tasks[t.Service] = append(b.tasks[t.Service], t)
	}
	for _, s := range l.Secrets {
		b.secrets[s.Name] = s.ID
	}
	return b
}

// proxyBuilder builds one proxy, with b's knowledge and b's problems.
type proxyBuilder struct {
	*builder
	mounts map[string]Secret // what the proxy needs, by name
}

func (b *builder) one() *proxyBuilder {
	return &proxyBuilder{builder: b, mounts: map[string]Secret{}}
}

// graceBeyondDrain is what nginx has, after the drain, to end by itself before
// Swarm kills it.
const graceBeyondDrain = 10 * time.Second

func (b *proxyBuilder) proxy(p *route.Proxy, routes []*route.Route, peers map[string][]Peer) Proxy {
	out := Proxy{
		Name:   p.Name,
		Spec:   Spec{Image: p.Image.Value},
		Nginx:  p.Nginx.Value,
		HTTP:   p.Listen.HTTP.Value,
		Drain:  p.Drain.Value,
		Status: Status{Port: p.Status.Port.Value},
	}
	for _, c := range p.Constraints {
		out.Spec.Constraints = append(out.Spec.Constraints, c.Value)
	}
	if p.Drain.Given() {
		out.Spec.Grace = p.Drain.Value + graceBeyondDrain
	}
	hosts := map[string][]Location{}
	used := map[string]bool{}
	for _, r := range routes {
		pool := r.Pool.Value
		upstream := ""
		if len(peers[pool]) > 0 {
			upstream, used[pool] = pool, true
		}
		for _, host := range r.Hosts {
			for _, path := range r.Paths {
				hosts[host.Value] = append(hosts[host.Value], Location{
					Route: r.Name, Path: path.Value, Upstream: upstream, MaxBody: r.MaxBody.Value,
				})
			}
		}
	}
	for _, host := range slices.Sorted(maps.Keys(hosts)) {
		locations := hosts[host]
		slices.SortFunc(locations, func(a, b Location) int { return cmp.Compare(a.Path, b.Path) })
		out.Servers = append(out.Servers, Server{Host: host, Locations: locations})
	}
	for _, pool := range slices.Sorted(maps.Keys(used)) {
		out.Upstreams = append(out.Upstreams, Upstream{Name: pool, Peers: peers[pool]})
	}
	out.Spec.Secrets = b.mounted()
	return out
}

func (b *builder) peers(p *route.Pool) []Peer {
	var peers []Peer
	for _, s := range p.Servers {
		peers = append(peers, Peer{Address: s.Address.Value.String(), Weight: s.Weight.Value, Backup: s.Backup.Value})
	}
	if p.Service.Given() {
		peers = b.tasksOf(p)
	}
	slices.SortFunc(peers, func(a, b Peer) int { return cmp.Compare(a.Address, b.Address) })
	return slices.Compact(peers)
}

func (b *builder) tasksOf(p *route.Pool) []Peer {
	name, port := p.Service.Value, p.Port.Value
	id, ok := b.services[name]
	if !ok {
		b.problem(p.Service.Pos, fmt.Sprintf("there is no service %s in the Swarm, so pool %s answers 503", name, p.Name),
			"create the service, or mend its name")
		return nil
	}
	var peers []Peer
	for _, t := range b.tasks[id] {
		// A node that is down cannot say so: its tasks stay "running" until Swarm
		// gives them up. One that is "unknown", as every node is for some seconds
		// after a change of leader, is no reason to drop a peer.
		node, known := b.nodes[t.Node]
		if t.State != "running" || !known || node.State == "down" {
			continue
		}
		published, ok := hostPort(t, port)
		if !ok {
			b.problem(p.Port.Pos, fmt.Sprintf("service %s has a task that does not publish port %d on its node, so pool %s leaves it out", name, port, p.Name),
				fmt.Sprintf("publish it with docker service update --publish-add mode=host,target=%d %s", port, name))
			continue
		}
		addr, err := node.Address()
		if err != nil {
			b.problems = append(b.problems, route.Problem{Object: "node " + node.Hostname,
				Text: fmt.Sprintf("%v, so its tasks are left out", err),
				Hint: fmt.Sprintf("set it with docker node update --label-add %s=ADDRESS %s", AddressLabel, node.Hostname)})
			continue
		}
		peers = append(peers, Peer{Address: netip.AddrPortFrom(addr, uint16(published)).String(), Weight: 1})
	}
	return peers
}

// hostPort finds where a task's port is on its node. Swarm lists a port twice,
// for IPv4 and for IPv6; engines that gave the two different numbers list IPv4
// first.
func hostPort(t Task, target int) (int, bool) {
	for _, p := range t.Ports {
		if p.Protocol == "tcp" && p.Target == target && p.Published > 0 && p.Published < 1<<16 {
			return p.Published, true
		}
	}
	return 0, false
}

func (b *builder) problem(pos route.Pos, text, hint string) {
	b.problems = append(b.problems, route.Problem{Pos: pos, Text: text, Hint: hint})
}
