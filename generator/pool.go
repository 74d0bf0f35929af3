package generator

import (
	"maps"
	"math/bits"
	"slices"
	"time"

	"github.com/wharfinger/wharfinger/route"
)

// Passing is how requests of a route go to one pool.
type Passing struct {
	// Module is the part of nginx that passes them, as its directives begin: proxy
	// or grpc. Scheme is what stands before the pool: http, https, grpc or grpcs.
	Module, Scheme string
	TLS            *UpstreamTLS
	// Taken are the headers that some route to the pool takes from who decides
	// about access. By other routes nobody brings them.
	Taken []Header
	// Headers are the pool's own: they come before those that the route sets.
	Headers []Header
	// Cookie, where the pool has one to give, is the variable that holds it,
	// without the dollar sign; the variable is empty for clients that have one.
	Cookie string

	// All that follows is zero where the common part of nginx.conf has it so.

	Connect, Send, Read, Client time.Duration
	// Idle is Read for websockets and server-sent events.
	Idle time.Duration
	// Next is what counts as a failure, in nginx's words.
	Next   []string
	Tries  int
	Within time.Duration
	// Direct bodies are not collected on their way.
	DirectRequests, DirectResponses bool
}

// What nginx.conf's common part says, or nginx itself.
const (
	commonConnect = 5 * time.Second
	commonWait    = time.Minute
	commonTries   = 3
)

// passing works out how a route's requests go to a pool.
func (b *proxyBuilder) passing(r *route.Route, pool string) Passing {
	p := b.pools[pool]
	t, grpc := r.Timeouts, p.Protocol.Value == "grpc"
	if grpc { // any call may be a stream, and has a deadline of its own
		for _, wait := range []*route.At[time.Duration]{&t.Read, &t.Client} {
			if !wait.Given() {
				wait.Value = t.Idle.Value
			}
		}
	}
	out := Passing{
		Module: "proxy", Scheme: "http", TLS: b.peerTLS[pool], Taken: b.taken[pool], Headers: headersOf(p, grpc),
		Connect: unless(commonConnect, t.Connect.Value), Send: unless(commonWait, t.Send.Value),
		Read: unless(commonWait, t.Read.Value), Client: unless(commonWait, t.Client.Value),
		Idle: unless(commonWait, t.Idle.Value),
		Next: failures(r.Retries), Tries: unless(commonTries, r.Retries.Tries.Value), Within: r.Retries.Within.Value,
	}
	if p.Sticky.Given() {
		out.Cookie = variable("sticky", pool)
	}
	if grpc {
		out.Module, out.Scheme = "grpc", "grpc"
	} else {
		out.DirectRequests, out.DirectResponses = !r.Buffering.Requests.Value, !r.Buffering.Responses.Value
	}
	if out.TLS != nil {
		out.Scheme += "s"
	}
	return out
}

// maxBody is the largest body that a route takes, 0 for any: a call of gRPC may
// have messages without end.
func (b *proxyBuilder) maxBody(r *route.Route) int64 {
	if r.MaxBody.Given() {
		return r.MaxBody.Value
	}
	for _, pool := range r.Pools() {
		if p := b.pools[pool.Value]; p != nil && p.Protocol.Value == "grpc" {
			return 0
		}
	}
	return r.MaxBody.Value
}

// unless is the value, or zero where it is the common one.
func unless[T comparable](common, value T) T {
	if value == common {
		var zero T
		return zero
	}
	return value
}

// failures is what counts as a failure (nginx: proxy_next_upstream), or nil where
// that is what nginx takes for one by itself.
func failures(r route.Retries) []string {
	if r.On == nil && !r.Unsafe.Value {
		return nil
	}
	words := []string{"error", "timeout"}
	if r.On != nil {
		words = nil
		for _, on := range r.On {
			switch on.Value {
			case "error", "timeout":
				words = append(words, on.Value)
			case "invalid":
				words = append(words, "invalid_header")
			default:
				words = append(words, "http_"+on.Value)
			}
		}
		slices.Sort(words)
	}
	if r.Unsafe.Value {
		words = append(words, "non_idempotent")
	}
	return words
}

