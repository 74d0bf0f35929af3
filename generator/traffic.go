package generator

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wharfinger/wharfinger/route"
)

// Traffic is what a route does about the amount of traffic. What is nil is off.
type Traffic struct {
	Limits   *Limits
	Compress *Compress
	Cache    *Cache
}

// Limits are what one client can take.
type Limits struct {
	// Rate and Connections are zones of the route's Definitions, or empty.
	Rate           string
	Burst          int // nginx: limit_req … burst
	Connections    string
	MaxConnections int   // nginx: limit_conn
	Bandwidth      int64 // bytes a second; 0 is any (nginx: limit_rate)
}

// Zone is where the workers count together what clients take. Names of routes
// have no plus sign, so no other zone has this one's name.
type Zone struct {
	Name string
	Key  string // with variables; clients with an equal one are one client
	// Rate is as nginx writes it, 10r/s (nginx: limit_req_zone), or empty for a
	// zone of connections (nginx: limit_conn_zone).
	Rate string
}

// Compress compresses responses (nginx: gzip).
type Compress struct {
	Types   []string // nil for those of the common part (nginx: gzip_types)
	MinSize int64    // bytes; 0 for that of the common part (nginx: gzip_min_length)
}

// Cache keeps responses (nginx: proxy_cache).
type Cache struct {
	// Key is what requests have in common that can have one answer. Build sets it
	// where responses are to be kept; without it none are.
	Key      string
	Valid    time.Duration // of responses that say nothing; 0 keeps none
	Statuses []int         // that Valid is for
	Stale    bool
	Cookies  bool // requests with cookies have their answers from it, too
}

// CacheStore is where a proxy keeps responses, in bytes (nginx:
// proxy_cache_path).
type CacheStore struct{ Size, Memory int64 }

// traffic fills in what a route does about the amount of traffic. What nginx
// answers in its rewrite phase is not limited, and nothing of it is kept.
func (a *answered) traffic(r *route.Route) {
	if c := r.Compress; c.On.Value {
		a.Traffic.Compress = compressOf(c)
	}
	if r.AnswersItself() {
		return
	}
	a.limits(r)
	if c := r.Cache; c.On.Value {
		a.Traffic.Cache = &Cache{Valid: c.Valid.Value, Statuses: numbers(c.Statuses), Stale: c.Stale.Value, Cookies: c.Cookies.Value}
		if c.Statuses == nil {
			a.Traffic.Cache.Statuses = []int{200, 301, 302} // nginx's own
		}
	}
}

func (a *answered) limits(r *route.Route) {
	l := r.Limits
	out := &Limits{Burst: l.Burst.Value, MaxConnections: l.Connections.Value, Bandwidth: l.Bandwidth.Value}
	key := ""
	zone := func(kind, rate string) string {
		if key == "" {
			key = a.client(l.By)
		}
		z := Zone{Name: kind + "+" + r.Name, Key: key, Rate: rate}
		a.definitions.Zones = append(a.definitions.Zones, z)
		return z.Name
	}
	if rate := l.Rate.Value; rate.Count > 0 {
		per := "s"
		if rate.Per == time.Minute {
			per = "m"
		}
		out.Rate = zone("rate", fmt.Sprintf("%dr/%s", rate.Count, per))
	}
	if out.MaxConnections > 0 {
		out.Connections = zone("connections", "")
	}
	if out.Rate != "" || out.Connections != "" || out.Bandwidth > 0 {
		a.Traffic.Limits = out
	}
}

// client is what tells clients apart. nginx does not limit those whose key is
// empty, so a request that lacks the property counts for its address. A word
// before the value keeps one client from passing for another.
func (a *answered) client(by route.At[route.Key]) string {
	if !by.Given() || by.Value.Of == "client" {
		return "$binary_remote_addr"
	}
	return a.property(by.Value, "limitof", "limitby", "value ", "remote_addr")
}

