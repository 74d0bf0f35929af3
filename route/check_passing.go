package route

import (
	"fmt"
	"slices"
)

// passing looks at how requests go to the pools of a route.
func (c *checker) passing(r *Route) {
	c.retries(r)
	if r.Passthrough.Value {
		return // nobody here sees what is spoken
	}
	named := r.Pools()
	grpc := len(named) > 0
	for _, name := range named {
		p := c.Pools[name.Value]
		if p == nil || c.gaps.fields[p] || p.Protocol.Value != "grpc" {
			grpc = false
			continue
		}
		c.grpcFromClients(r, name)
	}
	if !grpc {
		return
	}
	for _, b := range []At[bool]{r.own.Buffering.Requests, r.own.Buffering.Responses} {
		if b.Given() {
			c.problem(b.Pos, fmt.Sprintf("route %s speaks gRPC, which nginx never buffers", r.Name), "leave it out")
		}
	}
}

// grpcFromClients tells where clients of gRPC cannot come in: before nginx
// 1.25.1 a port without TLS takes either HTTP/1.1 or HTTP/2.
func (c *checker) grpcFromClients(r *Route, pool At[string]) {
	proxy := c.Proxies[c.proxyOf(r.Proxy)]
	if proxy == nil || c.gaps.fields[proxy] {
		return
	}
	v, known := proxy.version()
	if !known || v.AtLeast(1, 25, 1) || c.byTLS(r) {
		return
	}
	c.problem(pool.Pos, fmt.Sprintf("pool %s speaks gRPC, which nginx %d.%d takes from clients over TLS alone", pool.Value, v.Major, v.Minor),
		"use nginx 1.25.1 or later, or give the route a certificate with tls")
}

// byTLS reports whether all hosts of a route have a certificate, be it from
// another route.
func (c *checker) byTLS(r *Route) bool {
	for _, host := range r.Hosts {
		has := false
		for _, other := range c.Routes {
			has = has || other.terminates() && c.proxyOf(other.Proxy) == c.proxyOf(r.Proxy) &&
				slices.ContainsFunc(other.Hosts, func(h At[string]) bool { return h.Value == host.Value })
		}
		if !has {
			return false
		}
	}
	return true
}

func (c *checker) retries(r *Route) {
	own := r.own.Retries
	if own.Pos.Line == 0 || c.gaps.objects[own.Pos] {
		return
	}
	switch {
	case own.On != nil && len(own.On) == 0:
		c.problem(own.Pos, "on lists nothing that counts as a failure", "name some, like on: [error, timeout, 503], leave on out, or write retries: 1 to ask one peer alone")
	case own.Tries.Value == 1 && (own.On != nil || own.Within.Given() || own.Unsafe.Given()):
		c.problem(own.Tries.Pos, "with one try there is no other one to say anything about", "let tries be 2 or more, or write retries: 1 alone")
	}
	seen := map[string]bool{}
	for _, on := range own.On {
		if seen[on.Value] && on.Value != "" {
			c.problem(on.Pos, fmt.Sprintf("%s is in this list already", on.Value), "leave it out")
		}
		seen[on.Value] = true
	}
}
