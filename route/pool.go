package route

import (
	"net/netip"
	"time"
)

// Pool is a set of peers that answer the same requests: `pools:`. It is a Swarm
// service, several of them, or a list of servers.
type Pool struct {
	Name string
	Pos  Pos

	Tasks
	// Services are several services whose tasks answer together, each reached in
	// its own way. Every task has the same share.
	Services []PoolService `yaml:"services"`
	// Servers are peers outside the Swarm.
	Servers []Server `yaml:"servers"`

	// Discovery is how proxies hear of tasks that moved: by `rolls`, the default, or by
	// `dns`, which the daemon answers (nginx: server … resolve, 1.27.3 and later).
	Discovery At[string] `yaml:"discovery" is:"discovery"`

	// Protocol is what the peers speak: `http`, the default, which is HTTP/1.1, or
	// `grpc`.
	Protocol At[string] `yaml:"protocol" is:"protocol"`
	// TLS encrypts the way to the peers.
	TLS PoolTLS `yaml:"tls"`
	// Host is the header of that name that peers see. Default: the client's. What the
	// client asked for is in X-Forwarded-Host then.
	Host At[string] `yaml:"host" is:"hostname"`

	// Balance is `round-robin`, the default, `least-connections` or `random-two`
	// (nginx: least_conn, random two).
	Balance At[string] `yaml:"balance" is:"balance"`
	// Hash chooses the peer by a property of the request, so that equal ones meet
	// the same peer as long as it is there (nginx: hash … consistent).
	Hash At[Key] `yaml:"hash" is:"key"`
	// Sticky is the name of a cookie that the proxy gives to clients, so that each
	// meets its own peer as long as it is there.
	Sticky At[string] `yaml:"sticky" is:"cookie"`

	// Keepalive is how many idle connections to peers each worker of nginx keeps,
	// from 0, which closes each after its request, to 10000. Default 64 (nginx:
	// keepalive).
	Keepalive At[int] `yaml:"keepalive" is:"keepalive"`
	// MaxConnections bounds the connections of one proxy to each peer, those of all
	// its workers together. Default no bound (nginx: max_conns).
	MaxConnections At[int] `yaml:"maxConnections" is:"count"`
	// MaxFails is how many failures within FailTimeout take a peer out for as
	// long; 0 never does. Default 1 (nginx: max_fails).
	MaxFails At[int] `yaml:"maxFails" is:"fails"`
	// FailTimeout: see MaxFails. Whole seconds from 1s to 1h, default 10s (nginx:
	// fail_timeout).
	FailTimeout At[time.Duration] `yaml:"failTimeout" is:"seconds"`
}

// Tasks are those of a Swarm service, as peers.
type Tasks struct {
	// Service is the service's name.
	Service At[string] `yaml:"service" is:"service"`
	// Port is the service's target port.
	Port At[int] `yaml:"port" is:"port"`
	// Via is the way to the tasks: `host`, the default, to the port that each
	// publishes on its node (mode=host); `overlay` to the task's own address on an
	// overlay; `vip` to the service's virtual IP, behind which Swarm chooses the task.
	Via At[string] `yaml:"via" is:"via"`
	// Network is the overlay for `overlay` and `vip`, with or without the name of
	// its stack in front. It may be left out where the service is on one alone.
	Network At[string] `yaml:"network" is:"overlay"`
}

// PoolService is one entry of `services:` of a pool.
type PoolService struct {
	Pos Pos
	Tasks
}

// ByDNS reports whether proxies hear of the pool's tasks by DNS.
func (p *Pool) ByDNS() bool { return p.Discovery.Value == "dns" }

// Members lists the services whose tasks are the pool's peers; it is empty for a
// pool of servers.
func (p *Pool) Members() []Tasks {
	if p.Service.Value != "" {
		return []Tasks{p.Tasks}
	}
	var out []Tasks
	for _, s := range p.Services {
		out = append(out, s.Tasks)
	}
	return out
}

// Server is one entry of `servers:`, written as an address or as a map.
type Server struct {
	Pos Pos
	// Address is an IP address and port, as `10.0.0.5:8080` or `[fd00::5]:8080`.
	Address At[netip.AddrPort] `yaml:"address" is:"address"`
	// Weight is the server's share, from 1 to 1000. Default 1.
	Weight At[int] `yaml:"weight" is:"weight"`
	// Backup keeps the server for when all others are down.
	Backup At[bool] `yaml:"backup" is:"bool"`
}

// shorthand names the field that a bare value stands for.
func (Server) shorthand() string { return "address" }

// PoolTLS is `tls:` of a pool. Who is at the other end is verified, unless
// `verify: false` says that nobody cares.
type PoolTLS struct {
	Pos Pos
	// CA is the Docker secret with the certificates that sign the peers' ones.
	CA At[string] `yaml:"ca" is:"secret"`
	// Verify is true by default; then `ca` is needed (nginx: proxy_ssl_verify).
	Verify At[bool] `yaml:"verify" is:"bool"`
	// Name is who the peers' certificate is for, and the SNI that they get.
	// Default: the Host header that they see (nginx: proxy_ssl_name).
	Name At[string] `yaml:"name" is:"hostname"`
	// Cert and Key are Docker secrets that the proxy shows to the peers.
	Cert At[string] `yaml:"cert" is:"secret"`
	Key  At[string] `yaml:"key" is:"secret"`
}

// Key is a property of a request by which requests are told apart.
type Key struct {
	// Of is `client` (the address), `host`, `path`, `uri` (path and query),
	// `header`, `cookie` or `query`.
	Of string
	// Name is of the header, cookie or query parameter.
	Name string
}
