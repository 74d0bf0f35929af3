package generator

import (
	"cmp"
	"fmt"
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
	if p.Service.Given() {
		peers = b.tasksOf(p, protocol)
	}
	slices.SortFunc(peers, func(a, b Peer) int { return cmp.Compare(a.Address, b.Address) })
	return slices.Compact(peers)
}

func (b *builder) tasksOf(p *route.Pool, protocol string) []Peer {
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
		published, ok := hostPort(t, port, protocol)
		if !ok {
			shown, mode := fmt.Sprint(port), "mode=host"
			if protocol != tcp {
				shown, mode = shown+"/"+protocol, mode+",protocol="+protocol
			}
			b.problem(p.Port.Pos, fmt.Sprintf("service %s has a task that does not publish port %s on its node, so pool %s leaves it out", name, shown, p.Name),
				fmt.Sprintf("publish it with docker service update --publish-add %s,target=%d %s", mode, port, name))
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
func hostPort(t Task, target int, protocol string) (int, bool) {
	for _, p := range t.Ports {
		if p.Protocol == protocol && p.Target == target && p.Published > 0 && p.Published < 1<<16 {
			return p.Published, true
		}
	}
	return 0, false
}
