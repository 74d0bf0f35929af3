package route_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/wharfinger/wharfinger/golden"
	"github.com/wharfinger/wharfinger/route"
)

// compared is a repository that the cases below change at one place each.
const compared = `
proxies:
  edge: {image: "nginx:1.30", constraints: [node.role==worker], defaults: {maxBody: 10m, access: {deny: [192.0.2.1]}}}
pools:
  shop: {service: shop, port: 8080}
  next: {servers: [10.0.0.5:8080, {address: "10.0.0.6:8080", weight: 2}]}
  rpc: {service: rpc, port: 50051, protocol: grpc}
  spare: {service: spare, port: 80}
policies:
  secure: {tls: {cert: c, key: k}, hsts: true}
  slow: {timeouts: {read: 5m}}
routes:
  shop: {hosts: [shop.example.org], use: [secure], pool: shop}
  strict: {hosts: [strict.example.org], use: [secure, slow], hsts: {maxAge: 30d}, maxBody: 1m, pool: shop}
  split: {hosts: [split.example.org], split: {shop: 90, next: 10}}
  text: {hosts: [text.example.org, text.example.com], paths: [/a, = /b], respond: {status: 404, body: "none"}}
  rpc: {hosts: [rpc.example.org], pool: rpc}
streams:
  pg: {listen: 5432, pool: next}
`

