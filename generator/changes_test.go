package generator_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/wharfinger/wharfinger/generator"
	"github.com/wharfinger/wharfinger/route"
)

// sample is a repository that the cases below change at one place each.
const sample = `
proxies: {edge: {image: "nginx:1.30", drain: 30s}}
pools:
  shop: {servers: [10.0.0.1:80, {address: "10.0.0.2:80", weight: 2}], maxFails: 3}
  next: {servers: [10.0.0.3:80]}
  web: {service: web, port: 80}
routes:
  shop: {hosts: [shop.example.org], pool: shop}
  login: {hosts: [shop.example.org], paths: [/login], when: {methods: [POST]}, pool: next}
  web: {hosts: [web.example.org, www.example.org], pool: web, tls: {cert: web, key: web-key}}
  split: {hosts: [split.example.org], split: {shop: 90, next: 10}}
  limited: {hosts: [limited.example.org], pool: shop, limits: {rate: 10/s}}
streams:
  pg: {listen: 5432, pool: next}
`

func TestChanges(t *testing.T) {
	for _, c := range []struct {
		from, to string
		want     []string
	}{
		{"listen: 5432, pool: next}", "pool: next, listen: 5432}", nil},
		{"pool: shop}\n  login", "pool: next}\n  login", []string{"route shop: pool shop -> next"}},
		{"  login: {", "  signin: {", []string{
			"host shop.example.org: /login login then shop -> signin then shop",
			"route login: gone, was shop.example.org/login -> pool next",
			"route signin: new, shop.example.org/login -> pool next"}},
		{"routes:\n", "routes:\n  new: {hosts: [new.example.org], pool: web}\n", []string{
			"host new.example.org: new, / -> new",
			"route new: new, new.example.org -> pool web"}},
		{"web.example.org, ", "", []string{"host web.example.org: gone, was / -> web"}},
		{"paths: [/login], ", "paths: [/login, = /in], ", []string{"host shop.example.org: add = /in login then shop"}},
		{"methods: [POST]", "methods: [PUT]", []string{
			"route login: map $if1_login ~^(POST)$ 1 -> ~^(PUT)$ 1"}},
		{"10.0.0.1:80, ", "", []string{"pool shop: 1 peer, was 2; remove peers 10.0.0.1:80"}},
		{"weight: 2", "weight: 3", []string{"pool shop: peers 10.0.0.2:80 weight=2 -> 10.0.0.2:80 weight=3"}},
		{"maxFails: 3", "maxFails: 4", []string{"pool shop: max_fails 3 -> 4"}},
		{"service: web", "service: nobody", []string{
			"route web: pool web -> answer 503",
			"pool web: gone, was 1 peer: 192.0.2.1:32768"}},
		{"{hosts: [shop.example.org], pool: shop}", "{hosts: [shop.example.org], redirect: https://new.example.org}", []string{
			"route shop: pool shop -> redirect 302 to https://new.example.org$request_uri"}},
		{"shop: 90, next: 10", "shop: 80, next: 20", []string{"route split: split_clients $split_split 10.00% next -> 20.00% next"}},
		{"10/s", "20/s", []string{"route limited: limit_req zone=rate+limited burst=9 nodelay -> zone=rate+limited burst=19 nodelay; limit_req_zone $binary_remote_addr zone=rate+limited:10m rate=10r/s -> $binary_remote_addr zone=rate+limited:10m rate=20r/s"}},
		{"cert: web,", "cert: new,", []string{
			"host web.example.org: ssl_certificate /run/secrets/web -> /run/secrets/new",
			"host www.example.org: ssl_certificate /run/secrets/web -> /run/secrets/new"}},
		{"listen: 5432", "listen: 5433", []string{"stream pg: listen 5432 reuseport -> 5433 reuseport"}},
		{"  pg: {listen: 5432", "  more: {listen: 53/udp, pool: next}\n  pg: {listen: 5432", []string{"stream more: new, 53/udp -> pool next"}},
		{"drain: 30s", "drain: 40s", []string{"nginx: worker_shutdown_timeout 30s -> 40s"}},
		{"drain: 30s", "drain: 30s, status: {port: 8078}", []string{"nginx: listen 8079 reuseport -> 8078 reuseport"}},
		{"web-key}}", "web-key}}\n  safe: {hosts: [safe.example.org], passthrough: true, pool: next}", nil}, // looked at below
	} {
		to := strings.Replace(sample, c.from, c.to, 1)
		if to == sample {
			t.Fatalf("%q is not in the sample", c.from)
		}
		var got []string
		for _, change := range generator.Changes(shardsOf(t, sample), shardsOf(t, to)) {
			got = append(got, change.String())
		}
		if strings.Contains(c.to, "passthrough") {
			if want := "host safe.example.org: new, TLS unopened -> pool next"; !slices.Contains(got, want) {
				t.Errorf("%s: got %q, want %s among it", c.to, got, want)
			}
			continue
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s\n -> %s: got\n%s\nwant\n%s", c.from, c.to, strings.Join(got, "\n"), strings.Join(c.want, "\n"))
		}
	}
}

