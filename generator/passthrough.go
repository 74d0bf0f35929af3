package generator

import (
	"cmp"
	"slices"
	"strings"

	"github.com/wharfinger/wharfinger/route"
)

const passthroughFile = "streams/passthrough.conf"

// Passthrough is the listener for TLS of a proxy that hands some connections on
// unopened. It looks at the name in a client's greeting (nginx: ssl_preread).
type Passthrough struct {
	Port int
	IPv6 bool // as well
	// AcceptProxy and Trusted are as for streams.
	AcceptProxy bool
	Trusted     []string
	// Deferred leaves clients in the kernel until their greeting is there; a roll
	// takes them along from there (nginx 1.25.5: listen … deferred).
	Deferred bool
	Hosts    []UnopenedHost
}

// UnopenedHost is what becomes of the connections for one host.
type UnopenedHost struct {
	Host string // exact, or with a wildcard as the first label
	// Opened hands them to the http block: a host of its own below a wildcard that
	// is handed on.
	Opened bool
	// Upstream is where they go otherwise; empty where the pool has no peers.
	Upstream string
}

// opened lists the routes that look at requests.
func opened(routes []*route.Route) []*route.Route {
	var out []*route.Route
	for _, r := range routes {
		if !r.Passthrough.Value {
			out = append(out, r)
		}
	}
	return out
}

// passthrough is nil where no route of the proxy asks for it.
func passthrough(proxy *route.Proxy, routes []*route.Route, peers map[string][]Peer) *Passthrough {
	p := &Passthrough{Port: proxy.Listen.HTTPS.Value, IPv6: proxy.Listen.IPv6.Value, AcceptProxy: proxy.Listen.ProxyProtocol.Value, Deferred: proxy.Nginx.Value.AtLeast(1, 25, 5)}
	if p.AcceptProxy {
		p.Trusted = networks(proxy.Trusted)
	}
	for _, r := range routes {
		if r.Passthrough.Value {
			for _, host := range r.Hosts {
				p.Hosts = append(p.Hosts, UnopenedHost{Host: host.Value, Upstream: upstream(r.Pool.Value, peers)})
			}
		}
	}
	if p.Hosts == nil {
		return nil
	}
	unopened := slices.Clone(p.Hosts)
	for _, r := range opened(routes) {
		for _, host := range r.Hosts {
			same := func(h UnopenedHost) bool { return h.Host == host.Value }
			wider := func(h UnopenedHost) bool { return below(host.Value, h.Host) }
			if r.TLS.Cert.Given() && slices.ContainsFunc(unopened, wider) && !slices.ContainsFunc(unopened, same) {
				p.Hosts = append(p.Hosts, UnopenedHost{Host: host.Value, Opened: true})
			}
		}
	}
	slices.SortFunc(p.Hosts, func(a, b UnopenedHost) int { return cmp.Compare(a.Host, b.Host) })
	p.Hosts = slices.Compact(p.Hosts) // routes may share a host that is opened
	return p
}

// below reports whether a host is one of those that a wildcard stands for.
func below(host, wildcard string) bool {
	suffix, ok := strings.CutPrefix(wildcard, "*")
	return ok && host != wildcard && strings.HasSuffix(strings.TrimPrefix(host, "*"), suffix)
}
