package route

import (
	"fmt"
	"net/netip"
	"time"
)

// Stream leads TCP connections or UDP packets to a pool: `streams:`.
type Stream struct {
	Name string
	Pos  Pos

	// Proxy names the proxy that serves the stream. It may be left out where the
	// revision has one proxy.
	Proxy At[string] `yaml:"proxy" is:"name"`
	// Listen is the port, as `5432` or `53/udp`.
	Listen At[StreamPort] `yaml:"listen" is:"stream port"`
	// Pool names the pool that answers. Its TLS counts here, too; what belongs to
	// HTTP does not.
	Pool At[string] `yaml:"pool" is:"name"`
	// TLS terminates TLS.
	TLS StreamTLS `yaml:"tls"`
	// ProxyProtocol tells the client's address along the way.
	ProxyProtocol ProxyProtocol `yaml:"proxyProtocol"`
	// Allow and Deny say who may come, as for routes.
	Allow []At[netip.Prefix] `yaml:"allow" is:"cidr"`
	Deny  []At[netip.Prefix] `yaml:"deny" is:"cidr"`
	// Connections is how many connections one client may have, from 1 to 65535.
	// Default no limit (nginx: limit_conn).
	Connections At[int] `yaml:"connections" is:"open"`
	// Timeouts are how long nginx waits.
	Timeouts StreamTimeouts `yaml:"timeouts"`
	// Responses is how many packets answer one of the client; with 0 nothing is
	// waited for. UDP alone (nginx: proxy_responses).
	Responses At[int] `yaml:"responses" is:"fails"`
}

// StreamPort is a port of TCP or UDP.
type StreamPort struct {
	Port int
	UDP  bool
}

// String writes the port as people do.
func (p StreamPort) String() string {
	if p.UDP {
		return fmt.Sprintf("%d/udp", p.Port)
	}
	return fmt.Sprint(p.Port)
}

// StreamTLS is `tls:` of a stream.
type StreamTLS struct {
	Pos Pos
	// Cert and Key are Docker secrets: the certificate with its chain, and its
	// private key, in PEM.
	Cert At[string] `yaml:"cert" is:"secret"`
	Key  At[string] `yaml:"key" is:"secret"`
	// Clients asks clients for certificates (nginx: ssl_verify_client).
	Clients Clients `yaml:"clients"`
}

// ProxyProtocol is `proxyProtocol:` of a stream.
type ProxyProtocol struct {
	// Accept takes the client's address from who connects, as long as that is one
	// of the proxy's trusted networks (nginx: listen … proxy_protocol).
	Accept At[bool] `yaml:"accept" is:"bool"`
	// Send tells it to the pool, in version 1 (nginx: proxy_protocol).
	Send At[bool] `yaml:"send" is:"bool"`
}

// StreamTimeouts is `timeouts:` of a stream, each from 1ms to 24h.
type StreamTimeouts struct {
	// Connect is for connections to peers. Default 5s (nginx:
	// proxy_connect_timeout).
	Connect At[time.Duration] `yaml:"connect" is:"duration"`
	// Idle is how long nothing may be sent either way. Default 10m, for UDP 2m
	// (nginx: proxy_timeout; RFC 4787, REQ-5).
	Idle At[time.Duration] `yaml:"idle" is:"duration"`
}
