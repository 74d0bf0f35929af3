package interlock

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"

	"github.com/wharfinger/wharfinger/route"
)

const (
	prefix = "com.docker.lb."
	// mesh is the label of the HTTP routing mesh, alone or with a dot and a number or
	// a word behind it.
	mesh = "com.docker.ucp.mesh.http"
)

// The labels of Interlock 2 and 3, behind prefix.
const (
	hosts        = prefix + "hosts"
	port         = prefix + "port"
	network      = prefix + "network"
	contextRoot  = prefix + "context_root"
	rewrite      = prefix + "context_root_rewrite"
	sslCert      = prefix + "ssl_cert"
	sslKey       = prefix + "ssl_key"
	sslOnly      = prefix + "ssl_only"
	passthrough  = prefix + "ssl_passthrough"
	sslBackend   = prefix + "ssl_backend"
	sslVerify    = prefix + "ssl_backend_tls_verify"
	websockets   = prefix + "websocket_endpoints"
	cluster      = prefix + "service_cluster"
	sticky       = prefix + "sticky_session_cookie"
	ipHash       = prefix + "ip_hash"
	redirects    = prefix + "redirects"
	backendMode  = prefix + "backend_mode"
	defaultHost  = prefix + "default_backend"
	maxFails     = prefix + "max_fails"
	failTimeout  = prefix + "fail_timeout"
	noSuchLabels = "Interlock had no such label"
)

// labels are all that Interlock's documentation has, in its order.
var labels = []string{
	hosts, port, network, contextRoot, rewrite, sslOnly, sslCert, sslKey, passthrough, sslBackend, sslVerify,
	websockets, cluster, sticky, ipHash, redirects, backendMode, defaultHost, maxFails, failTimeout,
}

// What stands in a label of the HTTP routing mesh.
const (
	externalRoute = "external_route"
	internalPort  = "internal_port"
	stickyCookie  = "sticky_sessions"
	redirectTo    = "redirect"
	forwardedFor  = "include_forwarded_for"
)

var meshKeys = []string{externalRoute, internalPort, stickyCookie, redirectTo, forwardedFor}

// Labels lists every label that is read, and what stands in those of the HTTP
// routing mesh.
func Labels() []string {
	return slices.Concat(labels, []string{mesh}, meshKeys)
}

// Labelled reports whether a label may be meant for this package: by its first
// words, or by its last one after some that are nearly right.
func Labelled(key string) bool {
	key = lower(strings.TrimSpace(key))
	if strings.HasPrefix(key, strings.TrimSuffix(prefix, ".")) || isMesh(key) {
		return true
	}
	dot := strings.LastIndexByte(key, '.')
	if dot < 0 || !slices.Contains(labels, prefix+key[dot+1:]) {
		return false
	}
	_, off := nearest(key[:dot+1], []string{prefix})
	return off <= 2
}

func isMesh(key string) bool { return key == mesh || strings.HasPrefix(key, mesh+".") }

// nearest is the word most like text, and by how many letters it is off.
func nearest(text string, words []string) (word string, off int) {
	if len(text) > 100 {
		return "", len(text) // nobody's slip of the hand
	}
	word = slices.MinFunc(words, func(a, b string) int {
		return cmp.Compare(levenshtein.ComputeDistance(a, text), levenshtein.ComputeDistance(b, text))
	})
	return word, levenshtein.ComputeDistance(word, text)
}

// said is a value and the label that said so, as it is written on the service. It
// is zero where none did.
type said struct{ value, label string }

func (s said) given() bool { return s.label != "" }

// labelSet is the labels of one service by the names that they should have.
type labelSet struct {
	service  Service
	lb       map[string]said
	mesh     []said // in the order of their labels
	problems route.Problems
}

// read sorts out the labels of a service. Interlock itself looked at names to the
// letter; what is nearly right is read, and told.
func read(s Service) *labelSet {
	set := &labelSet{service: s, lb: map[string]said{}}
	keys := slices.SortedFunc(maps.Keys(s.Labels), func(a, b string) int {
		if exact := slices.Contains(labels, a); exact != slices.Contains(labels, b) {
			return map[bool]int{true: -1, false: 1}[exact]
		}
		return strings.Compare(a, b)
	})
	for _, key := range keys {
		value := said{tidy(s.Labels[key]), key}
		name := lower(strings.TrimSpace(key))
		if tail, ok := strings.CutPrefix(name, prefix); ok {
			name = prefix + strings.ReplaceAll(tail, "-", "_")
		}
		switch {
		case slices.Contains(labels, name):
			set.take(name, value)
		case isMesh(name):
			set.mesh = append(set.mesh, value)
		case Labelled(name):
			hint := "the labels are in docs/interlock.md"
			if like, off := nearest(name, labels); off <= 3 {
				hint = "did you mean " + like + "?"
			}
			set.problem(key, noSuchLabels, hint)
		}
	}
	return set
}

func (set *labelSet) take(name string, value said) {
	before, twice := set.lb[name]
	switch {
	case twice:
		set.problem(value.label, fmt.Sprintf("%s is there, too, and read in its place", before.label), "remove one of them")
		return
	case value.label != name:
		set.problem(value.label, "read as "+name, "write it so")
	}
	set.lb[name] = value
}

// problem tells of a label. It is a matter of the caller whether anything is left
// out for it.
func (set *labelSet) problem(label, text, hint string) {
	set.problems = append(set.problems, problemOf(set.service.Name, label, text, hint))
}

func problemOf(service, label, text, hint string) route.Problem {
	return route.Problem{Object: "service " + oneLine(service), Text: "label " + oneLine(label) + ": " + printable(text), Hint: printable(hint)}
}
