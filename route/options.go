package route

import (
	"net/netip"
	"time"
)

// Options are what a route, a policy or the defaults of a proxy can say about
// how requests are handled on their way.
type Options struct {
	// TLS terminates TLS for the hosts of the route.
	TLS TLS `yaml:"tls"`
	// HSTS tells browsers to come by TLS alone (RFC 6797).
	HSTS HSTS `yaml:"hsts"`

	// Canonical is the one host that clients shall use: other hosts of the route
	// redirect to it, with 301.
	Canonical At[string] `yaml:"canonical" is:"hostname"`
	// Slash is `add` or `remove`: paths without or with a slash at the end
	// redirect, with 301.
	Slash At[string] `yaml:"slash" is:"slash"`
	// Rewrite changes the path on its way to the pool.
	Rewrite Rewrite `yaml:"rewrite"`

	// Headers are set and removed on the way to the pool and back.
	Headers Headers `yaml:"headers"`
	// Cookies changes the attributes of the cookies that peers set.
	Cookies Cookies `yaml:"cookies"`
	// CORS answers browsers that ask for other sites (Fetch Standard, CORS
	// protocol).
	CORS CORS `yaml:"cors"`
	// InfoHeaders adds Interlock's headers about the proxy to responses.
	InfoHeaders At[bool] `yaml:"infoHeaders" is:"bool"`

	// Access says who may come.
	Access Access `yaml:"access"`
	// Limits bound what one client can take.
	Limits Limits `yaml:"limits"`
	// MaxBody is the largest request body in bytes, or `off` for any, which is 0
	// (nginx: client_max_body_size). Default 1m, and any where the pool speaks gRPC;
	// at most 1024g.
	MaxBody At[int64] `yaml:"maxBody" is:"size or off"`

	// Timeouts are how long nginx waits.
	Timeouts Timeouts `yaml:"timeouts"`
	// Retries are about asking the next peer.
	Retries Retries `yaml:"retries"`
	// Buffering says whether nginx collects bodies before it passes them on.
	Buffering Buffering `yaml:"buffering"`
	// Compress compresses responses (nginx: gzip).
	Compress Compress `yaml:"compress"`
	// Cache keeps responses (nginx: proxy_cache).
	Cache Cache `yaml:"cache"`

	// Errors answer in place of the pool where it fails.
	Errors []ErrorRule `yaml:"errors"`
	// Maintenance answers in place of the pool.
	Maintenance Maintenance `yaml:"maintenance"`
	// Mirror sends a copy of each request to another pool, whose answer nobody
	// sees.
	Mirror Mirror `yaml:"mirror"`

	// Log says whether requests are logged. Default true.
	Log At[bool] `yaml:"log" is:"bool"`
}

// TLS is `tls:` of a route. It is a matter of a host: routes that share one must
// not differ.
type TLS struct {
	Pos Pos
	// Cert and Key are Docker secrets: the certificate with its chain, and its
	// private key, in PEM.
	Cert At[string] `yaml:"cert" is:"secret"`
	Key  At[string] `yaml:"key" is:"secret"`
	// Plain says what plain HTTP gets: `redirect`, the default, to TLS with 301,
	// `serve`, the same as over TLS, or `refuse`, a 404.
	Plain At[string] `yaml:"plain" is:"plain"`
	// Clients asks clients for certificates (nginx: ssl_verify_client).
	Clients Clients `yaml:"clients"`
}

// Clients is `clients:` below `tls:`, written as the name of a secret or as a map.
type Clients struct {
	Pos Pos
	// CA is the Docker secret with the certificates that sign those of clients.
	CA At[string] `yaml:"ca" is:"secret"`
	// Optional lets clients without a certificate in.
	Optional At[bool] `yaml:"optional" is:"bool"`
}

// shorthand names the field that a bare value stands for.
func (Clients) shorthand() string { return "ca" }

// HSTS is `hsts:`, written as true or false or as a map.
type HSTS struct {
	Pos Pos
	// On turns it on or off. Default true in a map.
	On At[bool] `yaml:"on" is:"bool"`
	// MaxAge is how long browsers remember. Default 8760h, a year.
	MaxAge At[time.Duration] `yaml:"maxAge" is:"long duration"`
	// Subdomains extends it to all hosts below.
	Subdomains At[bool] `yaml:"subdomains" is:"bool"`
	// Preload asks to be put on the browsers' own lists.
	Preload At[bool] `yaml:"preload" is:"bool"`
}

