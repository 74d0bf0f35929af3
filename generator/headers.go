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

// commonHeaders are those that every peer behind a proxy gets.
func commonHeaders(p Proxy) []Header {
	headers := []Header{
		{"Host", "$host$client_port"},
		{"Upgrade", "$peer_upgrade"},
		{"Connection", "$peer_connection"},
		{"X-Real-IP", "$remote_addr"},
		{"X-Forwarded-For", "$forwarded_for"},
		{"X-Forwarded-Host", "$forwarded_host"},
		{"X-Forwarded-Port", "$forwarded_port"},
		{"X-Forwarded-Proto", "$client_scheme"},
		{"Forwarded", ""}, // RFC 7239: a second word on the client, which nobody here has checked
		{"X-Request-ID", "$peer_request_id"},
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
