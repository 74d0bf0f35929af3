package route

import (
	"maps"
	"slices"
)

// Route leads requests to what answers them: `routes:`.
type Route struct {
	Name string
	Pos  Pos

	// Proxy names the proxy that serves the route. It may be left out where the
	// revision has one proxy.
	Proxy At[string] `yaml:"proxy" is:"name"`

	// Hosts are the names that clients ask for, as `shop.example.org` or
	// `*.example.org`, in lower case; `*` is every host that no route names.
	Hosts []At[string] `yaml:"hosts" is:"host"`
	// Paths say which paths of the hosts. Default `/`, everything.
	Paths []At[Path] `yaml:"paths" is:"path"`
	// When are further conditions.
	When When `yaml:"when"`
	// Priority overrules the order in which routes are tried: higher first, from
	// -1000 to 1000. Default 0.
	Priority At[int] `yaml:"priority" is:"priority"`

	// Pool names the pool that answers.
	Pool At[string] `yaml:"pool" is:"name"`
	// Split names several pools with their weights, from 0 to 10000.
	Split map[string]At[int] `yaml:"split" key:"name" is:"share"`
	// SplitBy keeps equal requests at one pool of the split. Default: each request
	// is by itself.
	SplitBy At[Key] `yaml:"splitBy" is:"key"`
	// Redirect answers with another address.
	Redirect Redirect `yaml:"redirect"`
	// Respond answers with a fixed text.
	Respond Respond `yaml:"respond"`
	// Passthrough hands TLS connections to the pool unopened, by the name that
	// the client asks for in its greeting (nginx: ssl_preread).
	Passthrough At[bool] `yaml:"passthrough" is:"bool"`

	// Snippet is text for nginx, for each location that the route answers in. It
	// takes the permission Snippets (--allow-snippets).
	Snippet At[string] `yaml:"snippet" is:"location snippet"`

	// Use names policies. What they say counts less than what the route says, and
	// of two the later one wins.
	Use []At[string] `yaml:"use" is:"name"`
	Options
	own          Options      // what the route itself says
	tlsByDefault bool         // all of TLS comes from the proxy's defaults
	merged       bool         // Options has more than own
	pools        []At[string] // AllPools, once all is settled
}

// TLSByDefault reports whether the route leaves TLS to the proxy's defaults. Then
// what another route says of its host counts more.
func (r *Route) TLSByDefault() bool { return r.tlsByDefault }

// Pools lists the pools that answer: the route's own, or those of its split.
func (r *Route) Pools() []At[string] {
	var out []At[string]
	if r.Pool.Given() {
		out = append(out, r.Pool)
	}
	for _, name := range slices.Sorted(maps.Keys(r.Split)) {
		out = append(out, At[string]{name, r.Split[name].Pos})
	}
	return out
}

// AllPools lists every pool that the route names: those that answer, those that
// answer where they fail, the one that decides and the one that gets copies. Of a
// route that hands TLS on these have no part.
func (r *Route) AllPools() []At[string] {
	if r.pools != nil {
		return r.pools
	}
	if r.Passthrough.Value {
		return r.Pools()
	}
	return append(r.Pools(), r.Options.poolsToo()...)
}

// poolsToo lists every pool that options name.
func (o Options) poolsToo() []At[string] {
	out := []At[string]{o.Access.Auth.Pool, o.Mirror.Pool}
	for _, rule := range o.Errors {
		out = append(out, rule.Pool)
	}
	return slices.DeleteFunc(out, func(pool At[string]) bool { return !pool.Given() })
}

// AnswersItself reports whether the proxy answers in place of a pool.
func (r *Route) AnswersItself() bool { return r.Redirect.Pos.Line > 0 || r.Respond.Pos.Line > 0 }

// Policy is a bundle of options with a name: `policies:`.
type Policy struct {
	Name string
	Pos  Pos
	Options
}

// Path says which paths a route covers.
type Path struct {
	// Kind is how Text is meant.
	Kind PathKind
	Text string
	// AnyCase says that a regular expression does not look at case.
	AnyCase bool
}

