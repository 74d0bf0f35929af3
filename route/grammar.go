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
	// schema is the same for editors: what a text or a number must be, without its
	// type. It takes all that read does, and as little else as can be; limits are
	// those that read has.
	schema schema
}

var (
	textual = []string{"!!str"}
	numeric = []string{"!!int"}
	either  = []string{"!!str", "!!int"}
)

// grammars is the table of all types of scalars, by the `is:` tag of a field or
// the `key:` tag of a map.
var grammars = map[string]grammar{
	"name":       {"a name", textual, readName, matching(nameForm)},
	"mirror":     {"the name of a pool", textual, readMirror, matching(nameForm).but(these(putOff...))},
	"image":      {"the name of an image", textual, readImage, imageSchema},
	"version":    {"a version", []string{"!!str", "!!float"}, readVersion, versionSchema},
	"network":    oneOf("a network mode", "host", "published", "ingress"),
	"constraint": {"a constraint", textual, readConstraint, matching(constraintForm).like("node.labels.nodetype == loadbalancer")},
	"labels":     oneOf("a kind of labels", "interlock"),
	"preference": {"a label of nodes", textual, readPreference, matching(preferenceForm).like("node.labels.zone")},
	"cluster":    {"the name of a service cluster", textual, readCluster, matching(clusterForm).like("us-east")},
	"service":    {"a service name", textual, readService, matching(serviceForm)},
	"via":        oneOf("a way to tasks", "host", "overlay", "vip"),
	"overlay":    {"the name of an overlay", textual, readOverlay, matching(overlayForm).but(these(notOverlays...))},
	"secret":     {"the name of a secret", textual, readSecret, matching(secretForm).but(these(putOff...))},

	"port":        {"a port number", numeric, readPort, numbers(1, maxPort)},
	"stream port": {"a port", either, readStreamPort, streamPortSchema},
	"address":     {"an address", textual, readAddress, addressSchema},
	"cidr":        {"a network", textual, readCIDR, cidrSchema},

	"bool":            {"true or false", []string{"!!bool"}, readBool, schema{}},
	"weight":          {"a number", numeric, readWeight, numbers(1, maxWeight)},
	"share":           number("a share", 0, 10000),
	"percent":         number("a percentage", 1, 100),
	"priority":        number("a priority", -1000, 1000),
	"keepalive":       number("a number of idle connections", 0, 10000),
	"count":           number("a limit", 1, 1000000),
	"fails":           number("a number", 0, 1000),
	"tries":           number("a number of tries", 1, 10),
	"status":          number("a status", leastStatus, mostStatus),
	"answer status":   {"a status", numeric, readAnswerStatus, numbers(leastStatus, mostStatus).but(these(slices.Concat(redirectStatuses, nginxsStatuses)...))},
	"error status":    number("the status of an error", 400, mostStatus),
	"redirect status": {"a status", numeric, readRedirectStatus, these(redirectStatuses...)},
	"size":            {"a size", either, readSize, sizes(1, maxSize)},
	"size or off":     {"a size", either, readSizeOrOff, sizes(1, maxSize, "off")},
	"cache size":      sizeIn(1<<20, maxSize),
	"cache memory":    sizeIn(1<<20, 1<<34),
	"rate or off":     {"a rate", textual, readRateOrOff, texts("off|"+padded(1, maxRate)+"/[sm]").like("10/s", "off")},
	"burst":           number("a burst", 0, 1000000),
	"open":            number("a number of connections", 1, maxConnections),
	"connections":     {"a number of connections", either, readConnectionsOrOff, numbers(1, maxConnections).orTexts("off|"+padded(1, maxConnections)).like(20, "off")},
	"drain":           duration("a drain", time.Second, time.Hour),
	"seconds":         {"a duration", textual, readSeconds, durations(leastWhole, mostWhole, time.Second)},
	"duration":        duration("it", time.Millisecond, day),
	"long duration":   duration("it", time.Second, 3650*day),

	"host":         {"a host", textual, readHost, hostSchema},
	"hostname":     {"a host", textual, readHostname, hostnameSchema},
	"path":         {"a path", textual, readRoutePath, routePathSchema},
	"plain path":   {"a path", textual, readPath, pathSchema},
	"regex":        {"a regular expression", textual, readRegex, regexSchema},
	"replacement":  {"a path", textual, readReplacement, matching(replacementForm).like("/items/$1").upTo(maxText)},
	"match":        {"text to compare with", textual, readMatch, matchSchema},
	"method":       {"a method", textual, readMethod, matching(methodForm).like("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")},
	"header":       {"the name of a header", textual, readHeader, matching(headerForm).like("X-Frame-Options")},
	"header value": {"the value of a header", textual, readHeaderValue, headerValueSchema},
	"cookie":       {"the name of a cookie", textual, readToken("a cookie"), matching(tokenForm).like("session")},
	"query":        {"the name of a query parameter", textual, readToken("a query parameter"), matching(tokenForm).like("page")},
	"key":          {"a property of requests", textual, readKey, keySchema},
	"target":       {"an address to go to", textual, readTarget, targetSchema},
	"origin":       {"an origin", textual, readOrigin, originSchema},
	"media type":   {"a media type", textual, readMediaType, matching(mediaForm).like("text/html")},
	"hashed type":  {"a media type", textual, readHashedType, matching(mediaForm).upTo(longestInHash).like("text/html")},
	"body":         {"text", textual, readBody, bodySchema},
	"words":        {"some words", textual, readWords, matching(wordsForm).like("Members only")},

	"replicas":           number("a number of proxies", 1, 1000),
	"mount target":       {"a path", textual, readMountTarget, matching(mountTargetForm).like("/srv/www").but(having(takenTargets.String()))},
	"mount source":       {"a path or a volume", textual, readMountSource, matching(mountSourceForm).like("www").but(having(engineSources.String()))},
	"mount type":         oneOf("a type of mounts", "bind", "volume", "tmpfs"),
	"signal":             oneOf("a signal that ends nginx", "SIGQUIT", "SIGTERM", "SIGINT"),
	"grace":              duration("a grace", time.Second, 2*time.Hour),
	"parallelism":        number("a number of proxies at once", 1, 1000),
	"order":              oneOf("an order of updates", "start-first", "stop-first"),
	"failure action":     oneOf("what to do about a failed update", "rollback", "pause", "continue"),
	"cpus":               {"a number of processors", []string{"!!str", "!!int", "!!float"}, readCPUs, cpusSchema},
	"memory":             sizeOf("512m", leastMemory, maxSize),
	"label":              {"the name of a label", textual, readLabel, matching(labelForm).like("org.example.team").but(having(othersLabels.String()))},
	"label value":        {"the value of a label", textual, readLabelValue, labelValueSchema},
	"discovery":          oneOf("a way to hear of tasks", "rolls", "dns"),
	"drift":              oneOf("what to do about drift", "repair", "report"),
	"workers":            {"a number of workers", either, readWorkers, numbers(1, mostWorkers).orTexts("auto|"+padded(1, mostWorkers)).like("auto", 4)},
	"worker connections": number("a number of connections", 64, 1<<20),
	"open files":         number("a number of files", 64, 1<<20),

	"http snippet":     {"directives of nginx", textual, readSnippet(directive.HTTP), snippetSchema},
	"location snippet": {"directives of nginx", textual, readSnippet(directive.Location), snippetSchema},

	"profile":   oneOf("a TLS profile", "intermediate", "modern"),
	"log":       oneOf("a form of log", "plain", "json", "combined"),
	"protocol":  {"a protocol", textual, readProtocol, these(protocols...)},
	"balance":   oneOf("a way to balance", "round-robin", "least-connections", "random-two"),
	"slash":     oneOf("what to do with slashes", "add", "remove"),
	"scheme":    oneOf("a scheme", "http", "https"),
	"plain":     oneOf("what plain HTTP gets", "redirect", "serve", "refuse"),
	"same site": oneOf("a SameSite attribute", "strict", "lax", "none", "off"),
	"failure":   {"a failure", either, readOneOf("a failure", failures...), failureSchema},
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

// failures are nginx's words for what counts as one, and statuses.
var failures = []string{"error", "timeout", "invalid", "403", "404", "429", "500", "502", "503", "504"}

// failureSchema takes statuses with quotes, too, but does not propose them.
var failureSchema = some(these(asNumbers(failures)...).with("type", []string{"string", "integer"}), texts(strings.Join(failures, "|")).with("type", "string"))

// asNumbers are words as YAML reads them: those of digits are numbers.
func asNumbers(words []string) []any {
	out := make([]any, len(words))
	for i, word := range words {
		out[i] = word
		if n, err := strconv.Atoi(word); err == nil {
			out[i] = n
		}
	}
	return out
}

var protocols = []string{"http", "grpc"}

func readProtocol(s string) (any, string, string) {
	value, complaint, hint := readOneOf("a protocol of peers", protocols...)(s)
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

// What a route or a cache can have of statuses.
const leastStatus, mostStatus = 200, 599

// nginxsStatuses are its words to itself: for 444 it closes the connection, and of
// 494 to 499 it makes others (ngx_http_special_response.c).
var nginxsStatuses = []int{444, 494, 495, 496, 497, 498, 499}

// readAnswerStatus takes what nginx answers as it is told.
func readAnswerStatus(s string) (any, string, string) {
	n, err := strconv.Atoi(s)
	switch {
	case err != nil || n < leastStatus || n > mostStatus:
		return nil, fmt.Sprintf("%s is not a status", quote(s)), fmt.Sprintf("write a whole number from %d to %d, or respond: {body: …} for a text", leastStatus, mostStatus)
	case slices.Contains(redirectStatuses, n):
		return nil, fmt.Sprintf("%d says that the answer is elsewhere, but not where", n), fmt.Sprintf("make it a redirect, like redirect: {to: /new, status: %d}", n)
	case slices.Contains(nginxsStatuses, n):
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

// imageSchema is the form of distribution/reference, in which [[:xdigit:]] is the
// one thing that ECMAScript has not. The digits of an image's ID name none.
var imageSchema = texts(strings.ReplaceAll(reference.ReferenceRegexp.String(), "[[:xdigit:]]", "[0-9a-fA-F]")).
	like("nginx:1.30").but(having("^[0-9a-f]{64}$"))

func readImage(s string) (any, string, string) {
	if _, err := reference.ParseNormalizedNamed(s); err != nil {
		return nil, fmt.Sprintf("%s is not an image", quote(s)), "write it as for docker pull, like nginx:1.30"
	}
	return s, "", ""
}

const (
	versionPart = `(?:0|[1-9][0-9]{0,3})`
	mostInPart  = 9999
)

var versionForm = regexp.MustCompile(`^(` + versionPart + `)\.(` + versionPart + `)(?:\.(` + versionPart + `))?$`)

// oldest is the first nginx that has all that the templates need.
var oldest = Version{1, 22, 0}

// newEnough is a regular expression for the first two parts of a version that is
// not older than oldest.
var newEnough = fmt.Sprintf(`(?:%d\.%s|%s\.%s)`, oldest.Major, digits(int64(oldest.Minor), mostInPart), digits(int64(oldest.Major)+1, mostInPart), versionPart)

// versionSchema knows a number without the zeros at its end, so 1.3 may be 1.30.
var versionSchema = texts(newEnough+`(?:\.`+versionPart+`)?`).like("1.30.6").with("minimum", oldest.Major).with("exclusiveMaximum", mostInPart+1)

func readVersion(s string) (any, string, string) {
	v, ok := parseVersion(s)
	if !ok {
		return nil, fmt.Sprintf("%s is not a version of nginx", quote(s)), "write it like 1.30 or 1.30.6"
	}
	if !v.AtLeast(oldest.Major, oldest.Minor, oldest.Patch) {
		return nil, fmt.Sprintf("nginx %s is too old", s), fmt.Sprintf("use nginx %d.%d or later", oldest.Major, oldest.Minor)
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

// Swarm's own form, from swarmkit's constraint package: a key of letters,
// digits, '.', '-', '_' and '/', an operator, and a value. The values there are
// wider; a blank at either end is never meant.
var constraintForm = regexp.MustCompile(`^(node\.(?:id|hostname|ip|role|platform\.os|platform\.arch|labels\.[a-zA-Z0-9_./-]+)|engine\.labels\.[a-zA-Z0-9_./-]+)[ \t]*(==|!=)[ \t]*([a-zA-Z0-9:_.*()?+\[\]\\^$|/-]+)$`)

func readConstraint(s string) (any, string, string) {
	m := constraintForm.FindStringSubmatch(s)
	if m == nil {
		return nil, fmt.Sprintf("%s is not a constraint", quote(s)),
			"write it as for docker service create, like node.labels.nodetype==loadbalancer"
	}
	return m[1] + m[2] + m[3], "", ""
}

// clusterForm takes what people called Interlock's service clusters.
var clusterForm = regexp.MustCompile(`^[a-zA-Z0-9]([a-zA-Z0-9_.-]{0,61}[a-zA-Z0-9])?$`)

func readCluster(s string) (any, string, string) {
	if !clusterForm.MatchString(s) {
		return nil, fmt.Sprintf("%s is not the name of a service cluster", quote(s)), "write what the label com.docker.lb.service_cluster of its services says, like us-east"
	}
	return s, "", ""
}

const maxPort = 65535

// portDigits is a regular expression for a port inside of other text.
var portDigits = padded(1, maxPort)

func readPort(s string) (any, string, string) {
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil || n == 0 {
		return nil, fmt.Sprintf("%s is not a port", quote(s)), "ports are numbers from 1 to 65535"
	}
	return int(n), "", ""
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

// readOverlay takes Docker's form of a network's name (daemon/names). The engine's
// own networks join nobody to anybody.
// notOverlays are networks that are there always, and no overlays for services.
var notOverlays = []string{"host", "bridge", "none", "ingress"}

func readOverlay(s string) (any, string, string) {
	if !overlayForm.MatchString(s) || slices.Contains(notOverlays, s) {
		return nil, fmt.Sprintf("%s is not an overlay", quote(s)), "write the name of one that the service is on, as docker network ls shows it"
	}
	return s, "", ""
}

var overlayForm = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}$`)

func readSecret(s string) (any, string, string) {
	if slices.Contains(putOff, s) {
		return nil, fmt.Sprintf("%s is not the name of a secret", quote(s)), staysOn
	}
	if !secretForm.MatchString(s) {
		return nil, fmt.Sprintf("%s is not the name of a secret", quote(s)), "write the name of a Docker secret, as docker secret ls shows it, never what is in it"
	}
	return s, "", ""
}

// putOff is what people write where they want nothing of what a policy says.
var putOff = []string{"off", "none", "false"}

const staysOn = "what policies and defaults say is not taken back here; leave it out there"

// readMirror takes the name of a pool.
func readMirror(s string) (any, string, string) {
	if slices.Contains(putOff, s) {
		return nil, fmt.Sprintf("%s is not a pool for copies", quote(s)), staysOn
	}
	return readName(s)
}

// secretForm is swarmkit's (validateSecretOrConfigAnnotations).
var secretForm = regexp.MustCompile(`^[a-zA-Z0-9]([a-zA-Z0-9_.-]{0,62}[a-zA-Z0-9])?$`)

var streamPortSchema = numbers(1, maxPort).orTexts(portDigits+"(?:/(?:tcp|udp))?").like(5432, "53/udp")

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

// Parts of addresses. Of IPv6 no more is looked at than the characters.
var (
	octet     = `(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])`
	inIPv4    = octet + `(?:\.` + octet + `){3}`
	inIPv6    = `[0-9a-fA-F]*:[0-9a-fA-F]*:[0-9a-fA-F:]*(?:` + inIPv4 + `)?`
	cidrBits4 = `(?:/(?:3[0-2]|[12]?[0-9]))?`
	cidrBits6 = `(?:/(?:12[0-8]|1[01][0-9]|[1-9]?[0-9]))?`
)

var cidrSchema = texts(inIPv4+cidrBits4+"|"+inIPv6+cidrBits6).like("10.0.0.0/8", "192.0.2.7")

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

var addressSchema = texts(`(?:` + inIPv4 + `|\[` + inIPv6 + `\]):` + portDigits).
	like("10.0.0.5:8080").but(having(`^(?:0\.0\.0\.0|2(?:2[4-9]|3[0-9])\.|\[(?:[0:]*\]|[fF]{2}[0-9a-fA-F]{2}:))`))

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

const maxWeight = 1000

func readWeight(s string) (any, string, string) {
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > maxWeight {
		return nil, fmt.Sprintf("%s is not a weight", quote(s)), fmt.Sprintf("weights are numbers from 1 to %d", maxWeight)
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
