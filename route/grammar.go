package route

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/distribution/reference"

	"github.com/wharfinger/wharfinger/directive"
)

// A grammar turns the text of a scalar into a value, or tells what is wrong.
type grammar struct {
	// want names the kind in "… must be WANT, not a list".
	want string
	// tags are the YAML types that are taken; the text decides, so `1.30` is a
	// version although YAML sees a number.
	tags []string
	// read returns the value, or a complaint and a hint.
	read func(text string) (value any, complaint, hint string)
}

var (
	textual = []string{"!!str"}
	numeric = []string{"!!int"}
)

// grammars is the table of all types of scalars, by the `is:` tag of a field or
// the `key:` tag of a map.
var grammars = map[string]grammar{
	"name":       {"a name", textual, readName},
	"mirror":     {"the name of a pool", textual, readMirror},
	"image":      {"the name of an image", textual, readImage},
	"version":    {"a version", []string{"!!str", "!!float"}, readVersion},
	"network":    {"a network mode", textual, readNetwork},
	"constraint": {"a constraint", textual, readConstraint},
	"service":    {"a service name", textual, readService},
	"secret":     {"the name of a secret", textual, readSecret},

	"port":        {"a port number", numeric, readPort},
	"stream port": {"a port", []string{"!!str", "!!int"}, readStreamPort},
	"address":     {"an address", textual, readAddress},
	"cidr":        {"a network", textual, readCIDR},

	"bool":            {"true or false", []string{"!!bool"}, readBool},
	"weight":          {"a number", numeric, readWeight},
	"share":           {"a number", numeric, readNumber("a share", 0, 10000)},
	"percent":         {"a number", numeric, readNumber("a percentage", 1, 100)},
	"priority":        {"a number", numeric, readNumber("a priority", -1000, 1000)},
	"keepalive":       {"a number", numeric, readNumber("a number of idle connections", 0, 10000)},
	"count":           {"a number", numeric, readNumber("a limit", 1, 1000000)},
	"fails":           {"a number", numeric, readNumber("a number", 0, 1000)},
	"tries":           {"a number", numeric, readNumber("a number of tries", 1, 10)},
	"status":          {"a status", numeric, readNumber("a status", 200, 599)},
	"answer status":   {"a status", numeric, readAnswerStatus},
	"error status":    {"a status", numeric, readNumber("the status of an error", 400, 599)},
	"redirect status": {"a status", numeric, readRedirectStatus},
	"size":            {"a size", []string{"!!str", "!!int"}, readSize},
	"size or off":     {"a size", []string{"!!str", "!!int"}, readSizeOrOff},
	"cache size":      {"a size", []string{"!!str", "!!int"}, readSizeIn(1<<20, 1<<40)},
	"cache memory":    {"a size", []string{"!!str", "!!int"}, readSizeIn(1<<20, 1<<34)},
	"rate or off":     {"a rate", textual, readRateOrOff},
	"burst":           {"a number", numeric, readNumber("a burst", 0, 1000000)},
	"connections":     {"a number of connections", []string{"!!str", "!!int"}, readConnectionsOrOff},
	"drain":           {"a duration", textual, readDuration("a drain", time.Second, time.Hour)},
	"seconds":         {"a duration", textual, readSeconds},
	"duration":        {"a duration", textual, readDuration("it", time.Millisecond, day)},
	"long duration":   {"a duration", textual, readDuration("it", time.Second, 3650*day)},

	"host":         {"a host", textual, readHost},
	"hostname":     {"a host", textual, readHostname},
	"path":         {"a path", textual, readRoutePath},
	"plain path":   {"a path", textual, readPath},
	"regex":        {"a regular expression", textual, readRegex},
	"replacement":  {"a path", textual, readReplacement},
	"match":        {"text to compare with", textual, readMatch},
	"method":       {"a method", textual, readMethod},
	"header":       {"the name of a header", textual, readHeader},
	"header value": {"the value of a header", textual, readHeaderValue},
	"cookie":       {"the name of a cookie", textual, readToken("a cookie")},
	"query":        {"the name of a query parameter", textual, readToken("a query parameter")},
	"key":          {"a property of requests", textual, readKey},
	"target":       {"an address to go to", textual, readTarget},
	"origin":       {"an origin", textual, readOrigin},
	"media type":   {"a media type", textual, readMediaType},
	"body":         {"text", textual, readBody},
	"words":        {"some words", textual, readWords},

	"http snippet":     {"directives of nginx", textual, readSnippet(directive.HTTP)},
	"location snippet": {"directives of nginx", textual, readSnippet(directive.Location)},

	"profile":   {"a TLS profile", textual, readOneOf("a TLS profile", "intermediate", "modern")},
	"log":       {"a form of log", textual, readOneOf("a form of log", "plain", "json", "combined")},
	"protocol":  {"a protocol", textual, readProtocol},
	"balance":   {"a way to balance", textual, readOneOf("a way to balance", "round-robin", "least-connections", "random-two")},
	"slash":     {"what to do with slashes", textual, readOneOf("what to do with slashes", "add", "remove")},
	"scheme":    {"a scheme", textual, readOneOf("a scheme", "http", "https")},
	"plain":     {"what plain HTTP gets", textual, readOneOf("what plain HTTP gets", "redirect", "serve", "refuse")},
	"same site": {"a SameSite attribute", textual, readOneOf("a SameSite attribute", "strict", "lax", "none", "off")},
	"failure":   {"a failure", []string{"!!str", "!!int"}, readOneOf("a failure", "error", "timeout", "invalid", "403", "404", "429", "500", "502", "503", "504")},
}

