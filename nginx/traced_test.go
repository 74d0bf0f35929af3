package nginx_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/wharfinger/wharfinger/generator"
	"github.com/wharfinger/wharfinger/nginx"
	"github.com/wharfinger/wharfinger/nginx/sandbox"
	"github.com/wharfinger/wharfinger/route"
	"github.com/wharfinger/wharfinger/watcher"
)

// provoking is what a repository of these tests begins with: five lines.
const provoking = `proxies: {edge: {image: "nginx:1.30", SNIPPET}}
pools:
  shop: {servers: ["192.0.2.1:80"]}
  rpc: {servers: ["192.0.2.1:81"], balance: least-connections, maxConnections: 5}
streams: {db: {listen: 5432, pool: rpc}}
`

// traced tells of a repository and own templates what nginx, or the list of
// directives, says of them, as check prints it.
func traced(t *testing.T, tester nginx.Tester, text string, templates map[string]string) string {
	t.Helper()
	desired, problems := route.Parse(route.Revision{Files: []route.File{{Path: "a.yaml", Data: []byte(text)}}}, route.Snippets)
	if problems != nil {
		t.Fatalf("the parser knows already: %v", problems)
	}
	own := generator.Templates{}
	if templates != nil {
		var err error
		if own, err = generator.OwnTemplates(templates); err != nil {
			t.Fatal(err)
		}
	}
	var live generator.Live
	for _, name := range desired.Secrets() {
		live.Secrets = append(live.Secrets, generator.Secret{ID: name, Name: name})
	}
	plan, err := watcher.MakePlan(own, desired, &live)
	if err != nil {
		t.Fatal(err)
	}
	err = plan.Traced(plan.Rollouts[0], tester.Test(t.Context(), plan.Rollouts[0].Shards))
	refused, ok := errors.AsType[*watcher.Refused](err)
	if !ok {
		t.Fatalf("got %v, want that it is refused", err)
	}
	return refused.Problems.Error()
}

