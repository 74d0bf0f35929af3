// Package status says what is live, since when, and what is wrong: the words that
// the daemon's /status, its metrics and the commands status and history share. It is
// pure.
package status

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/wharfinger/wharfinger/generator"
	"github.com/wharfinger/wharfinger/route"
)

// Version is that of the JSON of a Status. It grows when a field goes or means
// something else; new fields do not count.
const Version = 1

// Status is all that is known at one moment. Times are in UTC, and zero (not written)
// for what has not happened.
type Status struct {
	Version int `json:"version"`
	// Source and Swarm are the daemon's view of what it reads; nil from others.
	Source *Source `json:"source,omitempty"`
	Swarm  *Swarm  `json:"swarm,omitempty"`
	// Pinned are the revisions that stand in the place of what is pushed.
	Pinned  []Pin   `json:"pinned,omitempty"`
	Proxies []Proxy `json:"proxies"`
	// Problems stand: of the newest revision, which is refused for them, and of the
	// cluster.
	Problems []Problem `json:"problems"`
}

// Pin is a revision that is followed until `wharfinger unpin`, whatever its source
// holds.
type Pin struct {
	Source   string    `json:"source"`
	Revision string    `json:"revision"`
	Since    time.Time `json:"since"`
}

// Source is where revisions come from.
type Source struct {
	// Name is the directory, or the URL without what is secret in it.
	Name string `json:"name,omitempty"`
	// Revision is the newest one that was read, good or not; Followed is the one that
	// the proxies are brought to.
	Revision string `json:"revision,omitempty"`
	Followed string `json:"followed,omitempty"`
	// Signer is who signed Revision, where signatures are asked for.
	Signer string `json:"signer,omitempty"`
	// Read is when it could last be read.
	Read time.Time `json:"read,omitzero"`
	// Error is why it cannot be read now. Permanent says that this stays until
	// somebody acts.
	Error     string `json:"error,omitempty"`
	Permanent bool   `json:"permanent,omitempty"`
}

// Swarm is the cluster as a whole.
type Swarm struct {
	// Read is when it could last be read.
	Read time.Time `json:"read,omitzero"`
	// Error is why it cannot be read now.
	Error string `json:"error,omitempty"`
	// Told is how the daemon learns of tasks: "stream" where the manager tells of each
	// as it moves, "polling" where they are looked for every two seconds.
	Told string `json:"told,omitempty"`
}

// State is how a proxy stands to what it should serve.
type State string

// The states of a proxy.
const (
	// Live serves what it should, on every node.
	Live State = "live"
	// Rolling is on its way to it.
	Rolling State = "rolling"
	// Starting waits for tasks that do not run yet.
	Starting State = "starting"
	// HeldBack keeps what it serves until what Why tells is mended: it was not sent.
	HeldBack State = "held back"
	// RolledBack was sent what failed, and has again what it had before.
	RolledBack State = "rolled back"
	// Stopped is a rollout that Swarm stands still in.
	Stopped State = "stopped"
	// Unconfirmed could not be asked, or not all of it.
	Unconfirmed State = "unconfirmed"
	// Absent has no service yet.
	Absent State = "absent"
)

// States are all of them.
func States() []State {
	return []State{Live, Rolling, Starting, HeldBack, RolledBack, Stopped, Unconfirmed, Absent}
}

// Proxy is one proxy's service and what it serves.
type Proxy struct {
	Name    string `json:"name"`
	Service string `json:"service"`
	State   State  `json:"state"`
	// Why is the reason for a state that is not Live.
	Why string `json:"why,omitempty"`
	// Revision is the one that its files came from, Since when it first came to this
	// proxy, and Digest that of the files. A later revision that changes nothing for
	// the proxy rolls nothing, so it leaves them as they are.
	Revision string    `json:"revision,omitempty"`
	Since    time.Time `json:"since,omitzero"`
	Digest   string    `json:"digest,omitempty"`
	Nodes    []Node    `json:"nodes"`
	// Failed is the rollout that failed last, and is not tried again until something
	// changes; nil where there is none.
	Failed *Failed `json:"failed,omitempty"`
	// Drift is what somebody changed by hand, and what becomes of it.
	Drift []string `json:"drift,omitempty"`
	Pools []Pool   `json:"pools"`
}

// Node is a node that a proxy has a task on.
type Node struct {
	Name string `json:"name"`
	// State is Swarm's for the task, or during a rollout what the rollout has come to.
	State string `json:"state"`
}

// Failed is a rollout that failed.
type Failed struct {
	Rollout  string `json:"rollout"`
	Revision string `json:"revision,omitempty"`
	Why      string `json:"why,omitempty"`
}

