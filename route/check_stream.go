package route

import (
	"fmt"
	"maps"
	"slices"
)

// streamsAsRead lists the streams as a reader meets them.
func (c *checker) streamsAsRead() []*Stream {
	return slices.SortedFunc(maps.Values(c.Streams), func(a, b *Stream) int { return comparePos(a.Pos, b.Pos) })
}

func (c *checker) stream(s *Stream) {
	if c.gaps.fields[s] {
		return
	}
	c.served(s.Proxy, s.Pos, "stream", s.Name)
	if !s.Pool.Given() {
		c.problem(s.Pos, fmt.Sprintf("stream %s has no pool", s.Name), "add the pool that answers, like pool: pg")
	}
	c.poolThere(s.Pool)
	c.joins(s.Pool, s.Proxy, "stream "+s.Name)
	c.discovers(s.Pool, s.Proxy, "stream "+s.Name)
	c.chosenUnopened(s.Pool)
	if !s.Listen.Given() {
		c.problem(s.Pos, fmt.Sprintf("stream %s has no port", s.Name), "add one, like listen: 5432 or listen: 53/udp")
	}
	if s.Allow != nil && len(s.Allow) == 0 {
		c.problem(s.Pos, fmt.Sprintf("stream %s allows nobody", s.Name), "write who may come, like allow: [10.0.0.0/8], or leave allow out for everybody")
	}
	c.streamPool(s)
	c.streamTLS(s)
	c.protocols(s)
}

// chosenUnopened tells when a pool chooses its peers by something that a
// connection does not show.
func (c *checker) chosenUnopened(pool At[string]) {
	p := c.Pools[pool.Value]
	if p == nil {
		return
	}
	by := ""
	switch {
	case p.Sticky.Given():
		by = "a cookie"
	case p.Hash.Value.Of != "" && p.Hash.Value.Of != "client":
		by = p.Hash.Value.Of
	default:
		return
	}
	c.problem(pool.Pos, fmt.Sprintf("pool %s chooses peers by %s, which connections do not show", p.Name, by),
		"hash: client is there for both; or make another pool of the same peers")
}

// streamPool looks at what a pool speaks.
func (c *checker) streamPool(s *Stream) {
	p := c.Pools[s.Pool.Value]
	if p == nil {
		return
	}
	if p.Protocol.Value == "grpc" {
		c.problem(s.Pool.Pos, fmt.Sprintf("pool %s speaks gRPC, but a stream does not look at what is spoken", p.Name),
			"make another pool of the same peers, without protocol")
	}
	t := p.TLS
	if t.Pos.Line == 0 || c.gaps.objects[t.Pos] {
		return
	}
	switch verify := !t.Verify.Given() || t.Verify.Value; {
	case s.Listen.Value.UDP:
		c.problem(s.Pool.Pos, fmt.Sprintf("pool %s takes TLS, but UDP packets go without", p.Name), "make another pool of the same peers, without tls")
	case verify && !t.Name.Given() && !p.Host.Given():
		c.problem(s.Pool.Pos, fmt.Sprintf("nothing says who the certificates of pool %s are for, and a stream has no Host to take", p.Name),
			"add the name to the pool, like tls: {ca: pg-ca, name: pg.example.org}")
	}
}

func (c *checker) streamTLS(s *Stream) {
	t := s.TLS
	if t.Pos.Line == 0 || c.gaps.objects[t.Pos] {
		return
	}
	switch {
	case s.Listen.Value.UDP:
		c.problem(t.Pos, fmt.Sprintf("stream %s takes UDP packets, which have no TLS", s.Name), "leave tls out, or listen on a port of TCP")
	case !t.Cert.Given() && !t.Key.Given():
		c.problem(t.Pos, fmt.Sprintf("stream %s has TLS without a certificate", s.Name), "add the secrets with both, like tls: {cert: pg-cert, key: pg-key}")
	case !t.Key.Given():
		c.problem(t.Cert.Pos, fmt.Sprintf("stream %s has a certificate without its key", s.Name), "add the secret that holds it, like key: pg-key")
	case !t.Cert.Given():
		c.problem(t.Key.Pos, fmt.Sprintf("stream %s has a key without its certificate", s.Name), "add the secret that holds it, like cert: pg-cert")
	}
	if ask := t.Clients; ask.Pos.Line > 0 && !c.gaps.objects[ask.Pos] && !ask.CA.Given() {
		c.problem(ask.Pos, fmt.Sprintf("nothing says who signs the certificates of the clients of stream %s", s.Name), "add the secret with the certificates of those who do, like ca: staff-ca")
	}
}

// protocols looks at what TCP and UDP have each for themselves.
func (c *checker) protocols(s *Stream) {
	udp := s.Listen.Value.UDP
	if accept := s.ProxyProtocol.Accept; accept.Value {
		proxy := c.Proxies[c.proxyOf(s.Proxy)]
		switch {
		case udp:
			c.problem(accept.Pos, "nginx takes the PROXY protocol from TCP connections alone", "leave accept out")
		case proxy != nil && len(proxy.Trusted) == 0 && !c.gaps.fields[proxy]:
			c.problem(accept.Pos, fmt.Sprintf("proxy %s trusts nobody to tell a client's address", proxy.Name), "say who may, like trusted: [10.0.0.0/8] in the proxy")
		}
	}
	if send := s.ProxyProtocol.Send; send.Value && udp {
		c.problem(send.Pos, "the PROXY protocol's version 1 knows TCP alone", "leave send out")
	}
	if s.Responses.Given() && s.Listen.Value.Port != 0 && !udp {
		c.problem(s.Responses.Pos, "TCP has connections, and no packets to count", "leave responses out, or listen on a port of UDP, like 53/udp")
	}
}
