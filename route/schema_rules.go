package route

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// rule is what the fields of one map have to do with each other: those that it
// needs, and what else is true.
type rule struct {
	needs []string
	all   []schema
}

// rules are those that a schema can know, by the type of the map. Each is told in
// check_*.go as well, in words. What a route, a policy and the defaults say is put
// together before it is checked, so a rule of an option is one that holds for each
// of them alone; what holds for a route's own is a rule of routes.
var rules = map[reflect.Type]rule{
	reflect.TypeFor[Proxy](): {[]string{"image"}, []schema{
		some(needs("nginx"), where("image", having(newEnoughImage).with("errorMessage", tellNginx))),
		given(has("listen", has("proxyProtocol", yes)), has("trusted", filled)),
		given(needs("networks"), has("network", these("published", "ingress"))),
		along("preferences", "replicas"),
		where("resolvers", filled.with("uniqueItems", true)),
		given(some(needs("replicas"), has("network", these("published", "ingress"))), where("update", where("order", not(these("start-first"))))),
		where("serviceLabels", lacks(typeLabel)),
	}},
	reflect.TypeFor[Mount](): {[]string{"target"}, []schema{
		some(needs("source"), has("type", these("tmpfs"))),
		given(has("type", these("tmpfs")), lacks("source")).with("else", where("target", not(these("/tmp")))),
		given(has("type", these("bind")), where("source", having("^/"))),
		given(has("type", these("volume")), where("source", not(having("^/")))),
	}},
	reflect.TypeFor[Listen](): {nil, []schema{
		given(has("proxyProtocol", yes), where("http3", no)),
	}},
	reflect.TypeFor[Pool](): {nil, slices.Concat(apart("balance", "hash", "sticky"), []schema{
		some(needs("service", "port"), needs("services"), needs("servers")),
		given(needs("servers"), lacks("service", "services", "port", "via", "network")),
		given(needs("services"), lacks("service", "port", "via", "network")),
		where("services", filled),
		given(has("discovery", these("dns")), fields{"servers": false, "via": these("host")}.schema()),
		onOverlay,
		given(has("via", these("vip")), fields{"hash": false, "sticky": false, "balance": not(these("random-two"))}.schema()),
		where("servers", filled.with("contains", not(backup))),
		given(some(needs("hash"), needs("sticky"), has("balance", these("random-two"))), where("servers", each(not(backup)))),
	})},
	reflect.TypeFor[PoolService](): {[]string{"service", "port"}, []schema{onOverlay}},
	reflect.TypeFor[Labels]():      {[]string{"read"}, nil},
	reflect.TypeFor[Server]():      {[]string{"address"}, nil},
	reflect.TypeFor[PoolTLS](): {nil, []schema{
		some(needs("ca"), has("verify", no)),
		together("cert", "key"),
	}},
	reflect.TypeFor[Route](): {[]string{"hosts"}, slices.Concat(apart("pool", "split", "redirect", "respond"), []schema{
		where("hosts", filled),
		where("paths", filled),
		some(needs("pool"), needs("split"), needs("redirect"), needs("respond")),
		where("split", schema{"minProperties": 1}.but(schema{"additionalProperties": these(0)})),
		along("splitBy", "split"),
		given(has("passthrough", yes), passedThrough),
		given(some(needs("redirect"), needs("respond")), withoutPool),
		where("rewrite", some(needs("strip"), needs("prefix"), needs("regex"), needs("to"))),
		where("rewrite", given(needs("strip"), lacks("prefix", "regex", "to"))),
		where("rewrite", given(needs("prefix"), lacks("regex", "to"))),
		where("rewrite", together("regex", "to")),
		where("rewrite", where("to", not(having("^[^?]*%")))),
		given(has("rewrite", some(has("strip", yes), needs("prefix"))), where("paths", each(not(having("^~"))))),
		where("cors", given(has("origins", schema{"contains": these("*")}), where("credentials", no))),
		where("access", given(needs("basic"), where("auth", lacks("signIn")))),
		where("compress", where("types", filled)),
		where("cache", some(has("on", no), where("statuses", filled))),
		where("retries", where("on", filled.with("uniqueItems", true))),
		where("retries", given(some(needs("on"), needs("within"), needs("unsafe")), where("tries", not(these(1))))),
	})},
	reflect.TypeFor[Redirect](): {nil, []schema{
		some(needs("to"), needs("scheme"), needs("host"), needs("port"), needs("path")),
		given(needs("to"), lacks("scheme", "host", "port", "path")),
		along("regex", "path"),
		some(needs("regex"), where("path", not(having(groupForm.String())))),
	}},
	reflect.TypeFor[Respond](): {nil, []schema{
		given(has("status", these(bodiless...)), where("body", these(""))),
	}},
	reflect.TypeFor[When](): {nil, []schema{
		where("methods", schema{"maxItems": mostMethods}),
		some(needs("methods"), needs("all"), needs("any"), needs("not"), has("headers", inhabited), has("cookies", inhabited), has("query", inhabited)),
	}},
	reflect.TypeFor[Headers](): {nil, []schema{
		where("request", withoutHeaders(kept, keptInRequests)),
		where("response", withoutHeaders(kept, keptInResponses)),
		where("response", where("set", schema{"propertyNames": not(having(anyCase("Location")))})),
	}},
	reflect.TypeFor[Access](): {nil, []schema{
		where("allow", filled),
		where("deny", filled),
	}},
	reflect.TypeFor[ErrorRule](): {[]string{"on"}, slices.Concat(apart("pool", "respond", "redirect"), []schema{
		where("on", filled),
		where("on", each(not(these(clientGone)))),
		some(needs("pool"), needs("respond"), needs("redirect")),
		given(needs("pool"), where("on", each(not(these(bodyTooLarge))))),
	})},
	reflect.TypeFor[Stream](): {[]string{"listen", "pool"}, []schema{
		where("allow", filled),
		given(has("listen", ofUDP), lacks("tls")).with("else", lacks("responses")),
		given(has("listen", ofUDP), where("proxyProtocol", fields{"accept": no, "send": no}.schema())),
	}},
	reflect.TypeFor[StreamTLS](): {[]string{"cert", "key"}, []schema{
		where("clients", needs("ca")),
	}},
}