// readOneOf takes some words and no others.
func readOneOf(what string, words ...string) func(string) (any, string, string) {
	return func(s string) (any, string, string) {
		if !slices.Contains(words, s) {
			return nil, fmt.Sprintf("%s is not %s", quote(s), what), "it is one of " + strings.Join(words, ", ")
		}
		return s, "", ""
	}
}

func readProtocol(s string) (any, string, string) {
	value, complaint, hint := readOneOf("a protocol of peers", "http", "grpc")(s)
	if s == "https" {
		hint = "for HTTPS write tls, like tls: {ca: internal-ca}"
	}
	return value, complaint, hint
}

// readNumber takes whole numbers from least to most.
func readNumber(what string, least, most int) func(string) (any, string, string) {
	return func(s string) (any, string, string) {
		n, err := strconv.Atoi(s)
		if err != nil || n < least || n > most {
			return nil, fmt.Sprintf("%s is not %s", quote(s), what), fmt.Sprintf("write a whole number from %d to %d", least, most)
		}
		return n, "", ""
	}
}

// readAnswerStatus takes what nginx answers as it is told. It closes the
// connection for 444, and makes others of 494 to 499 (ngx_http_special_response.c).
func readAnswerStatus(s string) (any, string, string) {
	n, err := strconv.Atoi(s)
	switch {
	case err != nil || n < 200 || n > 599:
		return nil, fmt.Sprintf("%s is not a status", quote(s)), "write a whole number from 200 to 599, or respond: {body: …} for a text"
	case slices.Contains(redirectStatuses, n):
		return nil, fmt.Sprintf("%d says that the answer is elsewhere, but not where", n), fmt.Sprintf("make it a redirect, like redirect: {to: /new, status: %d}", n)
	case n == 444 || n >= 494 && n <= 499:
		return nil, fmt.Sprintf("%d is a word of nginx to itself, which no client gets", n), "write another status, like 400, 403 or 404"
	}
	return n, "", ""
}

var nameForm = regexp.MustCompile(`^[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?$`)

