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
	Streams  map[string]*Stream
	Policies map[string]*Policy
}

// At is a value with the place where it was written. The zero Pos means that
// it was not written and Value is the default.
type At[T any] struct {
	Value T
	Pos   Pos
}

// Given reports whether the value was written by somebody.
func (a At[T]) Given() bool { return a.Pos.Line > 0 }

// Values are those of a list, without their places.
func Values[T any](list []At[T]) []T {
	var out []T
	for _, a := range list {
		out = append(out, a.Value)
	}
	return out
}

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
	// Trusted are the networks of other proxies in front of this one, whose word
	// on the client is taken (nginx: set_real_ip_from).
	Trusted []At[netip.Prefix] `yaml:"trusted" is:"cidr"`
	// Profile is Mozilla's set of TLS versions and ciphers: `intermediate`, the
	// default, or `modern`, which is TLS 1.3 alone (Server Side TLS 5.7).
	Profile At[string] `yaml:"profile" is:"profile"`
	// Log is the form of the access log: `json`, `combined` or, by default,
	// `plain`, which has the names of route and pool in it.
	Log At[string] `yaml:"log" is:"log"`
	// Cache is where responses are kept for routes with a cache.
	Cache CacheStore `yaml:"cache"`
	// Defaults are the options of routes that say nothing else.
	Defaults Options `yaml:"defaults"`
	// Snippet is text for nginx's http block. It takes the permission Snippets.
	Snippet At[string] `yaml:"snippet" is:"http snippet"`
}

// Listen is `listen:` of a proxy.
type Listen struct {
	// HTTP is the port for plain HTTP. Default 80.
	HTTP At[int] `yaml:"http" is:"port"`
	// HTTPS is the port for TLS, on which the proxy listens as soon as a route
	// has a certificate. Default 443.
	HTTPS At[int] `yaml:"https" is:"port"`
	// HTTP3 also answers QUIC on the port for TLS (nginx 1.25 and later).
	HTTP3 At[bool] `yaml:"http3" is:"bool"`
	// ProxyProtocol says that clients' addresses come in the PROXY protocol, from
	// the networks in Trusted (nginx: listen … proxy_protocol).
	ProxyProtocol At[bool] `yaml:"proxyProtocol" is:"bool"`
}

// Status is `status:` of a proxy.
type Status struct {
	// Port is the status listener's own port. Default 8079.
	Port At[int] `yaml:"port" is:"port"`
}

// CacheStore is `cache:` of a proxy (nginx: proxy_cache_path).
type CacheStore struct {
	// Size is how many bytes of responses are kept at most, from 1m to 1024g.
	// Default 1g.
	Size At[int64] `yaml:"size" is:"cache size"`
	// Memory is for the keys, about 8,000 a megabyte, from 1m to 16g. Default 10m.
	Memory At[int64] `yaml:"memory" is:"cache memory"`
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
	defaultHTTPS   = 443
	defaultStatus  = 8079
	defaultDrain   = 30 * time.Second
	defaultPlain   = "redirect"
)