// shorthand names the field that a bare value stands for.
func (HSTS) shorthand() string { return "on" }

// Rewrite is `rewrite:`: how the path changes on its way to the pool. The query
// stays.
type Rewrite struct {
	Pos Pos
	// Strip takes the route's own path off: /v2/items becomes /items.
	Strip At[bool] `yaml:"strip" is:"bool"`
	// Prefix stands where the route's own path stood.
	Prefix At[string] `yaml:"prefix" is:"plain path"`
	// Regex is matched against the decoded path. A path that does not match stays
	// as it is.
	Regex At[string] `yaml:"regex" is:"regex"`
	// To replaces the whole path where Regex matched; `$1` and so on are groups.
	To At[string] `yaml:"to" is:"replacement"`
}

// Headers is `headers:`.
type Headers struct {
	// Request and Response are what happens on the way to the pool, and on the way
	// back.
	Request  HeaderChange `yaml:"request"`
	Response HeaderChange `yaml:"response"`
}

// HeaderChange sets and removes headers by name.
type HeaderChange struct {
	// Set replaces whatever was there.
	Set map[string]At[string] `yaml:"set" key:"header" is:"header value"`
	// Remove takes headers away.
	Remove []At[string] `yaml:"remove" is:"header"`
}

// Cookies is `cookies:`: attributes for every cookie that peers set (nginx:
// proxy_cookie_flags, proxy_cookie_domain, proxy_cookie_path).
type Cookies struct {
	// Secure and HTTPOnly add the attribute where true, and remove it where
	// false.
	Secure   At[bool] `yaml:"secure" is:"bool"`
	HTTPOnly At[bool] `yaml:"httpOnly" is:"bool"`
	// SameSite is `strict`, `lax`, `none` or, to remove the attribute, `off`.
	SameSite At[string] `yaml:"sameSite" is:"same site"`
	// Domain replaces the domain that peers give.
	Domain At[string] `yaml:"domain" is:"hostname"`
	// Path replaces the path that peers give.
	Path At[string] `yaml:"path" is:"plain path"`
}

// CORSHeaders are the headers that `cors:` writes in place of the pool's.
var CORSHeaders = []string{
	"Access-Control-Allow-Credentials", "Access-Control-Allow-Headers", "Access-Control-Allow-Methods",
	"Access-Control-Allow-Origin", "Access-Control-Expose-Headers", "Access-Control-Max-Age",
}

// CORS is `cors:`.
type CORS struct {
	Pos Pos
	// Origins may read: `https://app.example.org`, `https://*.example.org`, or `*`
	// for anybody. An empty list is no CORS at all.
	Origins []At[string] `yaml:"origins" is:"origin"`
	// Methods that may be used. Default GET, HEAD and POST.
	Methods []At[string] `yaml:"methods" is:"method"`
	// Headers that may be sent besides the simple ones.
	Headers []At[string] `yaml:"headers" is:"header"`
	// Expose lists the headers of responses that scripts may read.
	Expose []At[string] `yaml:"expose" is:"header"`
	// Credentials lets browsers send cookies.
	Credentials At[bool] `yaml:"credentials" is:"bool"`
	// MaxAge is how long browsers may remember the answer. Default 1h.
	MaxAge At[time.Duration] `yaml:"maxAge" is:"long duration"`
}

// Access is `access:`. A client must pass all that is written.
type Access struct {
	Pos Pos
	// Allow lists who may come; everybody else is answered with 403. The nearest
	// list counts.
	Allow []At[netip.Prefix] `yaml:"allow" is:"cidr"`
	// Deny lists who may not. It is looked at before Allow, and those of a route, its
	// policies and the defaults add up.
	Deny []At[netip.Prefix] `yaml:"deny" is:"cidr"`
	// Basic asks for a name and a password (RFC 7617).
	Basic Basic `yaml:"basic"`
	// Auth asks a pool whether the request may pass (nginx: auth_request).
	Auth Auth `yaml:"auth"`
	// Any makes one of address, password and Auth enough (nginx: satisfy any).
	Any At[bool] `yaml:"any" is:"bool"`
}