// TestBadInputTraced provokes nginx past the parser, in every way that was found,
// and holds where in the repository people are told to look.
func TestBadInputTraced(t *testing.T) {
	tester := tester(t)
	for _, c := range []struct{ name, proxy, routes, want string }{
		// In a snippet of a route.
		{"a number of arguments", "", "routes:\n  one: {hosts: [a.example], pool: shop, snippet: 'proxy_buffers 4;'}", `a.yaml:7:50: line 1 of the snippet: nginx: invalid number of arguments in "proxy_buffers" directive`},
		{"a value, on the third line", "", "routes:\n  one:\n    hosts: [a.example]\n    pool: shop\n    snippet: |\n      # why\n\n      client_body_timeout much;\n      expires 1d;\n", `a.yaml:10:14: line 3 of the snippet: nginx: "client_body_timeout" directive invalid value`},
		{"of one route among many", "", "routes:\n  one: {hosts: [a.example], pool: shop}\n  two: {hosts: [a.example], paths: [/b], pool: shop, when: {methods: [GET]}, snippet: 'expires often;'}\n  three: {hosts: [a.example], paths: [/b/c], pool: shop}", `a.yaml:8:87: line 1 of the snippet: nginx: "expires" directive invalid value`},
		{"under a condition", "", "routes:\n  one: {hosts: [a.example], pool: shop}\n  two: {hosts: [a.example], pool: shop, when: {cookies: {a-b: x}}, snippet: 'expires often;'}", `a.yaml:8:77: line 1 of the snippet: nginx: "expires" directive invalid value`},
		{"that claims to be another's", "", "routes:\n  one: {hosts: [a.example], pool: shop, snippet: \"# route two\\n# its end\\nexpires often;\\n# its snippet\\n\"}\n  two: {hosts: [a.example], paths: [/b], pool: shop, snippet: 'expires 1d;'}", `a.yaml:7:50: line 3 of the snippet: nginx: "expires" directive invalid value`},
		{"a regular expression", "", "routes:\n  one: {hosts: [a.example], pool: shop, snippet: 'if ($uri ~ \"^/(\") { return 403; }'}", `a.yaml:7:50: line 1 of the snippet: nginx: pcre2_compile() failed: missing closing parenthesis in "^/("`},
		{"a variable", "", "routes:\n  one: {hosts: [a.example], pool: shop, snippet: 'add_header X $nosuch;'}", `a.yaml:7:50: line 1 of the snippet: nginx: unknown "nosuch" variable`},
		{"a zone", "", "routes:\n  one: {hosts: [a.example], pool: shop, snippet: \"expires 1d;\\nlimit_req zone=nosuch;\"}", `a.yaml:7:50: line 2 of the snippet: nginx: zero size shared memory zone "nosuch"`},
		{"a host", "", "routes:\n  one: {hosts: [a.example], pool: shop, snippet: 'location /b { proxy_pass http://nosuch.example; }'}", `a.yaml:7:50: line 1 of the snippet: nginx: host not found in upstream "nosuch.example"`},
		{"a place", "", "routes:\n  one: {hosts: [a.example], paths: [/b], pool: shop, snippet: 'location /c { return 204; }'}", `a.yaml:7:63: line 1 of the snippet: nginx: location "/c" cannot be inside the exact location "/b"`},
		{"a block", "", "routes:\n  one: {hosts: [a.example], pool: shop, snippet: 'if ($host) { proxy_set_header A b; }'}", `a.yaml:7:50: line 1 of the snippet: nginx: "proxy_set_header" directive is not allowed here`},
		{"a status", "", "routes:\n  one: {hosts: [a.example], pool: shop, snippet: 'error_page 200 /x;'}", `a.yaml:7:50: line 1 of the snippet: nginx: value "200" must be between 300 and 599`},
		{"twice in a snippet", "", "routes:\n  one: {hosts: [a.example], pool: shop, snippet: 'location /b { return 204; } location /b { return 204; }'}", `a.yaml:7:50: line 1 of the snippet: nginx: duplicate location "/b"`},
		{"what a template says, too", "", "routes:\n  one: {hosts: [a.example], pool: shop, snippet: 'client_max_body_size 5m;'}", `a.yaml:7:50: line 1 of the snippet: nginx: "client_max_body_size" directive is duplicate`},
		{"what shows at the end", "", "routes:\n  one: {hosts: [a.example], pool: shop}\n  two: {hosts: [b.example], pool: shop, snippet: 'proxy_buffers 2 1k; proxy_buffer_size 64k;'}",
			`a.yaml:8:50: line 1 of the snippet: nginx: "proxy_busy_buffers_size" must be less than the size of all "proxy_buffers" minus one buffer`},
		{"what shows at the end, of two", "", "routes:\n  one: {hosts: [a.example], pool: shop, snippet: 'proxy_buffers 2 1k;'}\n  two: {hosts: [b.example], pool: shop, snippet: 'proxy_buffers 3 1k;'}",
			`a.yaml:7:50: line 1 of the snippet: nginx: "proxy_busy_buffers_size" must be less than the size of all "proxy_buffers" minus one buffer (the snippet at a.yaml:8:50 has it, too)`},

		// In the snippet of a proxy.
		{"a word twice", "snippet: 'map $host $own { default 1; default 2; }'", "", `a.yaml:1:48: line 1 of the snippet: nginx: duplicate default map parameter`},
		{"a second default", "snippet: 'server { listen 80 default_server; return 204; }'", "", `a.yaml:1:11: nginx: a duplicate default server for 0.0.0.0:80`},
		{"a hash that is too small", "snippet: 'map $host $own { aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa 1; }'", "", `a.yaml:1:11: nginx: could not build map_hash, you should increase map_hash_bucket_size: 64`},
		{"a name of its own", "snippet: 'log_format plain x;'", "", `a.yaml:1:48: line 1 of the snippet: nginx: duplicate "log_format" name "plain"`},
		{"a size", "snippet: 'proxy_cache_path /tmp/c keys_zone=c:1k;'", "", `a.yaml:1:48: line 1 of the snippet: nginx: keys zone "keys_zone=c:1k" is too small`},
		{"too much memory", "snippet: 'upstream big { zone big 300000m; server 192.0.2.1; }'", "", `a.yaml:1:11: nginx: mmap(MAP_ANON|MAP_SHARED, 314572800000) failed (12: Cannot allocate memory) (nginx -t may take 4g of memory, and 256g with all shared zones; make the sizes smaller)`},

		// Between the two.
		{"a pool of a pool's name", "snippet: 'upstream shop { server 192.0.2.9; }'", "routes:\n  one: {hosts: [a.example], pool: shop}", `a.yaml:3:3: nginx: duplicate upstream "shop"`},

		// What the list of directives sees in all files together.
		{"a client's word for a host", "snippet: 'map $host $to { default $arg_to; }'", "routes:\n  one: {hosts: [a.example], pool: shop, snippet: \"expires 1d;\\nlocation /b { proxy_pass http://$to; }\"}",
			`a.yaml:7:50: line 2 of the snippet: the values of $to are not fixed, but it leads to a host (name a pool or an address, or one variable whose values a map or split_clients lists)`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.routes == "" {
				c.routes = "routes:\n  one: {hosts: [a.example], pool: shop}"
			}
			if got := traced(t, tester, strings.Replace(provoking, "SNIPPET", c.proxy, 1)+c.routes, nil); !strings.HasPrefix(got, c.want) || strings.Contains(got, "\n") {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

// TestBadInputTracedThroughTemplates has templates of an operator's own write what
// nginx does not take. It is told at what they were to write.
func TestBadInputTracedThroughTemplates(t *testing.T) {
	tester := tester(t)
	text := provoking + `routes:
  one: {hosts: [a.example], pool: shop}
  two: {hosts: [b.example], pool: rpc, tls: {cert: b.cert, key: b.key}, when: {methods: [GET]}, limits: {rate: 10/s}}
  far: {hosts: [c.example], passthrough: true, pool: shop}
`
	text = strings.Replace(text, "SNIPPET", "", 1)
	for _, c := range []struct{ name, template, text, want string }{
		{"of a host", "server.conf.tmpl", "server {\n listen {{ .Proxy.HTTP }}{{ if eq .Server.Host \"a.example\" }} nonsense{{ end }};\n}\n",
			`a.yaml:7:3: nginx: invalid parameter "nonsense" (it is line 2 of edge/routes/server.a.example.conf, as render shows it)`},
		{"of a host's certificate", "tls.tmpl", "{{ define \"host-tls\" }}\n ssl_certificate {{ quote (index . 1).Cert }};\n ssl_certificate_key {{ quote (index . 1).Key }} x;\n{{ end }}",
			`a.yaml:8:65: nginx: invalid number of arguments in "ssl_certificate_key" directive (it is line 6 of edge/routes/server.b.example.conf, as render shows it)`},
		{"of a route", "answer.tmpl", `{{ define "answer" }}
        # route {{ .Route }}
        expires nonsense;{{ end }}`, `a.yaml:7:3: nginx: "expires" directive invalid value (it is line 6 of edge/routes/server.a.example.conf, as render shows it)`},
		{"of a route without a mark", "answer.tmpl", `{{ define "answer" }}{{ if eq .Route "two" }}expires nonsense;{{ end }}{{ end }}`,
			`a.yaml:8:3: nginx: "expires" directive invalid value`},
		{"of a limit", "traffic.tmpl", `{{ define "zones" }}limit_req_zone $remote_addr zone=a:1m rate=fast;{{ end }}`, `a.yaml:8:3: nginx: invalid rate "rate=fast"`},
		{"of a pool", "upstream.conf.tmpl", "upstream {{ quote .Name }} {\n server nonsense.invalid;\n}\n", `a.yaml:4:3: nginx: host not found in upstream "nonsense.invalid"`},
		{"of a peer", "upstream.conf.tmpl", "upstream {{ quote .Name }} {\n{{ range .Peers }} server {{ .Address }} nonsense;\n{{ end }}}\n", `a.yaml:4:19: nginx: invalid parameter "nonsense"`},
		{"of a stream", "stream.conf.tmpl", "server {\n listen {{ .Port }} nonsense;\n proxy_pass {{ quote .Upstream }};\n}\n", `a.yaml:5:24: nginx: invalid parameter "nonsense"`},
		{"of passthrough", "passthrough.conf.tmpl", "server {\n listen {{ .Port }} ssl;\n return {{ range .Hosts }}{{ .Host }} {{ end }} \"\";\n}\n", `a.yaml:9:17: nginx: invalid number of arguments in "return" directive`},
		{"of the status", "status.conf.tmpl", "server {\n listen {{ .Status.Port }} nonsense;\n # {{ .Status.Digest }}\n}\n", `a.yaml:1:11: nginx: invalid parameter "nonsense"`},
		{"of the proxy", "nginx.conf.tmpl", "events {}\nhttp {\nroot /dev/null;\nexpires nonsense;\ninclude status.conf; include routes/*.conf;\n}\nstream { include streams/*.conf; }\n", `a.yaml:1:11: nginx: "expires" directive invalid value`},
		{"of the proxy, for the list", "nginx.conf.tmpl", "load_module x;\nevents {}\n", `a.yaml:1:11: "load_module" is not allowed (leave it out: a proxy runs nothing but nginx as it is)`},
		{"that never ends", "server.conf.tmpl", "server {\n", `a.yaml:7:3: the block of server is not closed (add a "}")`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, _, _ := strings.Cut(traced(t, tester, text, map[string]string{c.template: c.text}), "\n")
			if !strings.Contains(got, c.want) || !strings.HasPrefix(got, "a.yaml:") {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

// TestBadInputThatBreaksNginx holds what is told where nginx says nothing.
func TestBadInputThatBreaksNginx(t *testing.T) {
	slow := strings.Replace(provoking, "SNIPPET", "snippet: '"+slowTypes()+"'", 1)
	limited := tester(t).Limited(func(l *sandbox.Limits) { l.CPU = time.Second })
	if got, want := traced(t, limited, slow+"routes: {one: {hosts: [a.example], pool: shop}}", nil),
		"a.yaml:1:11: nginx: it computes for more than 1s (look for sizes of hash tables that are too large)"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for program, want := range map[string]string{
		"kill -SEGV $$": "a.yaml:1:11: nginx: it breaks (segmentation fault) (leave out what came last, and tell nginx's developers)",
		"while :; do echo 0123456789; done > file": "a.yaml:1:11: nginx: it writes a file of more than 1048576 bytes (leave out what has it written)",
		"echo 'nginx: [emerg] unknown directive \"secret\" in /etc/shadow:1\nnginx: configuration file x test failed' >&2; exit 1": "a.yaml:1:11: nginx: it does not take what stands in /etc/shadow (leave out what leads there)",
	} {
		text := strings.Replace(provoking, "SNIPPET", "", 1) + "routes: {one: {hosts: [a.example], pool: shop}}"
		if got := traced(t, instead(t, program), text, nil); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
}
