package route

import (
	"fmt"
	"slices"
	"time"
)

// listen looks at the ports of a proxy and at who is on the other side.
func (c *checker) listen(p *Proxy) {
	http, status := valueOr(p.Listen.HTTP, defaultHTTP), valueOr(p.Status.Port, defaultStatus)
	if http == status && http != 0 { // 0 was refused
		pos := p.Status.Port.Pos
		if !p.Status.Port.Given() {
			pos = p.Listen.HTTP.Pos
		}
		c.problem(pos, fmt.Sprintf("port %d serves clients and the status of proxy %s", status, p.Name), "give the status a port of its own, with status: {port: …}")
	}
	c.portForTLS(p, http, status)
	c.addresses(p)
	if p.Listen.HTTP3.Value {
		if v, ok := p.version(); ok && !v.AtLeast(1, 25, 0) {
			c.problem(p.Listen.HTTP3.Pos, fmt.Sprintf("nginx %d.%d has no HTTP/3", v.Major, v.Minor), "use nginx 1.25 or later, or leave it out")
		}
		if p.Listen.ProxyProtocol.Value {
			c.problem(p.Listen.HTTP3.Pos, "HTTP/3 knows no PROXY protocol", "leave one of http3 and proxyProtocol out")
		}
	}
	if p.Listen.ProxyProtocol.Value && len(p.Trusted) == 0 {
		c.problem(p.Listen.ProxyProtocol.Pos, "nobody is trusted to tell clients' addresses in the PROXY protocol", "say who speaks it, like trusted: [10.0.0.0/8]")
	}
}

func (c *checker) portForTLS(p *Proxy, http, status int) {
	https := valueOr(p.Listen.HTTPS, defaultHTTPS)
	listens := p.Listen.HTTPS.Given() || c.listensForTLS(p)
	if !listens || https == 0 {
		return
	}
	pos := p.Listen.HTTPS.Pos
	switch https {
	case http:
		if !p.Listen.HTTPS.Given() {
			pos = p.Listen.HTTP.Pos
		}
		c.problem(pos, fmt.Sprintf("port %d of proxy %s is for plain HTTP and for TLS", https, p.Name), "give them two ports, like listen: {http: 80, https: 443}")
	case status:
		if !p.Listen.HTTPS.Given() {
			pos = p.Status.Port.Pos
		}
		c.problem(pos, fmt.Sprintf("port %d is for TLS and for the status of proxy %s", https, p.Name), "give the status a port of its own, with status: {port: …}")
	}
}

// version is the nginx that a proxy says it has.
func (p *Proxy) version() (Version, bool) {
	if p.Nginx.Given() {
		return p.Nginx.Value, p.Nginx.Value != Version{}
	}
	text, _ := imageVersion(p.Image.Value)
	return parseVersion(text)
}

// terminates reports whether a route has what TLS takes.
func (r *Route) terminates() bool {
	return r.TLS.Cert.Given() && r.TLS.Key.Given() && !r.Passthrough.Value
}

func (c *checker) tls(r *Route) {
	t := r.TLS
	if t.Pos.Line == 0 || c.gaps.objects[t.Pos] || r.Passthrough.Value {
		return
	}
	switch {
	case t.Cert.Given() && !t.Key.Given():
		c.problem(t.Cert.Pos, "this certificate has no key", "add the secret with its private key, like key: shop-key")
	case t.Key.Given() && !t.Cert.Given():
		c.problem(t.Key.Pos, "this key has no certificate", "add the secret with the certificate and its chain, like cert: shop-cert")
	case !t.Cert.Given() && t.Clients.Pos.Line > 0:
		// Inherited or not: who asks for certificates shall not be open by mistake.
		c.problem(t.Clients.Pos, fmt.Sprintf("clients show certificates over TLS alone, but route %s has no certificate of its own", r.Name), "add cert and key")
	case !t.Cert.Given() && r.own.TLS.Plain.Given():
		c.problem(t.Plain.Pos, fmt.Sprintf("plain is for hosts with TLS, but route %s has no certificate", r.Name), "add cert and key, or leave it out")
	}
	if t.Clients.Pos.Line == 0 || c.gaps.objects[t.Clients.Pos] {
		return
	}
	if !t.Clients.CA.Given() {
		c.problem(t.Clients.Pos, "nothing says who signs the certificates of clients", "add the secret with the certificates of those who do, like ca: staff-ca")
	}
	if t.Plain.Value == "serve" && !t.Clients.Optional.Value {
		c.problem(t.Plain.Pos, "plain: serve lets in clients that show no certificate", "leave it out, or add optional: true to clients")
	}
}

