package generator

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/wharfinger/wharfinger/route"
)

// Stream is one listener that leads connections or packets to a pool (nginx:
// server, in the stream block).
type Stream struct {
	Name string
	Port int
	UDP  bool
	IPv6 bool // as well

	// Upstream is where it leads; empty where the pool has no peers or the Swarm
	// lacks a secret. Then connections are closed at once.
	Upstream    string
	UpstreamTLS *UpstreamTLS
	TLS         *StreamTLS

	AcceptProxy bool     // nginx: listen … proxy_protocol
	Trusted     []string // whose word on the client's address is taken (nginx: set_real_ip_from)
	SendProxy   bool     // nginx: proxy_protocol

	// Deny is looked at before Allow. Where there is an Allow, it is everybody who
	// may come.
	Deny, Allow []string
	// Zone counts the connections of each client, at most Connections; 0 counts
	// nothing (nginx: limit_conn).
	Zone        string
	Connections int

	Connect   time.Duration
	Idle      time.Duration
	Responses *int // packets that answer one; nil where nobody counts (nginx: proxy_responses)
}

// StreamTLS terminates the TLS of a stream's clients. Paths are those in the
// proxy.
type StreamTLS struct {
	Cert, Key string
	// ClientCA signs the certificates of clients; empty asks for none.
	ClientCA string
	Optional bool // clients without one are let in
}

// packetsMark is behind the names of pools whose peers take UDP. No name has a
// plus sign.
const packetsMark = "+udp"

// PoolOf is the pool that an Upstream is made of.
func PoolOf(upstream string) string { return strings.TrimSuffix(upstream, packetsMark) }

// poolsOfPackets lists the pools that streams of UDP lead to, and those of them
// that nobody else uses: their tasks need no port of TCP.
func poolsOfPackets(d *route.Desired) (packets, only map[string]bool) {
	packets, only = map[string]bool{}, map[string]bool{}
	for _, s := range d.Streams {
		if s.Listen.Value.UDP {
			packets[s.Pool.Value], only[s.Pool.Value] = true, true
		}
	}
	if len(only) == 0 {
		return packets, only
	}
	for _, s := range d.Streams {
		if !s.Listen.Value.UDP {
			delete(only, s.Pool.Value)
		}
	}
	for _, r := range d.Routes {
		for _, pool := range r.AllPools() {
			delete(only, pool.Value)
		}
	}
	return packets, only
}

// streamBlock adds to a proxy what its stream block needs.
func (b *proxyBuilder) streamBlock(p *route.Proxy, routes []*route.Route, peers map[string][]Peer, out *Proxy) {
	used := map[string]*route.Pool{} // by the upstream's name
	for _, name := range slices.Sorted(maps.Keys(b.streams)) {
		if s := b.streams[name]; s.Proxy.Value == p.Name {
			stream := b.stream(s, p, peers)
			if stream.Upstream != "" {
				used[stream.Upstream] = b.pools[s.Pool.Value]
			}
			out.Streams = append(out.Streams, stream)
		}
	}
	if out.Passthrough = passthrough(p, routes, peers); out.Passthrough != nil {
		for _, h := range out.Passthrough.Hosts {
			if h.Upstream != "" {
				used[h.Upstream] = b.pools[h.Upstream]
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(used)) {
		u := streamUpstream(name, used[name], peers[name])
		u.discovered(p)
		out.StreamUpstreams = append(out.StreamUpstreams, u)
	}
}

func (b *proxyBuilder) stream(s *route.Stream, proxy *route.Proxy, peers map[string][]Peer) Stream {
	pool := b.pools[s.Pool.Value]
	name := pool.Name
	if s.Listen.Value.UDP {
		name += packetsMark
	}
	out := Stream{
		Name: s.Name, Port: s.Listen.Value.Port, UDP: s.Listen.Value.UDP, IPv6: proxy.Listen.IPv6.Value, Upstream: upstream(name, peers),
		AcceptProxy: s.ProxyProtocol.Accept.Value, SendProxy: s.ProxyProtocol.Send.Value,
		Allow: networks(s.Allow), Deny: networks(s.Deny), Connections: s.Connections.Value,
		Connect: s.Timeouts.Connect.Value, Idle: s.Timeouts.Idle.Value,
	}
	if out.AcceptProxy {
		out.Trusted = networks(proxy.Trusted)
	}
	if out.Connections > 0 {
		out.Zone = variable("stream", s.Name)
	}
	if s.Responses.Given() {
		out.Responses = &s.Responses.Value
	}
	var ok bool
	out.UpstreamTLS, ok = b.poolTLS(pool)
	if t := s.TLS; t.Pos.Line > 0 {
		out.TLS = &StreamTLS{Optional: t.Clients.Optional.Value}
		ok = b.allSecrets(fmt.Sprintf("stream %s closes its connections", s.Name),
			secretFile{t.Cert, &out.TLS.Cert}, secretFile{t.Key, &out.TLS.Key}, secretFile{t.Clients.CA, &out.TLS.ClientCA}) && ok
	}
	if !ok {
		out.Upstream, out.TLS = "", nil
	}
	return out
}

// streamUpstream is a pool for the stream block, which keeps no connections.
func streamUpstream(name string, p *route.Pool, peers []Peer) Upstream {
	u := upstreamOf(name, p, peers)
	u.Keepalive, u.ZoneName = -1, "stream."+name
	if p.Hash.Value.Of == "client" {
		u.Hash = "$remote_addr"
	}
	if u.MaxConns > 0 {
		u.Zone = zone(len(peers))
	}
	return u
}
