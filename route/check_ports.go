package route

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// proxyPort is where a proxy listens.
type proxyPort struct {
	proxy string
	StreamPort
}

// ports tells when a stream listens where its proxy does for another purpose, and
// when two proxies want a port that one of them has on every node.
func (c *checker) ports() {
	taken, at := map[proxyPort]string{}, map[proxyPort]Pos{}
	for name, p := range c.Proxies {
		note := func(port At[int], otherwise int, udp bool, by string) {
			here := proxyPort{name, StreamPort{valueOr(port, otherwise), udp}}
			taken[here] = by
			if at[here] = port.Pos; !port.Given() {
				at[here] = p.Pos
			}
		}
		note(p.Status.Port, defaultStatus, false, "the status")
		note(p.Listen.HTTP, defaultHTTP, false, "plain HTTP")
		if c.listensForTLS(p) {
			note(p.Listen.HTTPS, defaultHTTPS, false, "TLS")
			if p.Listen.HTTP3.Value {
				note(p.Listen.HTTPS, defaultHTTPS, true, "HTTP/3")
			}
		}
	}
	for _, s := range c.streamsAsRead() {
		proxy := c.proxyOf(s.Proxy)
		if proxy == "" || s.Listen.Value.Port == 0 {
			continue
		}
		here := proxyPort{proxy, s.Listen.Value}
		if by, ok := taken[here]; ok {
			c.problem(s.Listen.Pos, fmt.Sprintf("port %s of proxy %s is taken already, by %s", s.Listen.Value, proxy, by), "give the stream a port of its own")
			continue
		}
		taken[here], at[here] = fmt.Sprintf("stream %s at %s", s.Name, s.Listen.Pos), s.Listen.Pos
	}
	c.mesh(taken, at)
	c.together(taken)
}

// mesh tells when a proxy listens on a port that another one has by the routing
// mesh, for that one has it on every node.
func (c *checker) mesh(taken map[proxyPort]string, at map[proxyPort]Pos) {
	told := map[StreamPort]bool{}
	for _, here := range slices.SortedFunc(maps.Keys(taken), func(a, b proxyPort) int { return strings.Compare(a.proxy, b.proxy) }) {
		if !c.meshed(taken, here) || here.Port == 0 || told[here.StreamPort] {
			continue
		}
		for _, other := range slices.Sorted(maps.Keys(c.Proxies)) {
			there := proxyPort{other, here.StreamPort}
			if by, ok := taken[there]; ok && other != here.proxy {
				told[here.StreamPort] = true
				c.problem(at[there], fmt.Sprintf("proxy %s has port %s on every node, by the routing mesh, so proxy %s cannot have it for %s", here.proxy, here.StreamPort, other, by), "give one of the two other ports")
			}
		}
	}
}

// together tells when two proxies have a port in common and nodes, too: where the one
// runs, the other one does as well. nginx would share the port, and connections would
// meet either of them; a published port would keep the second one from starting.
func (c *checker) together(taken map[proxyPort]string) {
	proxies := slices.SortedFunc(maps.Values(c.Proxies), func(a, b *Proxy) int { return comparePos(a.Pos, b.Pos) })
	for i, p := range proxies {
		for _, before := range proxies[:i] {
			if c.gaps.fields[p] || c.gaps.fields[before] || !p.within(before) && !before.within(p) || p.apart(before) {
				continue
			}
			var both []StreamPort
			for here := range taken {
				there := proxyPort{before.Name, here.StreamPort}
				if taken[there] != "" && here.proxy == p.Name && here.Port != 0 && !c.meshed(taken, here) && !c.meshed(taken, there) {
					both = append(both, here.StreamPort)
				}
			}
			if both != nil {
				slices.SortFunc(both, func(a, b StreamPort) int {
					return cmp.Or(cmp.Compare(a.Port, b.Port), cmp.Compare(a.String(), b.String()))
				})
				c.problem(p.Pos, fmt.Sprintf("proxies %s and %s can run on one node, but both listen on %s", before.Name, p.Name, ports(both)),
					"give one of them other ports (listen, status), or constraints that keep them apart")
				break
			}
		}
	}
}

// meshed reports whether a proxy has a port by the routing mesh, of which mesh tells.
func (c *checker) meshed(taken map[proxyPort]string, here proxyPort) bool {
	p := c.Proxies[here.proxy]
	return p != nil && p.Network.Value == "ingress" && taken[here] != "the status"
}

func ports(list []StreamPort) string {
	if len(list) == 1 {
		return "port " + list[0].String()
	}
	var words []string
	for _, p := range list {
		words = append(words, p.String())
	}
	return "ports " + strings.Join(words, ", ")
}

// within reports whether each node that a proxy can run on is surely one of the
// other's.
func (p *Proxy) within(other *Proxy) bool {
	return !slices.ContainsFunc(other.Constraints, func(c At[string]) bool { return !slices.Contains(Values(p.Constraints), c.Value) })
}

// apart reports whether Swarm keeps two proxies on nodes of their own: it knows
// published ports, and gives a replica another node.
func (p *Proxy) apart(other *Proxy) bool {
	published := func(p *Proxy) bool { return p.Network.Value == "published" && p.Replicas.Given() }
	return published(p) && published(other)
}
