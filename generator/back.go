package generator

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/wharfinger/wharfinger/route"
)

// Back is what happens to responses on their way to clients.
type Back struct {
	// Headers are added to every response of the location, nginx's own errors
	// among them (nginx: add_header … always).
	Headers []Header
	// Hidden are headers of peers that clients do not get (nginx:
	// proxy_hide_header, grpc_hide_header).
	Hidden  []string
	Cookies Cookies
	// Preflight answers browsers that ask before they send, or is nil.
	Preflight *Preflight
}

// Cookies changes the attributes of the cookies that peers set.
type Cookies struct {
	Flags        []string // nginx: proxy_cookie_flags
	Domain, Path string   // nginx: proxy_cookie_domain, proxy_cookie_path; or ""
}

// Preflight answers CORS-preflight requests with 204 in place of the pool.
type Preflight struct {
	// Variable is allow for those that may go on, and refuse for others,
	// where there are any.
	Variable string
	Headers  []Header // for allow, beside those of every response
	Refuses  bool
}

// requestHeaders are what a route sets on the way to peers.
func requestHeaders(change route.HeaderChange) []Header {
	var out []Header
	for _, name := range slices.Sorted(maps.Keys(change.Set)) {
		out = append(out, Header{name, change.Set[name].Value})
	}
	for _, name := range sorted(change.Remove) {
		out = append(out, Header{name, ""})
	}
	return out
}

// back works out what the route does to responses.
func (a *answered) back(p *route.Proxy, r *route.Route) {
	var headers []Header
	if r.InfoHeaders.Value {
		headers = infoHeaders(p.Name)
	}
	change := r.Headers.Response
	for _, name := range slices.Sorted(maps.Keys(change.Set)) {
		value := change.Set[name].Value
		switch {
		case name == "Content-Type":
			value = a.contentType(value)
		case (name == "Cache-Control" || name == "Expires") && !forbidsKeeping.MatchString(value):
			value = a.notOnErrors(name, value)
		}
		headers = with(headers, Header{name, value})
	}
	var hidden []string
	for _, h := range headers {
		hidden = append(hidden, h.Name)
	}
	for _, name := range change.Remove {
		hidden = append(hidden, name.Value)
	}
	a.Back = Back{Headers: headers, Hidden: hidden, Cookies: cookiesOf(r.Cookies)}
	if len(r.CORS.Origins) > 0 {
		a.cors(r.CORS)
	}
	slices.Sort(a.Back.Hidden)
	a.Back.Hidden = slices.Compact(a.Back.Hidden)
}

// infoHeaders are Interlock's, spelt as it did. nginx does not know yet how long the whole
// response takes when it writes the headers: they have the time, in seconds,
// until the peer's headers came.
func infoHeaders(proxy string) []Header {
	return []Header{
		{"x-request-id", "$peer_request_id"},
		{"x-proxy-id", "$hostname"},
		{"x-server-info", "wharfinger/" + proxy + " nginx/$nginx_version"},
		{"x-upstream-addr", "$upstream_addr"},
		{"x-upstream-response-time", "$upstream_header_time"},
	}
}

// contentType is a variable with the media type for what a pool answers. nginx's
// own pages and fixed answers have theirs already.
func (a *answered) contentType(value string) string {
	return a.add(Map{
		Source: ":$sent_http_content_type", Variable: variable("contenttype", a.Route), Entries: []MapEntry{{"^:$", value}}, // an empty source matches nothing
	})
}

// add defines a map and returns its variable with the dollar sign.
func (a *answered) add(m Map) string {
	a.definitions.Maps = append(a.definitions.Maps, m)
	return "$" + m.Variable
}

// forbidsKeeping matches the values of Cache-Control that do no harm on errors.
var forbidsKeeping = regexp.MustCompile(`(?i)\bno-(store|cache)\b`)

// notOnErrors is a variable with a value for good responses: nobody shall keep
// an error for a year. Errors of a pool have what it says.
func (a *answered) notOnErrors(name, value string) string {
	name = headerVariable(name)
	return a.add(Map{Source: "$status", Variable: variable(strings.ReplaceAll(name, "_", ""), a.Route), Entries: []MapEntry{
		{"^[23]", value}, {".", "$upstream_http_" + name},
	}})
}

