package generator_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/wharfinger/wharfinger/generator"
	"github.com/wharfinger/wharfinger/golden"
	"github.com/wharfinger/wharfinger/route"
)

// harmless is a value for each grammar of scalars (the is: tags of route's
// types). A new grammar needs a line here; a new field needs nothing.
var harmless = map[string]any{
	"name":            "demo",
	"mirror":          "demo",
	"image":           "nginx:1.30",
	"version":         "1.30",
	"network":         "published",
	"constraint":      "node.role==worker",
	"labels":          "interlock",
	"cluster":         "us-east",
	"service":         "demo",
	"via":             "overlay",
	"overlay":         "apps",
	"secret":          "demo",
	"port":            8081,
	"stream port":     "5432",
	"address":         "10.0.0.5:8080",
	"cidr":            "10.0.0.0/8",
	"bool":            true,
	"weight":          2,
	"share":           2,
	"percent":         50,
	"priority":        1,
	"keepalive":       8,
	"count":           8,
	"fails":           2,
	"tries":           2,
	"status":          204,
	"answer status":   204,
	"error status":    502,
	"redirect status": 301,
	"size":            "10m",
	"size or off":     "10m",
	"cache size":      "10m",
	"cache memory":    "10m",
	"rate or off":     "10/s",
	"burst":           8,
	"connections":     8,
	"drain":           "30s",
	"seconds":         "30s",
	"duration":        "30s",
	"long duration":   "30d",
	"host":            "demo.local",
	"hostname":        "demo.local",
	"path":            "/v2",
	"plain path":      "/v2",
	"regex":           "^/(.*)$",
	"replacement":     "/new/$1",
	"match":           "demo",
	"method":          "GET",
	"header":          "X-Demo",
	"header value":    "demo",
	"cookie":          "demo",
	"query":           "demo",
	"key":             "client",
	"target":          "https://demo.local/new",
	"origin":          "https://demo.local",
	"media type":      "text/html",
	"hashed type":     "text/html",
	"open":            8,
	"body":            "demo",
	"words":           "demo",
	"profile":         "modern",
	"log":             "json",
	"protocol":        "http",
	"balance":         "random-two",
	"slash":           "add",
	"scheme":          "https",
	"plain":           "serve",
	"same site":       "lax",
	"failure":         "timeout",

	"replicas":           2,
	"preference":         "node.labels.zone",
	"mount target":       "/srv/www",
	"mount source":       "www",
	"mount type":         "volume",
	"signal":             "SIGQUIT",
	"grace":              "1h",
	"parallelism":        2,
	"order":              "stop-first",
	"failure action":     "pause",
	"cpus":               2,
	"memory":             "512m",
	"label":              "org.example.team",
	"label value":        "demo",
	"discovery":          "rolls",
	"drift":              "report",
	"workers":            4,
	"worker connections": 1024,
	"open files":         65536,

	"http snippet":     "add_header X-Snippet demo;",
	"location snippet": "add_header X-Snippet demo;",
}

// apart names fields that exclude each other: each variant leaves some out.
// Fields inside of others are written with dots.
var apart = map[string][][]string{
	// The defaults are tried as a route's options.
	"Proxy": {{"defaults", "listen.http3"}, {"defaults", "listen.proxyProtocol"}},
	"Pool": {
		{"services", "servers", "hash", "sticky"},
		{"service", "port", "via", "network", "services", "balance", "sticky"},
		{"service", "port", "via", "network", "servers", "balance", "hash"},
	},
	"Route": {
		{"split", "splitBy", "redirect", "respond", "passthrough", "rewrite.prefix", "rewrite.regex", "rewrite.to", "errors.respond", "errors.redirect", "access.basic"},
		{"pool", "redirect", "respond", "passthrough", "rewrite.strip", "rewrite.prefix", "errors.pool", "errors.redirect", "access.auth.signIn"},
		{"pool", "split", "splitBy", "respond", "passthrough", "headers.request", "cookies", "limits", "cache", "rewrite", "redirect.scheme", "redirect.host", "redirect.port", "redirect.path", "redirect.regex", "errors.pool", "errors.respond", "access.basic", "mirror"},
		{"pool", "split", "splitBy", "respond", "passthrough", "headers.request", "cookies", "limits", "cache", "rewrite", "redirect.to", "errors", "access.auth", "mirror"},
		{"pool", "split", "splitBy", "redirect", "passthrough", "headers.request", "cookies", "limits", "cache", "rewrite", "respond.status", "errors", "access.auth.signIn", "mirror"},
		{"split", "splitBy", "redirect", "respond", "passthrough", "rewrite.strip", "rewrite.regex", "rewrite.to", "errors", "access.basic"},
		besides(reflect.TypeFor[route.Route](), "proxy", "hosts", "pool", "passthrough"),
	},
	"Stream": {{"responses"}, {"tls", "proxyProtocol"}}, // TCP, UDP
}

