package generator

import (
	"cmp"
	"iter"
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/wharfinger/wharfinger/route"
)

// Build merges the two sides. Its problems are of the cluster, such as a
// service that is not there: the pool in question answers 503, everything else
// goes on.
func Build(d *route.Desired, l *Live) (*Model, route.Problems) { return new(Maker).Build(d, l) }

func (b *builder) model(d *route.Desired, l *Live) (*Model, route.Problems) {
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
	peers, records := b.everywhere(d)
	m.Records = records
	for _, name := range slices.Sorted(maps.Keys(d.Proxies)) {
		m.Proxies = append(m.Proxies, b.proxy(d.Proxies[name], byProxy[name], peers))
	}
	b.crowded(d, m)
	b.nowhere(d, m)
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
	live     *Live
	taken    map[string][]Header // by pool
	clients  bool                // some route asks for certificates
	nodes    map[string]Node
	all      []Network            // of the Swarm
	networks map[string]Network   // by ID
	host     Network              // HostNetwork
	services map[string]Service   // by name
	tasks    map[string][]Task    // by service ID
	secrets  map[string]string    // name to ID
	overlays map[string][]Network // that proxies need for a pool, by its name
	pools    map[string]*route.Pool
	streams  map[string]*route.Stream
	guesser  route.Guesser
	problems route.Problems
	// reach is where the pools are of which there was nothing to tell, by RecordOf;
	// known is so of the last time, for those that nothing has changed for.
	reach, known map[string]reach
	before       *made // nil for nothing
}

func newBuilder(l *Live) *builder {
	b := &builder{
		live: l, nodes: map[string]Node{}, all: l.Networks, networks: map[string]Network{}, host: Network{Name: HostNetwork},
		services: map[string]Service{}, tasks: map[string][]Task{}, secrets: secretIDs(l), overlays: map[string][]Network{},
		reach: map[string]reach{},
	}
	for _, n := range l.Nodes {
		b.nodes[n.ID] = n
	}
	for _, n := range l.Networks {
		b.networks[n.ID] = n
		if n.Name == HostNetwork {
			b.host = n
		}
	}
	for _, s := range l.Services {
		b.services[s.Name] = s
	}
	for _, t := range l.Tasks {
		b.tasks[t.Service] = append(b.tasks[t.Service], t)
	}
	return b
}

func secretIDs(l *Live) map[string]string {
	out := map[string]string{}
	for _, s := range l.Secrets {
		out[s.Name] = s.ID
	}
	return out
}

// proxyBuilder builds one proxy, with b's knowledge and b's problems.
type proxyBuilder struct {
	*builder
	mounts map[string]Secret // what the proxy needs, by name
	lacks  route.Problems    // about secrets that are not there
	joins  []Network         // what the repository has it join
	// peerTLS is that of the pools of its routes, by name.
	peerTLS map[string]*UpstreamTLS
}

func (b *builder) one() *proxyBuilder {
	return &proxyBuilder{builder: b, mounts: map[string]Secret{}, peerTLS: map[string]*UpstreamTLS{}}
}

// proxy builds one, with what can be kept of the last time.
func (b *builder) proxy(p *route.Proxy, routes []*route.Route, peers map[string][]Peer) Proxy {
	if former := b.before.proxy(p); former != nil {
		told := len(b.problems)
		if out, ok := b.one().build(p, routes, peers, former); ok {
			return out
		}
		b.problems = b.problems[:told]
	}
	out, _ := b.one().build(p, routes, peers, nil)
	return out
}

// graceBeyondDrain is what nginx has, after the drain, to end by itself before
// Swarm kills it.
const graceBeyondDrain = 10 * time.Second

