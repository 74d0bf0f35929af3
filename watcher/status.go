package watcher

import (
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/wharfinger/wharfinger/generator"
	"github.com/wharfinger/wharfinger/route"
	"github.com/wharfinger/wharfinger/status"
)

// Meter counts what a Loop does.
type Meter interface {
	// Fetched counts a look at the source: "same", "new", "refused" for files that are
	// no routes, "failed" if it may pass, "permanent" if somebody has to act.
	Fetched(outcome string)
	// Took measures a step of a pass: fetch, read, build, render, test or apply.
	Took(step string, d time.Duration)
	// RolledOut counts a rollout that was sent: "confirmed", "failed" if it was taken
	// back, "unconfirmed"; or one that nginx did not take: "refused".
	RolledOut(proxy, outcome string)
}

// noMeter is a Meter that counts nothing.
type noMeter struct{}

func (noMeter) Fetched(string)             {}
func (noMeter) Took(string, time.Duration) {}
func (noMeter) RolledOut(string, string)   {}

func (l *Loop) meter() Meter {
	if l.Meter == nil {
		return noMeter{}
	}
	return l.Meter
}

// known is what a Status is made of. A pass copies a few pointers; the words are made
// when somebody asks.
type known struct {
	source  status.Source
	swarm   status.Swarm
	files   route.Problems // of the newest files, which are no revision
	refused route.Problems // of the newest revision
	unmade  route.Problems // of the last revision that no rollout could be made of
	live    *generator.Live
	plan    *Plan // of the last pass that made one
	rolling bool  // its rollouts are on their way
	// The revision that is pinned, if one is, and since when.
	pinned   string
	pinnedAt time.Time
	// What became of the last ones, by proxy; replaced, never changed.
	outcomes map[string]Outcome
	waits    map[string]*Held // why another revision than the followed one is served
}

// publish has Status tell what is known now.
func (l *Loop) publish() {
	l.known.live, l.known.pinned, l.known.pinnedAt = l.live, "", time.Time{}
	if l.pin != nil {
		l.known.pinned, l.known.pinnedAt = l.pin.revision, l.pin.since.UTC()
	}
	if l.desired != nil {
		l.known.source.Followed = l.desired.Revision
	}
	l.known.swarm.Told = "polling"
	if l.Cluster.Streams() {
		l.known.swarm.Told = "stream"
	}
	now := l.known
	l.published.Store(&now)
}

// fetched notes a look at the source.
func (l *Loop) fetched(rev route.Revision, err error, took time.Duration) {
	l.meter().Took("fetch", took)
	source, outcome := &l.known.source, "same"
	problems, refused := errors.AsType[route.Problems](err)
	source.Error, source.Permanent, l.known.files = "", false, problems
	switch {
	case refused:
		outcome, source.Read = "refused", time.Now().UTC()
	case err != nil:
		outcome, source.Error = "failed", err.Error()
		if source.Permanent = isPermanent(err); source.Permanent {
			outcome = "permanent"
		}
	default:
		if rev.ID != l.revision {
			outcome = "new"
		}
		if source.Revision != rev.ID {
			l.known.refused, l.known.unmade = nil, nil
		}
		source.Read, source.Revision, source.Signer = time.Now().UTC(), rev.ID, rev.Signer
	}
	l.meter().Fetched(outcome)
}

// wasRead notes a look at the cluster.
func (l *Loop) wasRead(err error, took time.Duration) {
	l.meter().Took("read", took)
	if l.known.swarm.Error = ""; err != nil {
		l.known.swarm.Error = err.Error()
		return
	}
	l.known.swarm.Read = time.Now().UTC()
}

// begin notes that rollouts are on their way, but for those that are in force.
func (l *Loop) begin(plan *Plan, done func(generator.Rollout) bool) {
	l.meter().Took("build", plan.Build)
	l.meter().Took("render", plan.Render)
	l.progress.clear()
	l.known.plan = plan
	l.known.rolling = slices.ContainsFunc(plan.Rollouts, func(r generator.Rollout) bool { return r.Needed() || !done(r) })
	l.publish()
}

// finish notes what became of them.
func (l *Loop) finish(plan *Plan, outcomes []Outcome, waits map[string]*Held) {
	l.known.rolling, l.known.waits = false, waits
	l.known.outcomes = map[string]Outcome{}
	for _, o := range outcomes {
		l.known.outcomes[o.Rollout.Proxy] = o
		if o.Test > 0 {
			l.meter().Took("test", o.Test)
		}
		if o.Apply > 0 {
			l.meter().Took("apply", o.Apply)
		}
		switch {
		case !o.Rollout.Needed() || o.Err == ErrQuarantined:
		case o.Err == nil:
			l.meter().RolledOut(o.Rollout.Proxy, "confirmed")
		case !o.Sent && IsRefusal(o.Err) && !isHeld(o.Err):
			l.meter().RolledOut(o.Rollout.Proxy, "refused")
		case o.Sent && IsRefusal(o.Err):
			l.meter().RolledOut(o.Rollout.Proxy, "failed")
		case o.Sent:
			l.meter().RolledOut(o.Rollout.Proxy, "unconfirmed")
		}
	}
}