func TestCompare(t *testing.T) {
	for _, c := range []struct {
		from, to string
		want     []string
	}{
		// What means the same.
		{"routes:\n", "# moved\n\n\nroutes:\n", nil},
		{"[shop.example.org], use", "[SHOP.example.org], use", nil},
		{"text.example.org, text.example.com", "text.example.com, text.example.org", nil},
		{"[/a, = /b]", "[= /b, /a/]", nil},
		{"maxAge: 30d", "maxAge: 720h", nil},
		{"port: 8080}", "port: 8080, keepalive: 64, maxFails: 1}", nil},
		{"pool: rpc}", "pool: rpc, hsts: {on: false, subdomains: false}}", nil},
		{"use: [secure], pool", "proxy: edge, use: [secure], pool", nil},
		{"use: [secure], pool: shop", "tls: {cert: c, key: k}, hsts: true, pool: shop", nil},
		{"shop: 90, next: 10", "next: 10, shop: 90", nil},
		{"[secure, slow]", "[slow, secure]", nil},
		{"policies:\n  secure:", "policies:\n  other: {hsts: true}\n  secure:", []string{"policy other: new, hsts true; changes no route"}},
		{"image: \"nginx:1.30\"", "image: \"nginx:1.30\", nginx: 1.30", nil},

		// Things that come, go and have another name.
		{"  spare: {service: spare, port: 80}\n", "", []string{"pool spare: gone, was service spare; port 80"}},
		{"  spare:", "  reserve:", []string{"pool reserve: renamed from spare"}},
		{"  text:", "  words:", []string{"route words: renamed from text"}},
		{"  pg:", "  db:", []string{"stream db: renamed from pg"}},
		{"streams:", "  beta: {hosts: [shop.example.org], when: {cookies: {beta: \"1\"}}, use: [secure], maxBody: off, pool: next}\nstreams:", []string{
			"route beta: new, shop.example.org with cookie beta=1 -> pool next; use secure; maxBody off"}},
		{"streams:\n", "streams:\n  dns: {listen: 53/udp, pool: spare, responses: 0}\n", []string{"stream dns: new, 53/udp -> pool spare; responses 0"}},
		{"  split: {hosts: [split.example.org], split: {shop: 90, next: 10}}\n", "", []string{"route split: gone, was split.example.org -> split next 10, shop 90"}},

		// Which requests, and who answers.
		{"[shop.example.org], use", "[shop.example.org, www.example.org], use", []string{"route shop: add hosts www.example.org"}},
		{"[shop.example.org], use", "[www.example.org], use", []string{"route shop: hosts shop.example.org -> www.example.org"}},
		{"[/a, = /b]", "[/a, \"~ ^/c\"]", []string{"route text: paths = /b -> ~ ^/c"}},
		{"use: [secure], pool", "when: {methods: [GET, HEAD]}, use: [secure], pool", []string{"route shop: add when.methods GET, HEAD"}},
		{"use: [secure], pool", "when: {not: {headers: {X-A: \"*\"}}}, use: [secure], pool", []string{"route shop: add when.not {headers: {X-A: *}}"}},
		{"pool: rpc}", "pool: shop}", []string{"route rpc: pool rpc -> shop"}},
		{"split: {shop: 90, next: 10}", "split: {shop: 80, spare: 20}", []string{"route split: remove split.next 10; split.shop 90 -> 80; add split.spare 20"}},
		{"split: {shop: 90, next: 10}", "pool: shop", []string{"route split: split next 10, shop 90 -> pool shop"}},
		{"split: {shop: 90, next: 10}", "redirect: {host: www.example.org, status: 301}", []string{"route split: split next 10, shop 90 -> redirect 301 to the same scheme://www.example.org"}},
		{"status: 404", "status: 410", []string{"route text: respond 404 -> 410"}},
		{`"none"`, `"none, for now"`, []string{`route text: respond.body none -> "none, for now"`}},
		{`"none"`, `"` + strings.Repeat("long ", 20) + `"`, []string{`route text: respond.body none -> long long long long long long long long long long long long ...`}},

		// Lists of maps, by what tells them apart.
		{"pool: rpc}", "errors: [{on: [404], respond: 410}], pool: rpc}", []string{"route rpc: add errors {on: [404], respond: 410}"}},
		{"deny: [192.0.2.1]}}", "deny: [192.0.2.1]}, errors: []}", []string{"proxy edge: add defaults.errors []; changes no route"}},

		// Options, by where they come from.
		{"pool: rpc}", "pool: rpc, maxBody: 10m}", nil},
		{"maxBody: 1m", "maxBody: 2m", []string{"route strict: maxBody 1m -> 2m"}},
		{"maxBody: 1m, ", "", []string{"route strict: maxBody 1m -> 10m"}},
		{"maxBody: 10m, ", "maxBody: 20m, ", []string{"proxy edge: defaults.maxBody 10m -> 20m; changes routes rpc, shop, split"}},
		{"maxBody: 10m, ", "", []string{"proxy edge: remove defaults.maxBody 10m; changes routes rpc, shop, split"}},
		{"deny: [192.0.2.1]", "deny: [192.0.2.1, 192.0.2.2]", []string{"proxy edge: add defaults.access.deny 192.0.2.2; changes routes rpc, shop, split, strict, text"}},
		{"hsts: true}", "hsts: {maxAge: 60d}}", []string{"policy secure: hsts.maxAge 365d -> 60d; changes route shop"}},
		{"hsts: true}", "hsts: false}", []string{"policy secure: hsts true -> false; changes route shop"}},
		{"{cert: c, key: k}", "{cert: d, key: k}", []string{"policy secure: tls.cert c -> d; changes routes shop, strict"}},
		{"timeouts: {read: 5m}", "timeouts: {read: 5m}, slash: add", []string{"policy slow: add slash add; changes route strict"}},
		{"[secure, slow]", "[secure]", []string{"route strict: remove use slow; timeouts.read 5m -> 1m"}},
		{"use: [secure], pool: shop", "use: [secure, slow], pool: shop", []string{"route shop: add use slow; timeouts.read 1m -> 5m"}},
		{"use: [secure], pool: shop", "use: [secure], headers: {response: {set: {X-A: \"1\"}, remove: [X-B]}}, pool: shop", []string{
			"route shop: add headers.response.set.X-A 1; add headers.response.remove X-B"}},
		{"use: [secure], pool: shop", "use: [secure], cookies: {secure: false}, limits: {rate: 90/m, by: cookie:id}, pool: shop", []string{
			"route shop: add cookies.secure false; add limits.rate 90/m; add limits.by cookie:id"}},
		{"use: [secure], pool: shop", "retries: 1, use: [secure], mirror: {pool: spare, share: 10}, pool: shop", []string{
			"route shop: retries 3 -> 1; add mirror spare; add mirror.share 10"}},
		{"pool: rpc}", "pool: rpc, maxBody: 1m}", []string{"route rpc: maxBody 10m -> 1m"}},

		// Pools, streams and proxies.
		{"{service: shop, port: 8080}", "{service: shop, port: 8081, sticky: berth, tls: {verify: false}}", []string{
			"pool shop: port 8080 -> 8081; add tls.verify false; add sticky berth"}},
		{"weight: 2", "weight: 3, backup: true", []string{"pool next: servers[10.0.0.6:8080].weight 2 -> 3; add servers[10.0.0.6:8080].backup true"}},
		{"[10.0.0.5:8080, ", "[10.0.0.7:8080, 10.0.0.8:8080, ", []string{"pool next: add servers 10.0.0.7:8080, 10.0.0.8:8080, remove servers 10.0.0.5:8080"}},
		{"listen: 5432", "listen: 5433/udp, timeouts: {idle: 1h}", []string{"stream pg: listen 5432 -> 5433/udp; timeouts.idle 10m -> 1h"}},
		{"nginx:1.30", "nginx:1.29", []string{"proxy edge: image nginx:1.30 -> nginx:1.29"}},
		{"constraints: [node.role==worker]", "drain: 30s, listen: {http3: true}", []string{
			"proxy edge: remove constraints node.role==worker; add listen.http3 true; add drain 30s"}},
	} {
		to := strings.Replace(compared, c.from, c.to, 1)
		if to == compared {
			t.Fatalf("%q is not in the sample", c.from)
		}
		if got := told(t, compared, to); !slices.Equal(got, c.want) {
			t.Errorf("%s\n-> %s\ngot\n%s\nwant\n%s", c.from, c.to, strings.Join(got, "\n"), strings.Join(c.want, "\n"))
		}
	}
}

