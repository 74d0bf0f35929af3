package generator

import (
	"net/netip"
	"slices"
	"time"

	"github.com/wharfinger/wharfinger/route"
)

// Model is the routing in nginx's own nouns, each proxy with the peers of
// today. Every list is sorted.
type Model struct {
	Revision string // of the Desired that it was built from; never rendered
	Proxies  []Proxy
	// Records are where the tasks of pools are now, by RecordOf. They are what DNS
	// tells, and never rendered.
	Records map[string][]Peer
}

// Proxy is everything that one nginx is told.
type Proxy struct {
	Name string
	Spec Spec
	// Report leaves alone what somebody changed by hand (drift: report); OrderNamed
	// says that the repository names the order of updates.
	Report, OrderNamed bool
	// Ports are all that nginx listens on, sorted.
	Ports []PublishedPort
	// Held are problems for which the proxy is not to be rolled at all, Lacks those
	// for which it is not where it serves what needs the missing secrets.
	Held, Lacks route.Problems
	Nginx       route.Version
	HTTP        int           // port for clients
	HTTPS       int           // port for TLS; 0 where no host has it
	Drain       time.Duration // nginx: worker_shutdown_timeout
	// Workers is nginx's worker_processes, 0 for auto; Connections and OpenFiles are
	// its worker_connections and worker_rlimit_nofile.
	Workers, Connections, OpenFiles int
	Status                          Status
	Listen                          Listen
	// Profile is Mozilla's set of TLS versions and ciphers: intermediate or
	// modern.
	Profile string
	// Clients says that some host asks clients for certificates, TellsClients that
	// one of any proxy does: peers believe the headers about them, whoever comes by.
	Clients, TellsClients bool
	HSTS                  []HSTS // all that answers have
	// PeerHeaders are set on the way to every peer, unless a location says
	// otherwise (nginx: proxy_set_header in the http block).
	PeerHeaders []Header
	Log         string // plain, json or combined

	// Snippet is text for the http block that was checked, or "".
	Snippet string

	Servers     []Server
	Definitions []Definitions
	Cache       *CacheStore // nil where no route keeps anything
	Upstreams   []Upstream

	Streams []Stream
	// Passthrough, where there is one, takes the connections for TLS and hands on
	// to the http block what no route takes unopened.
	Passthrough *Passthrough
	// StreamUpstreams are the pools that Streams and Passthrough lead to. The http
	// block knows nothing of them.
	StreamUpstreams []Upstream

	pools map[string]poolState // that its routes name
	of    *mark                // all besides the peers of upstreams
	// mounts are the secrets that routes have mounted for themselves, by route.
	mounts map[string][]route.At[string]
}

// Status is the listener that tells which files a proxy serves.
type Status struct {
	Port   int
	Digest string // set by Render
}

// Server is one virtual host (nginx: server).
type Server struct {
	Host string // "*" is every host that no other server has
	// TLS is nil where the host is served over plain HTTP alone.
	TLS       *TLS
	Locations []Location
	// Inner are locations that no client reaches: a request comes to them from
	// one of Locations, when a condition holds.
	Inner []Location
	// Aside are locations for what happens on the side: named ones, which start
	// with @, and those for requests that nginx makes itself.
	Aside   []Location
	Mirrors []*Mirror

	of     *mark
	needs  *needs
	routes []*route.Route // that it was made of, by name
}

// all are all locations of a server.
func (s Server) all() []Location { return slices.Concat(s.Locations, s.Inner, s.Aside) }

// Location is what happens below one path (nginx: location).
type Location struct {
	Path  string // of an inner one: the route, and behind a plus sign the pool
	Exact bool   // the path alone, and not what is below it
	// Tries are looked at in their order; the first that holds takes the request
	// to an inner location.
	Tries []Try
	// Answer is for all other requests; without it they get 404.
	Answer *Answer
}

// Always reports whether one of the tries takes every request.
func (l Location) Always() bool {
	return len(l.Tries) > 0 && l.Tries[len(l.Tries)-1].Variable == ""
}

// Try sends a request on when a variable has a value.
type Try struct {
	Variable string // without the dollar sign, or "" for a try that always holds
	Value    string // that it must have; "1" where this is empty
	To       string // the Path of an inner location
}