func (c *checker) hsts(r *Route, terminated map[virtualHost]*Route) {
	h := r.HSTS
	if h.Pos.Line == 0 || c.gaps.objects[h.Pos] || !h.On.Value {
		return
	}
	if maxAge := h.MaxAge; h.Preload.Value && (!h.Subdomains.Value || maxAge.Value > 0 && maxAge.Value < 365*24*time.Hour) {
		c.problem(h.Preload.Pos, "browsers preload only what counts for all subdomains and for a year at least",
			"add subdomains: true, and leave maxAge out or make it 365d or more (hstspreload.org)")
	}
	proxy := c.proxyOf(r.Proxy)
	byTLS := func(host At[string]) bool { return terminated[virtualHost{proxy, host.Value}] != nil }
	front := c.Proxies[proxy] != nil && len(c.Proxies[proxy].Trusted) > 0
	if r.own.HSTS.On.Value && !front && !slices.ContainsFunc(r.Hosts, byTLS) {
		c.problem(r.own.HSTS.On.Pos, fmt.Sprintf("browsers take HSTS over TLS alone, but no host of route %s has a certificate", r.Name),
			"add tls with cert and key, or leave hsts out (RFC 6797, 7.2)")
	}
}

// virtualHost is a host of a proxy.
type virtualHost struct{ proxy, host string }

// terminated finds for every host with TLS the route that says so, and tells
// where another one of the host says otherwise. routes are in the order of a
// reader.
func (c *checker) terminated(routes []*Route) map[virtualHost]*Route {
	first := map[virtualHost]*Route{}
	for _, byDefault := range []bool{false, true} {
		for _, r := range routes {
			if r.terminates() && r.tlsByDefault == byDefault {
				c.agree(r, first)
			}
		}
	}
	return first
}

func (c *checker) agree(r *Route, first map[virtualHost]*Route) {
	proxy := c.proxyOf(r.Proxy)
	if proxy == "" {
		return // nobody knows where it is served, which is told already
	}
	for _, host := range r.Hosts {
		here := virtualHost{proxy, host.Value}
		before := first[here]
		if before == nil {
			first[here] = r
			continue
		}
		what := before.TLS.differs(r.TLS)
		if r.tlsByDefault && what != "clients" {
			continue
		}
		if what != "" {
			pos := r.own.TLS.Pos
			if pos.Line == 0 {
				pos = r.Pos
			}
			c.problem(pos, fmt.Sprintf("host %s has another tls.%s in route %s, at %s", host.Value, what, before.Name, before.Pos),
				"TLS is a matter of the host: say the same in both routes, or leave it to one of them")
			return
		}
	}
}

// differs names what is not the same in two, or is "".
func (t TLS) differs(u TLS) string {
	plain := func(t TLS) string {
		setDefault(&t.Plain, defaultPlain)
		return t.Plain.Value
	}
	switch {
	case (t.Clients.Pos.Line > 0) != (u.Clients.Pos.Line > 0),
		t.Clients.CA.Value != u.Clients.CA.Value,
		t.Clients.Optional.Value != u.Clients.Optional.Value:
		return "clients" // before all others, for it is what must not be lost
	case t.Cert.Value != u.Cert.Value:
		return "cert"
	case t.Key.Value != u.Key.Value:
		return "key"
	case plain(t) != plain(u):
		return "plain"
	}
	return ""
}
