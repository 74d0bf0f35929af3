package route

import (
	"fmt"
	"maps"
	"slices"
)

// named looks at what options name: what a route, a policy or the defaults of a proxy say of
// other pools, whether anybody uses it or not.
func (c *checker) named(o Options) {
	c.networks(o.Access)
	c.poolThere(o.Access.Auth.Pool)
	c.poolThere(o.Mirror.Pool)
	c.errors(o.Errors)
}

// networks looks at lists that are written, but empty.
func (c *checker) networks(a Access) {
	if a.Allow != nil && len(a.Allow) == 0 {
		c.problem(a.Pos, "this access allows nobody", "write who may come, like allow: [10.0.0.0/8], or leave allow out")
	}
	if a.Deny != nil && len(a.Deny) == 0 {
		c.problem(a.Pos, "this deny lists nobody", "leave deny out: what policies and defaults deny stays denied")
	}
}

// access looks at who may come to a route.
func (c *checker) access(r *Route) {
	a := r.Access
	if b := a.Basic; b.Pos.Line > 0 && !c.gaps.objects[b.Pos] && !b.Secret.Given() {
		c.problem(b.Pos, "basic has no secret", "add the Docker secret with names and passwords, like basic: office-users")
	}
	if auth := a.Auth; auth.Pos.Line > 0 && !c.gaps.objects[auth.Pos] {
		pool := c.Pools[auth.Pool.Value]
		switch {
		case !auth.Pool.Given():
			c.problem(auth.Pos, "auth has no pool to ask", "add the pool that decides, like auth: {pool: login}")
		case pool != nil && pool.Protocol.Value == "grpc":
			c.problem(auth.Pool.Pos, fmt.Sprintf("pool %s speaks gRPC, but auth asks by HTTP/1.1", pool.Name), "ask a pool without protocol: grpc")
		case auth.SignIn.Given() && a.Basic.Pos.Line > 0:
			c.problem(auth.SignIn.Pos, "who is sent to sign in is never asked for a password", "leave signIn or basic out")
		}
	}
	if r.own.Access.Any.Value && a.ways() < 2 {
		c.problem(r.own.Access.Any.Pos, "any lets clients choose, but there are no two ways to come in", "add two of allow, basic and auth, or leave any out")
	}
}

// ways counts what can let a client in.
func (a Access) ways() int {
	n := 0
	for _, given := range []bool{a.Allow != nil, a.Basic.Pos.Line > 0, a.Auth.Pos.Line > 0} {
		if given {
			n++
		}
	}
	return n
}

// Statuses for which nobody can answer, or no pool.
const (
	clientGone   = 499
	bodyTooLarge = 413
)

// errors looks at a list of rules as it was written.
func (c *checker) errors(rules []ErrorRule) {
	seen := map[int]Pos{}
	for _, rule := range rules {
		if rule.Pos.Line == 0 || c.gaps.objects[rule.Pos] {
			continue
		}
		if len(rule.On) == 0 {
			c.problem(rule.Pos, "this rule is for no status", "add those that it is for, like on: [502, 503, 504]")
		}
		for _, status := range rule.On {
			if first, ok := seen[status.Value]; ok {
				c.problem(status.Pos, fmt.Sprintf("there is a rule for %d already, at %s", status.Value, first), "leave the status out of one of them")
			}
			if status.Value == clientGone {
				c.problem(status.Pos, "nobody gets a 499, for it says that the client has gone", "leave it out")
			}
			if status.Value == bodyTooLarge && rule.Pool.Given() {
				c.problem(status.Pos, "a body that is too large is not read, so no pool can have it", "answer 413 with respond, or let more in with maxBody")
			}
			if status.Value != 0 { // 0 was refused
				seen[status.Value] = status.Pos
			}
		}
		answers := 0
		for _, pos := range []Pos{rule.Pool.Pos, rule.Respond.Pos, rule.Redirect.Pos} {
			if pos.Line > 0 {
				answers++
			}
		}
		switch {
		case answers == 0:
			c.problem(rule.Pos, "this rule answers nothing", "add pool, respond or redirect")
		case answers > 1:
			c.problem(rule.Pos, "this rule answers several things", "leave one of pool, respond and redirect")
		}
		c.poolThere(rule.Pool)
		if p := c.Pools[rule.Pool.Value]; p != nil && p.Protocol.Value == "grpc" {
			c.problem(rule.Pool.Pos, fmt.Sprintf("pool %s speaks gRPC, whose streams cannot begin anew elsewhere", p.Name), "answer with a pool of HTTP, with respond or redirect")
		}
		c.bodiless(rule.Respond)
	}
}

// failing looks at error rules together with what else the route says.
func (c *checker) failing(r *Route) {
	for _, rule := range r.own.Errors {
		if p := c.streamed(r); p != nil && rule.Pool.Given() {
			c.problem(rule.Pool.Pos, fmt.Sprintf("the streams of pool %s are gRPC and cannot begin anew elsewhere", p.Name), "answer with respond or redirect")
		}
	}
	for _, rule := range r.Errors {
		if rule.Pool.Given() && r.Buffering.Requests.Given() && !r.Buffering.Requests.Value {
			c.problem(rule.Pool.Pos, fmt.Sprintf("a pool can only be asked again with bodies that were kept, but route %s does not collect them", r.Name),
				"leave requests: false out of buffering, or answer with respond")
		}
		for _, status := range rule.On {
			if status.Value == 401 && r.Access.Auth.SignIn.Given() {
				c.problem(status.Pos, fmt.Sprintf("clients of route %s that get a 401 are sent to sign in", r.Name), "leave 401 out of the rule, or signIn out of auth")
			}
		}
	}
}

// mirror looks at what the route itself says of copies; what it inherits and has
// no use for is nothing.
func (c *checker) mirror(r *Route) {
	m := r.Mirror
	if m.Pos.Line == 0 || c.gaps.objects[m.Pos] {
		return
	}
	if !m.Pool.Given() {
		c.problem(m.Pos, "mirror has no pool", "add the pool that gets the copies, like mirror: shop-next")
	}
	own := r.own.Mirror.Pos
	if own.Line == 0 {
		return
	}
	if p := c.streamed(r, m.Pool.Value); p != nil {
		c.problem(own, fmt.Sprintf("pool %s speaks gRPC, whose streams cannot be copied", p.Name), "leave mirror out, or mirror HTTP to HTTP")
		return
	}
	if r.AnswersItself() {
		c.problem(own, "a mirror gets what a pool gets, but this route has none", "leave it out")
	}
}

// streamed is the first of a route's pools that speaks gRPC, or nil. nginx keeps
// no bodies on their way to one, so there is nothing to send elsewhere.
func (d *Desired) streamed(r *Route, more ...string) *Pool {
	for _, name := range append(slices.Sorted(maps.Keys(r.Split)), append(more, r.Pool.Value)...) {
		if p := d.Pools[name]; p != nil && p.Protocol.Value == "grpc" {
			return p
		}
	}
	return nil
}

// unstream takes out what a route inherits and cannot do with the streams of gRPC.
func (d *Desired) unstream(r *Route) {
	if d.streamed(r, r.Mirror.Pool.Value) != nil {
		r.Mirror = Mirror{}
	}
	if d.streamed(r) != nil {
		r.Errors = slices.DeleteFunc(slices.Clone(r.Errors), func(rule ErrorRule) bool { return rule.Pool.Given() })
	}
}