// Pool is a pool that a proxy leads to.
type Pool struct {
	Name string `json:"name"`
	// Peers are addresses with ports, sorted.
	Peers []string `json:"peers"`
	// Routes and Streams are those that lead to it, sorted.
	Routes  []string `json:"routes,omitempty"`
	Streams []string `json:"streams,omitempty"`
}

// Problem is a route.Problem, field by field.
type Problem struct {
	File   string `json:"file,omitempty"`
	Line   int    `json:"line,omitempty"`   // from 1
	Column int    `json:"column,omitempty"` // from 1, in characters
	Object string `json:"object,omitempty"` // in place of a file, what is meant in the cluster
	Text   string `json:"text"`
	Hint   string `json:"hint,omitempty"`
	// Refuses says that the newest revision is refused for it. Other problems leave
	// out what they are about.
	Refuses bool `json:"refuses"`
}

// Problems are first those for which a revision is refused, then those of the cluster;
// never nil.
func Problems(refusing, cluster route.Problems) []Problem {
	out := []Problem{}
	for i, p := range slices.Concat(refusing, cluster) {
		out = append(out, Problem{p.Pos.File, p.Pos.Line, p.Pos.Col, p.Object, p.Text, p.Hint, i < len(refusing)})
	}
	return out
}

// Of is a proxy as the Swarm tells of it: Live where all its tasks run, Starting else.
// It knows no pools.
func Of(p generator.ProxyService, live *generator.Live) Proxy {
	out := Proxy{
		Name: p.Proxy, Service: p.Service, State: Live,
		Revision: p.Revision, Since: p.Since, Digest: p.Digest, Nodes: nodes(p, live), Pools: []Pool{},
	}
	for _, n := range out.Nodes {
		if n.State != "running" {
			out.State, out.Why = Starting, "its task on "+n.Name+" is "+n.State
		}
	}
	if p.Failed != "" {
		out.Failed = &Failed{p.Failed, p.FailedRevision, p.FailedWhy}
	}
	return out
}

// nodes lists where a proxy's tasks are, by name. Where an old and a new one are on
// one node, the one that runs counts.
func nodes(p generator.ProxyService, live *generator.Live) []Node {
	id, hostnames, states := "", map[string]string{"": "(no node)"}, map[string]string{}
	for _, s := range live.Services {
		if s.Name == p.Service {
			id = s.ID
		}
	}
	for _, n := range live.Nodes {
		hostnames[n.ID] = n.Hostname
	}
	for _, t := range live.Tasks {
		if node := hostnames[t.Node]; t.Service == id && states[node] != "running" {
			states[node] = t.State
		}
	}
	out := []Node{}
	for _, name := range slices.Sorted(maps.Keys(states)) {
		out = append(out, Node{name, states[name]})
	}
	return out
}

// PoolsOf lists the pools that a proxy leads to, with their peers and who leads
// there. d is what the model of the proxy was built from, and records are the model's.
func PoolsOf(d *route.Desired, proxy generator.Proxy, records map[string][]generator.Peer) []Pool {
	pools := map[string]*Pool{}
	of := func(name string) *Pool {
		if pools[name] == nil {
			pools[name] = &Pool{Name: name, Peers: []string{}}
		}
		return pools[name]
	}
	for _, name := range slices.Sorted(maps.Keys(d.Routes)) {
		r := d.Routes[name]
		if r.Proxy.Value != proxy.Name {
			continue
		}
		for _, pool := range r.AllPools() {
			if p := of(pool.Value); !slices.Contains(p.Routes, name) {
				p.Routes = append(p.Routes, name)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(d.Streams)) {
		if s := d.Streams[name]; s.Proxy.Value == proxy.Name {
			of(s.Pool.Value).Streams = append(of(s.Pool.Value).Streams, name)
		}
	}
	for _, u := range slices.Concat(proxy.Upstreams, proxy.StreamUpstreams) {
		name := generator.PoolOf(u.Name)
		if pools[name] == nil {
			continue // the inner half of a mirror
		}
		peers := u.Peers
		if u.Resolvers != nil { // nginx asks for them itself
			peers = records[u.Name]
		}
		for _, peer := range peers {
			if !slices.Contains(pools[name].Peers, peer.Address) {
				pools[name].Peers = append(pools[name].Peers, peer.Address)
			}
		}
	}
	out := []Pool{}
	for _, name := range slices.Sorted(maps.Keys(pools)) {
		slices.Sort(pools[name].Peers)
		out = append(out, *pools[name])
	}
	return out
}

// Short is a revision as people name it: the first 12 digits of a hash, and what is
// no hash as it is.
func Short(revision string) string {
	if len(revision) >= 40 && strings.Trim(revision, "0123456789abcdef") == "" {
		return revision[:12]
	}
	return revision
}
