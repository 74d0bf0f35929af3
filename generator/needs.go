package generator

import (
	"slices"
	"strings"
)

// needs is what a server asks of the rest: of the common part of nginx.conf, and of
// its proxy. It is worked out once for each server.
type needs struct {
	uses
	GRPC, TLS bool // of peers
	SignIn    bool // it sends clients somewhere to sign in
	// header and variable are how long the longest names are: of a header that peers
	// get or that is taken out of their answers, and of a variable besides those of
	// definitions.
	header, variable int
	pools            []string // that it leads to
	hsts             []HSTS
}

// uses is what the common part of nginx.conf needs.
type uses struct{ Limits, Compress, Cache bool }

func needsOf(s *Server) *needs {
	n := &needs{}
	for _, list := range [][]Location{s.Locations, s.Inner, s.Aside} {
		for _, l := range list {
			if l.Answer != nil {
				n.see(l.Answer)
			}
		}
	}
	for _, m := range s.Mirrors {
		n.pass(m.Copy.Passing)
	}
	for _, l := range s.Aside {
		n.SignIn = n.SignIn || l.Answer.Redirect != nil && strings.HasSuffix(l.Answer.Redirect.Path, "$"+escapedURI)
	}
	return n
}

func (n *needs) see(a *Answer) {
	n.Limits = n.Limits || a.Traffic.Limits != nil
	n.Compress = n.Compress || a.Traffic.Compress != nil
	n.Cache = n.Cache || a.Traffic.Cache != nil
	n.pass(a.Passing)
	for _, h := range a.PeerHeaders {
		n.header = max(n.header, len(h.Name))
	}
	for _, name := range a.Back.Hidden {
		n.header = max(n.header, len(name))
	}
	if a.Access != nil {
		for _, t := range a.Access.Take {
			n.variable = max(n.variable, len(t.Variable))
		}
	}
	if a.Upstream != "" && !slices.Contains(n.pools, a.Upstream) {
		n.pools = append(n.pools, a.Upstream)
	}
	if a.HSTS != nil && !slices.Contains(n.hsts, *a.HSTS) {
		n.hsts = append(n.hsts, *a.HSTS)
	}
}

func (n *needs) pass(to Passing) {
	n.GRPC = n.GRPC || to.Module == "grpc"
	n.TLS = n.TLS || to.TLS != nil
}

// all is what the servers of a proxy ask together.
func (p *Proxy) needs() needs {
	var out needs
	for i := range p.Servers {
		n := p.Servers[i].needs
		if n == nil {
			n = needsOf(&p.Servers[i])
		}
		out.Limits, out.Compress, out.Cache = out.Limits || n.Limits, out.Compress || n.Compress, out.Cache || n.Cache
		out.GRPC, out.TLS, out.SignIn = out.GRPC || n.GRPC, out.TLS || n.TLS, out.SignIn || n.SignIn
		out.header, out.variable = max(out.header, n.header), max(out.variable, n.variable)
		out.pools = append(out.pools, n.pools...)
		for _, h := range n.hsts {
			if !slices.Contains(out.hsts, h) {
				out.hsts = append(out.hsts, h)
			}
		}
	}
	return out
}