// Of a proxy that is new all is new, but not how its nginx is set up.
func TestChangesOfNewProxy(t *testing.T) {
	for _, change := range generator.Changes(nil, shardsOf(t, sample)) {
		if change.What != route.New || change.Kind == "nginx" {
			t.Errorf("got %s", change)
		}
	}
	for _, change := range generator.Changes(shardsOf(t, sample), nil) {
		if change.What != route.Gone && change.Kind != "nginx" {
			t.Errorf("got %s", change)
		}
	}
}

// What others have written is told as far as it can be read.
func TestChangesOfForeignFiles(t *testing.T) {
	shard := func(path, text string) []generator.Shard {
		return []generator.Shard{{Config: text, Path: path, Data: []byte(text)}}
	}
	for _, c := range []struct{ path, old, now, want string }{
		{"nginx.conf", "a 1;", "a 1; # why", "file nginx.conf: the order of directives, or comments"},
		{"nginx.conf", "a 1; b;", "b; a 1;", "file nginx.conf: the order of directives, or comments"},
		{"nginx.conf", "a 1;", "a 1; }", "file nginx.conf: cannot be read: line 1: a block ends that has not begun"},
		{"nginx.conf", "a 1;", "a {", "file nginx.conf: cannot be read: line 1: a block does not end"},
		{"nginx.conf", "http { server { a 1; } }", "http { server { a 2; } }", "nginx: a 1 -> 2"},
		{"other.conf", "a 1;", "a 2;", "nginx: a 1 -> 2"},
		{"routes/000.conf", "# file routes/server.x.conf\nserver { server_name x; location / { return 200; } }\n",
			"# file routes/server.x.conf\nserver { server_name x; location / { return 204; } }\n", "host x: location /: return 200 -> 204"},
		{"routes/000.conf", "# file routes/mine\nupstream x { server 10.0.0.1:80; }\n", "# file routes/mine\nupstream x { server 10.0.0.2:80; }\n", "pool x: peers 10.0.0.1:80 -> 10.0.0.2:80"},
	} {
		var got []string
		for _, change := range generator.Changes(shard(c.path, c.old), shard(c.path, c.now)) {
			got = append(got, change.String())
		}
		if strings.Join(got, "; ") != c.want {
			t.Errorf("%s -> %s: got %s, want %s", c.old, c.now, strings.Join(got, "; "), c.want)
		}
	}
}

// shardsOf is what the first proxy of a repository carries, with one task of the
// service web.
func shardsOf(t *testing.T, text string) []generator.Shard {
	t.Helper()
	desired, problems := parse([]byte(text))
	if problems != nil {
		t.Fatalf("%s\n%v", text, problems)
	}
	before, _ := parse([]byte(sample))
	live := hostileLive(before)
	for _, name := range desired.Secrets() {
		live.Secrets = append(live.Secrets, generator.Secret{ID: name, Name: name})
	}
	model, _ := generator.Build(desired, live)
	_, rollout := render(t, model.Proxies[0])
	return rollout.Shards
}
