package route

import (
	"net/netip"
	"time"
)

// Desired is the routing that a revision asks for. Every map is keyed by the
// name that people gave; names are unique across the files of the revision.
type Desired struct {
	// Revision is the ID of the revision that this was read from. It never
	// reaches a rendered file.
	Revision string
	Proxies  map[string]*Proxy
	Pools    map[string]*Pool
	Routes   map[string]*Route
}

// At is a value with the place where it was written. The zero Pos means that
// it was not written and Value is the default.
type At[T any] struct {
	Value T
	Pos   Pos
}

// Given reports whether the value was written by somebody.
func (a At[T]) Given() bool { return a.Pos.Line > 0 }

// Proxy is one nginx service in the Swarm: `proxies:`.
type Proxy struct {
	Name string // up to 32 characters: it is part of the names of Docker configs
	Pos  Pos

	// Image is the proxy's image, as `nginx:1.30`. It must hold stock nginx with
	// the program in PATH, and run it in the foreground.
	Image At[string] `yaml:"image" is:"image"`
	// Nginx is the version in the image, as `1.30`. It decides which directives
	// can be used; by default it is read from the image's tag.
	Nginx At[Version] `yaml:"nginx" is:"version"`
	// Network says how the proxy meets the outside. `host`, the default, is the
	// one that can promise rolls without a dropped request.
	Network At[string] `yaml:"network" is:"network"`
	// Constraints say on which nodes the proxy runs, in Swarm's words.
	Constraints []At[string] `yaml:"constraints" is:"constraint"`
	// Listen holds the ports for clients.
	Listen Listen `yaml:"listen"`
	// Status is the listener that answers which files the proxy serves.
	Status Status `yaml:"status"`
	// Drain is how long a proxy that was replaced goes on with the requests it
	// has (nginx: worker_shutdown_timeout). Default 30s, from 1s to 1h.
	Drain At[time.Duration] `yaml:"drain" is:"drain"`
}

// Listen is `listen:` of a proxy.
type Listen struct {
	// HTTP is the port for plain HTTP. Default 80.
	HTTP At[int] `yaml:"http" is:"port"`
}

// Status is `status:` of a proxy.
type Status struct {
	// Port is the status listener's own port. Default 8079.
	Port At[int] `yaml:"port" is:"port"`
}

// Pool is a set of peers that answer the same requests: `pools:`. It is either
// a Swarm service by its port or a list of servers.
type Pool struct {
	Name string
	Pos  Pos

	// Service is the name of a Swarm service whose tasks are the peers.
	Service At[string] `yaml:"service" is:"service"`
	// Port is the service's target port, published with mode=host.
	Port At[int] `yaml:"port" is:"port"`
	// Servers are peers outside the Swarm.
	Servers []Server `yaml:"servers"`
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

// Route leads requests to a pool: `routes:`.
type Route struct {
	Name string
	Pos  Pos

	// Proxy names the proxy that serves the route. It may be left out where the
	// revision has one proxy.
	Proxy At[string] `yaml:"proxy" is:"name"`
	// Hosts are the names that clients ask for, as `shop.example.org` or
	// `*.example.org`, in lower case.
	Hosts []At[string] `yaml:"hosts" is:"host"`
	// Paths are prefixes by whole segments: `/v2` covers /v2 and /v2/items, not
	// /v20. Default `/`, everything. The longest path wins.
	Paths []At[string] `yaml:"paths" is:"path"`
	// Pool names the pool that answers.
	Pool At[string] `yaml:"pool" is:"name"`
	// MaxBody is the largest request body in bytes (nginx: client_max_body_size).
	// Default 1m, at most 1024g.
	MaxBody At[int64] `yaml:"maxBody" is:"size"`
}

// Version is a version of nginx. A version without a patch level has Patch -1
// and counts as the newest of its line.
type Version struct{ Major, Minor, Patch int }

// AtLeast reports whether nginx of this version has what major.minor.patch
// brought.
func (v Version) AtLeast(major, minor, patch int) bool {
	switch {
	case v.Major != major:
		return v.Major > major
	case v.Minor != minor:
		return v.Minor > minor
	default:
		return v.Patch < 0 || v.Patch >= patch
	}
}

// What a field that was left out means.
const (
	defaultNetwork = "host"
	defaultHTTP    = 80
	defaultStatus  = 8079
	defaultDrain   = 30 * time.Second
	defaultMaxBody = 1 << 20 // nginx's own
)
