package generator

import (
	"cmp"
	"maps"
	"reflect"
	"slices"

	"github.com/wharfinger/wharfinger/route"
)

// Maker goes the way from both sides to rollouts again and again. What it answers is
// what Build, Render and Pack do, byte for byte; what nothing has changed for since
// the last time is not made anew. Models and rollouts share what stays the same, so
// nobody writes to them. The zero value has made nothing yet.
type Maker struct {
	Templates Templates

	last   *made
	sheets map[string]*sheet // by proxy
}

// made is what the last model was made of.
type made struct {
	desired  *route.Desired
	live     *Live
	builder  *builder
	model    *Model
	problems route.Problems
	users    map[string][]*route.Pool // by service
}

// Build is like the function of that name.
func (m *Maker) Build(d *route.Desired, l *Live) (*Model, route.Problems) {
	since := change{all: true}
	if m.last != nil {
		since = l.since(m.last.live)
		if model := m.moved(d, l, since); model != nil {
			return model, m.last.problems
		}
	}
	var b *builder
	if since.all || since.world {
		b = newBuilder(l)
	} else {
		b = m.last.builder.with(l, since)
	}
	b.before = m.last
	if !since.all {
		b.known = m.stillKnown(since)
	}
	model, problems := b.model(d, l)
	b.before, b.known = nil, nil // or all that ever was would stay
	model.mark(m.last, d)
	m.last = &made{desired: d, live: l, builder: b, model: model, problems: problems, users: usersOf(d)}
	return model, problems
}

