package generator

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/wharfinger/wharfinger/route"
)

// Listen is what is said of a proxy's listeners for clients, besides ports.
type Listen struct {
	// HTTP3 has the port for TLS answer QUIC, too (nginx: listen … quic).
	HTTP3 bool
	// IPv6 has all listeners take IPv6 as well.
	IPv6 bool
	// ProxyProtocol has clients' addresses come in the PROXY protocol, with TCP
	// (nginx: listen … proxy_protocol).
	ProxyProtocol bool
	// Trusted are the networks whose word on the client is taken (nginx:
	// set_real_ip_from). Sorted.
	Trusted []string
}

// TLS is how one host meets TLS.
type TLS struct {
	// Cert and Key are files; both are empty where the Swarm lacks a secret of the
	// host. Then every handshake is rejected.
	Cert, Key string
	// Clients says what is asked of clients' certificates, or is nil.
	Clients *Clients
	// Plain is what plain HTTP gets: redirect, serve or refuse.
	Plain string
}

// Clients asks clients for certificates (nginx: ssl_verify_client).
type Clients struct {
	CA       string // a file
	Optional bool
}

// Rejects reports whether there is nothing to shake hands with.
func (t *TLS) Rejects() bool { return t != nil && t.Cert == "" }

// Accepts is the opposite for hosts with TLS.
func (t *TLS) Accepts() bool { return t != nil && t.Cert != "" }

// Scheme is the variable with the scheme that decides on what plain HTTP gets. A
// proxy in front that has taken off TLS has seen no certificate for us; where
// one is needed, its word is not enough.
func (t *TLS) Scheme(p Proxy) string {
	if t.Clients != nil && !t.Clients.Optional || len(p.Listen.Peers()) == 0 {
		return "scheme"
	}
	return "client_scheme"
}

// HSTS is a header that tells browsers to come by TLS alone (RFC 6797, 6.1).
type HSTS struct {
	MaxAge              time.Duration
	Subdomains, Preload bool
}

// Value is that of the header.
func (h HSTS) Value() string {
	value := fmt.Sprintf("max-age=%d", h.MaxAge/time.Second)
	if h.Subdomains {
		value += "; includeSubDomains"
	}
	if h.Preload {
		value += "; preload"
	}
	return value
}

// Variable holds Value over TLS and nothing over plain HTTP.
func (h HSTS) Variable() string {
	name := fmt.Sprintf("hsts_%d", h.MaxAge/time.Second)
	if h.Subdomains {
		name += "_subdomains"
	}
	if h.Preload {
		name += "_preload"
	}
	return name
}

func hstsOf(r *route.Route) *HSTS {
	if !r.HSTS.On.Value {
		return nil
	}
	return &HSTS{r.HSTS.MaxAge.Value, r.HSTS.Subdomains.Value, r.HSTS.Preload.Value}
}

func listenOf(p *route.Proxy) Listen {
	return Listen{HTTP3: p.Listen.HTTP3.Value, IPv6: p.Listen.IPv6.Value, ProxyProtocol: p.Listen.ProxyProtocol.Value, Trusted: sortedNetworks(p.Trusted)}
}

// Peers reports whether the networks in Trusted are of proxies that speak HTTP.
// One that speaks the PROXY protocol may pass on whatever its clients write.
func (l Listen) Peers() []string {
	if l.ProxyProtocol {
		return nil
	}
	return l.Trusted
}

// tls gives the servers what routes say about their hosts, and the proxy what
// follows from it. Their answers are completed where they are fresh.
func (b *proxyBuilder) tls(p *route.Proxy, routes []*route.Route, out *Proxy, fresh []Server) {
	said := map[string]*route.Route{} // by host
	for _, r := range routes {
		if !r.TLS.Cert.Given() || r.Passthrough.Value {
			continue
		}
		for _, host := range r.Hosts {
			if before := said[host.Value]; before == nil || before.TLSByDefault() {
				said[host.Value] = r // all that say something say the same
			}
		}
	}
	if out.Passthrough != nil {
		out.HTTPS = out.Passthrough.Port // to reject what nobody takes
	}
	hosts := map[string]*TLS{}
	for _, host := range slices.Sorted(maps.Keys(said)) {
		hosts[host] = b.tlsOf(said[host].TLS)
	}
	for i := range out.Servers {
		s := &out.Servers[i]
		s.TLS = hosts[s.Host]
		if s.TLS == nil {
			continue
		}
		out.HTTPS = p.Listen.HTTPS.Value
		out.Clients = out.Clients || s.TLS.Clients != nil
	}
	out.Listen.HTTP3 = out.Listen.HTTP3 && out.HTTPS != 0 // there is no QUIC without TLS
	for _, s := range fresh {
		for _, l := range s.all() {
			a := l.Answer
			if a == nil {
				continue
			}
			accepts := hosts[s.Host]
			a.AltSvc = out.Listen.HTTP3 && accepts.Accepts()
			if accepts == nil && out.Listen.Peers() == nil {
				a.HSTS = nil // nobody comes by TLS
			}
		}
	}
}

func (b *proxyBuilder) tlsOf(t route.TLS) *TLS {
	const instead = "connections by TLS that need it are rejected"
	out := &TLS{Plain: t.Plain.Value}
	files := []secretFile{{t.Cert, &out.Cert}, {t.Key, &out.Key}}
	if t.Clients.CA.Given() {
		out.Clients = &Clients{Optional: t.Clients.Optional.Value}
		files = append(files, secretFile{t.Clients.CA, &out.Clients.CA})
	}
	if !b.allSecrets(instead, files...) {
		out.Cert, out.Key = "", ""
	}
	return out
}