// Basic is `basic:` below `access:`, written as the name of a secret or as a
// map.
type Basic struct {
	Pos Pos
	// Secret is the Docker secret with names and hashed passwords, as htpasswd
	// writes them.
	Secret At[string] `yaml:"secret" is:"secret"`
	// Realm is shown to people. Default: the name of the route.
	Realm At[string] `yaml:"realm" is:"words"`
}

// shorthand names the field that a bare value stands for.
func (Basic) shorthand() string { return "secret" }

// Auth is `auth:` below `access:`: a request is sent to a pool, whose 2xx lets
// the client's own request pass and whose 401 or 403 is the answer otherwise.
type Auth struct {
	Pos Pos
	// Pool is asked.
	Pool At[string] `yaml:"pool" is:"name"`
	// Path is asked for. Default /.
	Path At[string] `yaml:"path" is:"plain path"`
	// Headers of the answer that are passed on to the route's own pool. What the
	// client sent under these names never arrives.
	Headers []At[string] `yaml:"headers" is:"header"`
	// SignIn is where a client goes that was answered with 401.
	SignIn At[Target] `yaml:"signIn" is:"target"`
}

// Limits is `limits:`. What is `off` has no limit, whatever policies and defaults
// say; its value is 0.
type Limits struct {
	// Rate is how many requests a client may make, as `10/s` or `90/m` (nginx:
	// limit_req). More are answered with 429.
	Rate At[Rate] `yaml:"rate" is:"rate or off"`
	// Burst is how many requests a client may be ahead of the rate, from 0 to
	// 1000000 (nginx: burst, nodelay). Default: one less than the number in the
	// rate, so that `10/s` takes ten at once.
	Burst At[int] `yaml:"burst" is:"burst"`
	// Connections is how many requests of a client may be under way, from 1 to
	// 65535 (nginx: limit_conn). More are answered with 429.
	Connections At[int] `yaml:"connections" is:"connections"`
	// By tells clients apart. Default: by their address, which also stands in for
	// a header, cookie or parameter that a request lacks.
	By At[Key] `yaml:"by" is:"key"`
	// Bandwidth is how many bytes a second a response is sent with (nginx:
	// limit_rate).
	Bandwidth At[int64] `yaml:"bandwidth" is:"size or off"`
}

// Rate is a number of events in a time.
type Rate struct {
	Count int
	Per   time.Duration // a second or a minute
}

// Timeouts is `timeouts:`, each from 1ms to 24h.
type Timeouts struct {
	// Connect is for connections to peers. Default 5s (nginx:
	// proxy_connect_timeout).
	Connect At[time.Duration] `yaml:"connect" is:"duration"`
	// Send is between two writes to a peer. Default 60s (nginx:
	// proxy_send_timeout).
	Send At[time.Duration] `yaml:"send" is:"duration"`
	// Read is between two reads from a peer. Default 60s, and that of Idle where the
	// pool speaks gRPC (nginx: proxy_read_timeout).
	Read At[time.Duration] `yaml:"read" is:"duration"`
	// Idle is Read for streams, which may be silent for long: websockets and
	// server-sent events. Default 1h.
	Idle At[time.Duration] `yaml:"idle" is:"duration"`
	// Client is between two reads of a request's body and between two writes of
	// the response. Default 60s, and that of Idle where the pool speaks gRPC (nginx:
	// client_body_timeout, send_timeout).
	Client At[time.Duration] `yaml:"client" is:"duration"`
}

// Retries is `retries:`, written as a number of tries or as a map.
type Retries struct {
	Pos Pos
	// Tries is how many peers are asked at most, the first one included. Default 3
	// (nginx: proxy_next_upstream_tries).
	Tries At[int] `yaml:"tries" is:"tries"`
	// Within is how long after the first try another one may begin. Default no limit
	// (nginx: proxy_next_upstream_timeout).
	Within At[time.Duration] `yaml:"within" is:"duration"`
	// On is what counts as a failure: `error`, `timeout`, `invalid`, or a status
	// of 403, 404, 429, 500, 502, 503 and 504. Default error and timeout (nginx:
	// proxy_next_upstream).
	On []At[string] `yaml:"on" is:"failure"`
	// Unsafe retries requests that may have changed something, such as a POST
	// (nginx: non_idempotent).
	Unsafe At[bool] `yaml:"unsafe" is:"bool"`
}

