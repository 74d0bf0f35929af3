package route

import (
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/distribution/reference"
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

// grammars is the table of all types of scalars, by the `is:` tag of a field.
var grammars = map[string]grammar{
	"name":       {"a name", textual, readName},
	"image":      {"the name of an image", textual, readImage},
	"version":    {"a version", []string{"!!str", "!!float"}, readVersion},
	"network":    {"a network mode", textual, readNetwork},
	"constraint": {"a constraint", textual, readConstraint},
	"port":       {"a port number", numeric, readPort},
	"drain":      {"a duration", textual, readDrain},
	"service":    {"a service name", textual, readService},
	"address":    {"an address", textual, readAddress},
	"weight":     {"a number", numeric, readWeight},
	"bool":       {"true or false", []string{"!!bool"}, readBool},
	"host":       {"a host", textual, readHost},
	"path":       {"a path", textual, readPath},
	"size":       {"a size", []string{"!!str", "!!int"}, readSize},
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

var durationForm = regexp.MustCompile(`^([0-9]+(ms|s|m|h))+$`)

func readDrain(s string) (any, string, string) {
	if !durationForm.MatchString(s) {
		return nil, fmt.Sprintf("%s is not a duration", quote(s)), "write a number with ms, s, m or h, like 30s or 1m30s"
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < time.Second || d > time.Hour {
		return nil, fmt.Sprintf("%s is out of range", quote(s)), "a drain takes from 1s to 1h"
	}
	return d, "", ""
}

var serviceForm = regexp.MustCompile(`^[a-zA-Z0-9]([a-zA-Z0-9_.-]{0,61}[a-zA-Z0-9])?$`)

func readService(s string) (any, string, string) {
	if !serviceForm.MatchString(s) {
		return nil, fmt.Sprintf("%s is not the name of a Swarm service", quote(s)), "write it as docker service ls shows it"
	}
	return s, "", ""
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

var hostLabel = regexp.MustCompile(`^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$`)

// readHost takes the host names of RFC 1123, with the underscore that real
// networks have, and a wildcard as the whole first label (nginx: server_name).
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
	case strings.Contains(host, "://") || strings.ContainsAny(host, ":/"):
		return nil, complaint, "write the name alone, without scheme, port or path"
	case strings.Contains(name, "*"):
		return nil, complaint, "a wildcard stands for the whole first label, like *.example.org"
	case len(host) > 253:
		return nil, complaint, "a host has at most 253 characters"
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

func readPath(s string) (any, string, string) {
	complaint := fmt.Sprintf("%s is not a path", quote(s))
	switch {
	case !strings.HasPrefix(s, "/"):
		return nil, complaint, "a path starts with /"
	case len(s) > 1024:
		return nil, complaint, "a path has at most 1024 characters"
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
	if s != "/" {
		s = strings.TrimSuffix(s, "/")
	}
	return s, "", ""
}

var sizeForm = regexp.MustCompile(`^([0-9]{1,13})([kmg]?)$`)

func readSize(s string) (any, string, string) {
	m := sizeForm.FindStringSubmatch(s)
	if m == nil {
		return nil, fmt.Sprintf("%s is not a size", quote(s)), "write a number of bytes, or one with k, m or g, like 10m"
	}
	n, _ := strconv.ParseInt(m[1], 10, 64) // at most 13 digits
	shift := map[string]int{"": 0, "k": 10, "m": 20, "g": 30}[m[2]]
	const most = int64(1) << 40
	if n < 1 || n > most>>shift {
		return nil, fmt.Sprintf("%s is out of range", quote(s)), "a size is at least 1 byte and at most 1024g"
	}
	return n << shift, "", ""
}

// quote shows what somebody wrote, on one line and not too much of it.
func quote(s string) string {
	if runes := []rune(s); len(runes) > 60 {
		s = string(runes[:57]) + "..."
	}
	return strconv.Quote(s)
}
