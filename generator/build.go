package generator

import (
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
	b.pools = d.Pools
	b.streams = d.Streams
	b.taken = takenHeaders(d.Routes)
	for _, r := range d.Routes {
		b.clients = b.clients || r.TLS.Clients.CA.Given()
	}
	m := &Model{Revision: d.Revision}
	byProxy := map[string][]*route.Route{}
	for _, name := range slices.Sorted(maps.Keys(d.Routes)) {
		r := d.Routes[name]
		byProxy[r.Proxy.Value] = append(byProxy[r.Proxy.Value], r)
	}
	peers := map[string][]Peer{}
	packets, only := poolsOfPackets(d)
	for _, name := range slices.Sorted(maps.Keys(d.Pools)) {
		if !only[name] {
			peers[name] = b.peers(d.Pools[name], tcp)
		}
		if packets[name] {
			peers[name+packetsMark] = b.peers(d.Pools[name], udp)
		}
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
	taken    map[string][]Header // by pool
	clients  bool                // some route asks for certificates
	nodes    map[string]Node
	services map[string]string // name to ID
	tasks    map[string][]Task // by service ID
	secrets  map[string]string // name to ID
	pools    map[string]*route.Pool
	streams  map[string]*route.Stream
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
	// peerTLS is that of the pools of its routes, by name.
	peerTLS map[string]*UpstreamTLS
}

func (b *builder) one() *proxyBuilder {
	return &proxyBuilder{builder: b, mounts: map[string]Secret{}, peerTLS: map[string]*UpstreamTLS{}}
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
		Listen: listenOf(p), Profile: p.Profile.Value,
		Snippet: indented(p.Snippet.Value, "    "),
		Log:     p.Log.Value,
	}
	for _, c := range p.Constraints {
		out.Spec.Constraints = append(out.Spec.Constraints, c.Value)
	}
	if p.Drain.Given() {
		out.Spec.Grace = p.Drain.Value + graceBeyondDrain
	}
	b.streamBlock(p, routes, peers, &out)
	routes = opened(routes)
	peers = b.reachable(routes, peers)
	answers := b.answers(p, routes, peers)
	out.Servers = servers(routes, answers)
	b.tls(p, routes, &out)
	out.TellsClients = b.clients
	out.PeerHeaders = commonHeaders(out)
	completeHeaders(out.Servers, out.PeerHeaders)
	completeCaches(out.Servers, out.PeerHeaders)
	if usesOf(out.Servers).Cache {
		out.Cache = &CacheStore{Size: p.Cache.Size.Value, Memory: p.Cache.Memory.Value}
	}
	for _, r := range routes {
		if d := answers[r.Name].definitions; !d.empty() {
			out.Definitions = append(out.Definitions, d)
		}
	}
	for _, pool := range slices.Sorted(maps.Keys(poolsOf(out))) {
		out.Upstreams = append(out.Upstreams, b.upstream(b.pools[pool], peers[pool], out.Nginx))
	}
	out.Spec.Secrets = b.mounted()
	return out
}

// poolsOf lists the pools that a proxy leads to.
func poolsOf(p Proxy) map[string]bool {
	used := map[string]bool{}
	for _, d := range p.Definitions {
		if d.Mirror != nil {
			used[d.Mirror.Copy.Upstream] = true
		}
	}
	for _, s := range p.Servers {
		for _, l := range s.all() {
			if l.Answer != nil && l.Answer.Upstream != "" {
				used[l.Answer.Upstream] = true
			}
		}
	}
	return used
}

// networks are addresses of clients or proxies, as nginx reads them.
func networks(list []route.At[netip.Prefix]) []string {
	var out []string
	for _, n := range list {
		out = append(out, n.Value.String())
	}
	return out
}

// sortedNetworks has each once.
func sortedNetworks(list []route.At[netip.Prefix]) []string {
	return slices.Compact(slices.Sorted(slices.Values(networks(list))))
}

func (b *builder) problem(pos route.Pos, text, hint string) {
	b.problems = append(b.problems, route.Problem{Pos: pos, Text: text, Hint: hint})
}