func readName(s string) (any, string, string) {
	if !nameForm.MatchString(s) {
		return nil, fmt.Sprintf("%s is not a name", quote(s)),
			"names have up to 63 lower-case letters, digits, '.', '_' and '-', and start and end with a letter or digit"
	}
	return s, "", ""
}

func readImage(s string) (any, string, string) {
	if _, err := reference.ParseNormalizedNamed(s); err != nil {
		return nil, fmt.Sprintf("%s is not an image", quote(s)), "write it as for docker pull, like nginx:1.30"
	}
	return s, "", ""
}

var versionForm = regexp.MustCompile(`^([0-9]{1,4})\.([0-9]{1,4})(?:\.([0-9]{1,4}))?$`)

func readVersion(s string) (any, string, string) {
	v, ok := parseVersion(s)
	if !ok {
		return nil, fmt.Sprintf("%s is not a version of nginx", quote(s)), "write it like 1.30 or 1.30.6"
	}
	if !v.AtLeast(1, 22, 0) {
		return nil, fmt.Sprintf("nginx %s is too old", s), "use nginx 1.22 or later"
	}
	return v, "", ""
}

func parseVersion(s string) (Version, bool) {
	m := versionForm.FindStringSubmatch(s)
	if m == nil {
		return Version{}, false
	}
	v := Version{Patch: -1}
	v.Major, _ = strconv.Atoi(m[1]) // at most four digits
	v.Minor, _ = strconv.Atoi(m[2])
	if m[3] != "" {
		v.Patch, _ = strconv.Atoi(m[3])
	}
	return v, true
}

var tagVersion = regexp.MustCompile(`^[0-9]+\.[0-9]+(\.[0-9]+)?`)

// imageVersion reads the version of nginx from an image's tag, as in
// `nginx:1.30.6-alpine`. Other images number themselves, so only those whose
// last part is `nginx` are believed.
func imageVersion(image string) (string, bool) {
	named, err := reference.ParseNormalizedNamed(image)
	if err != nil {
		return "", false
	}
	repository := reference.Path(named)
	tagged, ok := named.(reference.Tagged)
	if !ok || repository[strings.LastIndex(repository, "/")+1:] != "nginx" {
		return "", false
	}
	version := tagVersion.FindString(tagged.Tag())
	return version, version != ""
}

func readNetwork(s string) (any, string, string) {
	if s != "host" {
		return nil, fmt.Sprintf("%s is not a network mode", quote(s)), "the mode is host"
	}
	return s, "", ""
}

// Swarm's own form, from swarmkit's constraint package: a key of letters,
// digits, '.', '-', '_' and '/', an operator, and a value. The values there are
// wider; a blank at either end is never meant.
var constraintForm = regexp.MustCompile(`^(node\.(?:id|hostname|ip|role|platform\.os|platform\.arch|labels\.[a-zA-Z0-9_./-]+)|engine\.labels\.[a-zA-Z0-9_./-]+)\s*(==|!=)\s*([a-zA-Z0-9:_.*()?+\[\]\\^$|/-]+)$`)

func readConstraint(s string) (any, string, string) {
	m := constraintForm.FindStringSubmatch(s)
	if m == nil {
		return nil, fmt.Sprintf("%s is not a constraint", quote(s)),
			"write it as for docker service create, like node.labels.nodetype==loadbalancer"
	}
	return m[1] + m[2] + m[3], "", ""
}

func readPort(s string) (any, string, string) {
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > 65535 {
		return nil, fmt.Sprintf("%s is not a port", quote(s)), "ports are numbers from 1 to 65535"
	}
	return n, "", ""
}

var serviceForm = regexp.MustCompile(`^[a-zA-Z0-9]([a-zA-Z0-9_.-]{0,61}[a-zA-Z0-9])?$`)