// headersOf is what a pool wants to see in another way than most.
func headersOf(p *route.Pool, grpc bool) []Header {
	var out []Header
	if p.Host.Given() {
		out = append(out, Header{"Host", p.Host.Value})
	}
	if p.Keepalive.Value == 0 && !grpc {
		out = append(out, Header{"Connection", "$peer_connection_once"})
	}
	return out
}

// streams is the answer to requests that may be answered for hours, in an inner
// location of that name: nginx cannot wait longer for some requests of one
// location than for others. It is nil where all have what streams need.
func (a *Answer) streams(inner string) *Answer {
	p := a.Passing
	switch {
	case a.Upstream == "" || p.Module == "grpc" || p.DirectResponses && p.Read == p.Idle:
		return nil
	case a.Snippet.has("location"): // it has to be below the path of the one that it stands in
		return nil
	}
	if !a.Snippet.has("proxy_read_timeout") {
		p.Read = p.Idle
	}
	p.DirectResponses = !a.Snippet.has("proxy_buffering")
	out := *a
	out.Inner, out.Split, out.Passing = inner, nil, p
	out.Traffic.Cache = nil // whoever wants events wants the latest
	return &out
}

// upstreamOf is what http and stream say alike of a pool.
func upstreamOf(name string, p *route.Pool, peers []Peer) Upstream {
	u := Upstream{
		Name: name, Peers: peers,
		MaxConns: p.MaxConnections.Value, MaxFails: p.MaxFails.Value, FailTimeout: unless(10*time.Second, p.FailTimeout.Value),
	}
	switch p.Balance.Value {
	case "least-connections":
		u.Method = "least_conn"
	case "random-two":
		u.Method = "random two"
	}
	return u
}

// upstream is a pool for the http block.
func (b *proxyBuilder) upstream(p *route.Pool, peers []Peer, version route.Version) Upstream {
	u := upstreamOf(p.Name, p, peers)
	u.Keepalive, u.ZoneName = p.Keepalive.Value, p.Name
	if u.Keepalive == 0 && !version.AtLeast(1, 29, 7) {
		u.Keepalive = -1 // there is none unless asked for, and no word for none
	}
	switch {
	case p.Hash.Given():
		// Requests without the property take turns: nginx hashes no empty text.
		u.Hash, u.Maps = valueOf(p.Hash.Value, func() string { return variable("key", p.Name) })
	case p.Sticky.Given():
		u.Hash, u.Maps = sticky(p.Sticky.Value, p.Name)
	}
	if u.Method != "" || u.MaxConns > 0 {
		u.Zone = zone(len(peers))
	}
	return u
}

// zone is the memory in KiB that workers need to count the connections to some
// peers together: from two to four for each, where nginx takes about one. It
// grows in steps, so that most peers come and go without a change.
func zone(peers int) int {
	return max(64, 2<<bits.Len(uint(peers)))
}

// sticky is the key by which a pool with a cookie chooses, and its maps. A client
// without the cookie gets the very key by which its first request was led.
func sticky(name, pool string) (string, []Map) {
	cookie, maps := valueOf(route.Key{Of: "cookie", Name: name}, func() string { return variable("key", pool) })
	key, given := variable("hash", pool), name+"=$request_id; Path=/; HttpOnly; SameSite=Lax"
	return "$" + key, append(maps,
		Map{Source: cookie, Variable: key, Entries: []MapEntry{{"(?s).", cookie}}, Default: Text{Variables: []string{"request_id"}}},
		Map{Source: "$client_scheme:" + cookie, Variable: variable("sticky", pool),
			Entries: []MapEntry{{"^http:$", given}, {"^https:$", given + "; Secure"}}})
}

// reachable finds the TLS of the pools that routes name, and leaves out the peers
// of those whose secrets are missing.
func (b *proxyBuilder) reachable(routes []*route.Route, peers map[string][]Peer) map[string][]Peer {
	named := map[string]bool{}
	for _, r := range routes {
		for _, pool := range r.AllPools() {
			named[pool.Value] = true
		}
	}
	peers = maps.Clone(peers)
	for _, pool := range slices.Sorted(maps.Keys(named)) {
		p := b.pools[pool]
		tls, ok := b.poolTLS(p)
		b.peerTLS[pool] = tls
		if !ok {
			delete(peers, pool)
		}
	}
	return peers
}