// newEnoughImage is a regular expression for an image whose tag tells which nginx is
// in it, and not too old a one. Behind the version there may be more, but no digit.
var newEnoughImage = `(?:^|/)nginx:` + newEnough + `(?:\.` + versionPart + `(?:[^0-9/][^/]*)?|(?:[^0-9./]|\.[^0-9/])[^/]*|\.?)$`

var (
	yes       = these(true)
	no        = these(false)
	filled    = schema{"minItems": 1}
	inhabited = schema{"minProperties": 1}
	backup    = has("backup", yes).with("type", "object")
	// onOverlay is a way to tasks that has a network only where there is one.
	onOverlay = given(needs("network"), has("via", these("overlay", "vip")))
	ofUDP     = having("/udp$").with("type", "string")
)

// needs is a map that has some fields.
func needs(names ...string) schema { return schema{"required": names} }

// fields are what fields are that are there: a schema, or false for those that must
// not be.
type fields map[string]any

// schema is a map with such fields. What is said of them here shall not be taken
// for all that there is to say, which editors would propose.
func (f fields) schema() schema {
	properties := schema{}
	for name, is := range f {
		if s, ok := is.(schema); ok {
			is = s.with("doNotSuggest", true)
		}
		properties[name] = is
	}
	return schema{"properties": properties}
}

// lacks is a map that has none of some fields.
func lacks(names ...string) schema {
	none := fields{}
	for _, name := range names {
		none[name] = false
	}
	return none.schema()
}

// where is a map in which a field, if it is there, is as told.
func where(name string, is schema) schema { return fields{name: is}.schema() }

// has is a map in which a field is there, and is as told.
func has(name string, is schema) schema { return where(name, is).with("required", []string{name}) }

// each is a list of what is as told.
func each(is schema) schema { return schema{"items": is} }

func not(is schema) schema { return schema{}.but(is) }

func given(is, then schema) schema { return schema{"if": is, "then": then} }

// along is a map in which the one field is there only with the other.
func along(name, with string) schema { return schema{"dependencies": schema{name: []string{with}}} }

// together is a map that has both fields or none.
func together(a, b string) schema {
	return schema{"dependencies": schema{a: []string{b}, b: []string{a}}}
}

// apart are maps in which no two of the fields are there.
func apart(names ...string) []schema {
	var all []schema
	for i, name := range names[:len(names)-1] {
		all = append(all, given(needs(name), lacks(names[i+1:]...)))
	}
	return all
}

// withoutHeaders is a change of headers that leaves alone what is the proxy's.
func withoutHeaders(lists ...map[string]string) schema {
	var names []string
	for _, list := range lists {
		names = append(names, slices.Collect(maps.Keys(list))...)
	}
	slices.Sort(names)
	for i, name := range names {
		names[i] = anyCase(name)
	}
	other := not(having(strings.Join(names, "|")))
	return fields{"set": schema{"propertyNames": other}, "remove": each(other)}.schema()
}

// anyCase is a regular expression for a name in capitals, small letters or both.
func anyCase(name string) string {
	var b strings.Builder
	for _, r := range name {
		if upper, lower := strings.ToUpper(string(r)), strings.ToLower(string(r)); upper != lower {
			fmt.Fprintf(&b, "[%s%s]", upper, lower)
			continue
		}
		b.WriteRune(r)
	}
	return "^" + b.String() + "$"
}

// nothing is a value in which nobody has said anything, as firstPos looks for it.
func nothing(t reflect.Type) any {
	switch {
	case t.Kind() == reflect.Slice:
		return schema{"maxItems": 0}
	case t.Kind() == reflect.Map:
		return schema{"maxProperties": 0}
	case t.Kind() != reflect.Struct || isAt(reflect.New(t).Elem()):
		return false
	}
	if _, ok := t.FieldByName("Pos"); ok {
		return false
	}
	inside := fields{}
	for _, f := range fieldsOf(t) {
		inside[f.name] = nothing(t.FieldByIndex(f.index).Type)
	}
	return inside.schema()
}

// passedThrough is a route that says nothing of opened connections.
var passedThrough = func() schema {
	t := reflect.TypeFor[Route]()
	inside := fields{"hosts": each(not(these("*")))}
	for _, f := range fieldsOf(t) {
		if !slices.Contains(withoutOpening, f.name) {
			inside[f.name] = nothing(t.FieldByIndex(f.index).Type)
		}
	}
	return inside.schema().with("required", []string{"pool"})
}()

// withoutPool is a route that says nothing of what a pool gets and answers.
var withoutPool = fields{
	"rewrite": false,
	"headers": fields{"request": nothing(reflect.TypeFor[HeaderChange]())}.schema(),
	"cookies": nothing(reflect.TypeFor[Cookies]()),
	"limits":  nothing(reflect.TypeFor[Limits]()),
	"cache":   some(no, has("on", no).with("type", "object")),
	"mirror":  false,
}.schema()