func readService(s string) (any, string, string) {
	if name, _, ok := strings.Cut(s, ":"); ok && serviceForm.MatchString(name) {
		return nil, fmt.Sprintf("%s is not the name of a Swarm service", quote(s)), "the port is a field of its own, like port: 8080"
	}
	if !serviceForm.MatchString(s) {
		return nil, fmt.Sprintf("%s is not the name of a Swarm service", quote(s)), "write it as docker service ls shows it"
	}
	return s, "", ""
}

func readSecret(s string) (any, string, string) {
	if putOff[s] {
		return nil, fmt.Sprintf("%s is not the name of a secret", quote(s)), staysOn
	}
	if !secretForm.MatchString(s) {
		return nil, fmt.Sprintf("%s is not the name of a secret", quote(s)), "write the name of a Docker secret, as docker secret ls shows it, never what is in it"
	}
	return s, "", ""
}

// putOff is what people write where they want nothing of what a policy says.
var putOff = map[string]bool{"off": true, "none": true, "false": true}

const staysOn = "what policies and defaults say is not taken back here; leave it out there"

// readMirror takes the name of a pool.
func readMirror(s string) (any, string, string) {
	if putOff[s] {
		return nil, fmt.Sprintf("%s is not a pool for copies", quote(s)), staysOn
	}
	return readName(s)
}

// secretForm is swarmkit's (validateSecretOrConfigAnnotations).
var secretForm = regexp.MustCompile(`^[a-zA-Z0-9]([a-zA-Z0-9_.-]{0,62}[a-zA-Z0-9])?$`)

func readStreamPort(s string) (any, string, string) {
	number, protocol, given := strings.Cut(s, "/")
	port, complaint, hint := readPort(number)
	switch {
	case complaint != "":
		return nil, complaint, hint
	case given && protocol != "udp" && protocol != "tcp":
		return nil, fmt.Sprintf("%s is not a port", quote(s)), "write a port of TCP as 5432, one of UDP as 53/udp"
	}
	return StreamPort{Port: port.(int), UDP: protocol == "udp"}, "", ""
}

func readCIDR(s string) (any, string, string) {
	if addr, err := netip.ParseAddr(s); err == nil && addr.Zone() == "" {
		return netip.PrefixFrom(addr, addr.BitLen()), "", ""
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return nil, fmt.Sprintf("%s is not a network", quote(s)), "write an address or a network, like 192.0.2.7 or 10.0.0.0/8"
	}
	if p != p.Masked() {
		return nil, fmt.Sprintf("%s is not a network, but an address in one", quote(s)), fmt.Sprintf("write %s, or the address alone", p.Masked())
	}
	return p, "", ""
}

func readAddress(s string) (any, string, string) {
	a, err := netip.ParseAddrPort(s)
	switch {
	case err != nil:
		return nil, fmt.Sprintf("%s is not an address", quote(s)),
			"write an IP address and a port, like 10.0.0.5:8080 or [fd00::5]:8080; names are not looked up"
	case a.Port() == 0:
		return nil, fmt.Sprintf("%s has port 0", quote(s)), "ports are numbers from 1 to 65535"
	case a.Addr().IsUnspecified() || a.Addr().IsMulticast() || a.Addr().Zone() != "":
		return nil, fmt.Sprintf("%s is not the address of a server", quote(s)), "write an address that every proxy reaches"
	}
	return a, "", ""
}

func readWeight(s string) (any, string, string) {
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > 1000 {
		return nil, fmt.Sprintf("%s is not a weight", quote(s)), "weights are numbers from 1 to 1000"
	}
	return n, "", ""
}

func readBool(s string) (any, string, string) {
	if s != "true" && s != "false" {
		return nil, fmt.Sprintf("%s is not true or false", quote(s)), "write true or false, in lower case"
	}
	return s == "true", "", ""
}

// quote shows what somebody wrote, on one line and not too much of it.
func quote(s string) string {
	if runes := []rune(s); len(runes) > 60 {
		s = string(runes[:57]) + "..."
	}
	return strconv.Quote(s)
}