func TestCompareErrors(t *testing.T) {
	with := func(errors string) string {
		return strings.Replace(compared, "use: [secure], pool: shop", "use: [secure], errors: ["+errors+"], pool: shop", 1)
	}
	const first = "{on: [502, 503], pool: next}, {on: [404], respond: {body: none}}"
	for to, want := range map[string]string{
		"{on: [404], respond: {body: none}}, {on: [503, 502], pool: next}":                            "",
		"{on: [502, 503], pool: spare}, {on: [404], respond: {body: none}}":                           "route shop: errors[502, 503].pool next -> spare",
		"{on: [502, 503], pool: next}, {on: [404], respond: {body: nothing}}":                         "route shop: errors[404].respond.body none -> nothing",
		"{on: [502], pool: next}, {on: [404], respond: {body: none}}":                                 "route shop: errors {on: [502, 503], pool: next} -> {on: [502], pool: next}",
		"{on: [502, 503], pool: next}, {on: [404], respond: {body: none}}, {on: [403], redirect: /x}": "route shop: add errors {on: [403], redirect: /x}",
	} {
		if got := strings.Join(told(t, with(first), with(to)), "; "); got != want {
			t.Errorf("%s: got %q, want %q", to, got, want)
		}
	}
}

// told is what Compare says of two repositories, a line for each change.
func told(t *testing.T, from, to string) []string {
	t.Helper()
	var out []string
	for _, change := range route.Compare(desired(t, from), desired(t, to)) {
		out = append(out, change.String())
	}
	return out
}

func desired(t *testing.T, text string) *route.Desired {
	t.Helper()
	d, problems := route.Parse(route.Revision{Files: []route.File{{Path: "a.yaml", Data: []byte(text)}}}, route.Snippets)
	if problems != nil {
		t.Fatalf("%s\n%v", text, problems)
	}
	return d
}

// Compared with nothing all is new, and compared with itself nothing is.
func TestCompareEverything(t *testing.T) {
	d, problems := route.Parse(golden.Revision(t, "everything"))
	if problems != nil {
		t.Fatal(problems)
	}
	if changes := route.Compare(d, d); changes != nil {
		t.Errorf("compared with itself: %v", changes)
	}
	things := len(d.Proxies) + len(d.Pools) + len(d.Routes) + len(d.Streams) + len(d.Policies)
	for what, changes := range map[route.What][]route.Change{route.New: route.Compare(&route.Desired{}, d), route.Gone: route.Compare(d, &route.Desired{})} {
		if len(changes) != things {
			t.Errorf("%s: got %d changes, want %d", what, len(changes), things)
		}
		for _, c := range changes {
			if c.What != what || len(c.Details) == 0 || strings.Contains(c.String(), "\n") {
				t.Errorf("%s: got %s", what, c)
			}
		}
	}
}
