package route

import (
	"fmt"
	"net/textproto"
	"regexp"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"
)

const (
	inLabel = `[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?`
	inHost  = inLabel + `(?:\.` + inLabel + `)*`
	maxHost = 253
)

var (
	hostLabel      = regexp.MustCompile(`^` + inLabel + `$`)
	hostSchema     = texts(`\*|(?:\*\.)?`+inHost).upTo(maxHost).but(these("_")).like("shop.example.org", "*.example.org")
	hostnameSchema = texts(inHost).upTo(maxHost).but(these("_")).like("shop.example.org")
)

// readHost takes the host names of RFC 1123, with the underscore that real
// networks have, and a wildcard as the whole first label (nginx: server_name). A lone star is any
// host that nobody names.
func readHost(s string) (any, string, string) {
	complaint := fmt.Sprintf("%s is not a host", quote(s))
	for _, r := range s { // before ToLower, which makes a k of the Kelvin sign
		if r > 127 {
			return nil, complaint, "write international names in their ASCII form, like xn--bcher-kva.example"
		}
	}
	host := strings.ToLower(s)
	name := strings.TrimPrefix(host, "*.")
	switch {
	case host == "*":
		return host, "", ""
	case strings.HasPrefix(host, "~"):
		return nil, complaint, "hosts have no regular expressions; *.example.org is any first label"
	case strings.Contains(host, "://") || strings.ContainsAny(host, ":/"):
		return nil, complaint, "write the name alone, without scheme, port or path"
	case strings.Contains(name, "*"):
		return nil, complaint, "a wildcard stands for the whole first label, like *.example.org"
	case len(host) > maxHost:
		return nil, complaint, fmt.Sprintf("a host has at most %d characters", maxHost)
	case host == "_":
		return nil, complaint, "the proxy keeps _ for requests to unknown hosts"
	}
	for label := range strings.SplitSeq(name, ".") {
		if !hostLabel.MatchString(label) {
			return nil, complaint, "a host has labels of letters, digits and '-' with dots between, like shop.example.org"
		}
	}
	return host, "", ""
}

// pathForm is the characters of RFC 3986's path that nginx neither decodes nor
// reads as a variable.
var pathForm = regexp.MustCompile(`^/[A-Za-z0-9._~!&'()*+,;=:@/-]*$`)

const (
	inSegment = `[A-Za-z0-9._~!&'()*+,;=:@-]`
	// segment is none of . and ..
	segment = `(?:[A-Za-z0-9_~!&'()*+,;=:@-]` + inSegment + `*|\.[A-Za-z0-9_~!&'()*+,;=:@-]` + inSegment + `*|\.\.` + inSegment + `+)`
	inPath  = `/(?:` + segment + `(?:/` + segment + `)*/?)?`
	maxPath = 1024
)

var pathSchema = texts(inPath).like("/v2").upTo(maxPath).with("errorMessage", told("a path", readPath, badPaths...))

// badPaths are refused with the hints that an editor shows.
var badPaths = []string{"", "/\x00", "/.."}

func readPath(s string) (any, string, string) {
	complaint := fmt.Sprintf("%s is not a path", quote(s))
	switch {
	case !strings.HasPrefix(s, "/"):
		return nil, complaint, "a path starts with /"
	case len(s) > maxPath:
		return nil, complaint, fmt.Sprintf("a path has at most %d characters", maxPath)
	case strings.Contains(s, "%"):
		return nil, complaint, "leave the encoded part out, for nginx decodes a request's path before it compares"
	case !pathForm.MatchString(s):
		return nil, complaint, "a path has letters, digits and any of . _ ~ ! & ' ( ) * + , ; = : @ / -"
	}
	segments := strings.Split(s, "/")
	for i, segment := range segments {
		inside := i > 0 && i < len(segments)-1
		if segment == "." || segment == ".." || segment == "" && inside {
			return nil, complaint, "write it without //, . and .., for nginx resolves them in a request's path before it compares"
		}
	}
	return s, "", ""
}

// readHostname takes one host, without wildcards.
func readHostname(s string) (any, string, string) {
	host, complaint, hint := readHost(s)
	switch {
	case complaint != "":
		return nil, complaint, hint
	case strings.Contains(host.(string), "*"):
		return nil, fmt.Sprintf("%s is not one host", quote(s)), "write a name without a wildcard"
	}
	return host, "", ""
}

// routePathSchema does not know whether a regular expression is one, and counts
// no characters where there may be blanks before.
var routePathSchema = some(
	texts(inPath).upTo(maxPath).but(having(`^/\.route(?:/|$)`)),
	texts("= *"+inPath).but(having(`^= */\.route(?:/|$)`)),
	tildeSchema,
).like("/v2", "= /v2", "~ ^/items/[0-9]+$").with("errorMessage", told("a path", readRoutePath, badPaths...))

