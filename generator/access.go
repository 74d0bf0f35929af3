package generator

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/wharfinger/wharfinger/route"
)

// Access says who may come (nginx: allow, deny, auth_basic, auth_request). It is
// looked at after the rewrite phase, in which nginx answers what `return` says;
// so what needs access never stands in a `return` of its own location.
type Access struct {
	// Closed lets nobody in, for what tells who may come is not there.
	Closed bool
	Any    bool // one way is enough (nginx: satisfy any)
	// Deny and Allow are networks; where Allow is not empty, all others are out.
	Deny, Allow []string
	// Realm and Users are for passwords; Users is the file, or "".
	Realm, Users string
	// Auth is the location that asks a pool, or "".
	Auth string
	// Take sets variables from the headers of the pool's answer (nginx:
	// auth_request_set).
	Take []Take
}

// Take is a variable with what a header of an answer says.
type Take struct {
	Variable string // without the dollar sign
	Header   string // as nginx's variable names it: $upstream_http_ and this
}

// Guarded reports whether an answer by nginx itself must wait for the end of the
// rewrite phase: for access, or for a path that a fallback pool is to get.
func (a Answer) Guarded() bool { return a.Access != nil || a.ErrorPages != nil }

// access fills in who may come to a route.
func (a *answered) access(b *proxyBuilder, r *route.Route) {
	w := r.Access
	if w.Allow == nil && w.Deny == nil && w.Basic.Pos.Line == 0 && w.Auth.Pos.Line == 0 {
		return
	}
	a.Access = &Access{Any: w.Any.Value, Deny: networks(w.Deny), Allow: networks(w.Allow)}
	if w.Basic.Pos.Line > 0 {
		users, ok := b.secret(w.Basic.Secret.Pos, w.Basic.Secret.Value, fmt.Sprintf("route %s answers 503", r.Name))
		a.Access.Closed = !ok
		a.Access.Users, a.Access.Realm = users, realm(w.Basic, r.Name)
	}
	if w.Auth.Pos.Line > 0 {
		a.auth(w.Auth)
	}
}

// realm is what people are shown. nginx takes the word off for an order not to
// ask for passwords.
func realm(b route.Basic, name string) string {
	if b.Realm.Given() {
		name = b.Realm.Value
	}
	if name == "off" {
		return "Off"
	}
	return name
}

// askHeaders are those of a request to a pool that decides: what it is about, and
// nothing that could make the answer another one than yes or no. It has no body.
var askHeaders = []Header{
	{"Content-Length", ""},
	{"Upgrade", ""},
	{"Connection", ""},
	{"If-Match", ""},
	{"If-None-Match", ""},
	{"If-Modified-Since", ""},
	{"If-Unmodified-Since", ""},
	{"If-Range", ""},
	{"Range", ""},
	{"X-Original-Method", "$request_method"},
	{"X-Original-URI", "$request_uri"},
	{"X-Original-URL", "$client_scheme://$host$client_port$request_uri"},
	{"X-Forwarded-Method", "$request_method"},
	{"X-Forwarded-Uri", "$request_uri"},
}

// takenHeaders lists for each pool, without a value, the headers that its peers
// are to have from auth alone.
func takenHeaders(routes map[string]*route.Route) map[string][]Header {
	names := map[string]map[string]bool{}
	for _, r := range routes {
		if len(r.Access.Auth.Headers) == 0 {
			continue
		}
		pools := r.Pools()
		for _, rule := range r.Errors {
			pools = append(pools, rule.Pool)
		}
		for _, pool := range route.Values(pools) {
			for _, h := range r.Access.Auth.Headers {
				if names[pool] == nil {
					names[pool] = map[string]bool{}
				}
				names[pool][h.Value] = true
			}
		}
	}
	taken := map[string][]Header{}
	for pool := range names {
		for _, name := range slices.Sorted(maps.Keys(names[pool])) {
			taken[pool] = append(taken[pool], Header{Name: name})
		}
	}
	return taken
}

func (a *answered) auth(auth route.Auth) {
	a.Access.Auth = "/.route/" + a.Route + "+auth"
	for i, name := range sorted(auth.Headers) {
		t := Take{variable(fmt.Sprintf("auth%d", i+1), a.Route), headerVariable(name)}
		a.Access.Take = append(a.Access.Take, t)
		a.PeerHeaders = append(a.PeerHeaders, Header{name, "$" + t.Variable})
	}
	ask := a.at(auth.Pool.Value).bare()
	// What the client gets, and the log tells, is of its own request.
	ask.Back, ask.HSTS, ask.Traffic, ask.Log.Names = Back{}, nil, Traffic{}, false
	ask.URI, ask.MaxBody, ask.NoBody, ask.PeerHeaders = auth.Path.Value, 0, true, askHeaders
	a.aside = append(a.aside, Location{Path: a.Access.Auth, Exact: true, Answer: &ask})
	if !auth.SignIn.Given() {
		return
	}
	to := auth.SignIn.Value
	mark := "?"
	switch {
	case to.Path == "":
		to.Path = "/"
	case strings.Contains(to.Path, "?"):
		mark = "&"
	}
	page := a.bare()
	page.Upstream = ""
	page.Redirect = &Redirect{Status: 302, Origin: originOf(to), Path: to.Path + mark + "rd=$client_scheme://$host$client_port$" + escapedURI}
	a.onError("signin", ErrorPage{On: []int{401}, Status: "="}, page)
}

// escapedURI is the variable that holds $request_uri as the value of a query
// parameter.
const escapedURI = "escaped_uri"

// escapedURIMaps set it. nginx has no function for that, so each map replaces the
// first few of one character: 15 percent signs, 16 ampersands, 8 plus signs and
// semicolons. Those that are left stay as they are, which reads the same in most
// addresses.
func escapedURIMaps() []Map {
	// A blank, which no URI has, is where the second pass over percent signs
	// begins: what they are replaced by has one, too.
	steps := []Map{
		{Entries: escaping("^", "%", 8, " ")},
		{Entries: append(escaping("^([^ ]*) ", "%", 7, ""), MapEntry{"^([^ ]*) (.*)$", "$1$2"})},
		{Entries: escaping("^", "&", 8, "")},
		{Entries: escaping("^", "&", 8, "")},
		{Entries: escaping("^", "+", 8, "")},
		{Entries: escaping("^", ";", 8, "")},
	}
	from := "request_uri"
	for i := range steps {
		steps[i].Source, steps[i].Default.Variables = "$"+from, []string{from}
		from = fmt.Sprintf("%s%d", escapedURI, i+1)
		if i == len(steps)-1 {
			from = escapedURI
		}
		steps[i].Variable = from
	}
	return steps
}

// escaping replaces up to most of a character behind a prefix. Where there may be
// more, mark stands before the rest.
func escaping(prefix, char string, most int, mark string) []MapEntry {
	group := "([^" + char + "]*)"
	var out []MapEntry
	for n := most; n > 0; n-- {
		regex, value, next := prefix, "", 1
		if strings.Contains(prefix, "(") {
			value, next = "$1", 2
		}
		for range n {
			regex += group + regexp.QuoteMeta(char)
			value += fmt.Sprintf("$%d%%%02X", next, char)
			next++
		}
		if n == most {
			value += mark
		}
		out = append(out, MapEntry{regex + "(.*)$", value + fmt.Sprintf("$%d", next)})
	}
	return out
}
