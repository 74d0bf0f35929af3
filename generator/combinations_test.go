package generator_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/wharfinger/wharfinger/generator"
	"github.com/wharfinger/wharfinger/lab"
	"github.com/wharfinger/wharfinger/nginx"
	"github.com/wharfinger/wharfinger/route"
	"github.com/wharfinger/wharfinger/route/editor"
)

// What a route may have, each alone known to be good, by what excludes each
// other.
var (
	someAnswers = []string{
		"pool: shop", "pool: safe", "pool: rpc", "pool: sticky", "pool: none", "split: {shop: 3, safe: 1}", "split: {shop: 3, sticky: 1, none: 1}, splitBy: cookie:a-b",
		"redirect: https://new.example", `redirect: {regex: "^/(.*)$", path: "/x/$1", status: 308}`, "respond: 404", "respond: {status: 200, body: \"$ahoy\\n\"}",
	}
	somePlaces = []string{
		"", "paths: [/a, /a/b]", `paths: ["= /a", "~ ^/[0-9]+$"]`, `paths: ["~* ^/x", /y], when: {methods: [POST]}`, "when: {cookies: {a-b: \"*\"}}",
		"when: {any: [{headers: {X-A: \"1\"}}, {query: {a: \"~^$\"}}], not: {methods: [GET]}}, priority: 5", "paths: [\"= /z/\"]",
	}
	someOptions = []string{
		"tls: {cert: demo, key: demo}", "tls: {cert: demo, key: demo, plain: serve}, hsts: true", "tls: {cert: demo, key: demo, clients: demo}", "slash: add", "slash: remove", "canonical: a.example",
		"rewrite: {strip: true}", "rewrite: {prefix: /new}", `rewrite: {regex: "^/(.*)$", to: "/$1?x=1"}`,
		"headers: {request: {set: {X-A: $remote_addr}, remove: [X-B]}, response: {set: {Cache-Control: no-store}, remove: [X-C]}}",
		"cookies: {secure: true, sameSite: none, domain: a.example}", `cors: {origins: ["https://*.example"], credentials: true}`, "infoHeaders: true",
		"access: {allow: [10.0.0.0/8, \"fd00::/8\"], deny: [10.0.0.1]}", "access: {basic: demo}", "access: {auth: {pool: safe, headers: [X-User], signIn: \"https://login.example/\"}}",
		"access: {any: true, allow: [10.0.0.0/8], basic: demo}", "limits: {rate: 10/s, burst: 5, by: header:X-A}", "limits: {connections: 5, bandwidth: 1m}", "maxBody: off", "maxBody: 1k",
		"timeouts: {connect: 1s, read: 90s, idle: 2h, client: 30s}", "retries: {tries: 2, on: [error, \"503\"], unsafe: true}", "buffering: {requests: false, responses: false}",
		"compress: {types: [text/css], minSize: 2k}", "cache: {valid: 1m, cookies: true}", "errors: [{on: [502, 503], pool: safe}, {on: [404], respond: {body: gone}}, {on: [403], redirect: /login}]",
		"errors: [{on: [401], respond: {status: 404}}]", "maintenance: true", "maintenance: {body: soon, retryAfter: 1h, except: [10.0.0.1]}", "mirror: {pool: sticky, share: 10, body: false}", "mirror: safe", "log: false",
	}
)

// TestCombinations puts together at random what is good alone. What Parse lets
// through, nginx takes and an editor does not mark.
func TestCombinations(t *testing.T) {
	if testing.Short() {
		t.Skip("the lab's nginx is fetched as root")
	}
	const want = 60
	random := rand.New(rand.NewPCG(3, 14))
	pick := func(list []string) string { return list[random.IntN(len(list))] }
	taken, tried := 0, 0
	for ; taken < want && tried < 100*want; tried++ {
		version := []string{"1.30", "1.22"}[random.IntN(2)]
		var b strings.Builder
		fmt.Fprintf(&b, `proxies: {edge: {image: "nginx:%s", log: %s, listen: {http3: %t}, profile: modern}}
pools:
  shop: {servers: [192.0.2.1:80, {address: "192.0.2.2:80", backup: true}]}
  safe: {servers: [192.0.2.3:443], tls: {ca: demo, name: safe.example}, balance: least-connections}
  rpc: {servers: [192.0.2.4:50051], protocol: grpc}
  sticky: {servers: [192.0.2.5:80], sticky: a-b, maxConnections: 5, host: sticky.example, keepalive: 0}
  none: {service: none, port: 80}
routes:
`, version, pick([]string{"plain", "json", "combined"}), random.IntN(3) == 0)
		for i := range 1 + random.IntN(3) {
			fields := []string{"hosts: [" + pick([]string{"a.example", "a.example, b.example", "a.example, \"*.example\"", "\"*\", a.example"}) + "]", pick(someAnswers)}
			if place := pick(somePlaces); place != "" {
				fields = append(fields, place)
			}
			seen := map[string]bool{}
			for range random.IntN(7) {
				option := pick(someOptions)
				if name, _, _ := strings.Cut(option, ":"); !seen[name] {
					seen[name] = true
					fields = append(fields, option)
				}
			}
			fmt.Fprintf(&b, "  r%d: {%s}\n", i, strings.Join(fields, ", "))
		}
		if random.IntN(4) == 0 {
			b.WriteString("  through: {hosts: [through.example], passthrough: true, pool: safe}\n")
		}
		desired, problems := route.Parse(route.Revision{Files: []route.File{{Path: "a.yaml", Data: []byte(b.String())}}})
		if problems != nil {
			continue
		}
		taken++
		marks, err := editor.Look([]byte(b.String()))
		if err != nil || marks != nil {
			t.Errorf("an editor marks %v (%v) in\n%s", marks, err, b.String())
		}
		model, _ := generator.Build(desired, &generator.Live{Secrets: []generator.Secret{{ID: "demo", Name: "demo"}}})
		_, rollout := render(t, model.Proxies[0])
		path, err := lab.Nginx(t.Context(), version)
		if err != nil {
			t.Fatal(err)
		}
		if err := (nginx.Tester{Path: path}).Test(t.Context(), rollout.Shards); err != nil {
			t.Errorf("nginx %s: %v, for\n%s", version, err, b.String())
		}
	}
	if taken < want {
		t.Errorf("of %d combinations %d were let through, want %d", tried, taken, want)
	}
	t.Logf("%d of %d combinations were let through, and nginx took them", taken, tried)
}
