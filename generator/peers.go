package generator

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"github.com/wharfinger/wharfinger/route"
)

// The protocols of ports, as Swarm calls them.
const (
	tcp = "tcp"
	udp = "udp"
)

// peers lists a pool's peers with their ports of one protocol.
func (b *builder) peers(p *route.Pool, protocol string) []Peer {
	var peers []Peer
	for _, s := range p.Servers {
		peers = append(peers, Peer{Address: s.Address.Value.String(), Weight: s.Weight.Value, Backup: s.Backup.Value})
	}
	for _, member := range p.Members() {
		peers = append(peers, b.tasksOf(p, member, protocol)...)
	}
	slices.SortFunc(peers, func(a, b Peer) int { return cmp.Compare(a.Address, b.Address) })
	return slices.Compact(peers)
}

// without says what becomes of a pool that lacks one of its services.
func without(p *route.Pool) string {
	if len(p.Members()) > 1 {
		return fmt.Sprintf("pool %s goes without it", p.Name)
	}
	return fmt.Sprintf("pool %s answers 503", p.Name)
}

// tasksOf lists what stands for the tasks of one service of a pool.
func (b *builder) tasksOf(p *route.Pool, t route.Tasks, protocol string) []Peer {
	s, ok := b.services[t.Service.Value]
	if !ok {
		b.problem(t.Service.Pos, fmt.Sprintf("there is no service %s in the Swarm, so %s", t.Service.Value, without(p)),
			b.create("create the service", t.Service.Value, maps.Keys(b.services)))
		return nil
	}
	switch running := b.running(s); t.Via.Value {
	case "overlay":
		return b.onOverlay(p, t, s, running)
	case "vip":
		return b.virtual(p, t, s, running)
	default:
		return b.onNodes(p, t, s, running, protocol)
	}
}

// running lists the tasks of a service that take requests. A node that is down
// cannot say so: its tasks stay "running" until Swarm gives them up. One that is
// "unknown", as every node is for some seconds after a change of leader, is no
// reason to drop a peer.
func (b *builder) running(s Service) []Task {
	var out []Task
	for _, t := range b.tasks[s.ID] {
		if node, known := b.nodes[t.Node]; t.State == "running" && known && node.State != "down" {
			out = append(out, t)
		}
	}
	return out
}

// onNodes reaches tasks by the ports that they publish on their nodes.
func (b *builder) onNodes(p *route.Pool, member route.Tasks, s Service, running []Task, protocol string) []Peer {
	var peers []Peer
	port := member.Port.Value
	for _, t := range running {
		published, ok := hostPort(t, port, protocol)
		if !ok {
			shown, mode := fmt.Sprint(port), "mode=host"
			if protocol != tcp {
				shown, mode = shown+"/"+protocol, mode+",protocol="+protocol
			}
			b.problem(member.Port.Pos, fmt.Sprintf("service %s has a task that does not publish port %s on its node, so pool %s leaves it out", s.Name, shown, p.Name),
				fmt.Sprintf("publish it with docker service update --publish-add %s,target=%d %s", mode, port, s.Name))
			continue
		}
		node := b.nodes[t.Node]
		addr, err := node.Address()
		if err != nil {
			b.problems = append(b.problems, route.Problem{Object: "node " + node.Hostname,
				Text: fmt.Sprintf("%v, so its tasks are left out", err),
				Hint: fmt.Sprintf("set it with docker node update --label-add %s=ADDRESS %s", AddressLabel, node.Hostname)})
			continue
		}
		peers = append(peers, peerAt(addr, published))
	}
	return peers
}

// onOverlay reaches tasks by their own addresses.
func (b *builder) onOverlay(p *route.Pool, member route.Tasks, s Service, running []Task) []Peer {
	n, ok := b.overlay(p, member, s)
	if !ok {
		return nil
	}
	var peers []Peer
	for _, t := range running {
		addr, ok := on(n, t.Addresses)
		if !ok {
			b.problem(member.Via.Pos, fmt.Sprintf("service %s has a task without an address on network %s, so pool %s leaves it out", s.Name, n.Name, p.Name),
				"wait for the service's update, which gives it one; docker service ps "+s.Name+" shows how far it is")
			continue
		}
		peers = append(peers, peerAt(addr, member.Port.Value))
	}
	return peers
}

// virtual reaches tasks by the virtual IP of their service, as long as there are
// any.
func (b *builder) virtual(p *route.Pool, member route.Tasks, s Service, running []Task) []Peer {
	n, ok := b.overlay(p, member, s)
	if !ok {
		return nil
	}
	addr, ok := on(n, s.VIPs)
	if !ok {
		b.problem(member.Via.Pos, fmt.Sprintf("service %s has no virtual IP on network %s, so %s", s.Name, n.Name, without(p)),
			fmt.Sprintf("write via: overlay, or give it one with docker service update --endpoint-mode vip %s", s.Name))
		return nil
	}
	if len(running) == 0 {
		return nil
	}
	return []Peer{peerAt(addr, member.Port.Value)}
}

func peerAt(addr netip.Addr, port int) Peer {
	return Peer{Address: netip.AddrPortFrom(addr, uint16(port)).String(), Weight: 1}
}

// hostPort finds where a task's port is on its node. Swarm lists a port twice,
// for IPv4 and for IPv6; engines that gave the two different numbers list IPv4
// first.
func hostPort(t Task, target int, protocol string) (int, bool) {
	for _, p := range t.Ports {
		if p.Protocol == protocol && p.Target == target && p.Published > 0 && p.Published < 1<<16 {
			return p.Published, true
		}
	}
	return 0, false
}