// shorthand names the field that a bare value stands for.
func (Retries) shorthand() string { return "tries" }

// Buffering is `buffering:`. With gRPC there is none.
type Buffering struct {
	// Requests are collected before a peer gets them. Default true; where it is
	// false, a request whose body is under way meets no second peer (nginx:
	// proxy_request_buffering).
	Requests At[bool] `yaml:"requests" is:"bool"`
	// Responses are taken off peers as fast as they come. Default true, but never
	// for server-sent events (nginx: proxy_buffering).
	Responses At[bool] `yaml:"responses" is:"bool"`
}

// Compress is `compress:`, written as true or false or as a map.
type Compress struct {
	Pos Pos
	// On turns it on or off. Default true in a map.
	On At[bool] `yaml:"on" is:"bool"`
	// Types are media types, besides text/html, which nginx always takes. Default:
	// the usual texts.
	Types []At[string] `yaml:"types" is:"hashed type"`
	// MinSize is the smallest response that is worth it, in bytes, where its peer
	// tells the length. Default 1k.
	MinSize At[int64] `yaml:"minSize" is:"size"`
}

// shorthand names the field that a bare value stands for.
func (Compress) shorthand() string { return "on" }

// Cache is `cache:` of a route, written as true or false or as a map. What peers
// say in Cache-Control or Expires is obeyed.
type Cache struct {
	Pos Pos
	// On turns it on or off. Default true in a map.
	On At[bool] `yaml:"on" is:"bool"`
	// Valid is how long responses are kept whose peers say nothing. Default: they
	// are not kept.
	Valid At[time.Duration] `yaml:"valid" is:"long duration"`
	// Statuses that Valid is for. Default 200, 301 and 302.
	Statuses []At[int] `yaml:"statuses" is:"status"`
	// Stale answers with what is too old while peers fail or it is fetched anew.
	// Default true.
	Stale At[bool] `yaml:"stale" is:"bool"`
	// Cookies lets requests with cookies have what the cache has, for what is the
	// same for everybody. Default false: they go past it.
	Cookies At[bool] `yaml:"cookies" is:"bool"`
}

// shorthand names the field that a bare value stands for.
func (Cache) shorthand() string { return "on" }

// ErrorRule is one entry of `errors:`. It has one of Pool, Respond and Redirect.
type ErrorRule struct {
	Pos Pos
	// On are the statuses, from 400 to 599, of nginx or of the pool.
	On []At[int] `yaml:"on" is:"error status"`
	// Pool is asked instead, with the same request; what it answers counts.
	Pool At[string] `yaml:"pool" is:"name"`
	// Respond is answered instead. Its status is the one that failed unless it
	// says another.
	Respond Respond `yaml:"respond"`
	// Redirect is where the client is sent, with 302.
	Redirect At[Target] `yaml:"redirect" is:"target"`
}

// Maintenance is `maintenance:`, written as true or false or as a map.
type Maintenance struct {
	Pos Pos
	// On turns it on or off. Default true in a map.
	On At[bool] `yaml:"on" is:"bool"`
	// Body is up to 64 KiB of text. Where it is empty, nginx's own page stands in.
	Body At[string] `yaml:"body" is:"body"`
	// Type is the media type of Body. Default text/html.
	Type At[string] `yaml:"type" is:"media type"`
	// RetryAfter tells clients when to come again. Default: nothing is said.
	RetryAfter At[time.Duration] `yaml:"retryAfter" is:"long duration"`
	// Except lists who is let through.
	Except []At[netip.Prefix] `yaml:"except" is:"cidr"`
}

// shorthand names the field that a bare value stands for.
func (Maintenance) shorthand() string { return "on" }

// Mirror is `mirror:`, written as the name of a pool or as a map.
type Mirror struct {
	Pos Pos
	// Pool gets the copies.
	Pool At[string] `yaml:"pool" is:"mirror"`
	// Share is how many of a hundred requests are copied. Default 100.
	Share At[int] `yaml:"share" is:"percent"`
	// Body says whether bodies are copied, too. Default true (nginx:
	// mirror_request_body).
	Body At[bool] `yaml:"body" is:"bool"`
}

// shorthand names the field that a bare value stands for.
func (Mirror) shorthand() string { return "pool" }