func isHeld(err error) bool {
	_, held := errors.AsType[*Held](err)
	return held
}

// Status tells what is live and what is wrong. It may be called at any time, also
// while the loop runs.
func (l *Loop) Status() status.Status {
	out := status.Status{Version: status.Version, Proxies: []status.Proxy{}}
	k := l.published.Load()
	if k == nil {
		k = &known{}
	}
	source, swarm := k.source, k.swarm
	source.Name = l.Name
	out.Source, out.Swarm = &source, &swarm
	if k.pinned != "" {
		out.Pinned = []status.Pin{{Source: l.Name, Revision: k.pinned, Since: k.pinnedAt}}
	}
	var lacking route.Problems
	switch {
	case k.plan == nil && k.live != nil: // there is no revision yet
		for _, p := range k.live.Proxies {
			out.Proxies = append(out.Proxies, status.Of(p, k.live))
		}
	case k.plan != nil:
		lacking = k.plan.Problems
		for _, r := range k.plan.Rollouts {
			out.Proxies = append(out.Proxies, k.proxy(r, l.progress.of(r.Proxy)))
		}
	}
	out.Problems = status.Problems(slices.Concat(k.files, k.refused, k.unmade), lacking)
	return out
}

// proxy tells of one proxy. What it serves is read from the Swarm, so it is right
// after a restart, too.
func (k *known) proxy(r generator.Rollout, progress map[string]string) status.Proxy {
	out := status.Proxy{Name: r.Proxy, Service: r.Service, State: status.Absent, Nodes: []status.Node{}, Pools: []status.Pool{}}
	if service := k.live.ProxyByName(r.Proxy); service != nil {
		out = status.Of(*service, k.live)
	}
	out.Drift = r.Drift
	if pools := k.plan.pools()[r.Proxy]; pools != nil {
		out.Pools = pools
	}
	o, made := k.outcomes[r.Proxy]
	switch {
	case k.rolling && len(progress) > 0:
		out.State, out.Why = status.Rolling, ""
		states := map[string]string{}
		for _, n := range out.Nodes {
			states[n.Name] = n.State
		}
		maps.Copy(states, progress)
		out.Nodes = []status.Node{}
		for _, name := range slices.Sorted(maps.Keys(states)) {
			out.Nodes = append(out.Nodes, status.Node{Name: name, State: states[name]})
		}
	case !made: // the first pass is on its way: what the Swarm says is all there is
	case k.waits[r.Proxy] != nil:
		out.State, out.Why = status.HeldBack, k.waits[r.Proxy].Error()
	case o.Err == nil && o.Confirmed:
		out.State, out.Why = status.Live, ""
	case isHeld(o.Err) || o.Err == ErrHeldBack:
		out.State, out.Why = status.HeldBack, o.Err.Error()
	case o.Err == ErrQuarantined || o.Sent && IsRefusal(o.Err):
		out.State, out.Why = status.RolledBack, o.Err.Error()
	case o.Err != nil && IsRefusal(o.Err):
		out.State, out.Why = status.HeldBack, o.Err.Error()
	case o.Err != nil:
		out.State, out.Why = status.Unconfirmed, o.Err.Error()
	}
	return out
}

// poolsByProxy lists the pools that each proxy leads to, with their peers of now.
func (p *Plan) poolsByProxy() map[string][]status.Pool {
	out := map[string][]status.Pool{}
	for _, model := range p.Model.Proxies {
		out[model.Name] = status.PoolsOf(p.read.Desired, model, p.Model.Records)
	}
	return out
}

// progress is what rollouts under way have come to, by proxy and node. It changes a
// few times in a rollout, and never between.
type progress struct {
	mu     sync.Mutex
	states map[string]map[string]string
}

func (p *progress) clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.states = map[string]map[string]string{}
}

func (p *progress) set(proxy, node, state string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.states[proxy] == nil {
		p.states[proxy] = map[string]string{}
	}
	p.states[proxy][node] = state
}

func (p *progress) of(proxy string) map[string]string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.states[proxy])
}

// Pools lists the pools that each proxy of a repository leads to in a Swarm, with their
// peers, and the problems of the cluster.
func Pools(d *route.Desired, l *generator.Live) (map[string][]status.Pool, route.Problems) {
	var b Builder
	model, problems := b.Build(d, l)
	return (&Plan{Model: model, read: b.read}).poolsByProxy(), problems
}