// PathKind is how the text of a path is meant.
type PathKind int

// The kinds of paths, in the order in which they are tried.
const (
	// Prefix covers whole segments: `/v2` is /v2 and /v2/items, not /v20. The
	// longest wins.
	Prefix PathKind = iota
	// Regex is a regular expression, written behind `~` or, where case does not
	// matter, `~*` (nginx: location ~).
	Regex
	// Exact is one path alone, written behind `=` (nginx: location =).
	Exact
)

// String writes the path as people do.
func (p Path) String() string {
	switch p.Kind {
	case Exact:
		return "= " + p.Text
	case Regex:
		if p.AnyCase {
			return "~* " + p.Text
		}
		return "~ " + p.Text
	}
	return p.Text
}

// When is `when:` of a route: conditions that must all hold.
type When struct {
	Pos Pos
	// Methods are those that the route takes, as GET.
	Methods []At[string] `yaml:"methods" is:"method"`
	// Headers, Cookies and Query are looked at by name.
	Headers map[string]At[Match] `yaml:"headers" key:"header" is:"match"`
	Cookies map[string]At[Match] `yaml:"cookies" key:"cookie" is:"match"`
	Query   map[string]At[Match] `yaml:"query" key:"query" is:"match"`
	// All, Any and Not combine conditions.
	All []When `yaml:"all"`
	Any []When `yaml:"any"`
	Not *When  `yaml:"not"`
}

// Empty reports whether the conditions hold for every request.
func (w When) Empty() bool { return w.Pos == Pos{} }

// Match is what a value has to be.
type Match struct {
	// Kind is how Text is meant.
	Kind MatchKind
	Text string
	// AnyCase says that a regular expression does not look at case.
	AnyCase bool
}

// MatchKind is how the text of a match is meant.
type MatchKind int

const (
	// Equal is the very text.
	Equal MatchKind = iota
	// Like is a regular expression, written behind `~` or, where case does not
	// matter, `~*`.
	Like
	// Present is any text but the empty one, written `*`.
	Present
)

// Redirect is `redirect:` of a route, written as an address or as a map. What is
// not given stays as the client asked for it.
type Redirect struct {
	Pos Pos
	// To is an address as a whole, as `https://www.example.org` or `/new`. Without
	// a path it keeps the client's path and query.
	To At[Target] `yaml:"to" is:"target"`
	// Status is 301, 302, 303, 307 or 308. Default 302.
	Status At[int] `yaml:"status" is:"redirect status"`
	// Scheme is http or https.
	Scheme At[string] `yaml:"scheme" is:"scheme"`
	// Host is where to go instead.
	Host At[string] `yaml:"host" is:"hostname"`
	// Port of the new address. Default: the scheme's own.
	Port At[int] `yaml:"port" is:"port"`
	// Path replaces path and query; `$1` and so on are groups of Regex.
	Path At[string] `yaml:"path" is:"replacement"`
	// Regex is matched against the path as the client wrote it. A path that does
	// not match is answered with 404.
	Regex At[string] `yaml:"regex" is:"regex"`
}

// shorthand names the field that a bare value stands for.
func (Redirect) shorthand() string { return "to" }

// Target is an address to go to. Parts that are empty are kept.
type Target struct {
	Scheme, Host string
	Port         int
	Path         string // with the query, where there is one
}

// Respond is a fixed answer, written as a status or as a map.
type Respond struct {
	Pos Pos
	// Status is from 200 to 599, but no redirect and none that nginx keeps for
	// itself. Default 200.
	Status At[int] `yaml:"status" is:"answer status"`
	// Body is up to 64 KiB of text. Where it is empty, nginx puts a page of its own
	// in its place for a status from 400 on.
	Body At[string] `yaml:"body" is:"body"`
	// Type is the media type of Body. Default text/plain.
	Type At[string] `yaml:"type" is:"media type"`
}

// shorthand names the field that a bare value stands for.
func (Respond) shorthand() string { return "status" }
