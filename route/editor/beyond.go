package editor

import (
	"maps"
	"regexp"
	"slices"

	"github.com/wharfinger/wharfinger/route"
)

// reasons are why a JSON Schema cannot know of some problems, which are given by
// regular expressions for their texts and, on a second line, their hints.
var reasons = map[string][]string{
	"a schema sees one document, and what is not there, too, needs the others": {
		"there is no (pool|proxy|policy) .*",
		"there is no proxy to serve .*",
		".* does not say which proxy serves it",
		"pool .* speaks gRPC, .*",
		"route .* speaks gRPC, .*",
		"the streams of pool .* are gRPC .*",
		"pool .* chooses peers by .*, which connections do not show",
		"pool .* takes TLS, but UDP packets go without",
		"nothing says who the certificates of pool .* are for, .*",
		"proxy .* trusts nobody to tell a client's address",
		"proxy .* hands on some TLS unopened, .*",
		"host .* has another tls.* in route .*",
		"the TLS connections of .*",
		".* is taken already, by .*",
		"port .* is for TLS .*", // if a route has a certificate
		"port .* is for plain HTTP and for TLS",
		"browsers take HSTS over TLS alone, .*",
		"proxy .* has port .* on every node, by the routing mesh, .*",
		"pool .* has peers on an overlay, .*",
		"pool .* is followed by DNS, (which nginx|but proxy) .*",
		"the header .* is too long for gRPC",
	},
	"policies and the proxy's defaults may say the rest": {
		"basic has no secret",
		"auth has no pool to ask",
		"mirror has no pool",
		"any lets clients choose, .*",
		"cors lets nobody in",
		"cors writes .* itself",
		"browsers send no credentials where any origin may read",
		"browsers refuse cookies .*",
		"browsers preload only .*",
		"this certificate has no key",
		"this key has no certificate",
		"clients show certificates over TLS alone, .*",
		"nothing says who signs the certificates of clients",
		"plain is for hosts with TLS, .*",
		"plain: serve lets in clients .*",
		"a burst belongs to a rate, .*",
		"by belongs to a rate or to connections, .*",
		"statuses belong to valid, .*",
		"a cache keeps nothing of responses that are not buffered",
		"a pool can only be asked again .*",
		"clients of route .* that get a 401 .*",
	},
	"a schema does not hold one value against another": {
		"port .* serves clients and the status of proxy .*",
		"route .* does not have the host .*",
		".* stands twice in route .*",
		".* has .* already, at .*",
		"proxies .* can run on one node, but both listen on .*",
		"proxy .* would be killed after .*, in the middle of its drain of .*",
		"a task reserves .*, but can have .* at most",
		"a worker with .* files cannot have .* connections",
		".* is mounted already, at .*",
		"there is a rule for .* already, at .*",
		"the header .* is set and removed",
		`there is no group \$. in the regular expression`,
	},
	"nginx bounds what several values make together": {
		"this cache tells responses apart by too much",
		"these paths are too long to take them all off",
	},
	"an editor sees values, not how they are written, and by YAML 1.2": {
		"(field|proxy|pool|route|stream|policy) .* is (given|defined) already, at .*",
		"anchors and aliases are not read",
		".* not something tagged .*",
		`.* not a date\n.*`,
		`.* not a number\nput quotes around it: "[0-9]+(_[0-9]+)+"`,
		`"(0[xo][0-9a-fA-F]+|\+[0-9]+|[0-9]+\.0*|[0-9.]+[eE][-+]?[0-9]+)" is not .*`,
		`"(True|TRUE|False|FALSE)" is not true or false`,
	},
	"1.30 is the number 1.3": {
		`nginx [0-9.]+ is too old`,
		`nginx [0-9.]+ has no HTTP/3`,
		`"[0-9]+(\.[0-9]+)?" is not a version of nginx`,
	},
	"a regular expression does not know it": {
		".* is not a regular expression\n(RE2's syntax is read|give groups no names|one has at most|leave out|put the - at|a class like|repeat|write it like|put fewer groups).*",
		".* is not a network, but an address in one",
		"line [0-9]+ of the snippet: .*",
	},
	"who runs Wharfinger allows it": {
		"snippets are not allowed here",
		"folders of nodes are not to be mounted here",
	},
}

var beyond = func() map[string]*regexp.Regexp {
	forms := map[string]*regexp.Regexp{}
	for _, texts := range reasons {
		for _, text := range texts {
			forms[text] = regexp.MustCompile("(?s)^(?:" + text + ")(?:\n.*)?$")
		}
	}
	return forms
}()

// Beyond lists the kinds of problems that a JSON Schema cannot know and that a
// problem is one of.
func Beyond(p route.Problem) []string {
	var kinds []string
	for kind, form := range beyond {
		if form.MatchString(p.Text + "\n" + p.Hint) {
			kinds = append(kinds, kind)
		}
	}
	return kinds
}

// Kinds are all that Beyond knows.
func Kinds() []string { return slices.Sorted(maps.Keys(beyond)) }
