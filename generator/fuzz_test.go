package generator_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/wharfinger/wharfinger/generator"
	"github.com/wharfinger/wharfinger/lab"
	"github.com/wharfinger/wharfinger/nginx"
	"github.com/wharfinger/wharfinger/route"
)

// extremes are good values that are as long, large or odd as can be, by their
// grammar.
var extremes = map[string][]any{
	"name":            {"shop", "safe", "rpc", "sticky", "none", "p0", strings.Repeat("a", 63)},
	"mirror":          {"shop", "safe", "sticky", "none"},
	"image":           {"nginx:1.22", "nginx:1.27.3", "nginx:1.30.6-alpine"},
	"version":         {"1.22", "1.25.1", "1.29"},
	"port":            {1, 80, 443, 65535},
	"stream port":     {"5433", "53/udp", "1", "65535/udp"},
	"address":         {"192.0.2.1:80", "[fd00::5]:65535", "[::ffff:192.0.2.1]:1"},
	"cidr":            {"0.0.0.0/0", "::/0", "192.0.2.7", "fd00::/8", "::ffff:192.0.2.1"},
	"bool":            {false},
	"weight":          {1, 1000},
	"share":           {0, 10000},
	"percent":         {1, 99, 100},
	"priority":        {-1000, 1000},
	"keepalive":       {0, 10000},
	"count":           {1, 1000000},
	"fails":           {0, 1000},
	"tries":           {1, 10},
	"status":          {200, 301, 404, 599},
	"answer status":   {200, 404, 418, 599},
	"error status":    {400, 401, 403, 404, 500, 502, 599},
	"redirect status": {302, 308},
	"size":            {"1", "1024g"},
	"size or off":     {"1", "1024g", "off"},
	"cache size":      {"1m", "1024g"},
	"cache memory":    {"1m", "16g"},
	"rate or off":     {"1/m", "999999/s", "off"},
	"burst":           {0, 1000000},
	"connections":     {1, 65535, "off"},
	"drain":           {"1s", "1h"},
	"seconds":         {"1s", "1h"},
	"duration":        {"1ms", "999ms", "24h"},
	"long duration":   {"1s", "3650d"},
	"host":            {"*", "*.a.example", "a.example", strings.Repeat(strings.Repeat("a", 62)+".", 4)[:252] + "a"},
	"hostname":        {"a.example", strings.Repeat(strings.Repeat("a", 62)+".", 4)[:252] + "a"},
	"path":            {"/", "/a/b", "= /", "= /a/", "~ ^/[0-9]+$", "~* \\.png$", "/" + strings.Repeat("a/", 511), "~ " + strings.Repeat("a", 1000)},
	"plain path":      {"/", "/a/b/", "/" + strings.Repeat("a", 1023)},
	"regex":           {"", "^/a(.*)b(.*)$", "(a|b)*c{2,3}[^x-z\\]]", "[\\w-]+", "\\x41\\101[[:alpha:]]", "(?i)(?s:.)(?U)a+?", strings.Repeat("(a)", 300), strings.Repeat("a?", 500)},
	"replacement":     {"/", "/$1/$2?a=$3", "/%20", "/" + strings.Repeat("$1", 400)},
	"match":           {"*", "~^a.*b$", "~* x", strings.Repeat(`"`, 1000), strings.Repeat(`\`, 1000), "$host"},
	"method":          {"POST", strings.Repeat("A", 20)},
	"header":          {"Host", "Cookie", "Set-Cookie", "Connection", strings.Repeat("X", 64)},
	"header value":    {"", "$host", "$remote_addr $scheme", strings.Repeat(`"`, 1000), strings.Repeat(`\`, 2000)},
	"cookie":          {"a-b", "a.b", strings.Repeat("c", 64)},
	"query":           {"a-b", strings.Repeat("q", 64)},
	"key":             {"host", "path", "uri", "header:X-A", "cookie:a-b", "query:a.b", "cookie:" + strings.Repeat("c", 64)},
	"target":          {"/", "/a?b=c", "https://a.example:8443", "http://a.example/%20"},
	"origin":          {"*", "https://*.example", "http://a.example:8080"},
	"media type":      {"text/css", "application/vnd.openxmlformats-officedocument.presentationml.presentation"},
	"body":            {"", "a$b\"c\\d\n\te", strings.Repeat("$", 5000), strings.Repeat("x", 64<<10)},
	"words":           {"a; b (c)", strings.Repeat("w", 100)},
	"profile":         {"intermediate"},
	"log":             {"plain", "combined"},
	"protocol":        {"grpc"},
	"balance":         {"round-robin", "least-connections"},
	"slash":           {"remove"},
	"scheme":          {"http"},
	"plain":           {"redirect", "refuse"},
	"same site":       {"strict", "none", "off"},
	"failure":         {"error", "invalid", "403", 503},

	"http snippet":     {"map $host $own { default 1; }", "# a comment"},
	"location snippet": {"if ($host = a) { return 204; }", "proxy_set_header X-A 1;\nproxy_read_timeout 5s;", "# a comment"},
}

// FuzzAccepted changes a repository as its bytes say, and takes back what Parse
// refuses. nginx must take what is left, and so must the list of directives.
func FuzzAccepted(f *testing.F) {
	for n := range uint64(20) {
		random := rand.New(rand.NewPCG(n, 1))
		seed := make([]byte, 50+random.IntN(500))
		for i := range seed {
			seed[i] = byte(random.Uint32())
		}
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if testing.Short() {
			t.Skip("the lab's nginx is fetched as root")
		}
		// What takes ten seconds counts as hung (internal/fuzz). On a busy machine
		// nginx may well take long, and has then nothing to say.
		ctx, cancel := context.WithTimeout(t.Context(), 8*time.Second)
		defer cancel()
		c := &changer{data: data, tree: firstTree()}
		for n := 0; c.more() && n < 100 && ctx.Err() == nil; n++ {
			c.change()
		}
		text, desired := c.parse()
		if desired == nil {
			t.Fatalf("the repository before any change is refused:\n%s", text)
		}
		model, _ := generator.Build(desired, hostileLive(desired))
		for _, p := range model.Proxies {
			_, rollout := render(t, p)
			for _, version := range []string{"1.30", "1.22"} {
				if version == "1.22" && p.Nginx.AtLeast(1, 23, 0) {
					continue
				}
				path, err := lab.Nginx(t.Context(), version)
				if err != nil {
					t.Fatal(err)
				}
				if err := (nginx.Tester{Path: path}).Test(ctx, rollout.Shards); err != nil && ctx.Err() == nil {
					t.Errorf("nginx %s: %v, for\n%s", version, err, text)
				}
			}
		}
	})
}

func firstTree() map[string]any {
	var tree map[string]any
	err := yaml.Unmarshal([]byte(`
proxies: {edge: {image: "nginx:1.30"}}
pools:
  shop: {servers: [192.0.2.1:80, {address: "192.0.2.2:80", backup: true}]}
  safe: {servers: [192.0.2.3:443], tls: {ca: demo, name: safe.example}, balance: least-connections}
  rpc: {servers: [192.0.2.4:50051], protocol: grpc}
  sticky: {servers: [192.0.2.5:80], sticky: a-b, maxConnections: 5, host: sticky.example, keepalive: 0}
  none: {service: none, port: 80}
  demo: {service: demo, port: 80}
policies: {p0: {}}
streams: {}
routes: {r0: {hosts: [a.example], pool: shop}}
`), &tree)
	if err != nil {
		panic(err)
	}
	return tree
}

// changer changes a repository.
type changer struct {
	data []byte
	tree map[string]any
}

func (c *changer) more() bool { return len(c.data) > 0 }

// pick takes a byte for a number below n.
func (c *changer) pick(n int) int {
	if len(c.data) == 0 {
		return 0
	}
	b := int(c.data[0])
	c.data = c.data[1:]
	if n > 256 {
		b = b<<8 + c.pick(256)
	}
	return b % n
}

func (c *changer) parse() ([]byte, *route.Desired) {
	text, err := yaml.Marshal(c.tree)
	if err != nil {
		panic(err)
	}
	desired, _ := parse(text)
	return text, desired
}

// change makes one change, unless Parse refuses what comes of it.
func (c *changer) change() {
	before := cloned(c.tree).(map[string]any)
	section := []string{"routes", "routes", "routes", "pools", "streams", "policies", "proxies"}[c.pick(7)]
	things := c.tree[section].(map[string]any)
	names := slices.Sorted(keysOf(things))
	switch how := c.pick(8); {
	case section == "routes" && how < 3:
		c.option(things[names[c.pick(len(names))]].(map[string]any))
	case how == 3 && len(names) < 8:
		name := extremes["name"][c.pick(len(extremes["name"]))].(string)
		things[fmt.Sprintf("%s%d", name[:min(62, len(name))], len(names))] = cloned(plain[section])
	case how == 4 && len(names) > 0:
		thing := things[names[c.pick(len(names))]].(map[string]any)
		if fields := slices.Sorted(keysOf(thing)); len(fields) > 0 {
			delete(thing, fields[c.pick(len(fields))])
		}
	case len(names) > 0:
		spots := spotsOf[section]
		s := spots[c.pick(len(spots))]
		things[names[c.pick(len(names))]] = c.set(things[names[c.pick(len(names))]], s.path, s)
	}
	if _, desired := c.parse(); desired == nil {
		c.tree = before
	}
}

// option adds what is known to be good alone.
func (c *changer) option(r map[string]any) {
	lists := [][]string{someAnswers, somePlaces[1:], someOptions}
	kind := c.pick(len(lists))
	text := lists[kind][c.pick(len(lists[kind]))]
	var more map[string]any
	if err := yaml.Unmarshal([]byte("{"+text+"}"), &more); err != nil {
		panic(err)
	}
	if kind == 0 {
		for _, answer := range []string{"pool", "split", "splitBy", "redirect", "respond", "passthrough"} {
			delete(r, answer)
		}
	}
	for key, value := range more {
		r[key] = value
	}
}

// set puts a value at a path in a tree, in place of what is there or, in a list,
// behind it.
func (c *changer) set(tree any, path []string, s spot) any {
	if len(path) == 0 {
		return c.value(s.is)
	}
	switch path[0] {
	case "[]":
		list, _ := tree.([]any)
		if len(list) > 0 && c.pick(2) == 0 {
			list[len(list)-1] = c.set(list[len(list)-1], path[1:], s)
			return list
		}
		return append(list, c.set(nil, path[1:], s))
	case "{}":
		things, _ := tree.(map[string]any)
		if things == nil {
			things = map[string]any{}
		}
		key := fmt.Sprint(c.value(s.key))
		things[key] = c.set(things[key], path[1:], s)
		return things
	}
	things, _ := tree.(map[string]any)
	if things == nil {
		things = map[string]any{}
	}
	things[path[0]] = c.set(things[path[0]], path[1:], s)
	return things
}

// value is mostly a good one.
func (c *changer) value(is string) any {
	good := append([]any{harmless[is]}, extremes[is]...)
	switch how := c.pick(16); how {
	case 0:
		return hostile[c.pick(len(hostile))]
	case 1:
		return fmt.Sprint(good[c.pick(len(good))], hostile[c.pick(len(hostile))])
	case 2, 3:
		n := min(c.pick(40), len(c.data))
		raw := string(c.data[:n])
		c.data = c.data[n:]
		return strings.ToValidUTF8(raw, "?")
	}
	return good[c.pick(len(good))]
}

// spot is a place for a value in a thing of the repository: "[]" in its path is an
// entry of a list, "{}" one of a map.
type spot struct {
	path    []string
	is, key string
}

// spotsOf holds the spots by their sections.
var spotsOf = map[string][]spot{
	"proxies":  spots(reflect.TypeFor[route.Proxy](), "", nil),
	"pools":    spots(reflect.TypeFor[route.Pool](), "", nil),
	"routes":   spots(reflect.TypeFor[route.Route](), "", nil),
	"streams":  spots(reflect.TypeFor[route.Stream](), "", nil),
	"policies": spots(reflect.TypeFor[route.Policy](), "", nil),
}

func spots(typ reflect.Type, tag reflect.StructTag, path []string) []spot {
	with := func(step string) []string { return append(slices.Clone(path), step) }
	switch is := tag.Get("is"); {
	case typ.Kind() == reflect.Pointer:
		return spots(typ.Elem(), tag, path)
	case typ.Kind() == reflect.Slice:
		return spots(typ.Elem(), tag, with("[]"))
	case typ.Kind() == reflect.Map:
		return []spot{{with("{}"), is, tag.Get("key")}}
	case is != "":
		return []spot{{path, is, ""}}
	case typ == reflect.TypeFor[route.When]() && len(path) > 3:
		return nil // conditions hold conditions, without end
	}
	var out []spot
	for _, field := range reflect.VisibleFields(typ) {
		if key := field.Tag.Get("yaml"); key != "" {
			out = append(out, spots(field.Type, field.Tag, with(key))...)
		}
	}
	return out
}

func keysOf(m map[string]any) func(func(string) bool) {
	return func(yield func(string) bool) {
		for key := range m {
			if !yield(key) {
				return
			}
		}
	}
}

func cloned(tree any) any {
	switch tree := tree.(type) {
	case map[string]any:
		out := map[string]any{}
		for key, value := range tree {
			out[key] = cloned(value)
		}
		return out
	case []any:
		out := make([]any, len(tree))
		for i, value := range tree {
			out[i] = cloned(value)
		}
		return out
	}
	return tree
}
