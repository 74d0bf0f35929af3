package route

import (
	"fmt"
	"maps"
	"slices"
)

const (
	aboutOneHop = "leave it out; it is about one connection, and the proxy has one with the client and another with the pool (RFC 9110, 7.6.1)"
	nginxsOwn   = "leave it out; nginx writes its own in place of the pool's, and without modules beyond stock nginx nobody can change that"
)

// kept are headers that the proxy writes, whatever a route says, with what to do
// instead: on the way to the pool, and on the way back.
var (
	kept = map[string]string{
		"Connection": aboutOneHop, "Keep-Alive": aboutOneHop, "Proxy-Connection": aboutOneHop, "Te": aboutOneHop,
		"Trailer": aboutOneHop, "Transfer-Encoding": aboutOneHop, "Upgrade": aboutOneHop,
		"Content-Length": "leave it out; the proxy counts the body itself",
	}
	keptInRequests  = map[string]string{"Host": "add host: NAME to the pool"}
	keptInResponses = map[string]string{"Date": nginxsOwn, "Server": nginxsOwn}
)

// headers looks at the changes of one route, policy or defaults.
func (c *checker) headers(h Headers) {
	for _, way := range []struct {
		change HeaderChange
		kept   map[string]string
	}{{h.Request, keptInRequests}, {h.Response, keptInResponses}} {
		for _, name := range way.change.names() {
			hint, ok := kept[name.Value]
			if !ok {
				hint, ok = way.kept[name.Value]
			}
			if ok {
				c.problem(name.Pos, fmt.Sprintf("the header %s is the proxy's own", name.Value), hint)
			}
		}
		for _, name := range way.change.Remove {
			if _, ok := way.change.Set[name.Value]; ok && name.Value != lost {
				c.problem(name.Pos, fmt.Sprintf("the header %s is set and removed", name.Value), "leave one of the two out; what is set replaces what was there")
			}
		}
	}
	if location, ok := h.Response.Set["Location"]; ok {
		c.problem(location.Pos, "the header Location is a redirect's", "make the route a redirect, like redirect: https://www.example.org")
	}
}

// names lists the headers that are set or removed, but for those that were refused.
func (h HeaderChange) names() []At[string] {
	names := slices.Clone(h.Remove)
	for name, value := range h.Set {
		names = append(names, At[string]{name, value.Pos})
	}
	return slices.DeleteFunc(names, func(name At[string]) bool { return !name.Given() })
}

// wire looks at what a route changes on the way to its pool and back.
func (c *checker) wire(r *Route) {
	c.headers(r.Headers)
	c.cors(r)
	if cookies := r.Cookies; cookies.SameSite.Value == "none" && !cookies.Secure.Value {
		c.problem(cookies.SameSite.Pos, "browsers refuse cookies with SameSite=None that are not secure", "add secure: true")
	}
	c.longHeaders(r)
	if !r.AnswersItself() {
		return
	}
	for _, header := range r.own.Headers.Request.names() {
		c.problem(header.Pos, "headers of requests are for what a pool gets, but this route has none", "leave them out")
	}
	own := r.own.Cookies
	for _, pos := range []Pos{own.Secure.Pos, own.HTTPOnly.Pos, own.SameSite.Pos, own.Domain.Pos, own.Path.Pos} {
		if pos.Line > 0 {
			c.problem(pos, "cookies are those that a pool sets, but this route has none", "leave them out")
		}
	}
}

// longHeaders looks at headers on the way to a pool that speaks gRPC and back.
func (c *checker) longHeaders(r *Route) {
	if !slices.ContainsFunc(r.Pools(), func(pool At[string]) bool { p := c.Pools[pool.Value]; return p != nil && p.Protocol.Value == "grpc" }) {
		return
	}
	for _, name := range slices.Concat(r.Headers.Request.names(), r.Headers.Response.names(), r.Access.Auth.Headers) {
		if len(name.Value) > longestInHash {
			c.problem(name.Pos, fmt.Sprintf("the header %s is too long for gRPC", name.Value), fmt.Sprintf("leave it out; a header has up to %d characters there", longestInHash))
		}
	}
}

func (c *checker) cors(r *Route) {
	cors := r.CORS
	if cors.Pos.Line == 0 || c.gaps.objects[cors.Pos] {
		return
	}
	if cors.Origins == nil {
		c.problem(cors.Pos, "cors lets nobody in", "add the origins that may read, like origins: [\"https://app.example.org\"]")
	}
	if len(cors.Origins) == 0 {
		return
	}
	if cors.Credentials.Value && slices.ContainsFunc(cors.Origins, func(o At[string]) bool { return o.Value == "*" }) {
		c.problem(cors.Credentials.Pos, "browsers send no credentials where any origin may read", "name the origins, or leave credentials out (Fetch Standard, CORS protocol and credentials)")
	}
	set := r.own.Headers.Response.Set
	for _, name := range slices.Sorted(maps.Keys(set)) {
		if slices.Contains(CORSHeaders, name) {
			c.problem(set[name].Pos, fmt.Sprintf("cors writes %s itself", name), "leave the header out, or cors")
		}
	}
}