// build builds one. What a former one has of hosts that nothing has changed for is taken
// as it is; it answers false where more than that may have changed.
func (b *proxyBuilder) build(p *route.Proxy, routes []*route.Route, peers map[string][]Peer, former *Proxy) (Proxy, bool) {
	out := Proxy{
		Name:   p.Name,
		Spec:   named(p),
		Report: p.Drift.Value == "report", OrderNamed: p.Update.Order.Given(),
		Workers: p.Workers.Value, Connections: p.Connections.Value, OpenFiles: p.OpenFiles.Value,
		Nginx:  p.Nginx.Value,
		HTTP:   p.Listen.HTTP.Value,
		Drain:  p.Drain.Value,
		Status: Status{Port: p.Status.Port.Value},
		Listen: listenOf(p), Profile: p.Profile.Value,
		Snippet: indented(p.Snippet.Value, "    "),
		Log:     p.Log.Value,
	}
	b.streamBlock(p, routes, peers, &out)
	all := routes
	routes = opened(routes)
	peers = b.reachable(routes, peers)
	out.pools = b.states(routes, peers)
	hosts := hostsOf(routes, former, out.touched(former))
	answers := b.answers(p, hosts.routes, peers)
	b.keepSecrets(routes, answers, former, &out)
	out.Servers = hosts.servers(answers)
	fresh := hosts.fresh(out.Servers)
	b.tls(p, routes, &out, fresh)
	out.TellsClients = b.clients
	out.PeerHeaders = commonHeaders(out)
	completeHeaders(fresh, out.PeerHeaders)
	completeCaches(fresh, out.PeerHeaders)
	for i := range out.Servers {
		if s := &out.Servers[i]; s.needs == nil {
			s.needs = needsOf(s)
		}
	}
	asked := out.needs()
	out.HSTS = slices.SortedFunc(slices.Values(asked.hsts), func(a, b HSTS) int { return cmp.Compare(a.Variable(), b.Variable()) })
	if asked.Cache {
		out.Cache = &CacheStore{Size: p.Cache.Size.Value, Memory: p.Cache.Memory.Value}
	}
	out.Lacks = b.lacks
	if former != nil && (out.Lacks != nil || !sameFrame(out, *former)) {
		return Proxy{}, false
	}
	b.definitions(routes, answers, former, &out)
	pools := asked.pools
	for _, d := range out.Definitions {
		if d.Mirror != nil {
			pools = append(pools, d.Mirror.Copy.Upstream)
		}
	}
	slices.Sort(pools)
	for _, pool := range slices.Compact(pools) {
		u := b.upstream(b.pools[pool], peers[pool], out.Nginx)
		u.discovered(p)
		out.Upstreams = append(out.Upstreams, u)
	}
	b.room(p, &out)
	out.Held = slices.Concat(b.ownSecrets(p), b.ownNetworks(p), b.otherMode(p))
	out.Spec.Secrets = b.mounted()
	b.meet(p, all, &out)
	return out, true
}

// definitions are those of the routes that were answered, and of the others those that
// they had.
func (b *proxyBuilder) definitions(routes []*route.Route, answers map[string]*answered, former *Proxy, out *Proxy) {
	had := map[string]Definitions{}
	if former != nil {
		for _, d := range former.Definitions {
			had[d.Route] = d
		}
	}
	for _, r := range routes {
		d := had[r.Name]
		if a := answers[r.Name]; a != nil {
			d = a.definitions
		}
		if !d.empty() {
			out.Definitions = append(out.Definitions, d)
		}
	}
}

// keepSecrets mounts what routes need that were not answered anew, and notes what each
// one needs.
func (b *proxyBuilder) keepSecrets(routes []*route.Route, answers map[string]*answered, former *Proxy, out *Proxy) {
	out.mounts = map[string][]route.At[string]{}
	for _, r := range routes {
		a := answers[r.Name]
		if a == nil {
			for _, name := range former.mounts[r.Name] {
				b.secret(name.Pos, name.Value, "") // where one is gone by now, all is made anew
				out.mounts[r.Name] = append(out.mounts[r.Name], name)
			}
		} else if a.mounts != nil {
			out.mounts[r.Name] = a.mounts
		}
	}
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

// sorted are values whose order means nothing.
func sorted(list []route.At[string]) []string {
	return slices.Sorted(slices.Values(route.Values(list)))
}

func (b *builder) problem(pos route.Pos, text, hint string) {
	b.problems = append(b.problems, route.Problem{Pos: pos, Text: text, Hint: hint})
}

// last is the problem that was told last.
func (b *builder) last() route.Problem { return b.problems[len(b.problems)-1] }

// create is the hint for a name that the Swarm does not have: what creates it, or
// another one that it has.
func (b *builder) create(how, name string, there iter.Seq[string]) string {
	if meant := b.guesser.Likely(name, slices.Collect(there)); meant != "" {
		return meant + " If not, " + how
	}
	return how + ", or mend its name"
}
