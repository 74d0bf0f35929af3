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
	source   Revision // for With
	given    []Permission
	parser   *Parser
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
	// host's network, the one that can promise rolls without a dropped request.
	// `published` publishes its ports on its own nodes (mode=host), `ingress` those
	// for clients on every node, by the routing mesh; both join the overlays that
	// their pools need.
	Network At[string] `yaml:"network" is:"network"`
	// Constraints say on which nodes the proxy runs, in Swarm's words.
	Constraints []At[string] `yaml:"constraints" is:"constraint"`
	// Replicas is how many proxies run, at most one on a node, from 1 to 1000. By
	// default one runs on every node that fits.
	Replicas At[int] `yaml:"replicas" is:"replicas"`
	// Preferences are labels of nodes, over whose values replicas are spread evenly,
	// the first before the others.
	Preferences []At[string] `yaml:"preferences" is:"preference"`
	// Networks are overlays that the proxy joins besides those of its pools.
	Networks []At[string] `yaml:"networks" is:"overlay"`
	// Secrets are Docker secrets that the proxy gets at /run/secrets/NAME besides
	// those that its routes name.
	Secrets []At[string] `yaml:"secrets" is:"secret"`
	// Mounts are folders and volumes in the proxy.
	Mounts []Mount `yaml:"mounts"`
	// Stop says how a proxy ends.
	Stop Stop `yaml:"stop"`
	// Update says how Swarm replaces proxies.
	Update Update `yaml:"update"`
	// Resources are what a proxy can have and what it needs.
	Resources Resources `yaml:"resources"`
	// ServiceLabels are labels of the proxy's service in the Swarm.
	ServiceLabels map[string]At[string] `yaml:"serviceLabels" key:"label" is:"label value"`
	// ContainerLabels are labels of the proxy's containers.
	ContainerLabels map[string]At[string] `yaml:"containerLabels" key:"label" is:"label value"`
	// Drift says what becomes of what somebody changed by hand: `repair` brings back
	// what the repository names, `report` only tells of it. Default `repair`.
	Drift At[string] `yaml:"drift" is:"drift"`
	// Workers is how many processes nginx has, up to 512, or `auto` for one on each
	// processor (nginx: worker_processes). Default `auto`.
	Workers At[int] `yaml:"workers" is:"workers"`
	// Connections is how many a worker can have, those to peers among them, from 64
	// to 1048576 (nginx: worker_connections). Default 16384.
	Connections At[int] `yaml:"connections" is:"worker connections"`
	// OpenFiles is how many files and connections a worker can have open, from 64 to
	// 1048576 (nginx: worker_rlimit_nofile). Default 65535.
	OpenFiles At[int] `yaml:"openFiles" is:"open files"`
	// Labels has the proxy take routes from labels of services, too.
	Labels Labels `yaml:"labels"`
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
	// Resolvers are the daemons that answer for pools with `discovery: dns`, each by the
	// address and port of its --dns (nginx: resolver).
	Resolvers []At[netip.AddrPort] `yaml:"resolvers" is:"address"`
	// Profile is Mozilla's set of TLS versions and ciphers: `intermediate`, the
	// default, or `modern`, which is TLS 1.3 alone (Server Side TLS 5.7).
	Profile At[string] `yaml:"profile" is:"profile"`
	// Log is the form of the access log: `json`, `combined` or, by default,
	// `plain`, which has the names of route and pool in it.
	Log At[string] `yaml:"log" is:"log"`
	// Cache is where responses are kept for routes with a cache (nginx:
	// proxy_cache_path).
	Cache CacheStore `yaml:"cache"`
	// Defaults are the options of routes that say nothing else.
	Defaults Options `yaml:"defaults"`
	// Snippet is text for nginx's http block. It takes the permission Snippets
	// (--allow-snippets).
	Snippet At[string] `yaml:"snippet" is:"http snippet"`
}

// Labels is `labels:` of a proxy, written as a word or as a map. What labels ask
// for counts less than what the repository says.
type Labels struct {
	Pos Pos
	// Read is `interlock`: the labels `com.docker.lb.*` of Interlock 2 and 3, and
	// `com.docker.ucp.mesh.http` of UCP's HTTP routing mesh before it.
	Read At[string] `yaml:"read" is:"labels"`
	// Cluster takes the services of that service cluster alone
	// (`com.docker.lb.service_cluster`). Default: those of none.
	Cluster At[string] `yaml:"cluster" is:"cluster"`
}

// shorthand names the field that a bare value stands for.
func (Labels) shorthand() string { return "read" }

// Listen is `listen:` of a proxy.
type Listen struct {
	// HTTP is the port for plain HTTP. Default 80.
	HTTP At[int] `yaml:"http" is:"port"`
	// HTTPS is the port for TLS, on which the proxy listens as soon as a route
	// has a certificate. Default 443.
	HTTPS At[int] `yaml:"https" is:"port"`
	// HTTP3 also answers QUIC on the port for TLS (nginx 1.25 and later).
	HTTP3 At[bool] `yaml:"http3" is:"bool"`
	// IPv6 listens on [::] as well (nginx: listen [::]:PORT ipv6only=on).
	IPv6 At[bool] `yaml:"ipv6" is:"bool"`
	// ProxyProtocol says that clients' addresses come in the PROXY protocol, from
	// the proxy's trusted networks (nginx: listen … proxy_protocol).
	ProxyProtocol At[bool] `yaml:"proxyProtocol" is:"bool"`
}

// Status is `status:` of a proxy.
type Status struct {
	// Port is the status listener's own port. Default 8079.
	Port At[int] `yaml:"port" is:"port"`
}

// CacheStore is `cache:` of a proxy.
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
	defaultNetwork = "host" // of a proxy
	defaultVia     = "host"
	defaultHTTP    = 80
	defaultHTTPS   = 443
	defaultStatus  = 8079
	defaultDrain   = 30 * time.Second
	defaultPlain   = "redirect"

	defaultConnections = 16384
	defaultOpenFiles   = 65535
)