// Pack renders all proxies of a model and says what brings them to it. The error is
// route.Problems, as Pack's.
func (m *Maker) Pack(model *Model, l *Live) ([]Rollout, error) {
	var out []Rollout
	sheets := map[string]*sheet{}
	for _, p := range model.Proxies {
		s := m.sheets[p.Name]
		if s == nil {
			s = new(sheet)
		}
		sheets[p.Name] = s
		digest, files, err := m.Templates.render(p, true)
		if err != nil {
			return nil, route.Problems{{Object: "proxy " + p.Name, Text: err.Error(), Hint: "mend the template, or do without one of your own"}}
		}
		r, err := s.pack(model.Revision, p, digest, files, l.ProxyByName(p.Name))
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	m.sheets = sheets
	return out, nil
}

// usersOf lists which pools have tasks of each service.
func usersOf(d *route.Desired) map[string][]*route.Pool {
	out := map[string][]*route.Pool{}
	for _, p := range d.Pools {
		for _, member := range p.Members() {
			out[member.Service.Value] = append(out[member.Service.Value], p)
		}
	}
	return out
}

// stillKnown is where pools are that no changed service belongs to.
func (m *Maker) stillKnown(since change) map[string]reach {
	known := maps.Clone(m.last.builder.reach)
	for service := range since.services {
		for _, p := range m.last.users[service] {
			delete(known, RecordOf(p.Name, tcp))
			delete(known, RecordOf(p.Name, udp))
		}
	}
	return known
}

// moved is the model where all that has changed is where tasks of some pools are. It
// is nil where anything else did, or may follow from it.
func (m *Maker) moved(d *route.Desired, l *Live, since change) *Model {
	last := m.last
	if d != last.desired || since.all || since.world || since.other || m.touchProxies(since) {
		return nil
	}
	b := last.builder.with(l, since)
	b.reach = maps.Clone(last.builder.reach)
	found := map[string]reach{}
	for service := range since.services {
		for _, p := range last.users[service] {
			for _, protocol := range []string{tcp, udp} {
				key := RecordOf(p.Name, protocol)
				before, ok := last.builder.reach[key]
				if _, asked := last.model.Records[key]; !ok && !asked {
					continue // nobody needs its ports of this protocol
				}
				now := b.peers(p, protocol)
				if !ok || len(b.problems) > 0 || (len(now) == 0) != (len(before.peers) == 0) {
					return nil
				}
				found[key] = reach{p, now, before.overlays} // which are the service's
			}
		}
	}
	b.overlays = last.builder.overlays
	model := *last.model
	model.Proxies, model.Records = slices.Clone(model.Proxies), maps.Clone(model.Records)
	for i := range model.Proxies {
		p := &model.Proxies[i]
		p.Upstreams, p.StreamUpstreams = slices.Clone(p.Upstreams), slices.Clone(p.StreamUpstreams)
	}
	for key, now := range found {
		model.Records[key] = now.peers
		if !slices.Equal(now.peers, b.reach[key].peers) {
			b.lead(d, &model, key, now)
		}
		b.reach[key] = now
	}
	last.live, last.builder, last.model = l, b, &model
	return &model
}

// lead leads the upstreams of a pool to where its tasks are now.
func (b *builder) lead(d *route.Desired, m *Model, name string, now reach) {
	protocol := tcp
	if name != now.pool.Name {
		protocol = udp
	}
	peers := followed(now.pool, protocol, now.peers)
	for i := range m.Proxies {
		p := &m.Proxies[i]
		if u := upstreamNamed(p.Upstreams, name); u != nil {
			*u = b.one().upstream(now.pool, peers, p.Nginx)
			u.discovered(d.Proxies[p.Name])
			u.of = new(mark)
		}
		if u := upstreamNamed(p.StreamUpstreams, name); u != nil {
			*u = streamUpstream(name, now.pool, peers)
			u.discovered(d.Proxies[p.Name])
			u.of = new(mark)
		}
	}
}

func upstreamNamed(sorted []Upstream, name string) *Upstream {
	i, ok := slices.BinarySearchFunc(sorted, name, func(u Upstream, name string) int { return cmp.Compare(u.Name, name) })
	if !ok {
		return nil
	}
	return &sorted[i]
}

// touchProxies reports whether what changed may be about a proxy itself: its own
// service, or a task that takes or gives back a port of its.
func (m *Maker) touchProxies(since change) bool {
	ports := map[int]bool{}
	for _, p := range m.last.model.Proxies {
		if since.services[Prefix+p.Name] {
			return true
		}
		for _, port := range p.Ports {
			ports[port.Port] = true
		}
	}
	for _, p := range m.last.live.Proxies {
		if since.services[p.Service] {
			return true
		}
		for _, port := range p.has() {
			ports[port.Port] = true
		}
	}
	for _, t := range since.tasks {
		if slices.ContainsFunc(t.Ports, func(p Port) bool { return ports[p.Published] }) {
			return true
		}
	}
	return false
}

// with is a builder for a state in which nodes, networks and services are the same.
func (b *builder) with(l *Live, since change) *builder {
	out := *b
	out.live, out.problems, out.before, out.clients = l, nil, nil, false
	out.tasks, out.overlays, out.reach, out.known = maps.Clone(b.tasks), map[string][]Network{}, map[string]reach{}, nil
	out.secrets = secretIDs(l)
	ids := map[string]bool{}
	for name := range since.services {
		id := b.services[name].ID
		ids[id] = true
		delete(out.tasks, id)
	}
	for _, t := range l.Tasks {
		if ids[t.Service] {
			out.tasks[t.Service] = append(out.tasks[t.Service], t)
		}
	}
	return &out
}

// poolState is what answers say that lead to a pool.
type poolState struct {
	pool  *route.Pool
	led   bool // there are peers
	tls   *UpstreamTLS
	taken []Header
}

func (s poolState) same(t poolState) bool {
	return s.pool == t.pool && s.led == t.led && reflect.DeepEqual(s.tls, t.tls) && slices.Equal(s.taken, t.taken)
}

func (b *proxyBuilder) states(routes []*route.Route, peers map[string][]Peer) map[string]poolState {
	out := map[string]poolState{}
	for _, r := range routes {
		for _, pool := range r.AllPools() {
			name := pool.Value
			out[name] = poolState{b.pools[name], len(peers[name]) > 0, b.peerTLS[name], b.taken[name]}
		}
	}
	return out
}

// proxy is what there is of a proxy that may be kept: nothing where its own section is
// another one, or where it lacked secrets.
func (m *made) proxy(p *route.Proxy) *Proxy {
	if m == nil || m.desired.Proxies[p.Name] != p {
		return nil
	}
	i := slices.IndexFunc(m.model.Proxies, func(q Proxy) bool { return q.Name == p.Name })
	if i < 0 || m.model.Proxies[i].Lacks != nil {
		return nil
	}
	return &m.model.Proxies[i]
}

// touched tells which routes are not as they were, in themselves or in their pools.
func (p *Proxy) touched(before *Proxy) func(*route.Route) bool {
	if before == nil {
		return func(*route.Route) bool { return true }
	}
	pools := map[string]bool{}
	for name, state := range p.pools {
		if was, ok := before.pools[name]; !ok || !state.same(was) {
			pools[name] = true
		}
	}
	return func(r *route.Route) bool {
		return len(pools) > 0 && slices.ContainsFunc(r.AllPools(), func(pool route.At[string]) bool { return pools[pool.Value] })
	}
}

func sameFrame(p, q Proxy) bool { return reflect.DeepEqual(p.frame(), q.frame()) }

// mark gives all that is rendered into files of its own its mark: that of the last
// model, where nothing has changed that it is made of.
func (m *Model) mark(last *made, d *route.Desired) {
	for i := range m.Proxies {
		p := &m.Proxies[i]
		p.of = new(mark)
		before := &Proxy{}
		if former := last.proxy(d.Proxies[p.Name]); former != nil && sameFrame(*p, *former) {
			before = former
		}
		for i := range p.Servers {
			if s := &p.Servers[i]; s.of == nil {
				s.of = new(mark)
			}
		}
		for i := range p.Definitions {
			if d := &p.Definitions[i]; d.of == nil {
				d.of = new(mark)
			}
		}
		markUpstreams(p.Upstreams, before.Upstreams)
		markUpstreams(p.StreamUpstreams, before.StreamUpstreams)
	}
}

func markUpstreams(now, before []Upstream) {
	for i := range now {
		u := &now[i]
		if was := upstreamNamed(before, u.Name); was != nil && was.same(*u) {
			u.of = was.of
		} else {
			u.of = new(mark)
		}
	}
}

// same reports whether two upstreams are written alike.
func (u Upstream) same(v Upstream) bool {
	peers := slices.Equal(u.Peers, v.Peers)
	u.Peers, v.Peers, u.of, v.of = nil, nil, nil, nil
	return peers && reflect.DeepEqual(u, v)
}