// Answer is how one route handles a request.
type Answer struct {
	Route string
	// Inner is the Path of the inner location that the answer stands in, or "".
	Inner string
	// Split has tries to the inner locations of the split's other pools.
	Split []Try
	// Streams has the try to the inner location for websockets and server-sent
	// events, where there is one.
	Streams []Try

	// Pool is the pool's name, Upstream where requests go; it is empty for a pool
	// without peers, which must not break the file, and answers 503.
	Pool     string
	Upstream string
	Passing  Passing
	Redirect *Redirect
	Respond  *Respond

	Canonical string // the one host to redirect others to, or ""
	Slash     string // add, remove or ""
	Rewrite   *Rewrite
	MaxBody   int64 // bytes; 0 is any
	Traffic   Traffic
	Snippet   *Snippet

	// Maintenance leads to an inner location that tells of it, or is nil.
	Maintenance *Try
	Access      *Access
	ErrorPages  []ErrorPage
	Intercept   bool // error pages are for what the pool answers, too
	// After is the named location where those go who were let in, or "".
	After  string
	Mirror *Mirror
	// URI is what the pool is asked for, or "" for the path as it is now. It may
	// hold variables of nginx.
	URI    string
	NoBody bool // the pool gets no body

	// PeerHeaders are empty where those of the proxy are enough. While answers are
	// made they are what this one sets beyond or instead of those; Build adds the
	// proxy's own.
	PeerHeaders []Header

	HSTS   *HSTS
	AltSvc bool // tell clients of HTTP/3 (RFC 7838)
	Back   Back
	Log    Log
}

// Log is about the access log.
type Log struct {
	Off bool
	// Names says that the names of route and pool are logged.
	Names bool
}

// Redirect answers with another address.
type Redirect struct {
	Status int
	// Origin and Path are the address; both may hold variables of nginx. They are
	// made of checked parts.
	Origin, Path string
	// Regex, where there is one, is what the client's path must match.
	Regex string
}

// Respond is a fixed answer.
type Respond struct {
	Status     int
	Type       string
	Body       Text
	RetryAfter int // seconds; 0 says nothing
}

// Rewrite changes the path on its way to the pool (nginx: rewrite … break).
type Rewrite struct {
	Regex, To string
}

// Definitions are what a route needs outside of its servers, in nginx's http
// block.
type Definitions struct {
	Route  string
	Maps   []Map
	Splits []Split
	Zones  []Zone
	Geos   []Geo
	Mirror *Mirror

	of *mark
}

// Geo sets a variable by the client's address (nginx: geo).
type Geo struct {
	Variable        string // without the dollar sign
	Networks        []string
	Inside, Outside string
}

// Map sets a variable by another value (nginx: map). The first entry that
// matches counts.
type Map struct {
	Source   string // with variables, as nginx writes them
	Variable string // without the dollar sign
	Entries  []MapEntry
	Default  Text
}

// MapEntry is one line of a Map.
type MapEntry struct {
	Regex string
	// Value is text that was checked; it may hold variables of nginx.
	Value string
}

// Split sets a variable to one of several values by their shares (nginx:
// split_clients).
type Split struct {
	Source   string // with variables, as nginx writes them
	Variable string // without the dollar sign
	Parts    []Part
}

// Part is one value of a split.
type Part struct {
	Percent string // as 12.50%, or * for what is left
	Value   string
}

// Upstream is a pool with its peers (nginx: upstream). It has at least one.
type Upstream struct {
	Name  string
	Maps  []Map // that Hash is made of, and the cookie that the pool gives
	Peers []Peer
	// Method is how nginx chooses a peer, as least_conn, and Hash what it chooses
	// by, with variables; both are empty for taking turns.
	Method, Hash string
	// Zone is the size of the memory that workers share, in KiB; 0 is none.
	// ZoneName is its name, for which http and stream have one space.
	Zone     int
	ZoneName string
	// Keepalive is the number of idle connections, -1 where nginx shall hear
	// nothing of it.
	Keepalive int

	// MaxConns is 0 for no bound, FailTimeout for nginx's own.

	MaxConns, MaxFails int
	FailTimeout        time.Duration
	// Resolvers are asked for peers with a Service.
	Resolvers []netip.AddrPort

	of *mark
}

// Peer is one address of an upstream.
type Peer struct {
	Address string // address:port; with Service a name
	// Service is that of the records of SRV to ask for by this name, again and again
	// (nginx: server … service=… resolve); empty for an address.
	Service string
	Weight  int
	Backup  bool
}