// besides lists the fields of a type but for some.
func besides(typ reflect.Type, some ...string) []string {
	var out []string
	for _, f := range reflect.VisibleFields(typ) {
		if name := f.Tag.Get("yaml"); name != "" && !slices.Contains(some, name) {
			out = append(out, name)
		}
	}
	return out
}

// plain is what stands in the sections that a field is not in.
var plain = map[string]map[string]any{
	"proxies":  {"image": "nginx:1.30", "network": "published", "trusted": []any{"10.0.0.0/8"}}, // for overlays and streams
	"pools":    {"service": "demo", "port": 8080},
	"routes":   {"hosts": []any{"demo.local"}, "pool": "demo"},
	"streams":  {"listen": 5432, "pool": "demo"},
	"policies": {},
}

func plainTree() map[string]any {
	tree := map[string]any{}
	for section, thing := range plain {
		tree[section] = map[string]any{"demo": thing}
	}
	return tree
}

// hostile is what somebody might write to leave a value's place. Each is tried
// alone, and before, behind and inside a harmless value.
var hostile = []string{
	`"`, `'`, `\`, `\"`, `\\"`, `";`, `'; }`, "\n", "\r\n", "\x00", "\t", " ", "\u2028", "\u0085",
	"{", "}", ";", "#", "# ", "$", "$host", "${host}", "$http_authorization", "%", "*", "~", "~*", "^", "|", "`", "=", "@",
	";load_module x;", `";load_module x;"`, "; } load_module x; server {", `\";}load_module x;#`, "\nload_module x;\n",
	"\n# file nginx.conf\nload_module x;\n", "{{.}}", "{{ quote }}", "\ufeff", "é", "日本", "\u202e", "\u212a", "İ",
	"..", "/../", "//", "-", "_", ".", ":", ",", "unix:/tmp/x", "[::1]", "0", "-1", "1e9", "null", "true", "<<", "&a", "!x",
	strings.Repeat("a", 64<<10), strings.Repeat("/a", 32<<10), strings.Repeat(`\`, 255), strings.Repeat(`"`, 255),
}

// TestHostile tries every hostile value in every field of the format: Parse
// refuses it, or what is rendered has the same structure as for a harmless one.
func TestHostile(t *testing.T) {
	var tried, accepted atomic.Int64
	fields := leaves(t)
	t.Run("field", func(t *testing.T) {
		for _, leaf := range fields {
			if leaf.isSnippet() {
				continue // TestHostileSnippets
			}
			t.Run(leaf.name, func(t *testing.T) {
				t.Parallel()
				leaf.try(t, &tried, &accepted)
			})
		}
	})
	t.Logf("%d fields, %d combinations; %d were let through and stayed in their place", len(fields), tried.Load(), accepted.Load())
}

// try tries every hostile value in one field: first with little around it, for
// most are refused, and what is let through with everything else that there is.
func (l leaf) try(t *testing.T, tried, accepted *atomic.Int64) {
	want := map[string]map[string]int{} // by the harmless value
	structureLike := func(harmless any) map[string]int {
		form := fmt.Sprint(harmless)
		if want[form] == nil {
			structure, problems := structureOf(t, l.name, l.whole.with(harmless))
			if problems != nil {
				t.Fatalf("the harmless value %v is refused: %v", harmless, problems)
			}
			want[form] = structure
		}
		return want[form]
	}
	structureLike(l.harmless)
	refused := map[string]bool{} // for these reasons, with much around it as with little
	ordinary := fmt.Sprint(l.harmless)
	half := len(ordinary) / 2
	for _, evil := range hostile {
		for _, value := range []string{evil, evil + ordinary, ordinary + evil, ordinary[:half] + evil + ordinary[half:]} {
			tried.Add(1)
			if _, problems := parse(l.small.with(value)); problems != nil && refused[problems[0].Hint] {
				continue
			} else if problems != nil {
				if _, whole := parse(l.whole.with(value)); whole != nil {
					refused[problems[0].Hint] = true
					continue
				}
			}
			got, problems := structureOf(t, l.name, l.whole.with(value))
			if problems != nil {
				continue
			}
			accepted.Add(1)
			like := likeness(l, value)
			if like == nil {
				like = l.harmless
			}
			if harmless := structureLike(like); !maps.Equal(got, harmless) {
				t.Errorf("%.80q changes the structure of the files: %s", value, difference(got, harmless))
			}
		}
	}
}

// likeness is a harmless value that people mean to have the structure of value,
// or nil where every value of the field has the same.
func likeness(l leaf, value string) any {
	switch {
	case l.is == "body": // long text takes several lines, whatever is in it
		return strings.Repeat("x", len(value))
	case l.is == "path" && strings.HasPrefix(value, "="):
		return "= /v2"
	case l.is == "path" && strings.HasPrefix(value, "~"):
		return "~ /v2"
	case (l.is == "host" || l.is == "origin") && value == "*":
		return "*"
	case (l.is == "cookie" || l.is == "query") && strings.ContainsAny(value, ".-"):
		return "de-mo"
	case l.is == "key" && strings.HasPrefix(value, "header:"):
		return "header:demo"
	case l.is == "key" && strings.Contains(value, ":"):
		of, name, _ := strings.Cut(value, ":")
		if strings.ContainsAny(name, ".-") {
			return of + ":de-mo"
		}
		return of + ":demo"
	}
	return nil
}

// difference lists what is there more or less often than it should.
func difference(got, want map[string]int) string {
	all := maps.Clone(got)
	maps.Copy(all, want)
	var out []string
	for _, what := range slices.Sorted(maps.Keys(all)) {
		if got[what] != want[what] {
			out = append(out, fmt.Sprintf("got %d times %q, want %d", got[what], what, want[what]))
		}
	}
	return strings.Join(out, "; ")
}

// TestHostileLive puts hostile text into every string of a Live: labels and host
// names are written by others than the repository's authors. Nothing but
// addresses may come out.
func TestHostileLive(t *testing.T) {
	tried := 0
	for _, example := range []string{"hosts-and-paths", "host-mode-hybrid", "vip"} {
		tried += hostileIn(t, example)
	}
	t.Logf("%d combinations", tried)
}

func hostileIn(t *testing.T, example string) (tried int) {
	const mark = "h0stile"
	desired, problems := route.Parse(golden.Revision(t, example))
	if problems != nil {
		t.Fatal(problems)
	}
	var live any
	if err := json.Unmarshal(golden.Read(t, example, "live.json"), &live); err != nil {
		t.Fatal(err)
	}
	for _, set := range stringsOf(live) {
		for _, evil := range hostile {
			for _, value := range []string{evil + mark, "192.0.2.1" + evil + mark} {
				tried++
				old := set(value)
				text, err := json.Marshal(live)
				if err != nil {
					t.Fatal(err)
				}
				set(old)
				var l generator.Live
				if err := json.Unmarshal(text, &l); err != nil {
					t.Fatal(err)
				}
				model, _ := generator.Build(desired, &l)
				for _, p := range model.Proxies {
					files, _ := render(t, p)
					for _, f := range files.All {
						if strings.Contains(string(f.Data), mark) {
							t.Errorf("%.80q of the Swarm stands in\n%s", value, f.Data)
						}
					}
				}
			}
		}
	}
	return tried
}

// stringsOf finds every string of a JSON tree. Each function sets one and
// returns what was there.
func stringsOf(tree any) []func(string) string {
	var out []func(string) string
	found := func(child any, set func(any)) {
		if old, ok := child.(string); ok {
			current := old
			out = append(out, func(value string) string {
				old := current
				current = value
				set(value)
				return old
			})
			return
		}
		out = append(out, stringsOf(child)...)
	}
	switch tree := tree.(type) {
	case map[string]any:
		for key, child := range tree {
			found(child, func(value any) { tree[key] = value })
		}
	case []any:
		for i, child := range tree {
			found(child, func(value any) { tree[i] = value })
		}
	}
	return out
}

// special are the fields for which the harmless value of their grammar is none.
var special = map[string]any{
	"proxies.demo.status.port":    8079, // the ports of one proxy differ
	"proxies.demo.listen.https":   8443,
	"pools.demo.servers[].backup": false,  // one server must be in use
	"routes.demo.hsts.maxAge":     "400d", // preload needs a year

	"routes.demo.headers.request.remove[]":  "X-Removed", // what is set is not removed
	"routes.demo.headers.response.remove[]": "X-Removed",
	"routes.demo.errors[].respond.status":   410,        // one with a body
	"routes.demo.access.auth.headers[]":     "X-Answer", // no header is set twice
}

// renamed gives the thing of a section another name, and those that point to
// it as well.
func renamed(tree map[string]any, section, name string) map[string]any {
	things := maps.Clone(tree[section].(map[string]any))
	tree[section] = things
	things[name] = things["demo"]
	if name != "demo" {
		delete(things, "demo")
	}
	field := map[string]string{"pools": "pool", "proxies": "proxy"}[section]
	if field != "" {
		for _, section := range []string{"routes", "streams"} {
			thing := maps.Clone(plain[section])
			thing[field] = name
			tree[section] = map[string]any{"demo": thing}
		}
	}
	return tree
}

func parse(text []byte) (*route.Desired, route.Problems) {
	return route.Parse(route.Revision{Files: []route.File{{Path: "a.yaml", Data: text}}}, route.Snippets)
}

// structureOf renders a repository and counts its directives, or answers the
// problems.
func structureOf(t *testing.T, name string, text []byte) (map[string]int, route.Problems) {
	t.Helper()
	desired, problems := parse(text)
	if problems != nil {
		return nil, problems
	}
	model, _ := generator.Build(desired, hostileLive(desired))
	counts := map[string]int{}
	for _, p := range model.Proxies {
		files, rollout := render(t, p)
		for _, f := range files.All {
			walk(t, f.Data, func(directive string) { counts[directive]++ })
		}
		sameFiles(t, name, generator.Unpack(rollout.Shards), files.All)
	}
	return counts, nil
}

// hostileLive has a task for every service of the repository, and every secret.
func hostileLive(desired *route.Desired) *generator.Live {
	live := &generator.Live{Nodes: []generator.Node{{ID: "n1", Hostname: "node", Role: "manager", State: "ready", Addr: "192.0.2.1"}}}
	for _, name := range slices.Sorted(maps.Keys(desired.Pools)) {
		for i, member := range desired.Pools[name].Members() {
			id := fmt.Sprint(name, i)
			address := []generator.Address{{Network: id, Address: "10.0.1.5"}}
			live.Networks = append(live.Networks, generator.Network{ID: id, Name: cmp.Or(member.Network.Value, "some")})
			live.Services = append(live.Services, generator.Service{ID: id, Name: member.Service.Value, Networks: []string{id}, VIPs: address})
			live.Tasks = append(live.Tasks, generator.Task{ID: id, Service: id, Node: "n1", State: "running", Addresses: address,
				Ports: []generator.Port{{Protocol: "tcp", Target: member.Port.Value, Published: 32768}, {Protocol: "udp", Target: member.Port.Value, Published: 32768}}})
		}
	}
	for _, name := range desired.Secrets() {
		live.Secrets = append(live.Secrets, generator.Secret{ID: name, Name: name})
	}
	for _, name := range desired.Secrets() {
		live.Secrets = append(live.Secrets, generator.Secret{ID: name, Name: name})
	}
	return live
}
