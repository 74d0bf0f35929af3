package generator

import (
	"slices"
	"strings"
)

// Header is a header of a request on its way to a peer (nginx: proxy_set_header,
// grpc_set_header).
type Header struct {
	Name string
	// Value is text that was checked; it may hold variables of nginx. Where it is
	// empty, the peer does not get the header.
	Value string
}

// OneHop reports whether the header is about one connection of HTTP/1, and so
// has no meaning for gRPC (RFC 9113, 8.2.2).
func (h Header) OneHop() bool { return h.Name == "Connection" || h.Name == "Upgrade" }

// nginxHost is the Host that the client sent, with its port or without, in nginx's own
// variables.
const nginxHost = "$host$is_request_port$request_port"

// TellsPorts reports whether nginx itself knows the port that a client asked for. Before
// that, a regular expression takes it out of each request.
func (p Proxy) TellsPorts() bool { return p.Nginx.AtLeast(1, 29, 3) }

// RequestID is the variable with the id of a request: nginx's own where nobody's else
// counts.
func (p Proxy) RequestID() string {
	if len(p.Listen.Peers()) > 0 {
		return "$peer_request_id"
	}
	return "$request_id"
}

// commonHeaders are those that every peer behind a proxy gets. Every request pays for
// them: so they name a map of the proxy's only where it can tell anything that nginx's
// own variable does not.
func commonHeaders(p Proxy) []Header {
	host, port := "$host$client_port", "$server_port"
	if p.TellsPorts() {
		host = nginxHost
	}
	if p.Passthrough != nil {
		port = "$scheme_port" // a socket has none
	}
	address, forwardedHost, scheme := "$remote_addr", host, "$scheme"
	if len(p.Listen.Peers()) > 0 {
		address, forwardedHost, port, scheme = "$forwarded_for", "$forwarded_host", "$forwarded_port", "$client_scheme"
	}
	headers := []Header{
		{"Host", host},
		{"Upgrade", "$peer_upgrade"},
		{"Connection", "$peer_connection"},
		{"X-Real-IP", "$remote_addr"},
		{"X-Forwarded-For", address},
		{"X-Forwarded-Host", forwardedHost},
		{"X-Forwarded-Port", port},
		{"X-Forwarded-Proto", scheme},
		{"Forwarded", ""}, // RFC 7239: a second word on the client, which nobody here has checked
		{"X-Request-ID", p.RequestID()},
	}
	if p.TellsClients {
		// Peers may have hosts that ask for certificates and others that do not.
		headers = append(headers,
			Header{"X-Client-Verify", "$ssl_client_verify"},
			Header{"X-Client-Subject", "$ssl_client_s_dn"},
			Header{"X-Client-Fingerprint", "$ssl_client_fingerprint"})
	}
	return headers
}

// over is the common headers with a location's own: nginx inherits headers only
// where a location sets none, so one that sets any must name all. Of two with one
// name the later one wins, in the place of the first.
func over(common, own []Header) []Header {
	if len(own) == 0 {
		return nil
	}
	out := slices.Clone(common)
	for _, h := range own {
		out = with(out, h)
	}
	return out
}

// with adds a header, or gives its value to the one that has its name.
func with(headers []Header, h Header) []Header {
	i := slices.IndexFunc(headers, func(other Header) bool { return strings.EqualFold(other.Name, h.Name) })
	if i < 0 {
		return append(headers, h)
	}
	headers[i].Value = h.Value
	return headers
}

// completeHeaders gives the common headers to all locations that set some of
// their own.
func completeHeaders(servers []Server, common []Header) {
	for _, s := range servers {
		for _, m := range s.Mirrors {
			m.Headers = over(common, m.Headers)
		}
		for _, l := range s.all() {
			if l.Answer != nil {
				own := over(common, slices.Concat(l.Answer.Passing.Taken, l.Answer.Passing.Headers, l.Answer.PeerHeaders))
				l.Answer.PeerHeaders = l.Answer.Snippet.beside(common, own)
			}
		}
	}
}