func cookiesOf(c route.Cookies) Cookies {
	out := Cookies{Domain: c.Domain.Value, Path: c.Path.Value}
	flag := func(given route.At[bool], on, off string) {
		switch {
		case given.Given() && given.Value:
			out.Flags = append(out.Flags, on)
		case given.Given():
			out.Flags = append(out.Flags, off)
		}
	}
	flag(c.Secure, "secure", "nosecure")
	flag(c.HTTPOnly, "httponly", "nohttponly")
	switch c.SameSite.Value {
	case "":
	case "off":
		out.Flags = append(out.Flags, "nosamesite")
	default:
		out.Flags = append(out.Flags, "samesite="+c.SameSite.Value)
	}
	return out
}

// cors answers preflights and says who may read responses, in place of the peers'
// own words (Fetch Standard, 3.2).
func (a *answered) cors(c route.CORS) {
	anybody := slices.ContainsFunc(c.Origins, func(o route.At[string]) bool { return o.Value == "*" })
	origin := "*"
	seen := "$http_origin"
	if !anybody {
		m := Map{Source: "$http_origin", Variable: variable("cors", a.Route)}
		for _, o := range c.Origins {
			m.Entries = append(m.Entries, MapEntry{originForm(o.Value), "$http_origin"})
		}
		origin = a.add(m)
		seen = origin + " $http_origin"
	}
	// allowed is a value for allowed origins alone.
	allowed := func(kind string, t Text) string {
		if anybody {
			return t.expandable()
		}
		return a.add(Map{Source: origin, Variable: variable(kind, a.Route), Entries: []MapEntry{{".", t.expandable()}}})
	}
	headers := []Header{{"Access-Control-Allow-Origin", origin}}
	if c.Credentials.Value {
		headers = append(headers, Header{"Access-Control-Allow-Credentials", allowed("corscredentials", Text{Plain: "true"})})
	}
	preflight := []Header{{"Access-Control-Allow-Methods", a.list("corsmethods", c.Methods, "GET, HEAD, POST").expandable()}}
	if len(c.Headers) > 0 {
		preflight = append(preflight, Header{"Access-Control-Allow-Headers", a.list("corsheaders", c.Headers, "").expandable()})
	}
	preflight = append(preflight, Header{"Access-Control-Max-Age", fmt.Sprint(int64(c.MaxAge.Value / time.Second))})
	m := Map{Source: "$request_method $http_access_control_request_method " + seen, Variable: variable("preflight", a.Route),
		Entries: []MapEntry{{"^OPTIONS [^ ]+ [^ ]", "allow"}}}
	if !anybody {
		m.Entries = append(m.Entries, MapEntry{"^OPTIONS [^ ]+  [^ ]", "refuse"})
	}
	a.add(m)
	a.Back.Preflight = &Preflight{Variable: m.Variable, Headers: preflight, Refuses: !anybody}
	if len(c.Expose) > 0 {
		headers = append(headers, Header{"Access-Control-Expose-Headers", allowed("corsexpose", a.list("corsexposed", c.Expose, ""))})
	}
	for _, h := range headers {
		a.Back.Headers = with(a.Back.Headers, h)
	}
	if !anybody {
		a.Back.Headers = append(a.Back.Headers, Header{"Vary", "Origin"}) // beside any other
	}
	a.Back.Hidden = append(a.Back.Hidden, route.CORSHeaders...)
}

// list is names with commas, or what stands for none.
func (a *answered) list(kind string, names []route.At[string], none string) Text {
	if len(names) == 0 {
		return Text{Plain: none}
	}
	return a.text(kind, strings.Join(sorted(names), ", "))
}

// originForm matches an origin, with any labels in the place of a star.
func originForm(origin string) string {
	return "^" + strings.Replace(regexp.QuoteMeta(origin), `\*`, `[a-z0-9_-]+(\.[a-z0-9_-]+)*`, 1) + `\z`
}
