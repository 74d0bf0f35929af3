package generator

import (
	"time"

	"github.com/wharfinger/wharfinger/route"
)

// Model is the routing in nginx's own nouns, each proxy with the peers of
// today. Every list is sorted.
type Model struct {
	Revision string // of the Desired that it was built from; never rendered
	Proxies  []Proxy
}

// Proxy is everything that one nginx is told.
type Proxy struct {
	Name   string
	Spec   Spec
	Nginx  route.Version
	HTTP   int           // port for clients
	Drain  time.Duration // nginx: worker_shutdown_timeout
	Status Status

	Servers   []Server
	Upstreams []Upstream
}

// Status is the listener that tells which files a proxy serves.
type Status struct {
	Port   int
	Digest string // set by Render
}

// Server is one virtual host (nginx: server).
type Server struct {
	Host      string
	Locations []Location
}

// Location answers one prefix, by whole segments (nginx: location).
type Location struct {
	Route string // the route that it came from
	Path  string
	// Upstream is where requests go; empty answers 503, for a pool without peers
	// must not break the file.
	Upstream string
	MaxBody  int64 // bytes
}

// Upstream is a pool with its peers (nginx: upstream). It has at least one.
type Upstream struct {
	Name  string
	Peers []Peer
}

// Peer is one address of an upstream.
type Peer struct {
	Address string // address:port
	Weight  int
	Backup  bool
}