// compressed are the usual texts, and the few other things that are not
// compressed already.
var compressed = []string{
	"application/atom+xml", "application/javascript", "application/json", "application/ld+json",
	"application/manifest+json", "application/problem+json", "application/rss+xml", "application/vnd.ms-fontobject",
	"application/wasm", "application/xhtml+xml", "application/xml", "application/yaml", "font/otf", "font/ttf",
	"image/bmp", "image/svg+xml", "image/x-icon", "text/calendar", "text/css", "text/csv", "text/javascript",
	"text/markdown", "text/plain", "text/vcard", "text/vtt", "text/xml",
}

// minCompressed is the common part's gzip_min_length.
const minCompressed = 1 << 10

func compressOf(c route.Compress) *Compress {
	out := &Compress{}
	if c.MinSize.Value != minCompressed {
		out.MinSize = c.MinSize.Value
	}
	if c.Types == nil {
		return out
	}
	for _, t := range c.Types {
		if t.Value != "text/html" { // which nginx adds itself, and warns of
			out.Types = append(out.Types, t.Value)
		}
	}
	slices.Sort(out.Types)
	if out.Types = slices.Compact(out.Types); out.Types == nil {
		out.Types = []string{"none/none"} // nginx knows no empty list
	}
	return out
}

func numbers(list []route.At[int]) []int {
	return slices.Compact(slices.Sorted(slices.Values(route.Values(list))))
}

// ofNobody are the headers by which peers are told of the client or the request
// for their logs alone, and not to answer them in another way.
var ofNobody = []string{"X-Real-IP", "X-Forwarded-For", "X-Request-ID"}

// inAddress are what the address holds under other names, where peers are told of no
// other client than nginx sees.
var inAddress = []string{nginxHost, "$scheme"}

// completeCaches gives each cache its key. It comes after the headers that peers
// get: where these tell one client from another, so does the key.
func completeCaches(servers []Server, common []Header) {
	for _, s := range servers {
		for _, l := range slices.Concat(s.Locations, s.Inner) {
			if l.Answer != nil && l.Answer.Traffic.Cache != nil {
				c := *l.Answer.Traffic.Cache
				c.Key = l.Answer.cacheKey(common)
				l.Answer.Traffic.Cache = &c
			}
		}
	}
}

// cacheKey holds the route and the pool, so that no two share what they keep; the
// address as the client asked for it; and all else that the peer is told about
// this request. What a route sets itself always counts.
func (a Answer) cacheKey(common []Header) string {
	const address = "$client_scheme://$host$client_port$request_uri"
	key := strings.Join([]string{a.Route, a.Upstream, "$request_method", address}, " ")
	headers := a.PeerHeaders
	if headers == nil {
		headers = common
	}
	for _, h := range headers {
		silent := h.OneHop() || slices.Contains(ofNobody, h.Name) && slices.Contains(common, h)
		held := strings.Contains(address, h.Value) || slices.Contains(inAddress, h.Value) && slices.Contains(common, h)
		if strings.Contains(h.Value, "$") && !silent && !held {
			key += " " + h.Name + "=" + h.Value
		}
	}
	return key
}

// roomForBodies keeps a location from refusing a body that is not too large for
// the one who answers: nginx looks at the announced length before it looks at
// tries (ngx_http_core_find_config_phase). Where one of the tries takes more than
// the location's own answer, that one becomes the last of them.
func (l *Location) roomForBodies(inner map[string]Location, own candidate) {
	for _, try := range l.Tries {
		if !own.answer.takes(inner[try.To].Answer.largest()) {
			inner[own.route.Name] = own.answer.inside(own.route.Name)
			l.Tries, l.Answer = append(l.Tries, Try{To: own.route.Name}), nil
			return
		}
	}
}

// largest is the largest body that an answer wants, 0 for any, -1 for none.
func (a Answer) largest() int64 {
	if a.Redirect != nil || a.Respond != nil {
		return -1
	}
	return a.MaxBody
}

// takes reports whether the answer does not mind a body that large.
func (a Answer) takes(largest int64) bool {
	own := a.largest()
	return own <= 0 || largest != 0 && largest <= own
}