// readRoutePath takes nginx's own marks: = for a path alone, ~ and ~* for a
// regular expression.
func readRoutePath(s string) (any, string, string) {
	p := Path{Kind: Prefix, Text: s}
	switch {
	case strings.HasPrefix(s, "="):
		p = Path{Kind: Exact, Text: strings.TrimLeft(s[1:], " ")}
	case strings.HasPrefix(s, "~"):
		p.Kind = Regex
		p.Text, p.AnyCase = behindTilde(s)
		if _, complaint, hint := readRegex(p.Text); complaint != "" {
			return nil, complaint, hint
		}
		return p, "", ""
	}
	text, complaint, hint := readPath(p.Text)
	if complaint != "" {
		return nil, complaint, hint
	}
	if p.Text = text.(string); strings.HasPrefix(p.Text+"/", "/.route/") {
		return nil, fmt.Sprintf("%s is not a path", quote(s)), "the proxy keeps /.route for itself"
	}
	if p.Kind == Prefix && p.Text != "/" {
		p.Text = strings.TrimSuffix(p.Text, "/")
	}
	return p, "", ""
}

// tildeSchema does not know whether it is a regular expression, either.
var tildeSchema = texts(`~\*? *[!-)+-~][ -~]*`)

// behindTilde is a regular expression without nginx's mark: ~, or ~* for one
// that does not look at case.
func behindTilde(s string) (regex string, anyCase bool) {
	rest, anyCase := strings.CutPrefix(s, "~*")
	if !anyCase {
		rest = s[1:]
	}
	return strings.TrimLeft(rest, " "), anyCase
}

// maxText bounds what nginx compares with, and what it puts in place.
const maxText = 1000

// regexSchema does not know whether it is one.
var regexSchema = texts("[ -~]+").like("^/items/([0-9]+)$").upTo(maxText)

// readRegex takes what Go and nginx's PCRE read alike. Named groups would become
// variables of nginx, and code points beyond a byte need a mode that nginx does
// not use.
func readRegex(s string) (any, string, string) {
	complaint := fmt.Sprintf("%s is not a regular expression", quote(s))
	parsed, err := syntax.Parse(s, syntax.Perl)
	hint, odd := "", false
	if err == nil {
		hint, odd = unlike(s)
	}
	switch {
	case s == "":
		return nil, complaint, "write one, like ^/items/[0-9]+$"
	case len(s) > maxText:
		return nil, complaint, fmt.Sprintf("one has at most %d characters", maxText)
	case err != nil:
		return nil, complaint, "RE2's syntax is read, which has no references and no look-ahead; " + oneLine(err.Error())
	case strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' }):
		return nil, complaint, "write it in printable ASCII"
	case odd:
		return nil, complaint, hint
	case patternSize(parsed) > largestPattern:
		return nil, complaint, "repeat less of it: nginx writes out what is repeated, and takes only so much"
	case slices.ContainsFunc(parsed.CapNames(), func(name string) bool { return name != "" }):
		return nil, complaint, "give groups no names; they are $1, $2 and so on"
	}
	return s, "", ""
}

func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s)
}

// groups counts the groups of a regular expression that readRegex took.
func groups(regex string) int {
	parsed, err := syntax.Parse(regex, syntax.Perl)
	if err != nil {
		return 0
	}
	return parsed.MaxCap()
}

const (
	inReplacement = `[A-Za-z0-9._~!&'()*+,;=:@%?-]|\$[1-9]`
	inAddress     = `/[A-Za-z0-9._~!&'()*+,;=:@/%?-]*`
)

var replacementForm = regexp.MustCompile(`^/(?:(?:` + inReplacement + `)(?:/|` + inReplacement + `)*)?$`)

// readReplacement takes a path with an optional query, in which $1 to $9 stand
// for groups. A second slash at its start would make it another host.
func readReplacement(s string) (any, string, string) {
	if !replacementForm.MatchString(s) || len(s) > maxText {
		return nil, fmt.Sprintf("%s is not a path to put in", quote(s)), "write a path, in which $1 is the first group of the regular expression, like /items/$1"
	}
	return s, "", ""
}

var groupForm = regexp.MustCompile(`\$([1-9])`)

// lastGroup is the highest group that a replacement names, or 0.
func lastGroup(replacement string) int {
	last := 0
	for _, m := range groupForm.FindAllStringSubmatch(replacement, -1) {
		n, _ := strconv.Atoi(m[1])
		last = max(last, n)
	}
	return last
}

// matchSchema does not know whether a regular expression is one.
var matchSchema = some(
	texts(`[^~\x00-\x1f\x7f][^\x00-\x1f\x7f]*`).upTo(maxText),
	tildeSchema,
).like("yes", "*", "~ ^v[0-9]+$")

func readMatch(s string) (any, string, string) {
	switch {
	case s == "*":
		return Match{Kind: Present}, "", ""
	case strings.HasPrefix(s, "~"):
		text, anyCase := behindTilde(s)
		if _, complaint, hint := readRegex(text); complaint != "" {
			return nil, complaint, hint
		}
		return Match{Like, text, anyCase}, "", ""
	case s == "" || len(s) > maxText || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 127 }):
		return nil, fmt.Sprintf("%s is nothing to compare with", quote(s)), "write the text itself, * for any, or a regular expression behind ~"
	}
	return Match{Kind: Equal, Text: s}, "", ""
}

var methodForm = regexp.MustCompile(`^[A-Z]{1,20}$`)

func readMethod(s string) (any, string, string) {
	if !methodForm.MatchString(s) {
		return nil, fmt.Sprintf("%s is not a method", quote(s)), "methods are in capitals, like GET"
	}
	return s, "", ""
}

var headerForm = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9-]{0,62}[A-Za-z0-9])?$`)

// readHeader takes the names that nginx lets through (underscores_in_headers is
// off).
func readHeader(s string) (any, string, string) {
	if !headerForm.MatchString(s) {
		return nil, fmt.Sprintf("%s is not the name of a header", quote(s)), "headers have letters, digits and '-', like X-Frame-Options"
	}
	return textproto.CanonicalMIMEHeaderKey(s), "", ""
}

var tokenForm = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$`)

// readToken takes the names of cookies and of query parameters.
func readToken(what string) func(string) (any, string, string) {
	return func(s string) (any, string, string) {
		if !tokenForm.MatchString(s) {
			return nil, fmt.Sprintf("%s is not the name of %s", quote(s), what), "names have letters, digits, '_', '.' and '-'"
		}
		return s, "", ""
	}
}

// keysAlone are the properties that need no name.
var keysAlone = []string{"client", "host", "path", "uri"}

var keySchema = texts(strings.Join(keysAlone, "|")+"|header:"+inner(headerForm)+"|(?:cookie|query):"+inner(tokenForm)).
	like("client", "host", "path", "uri", "header:X-Tenant", "cookie:session", "query:id")

func readKey(s string) (any, string, string) {
	of, name, named := strings.Cut(s, ":")
	switch {
	case !named && slices.Contains(keysAlone, of):
		return Key{Of: of}, "", ""
	case named && of == "header" && headerForm.MatchString(name):
		return Key{of, textproto.CanonicalMIMEHeaderKey(name)}, "", ""
	case named && (of == "cookie" || of == "query") && tokenForm.MatchString(name):
		return Key{of, name}, "", ""
	}
	return nil, fmt.Sprintf("%s is not a property of requests", quote(s)), "it is client, host, path, uri, header:NAME, cookie:NAME or query:NAME"
}

var targetForm = regexp.MustCompile(`^(?:(https?)://([^/:?#]+)(?::([0-9]+))?)?(` + inAddress + `)?$`)

// targetSchema does not count how long the host in it is.
var targetSchema = texts(`https?://`+inHost+`(?::`+portDigits+`)?(?:`+inAddress+`)?|`+inAddress).
	like("https://www.example.org", "/new").upTo(maxText).but(having("^(?://|https?://_(?:[:/]|$))"))

// readTarget takes an address as a whole, or a path on the same host.
func readTarget(s string) (any, string, string) {
	complaint := fmt.Sprintf("%s is not an address to go to", quote(s))
	m := targetForm.FindStringSubmatch(s)
	if lastGroup(s) > 0 {
		return nil, complaint, "nothing is put in there; in a redirect, $1 stands in path, beside regex, host and scheme"
	}
	if m == nil || s == "" || len(s) > maxText || strings.HasPrefix(s, "//") {
		return nil, complaint, "write one like https://www.example.org, https://www.example.org/new or /new"
	}
	t := Target{Scheme: m[1], Path: m[4]}
	if m[2] != "" {
		host, wrong, hint := readHostname(m[2])
		if wrong != "" {
			return nil, complaint, hint
		}
		t.Host = host.(string)
	}
	if m[3] != "" {
		port, wrong, hint := readPort(m[3])
		if wrong != "" {
			return nil, complaint, hint
		}
		t.Port = port.(int)
	}
	return t, "", ""
}

// originSchema does not count how long the host in it is.
var originSchema = texts(`\*|https?://(?:\*\.)?`+inHost+`(?::`+portDigits+`)?`).
	like("https://app.example.org", "https://*.example.org", "*").but(having("^https?://_(?::|$)"))

// readOrigin takes an origin as browsers send it, with a wildcard for the first
// label, or a star for any.
func readOrigin(s string) (any, string, string) {
	complaint := fmt.Sprintf("%s is not an origin", quote(s))
	const hint = "write one like https://app.example.org, https://*.example.org or *"
	if s == "*" {
		return s, "", ""
	}
	scheme, rest, _ := strings.Cut(s, "://")
	host, port, hasPort := strings.Cut(rest, ":")
	if _, wrong, _ := readHost(host); wrong != "" || host == "*" || scheme != "http" && scheme != "https" {
		return nil, complaint, hint
	}
	if _, wrong, _ := readPort(port); hasPort && wrong != "" {
		return nil, complaint, hint
	}
	// Browsers leave a scheme's own port out (Fetch Standard, 3.1).
	origin := strings.ToLower(s)
	return strings.TrimSuffix(origin, map[string]string{"http": ":80", "https": ":443"}[scheme]), "", ""
}
