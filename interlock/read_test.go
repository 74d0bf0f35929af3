package interlock_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/wharfinger/wharfinger/interlock"
	"github.com/wharfinger/wharfinger/route"
)

// many are services with all kinds of labels, good and bad.
func many() []interlock.Service {
	services := []interlock.Service{
		demo("context_root=/b,/a,/c", "context_root_rewrite=true"), demoNext("sticky_session_cookie=a"),
		service("canary", "hosts=next.local,demo.local", "port=80", "sticky_session_cookie=b"),
		service("tls", "hosts=b.local,a.local", "port=443", "ssl_cert=c", "ssl_key=k", "redirects=http://a.local,https://a.local;http://z.local,http://a.local"),
		service("through", "hosts=p.local,a.local", "port=443", "ssl_passthrough=true"),
		service("wrong", "hosts=x..y,w.local", "port=80", "fail_timeout=never"), service("lost", "port=80"),
		service("older", "com.docker.ucp.mesh.http.2=external_route=http://two.local,internal_port=82", "com.docker.ucp.mesh.http.1=external_route=http://one.local,internal_port=81"),
		on(service("torn", "hosts=torn.local", "port=80"), "one", "two"),
	}
	for i := range 20 {
		services = append(services, service(fmt.Sprintf("s%d", i), fmt.Sprintf("hosts=shared.local,h%d.local", i%7), "port=80", fmt.Sprintf("max_fails=%d", i%3)))
	}
	return services
}

// TestOrder holds that the order in which a Swarm tells of things decides nothing.
func TestOrder(t *testing.T) {
	const repo = clusters + "pools: {www: {service: www, port: 80}}\nroutes: {www: {proxy: east, hosts: [h3.local], pool: www}}\n"
	services := many()
	for i := range services {
		services[i].Labels[lb+"service_cluster"] = []string{"us-east", "us-west"}[i%2]
	}
	var first interlock.Result
	for round := range 20 {
		random := rand.New(rand.NewPCG(1, uint64(round)))
		random.Shuffle(len(services), func(i, j int) { services[i], services[j] = services[j], services[i] })
		result := variant{repo: repo, services: services}.read(t)
		if round == 0 {
			first = result
			continue
		}
		if !bytes.Equal(result.Added, first.Added) {
			t.Fatalf("in another order other routes are made:\n%s\nand\n%s", first.Added, result.Added)
		}
		if got, want := result.Problems.Error(), first.Problems.Error(); got != want {
			t.Fatalf("in another order other problems are told:\n%s\nand\n%s", want, got)
		}
	}
	if len(first.Problems) < 10 || len(first.Desired.Routes) < 15 {
		t.Errorf("%d problems and %d routes: is this still many?", len(first.Problems), len(first.Desired.Routes))
	}
}

// TestNothingToRead holds that labels change nothing where nobody reads them, and
// where there are none.
func TestNothingToRead(t *testing.T) {
	const route = "pools: {www: {service: www, port: 80}}\nroutes: {www: {hosts: [www.local], pool: www}}\n"
	for what, v := range map[string]variant{
		"nobody reads them":   {repo: "proxies: {mesh: {image: \"nginx:1.30\"}}\n" + route, services: many()},
		"there are none":      {repo: published + route, services: []interlock.Service{service("www"), service("db", "com.docker.stack.image=db")}},
		"none can be used":    {repo: published + route, services: []interlock.Service{service("lost", "port=80")}},
		"and no route either": {repo: published},
	} {
		if v.repo == "" {
			v.repo = published
		}
		before := parsed(t, v.repo)
		result := interlock.Read(before, interlock.Cluster{Services: v.services})
		if result.Desired != before || result.Added != nil {
			t.Errorf("%s: the repository is read anew, with\n%s", what, result.Added)
		}
		if told := len(result.Problems) > 0; told != (what == "none can be used") {
			t.Errorf("%s: it is told %v", what, result.Problems)
		}
	}
}

// TestRepositoryCounts holds that a repository keeps every place that it has,
// whatever its files are called and whatever labels ask for, and that services keep
// theirs beside it.
func TestRepositoryCounts(t *testing.T) {
	const text = published + `
pools: {demo: {service: www, port: 80}}
policies: {interlock: {log: false}}
routes:
  demo: {hosts: [demo.local, "*"], pool: demo}
  tls: {hosts: [tls.local], tls: {cert: own.cert, key: own.key}, pool: demo}
  through: {hosts: [through.local], passthrough: true, pool: demo}
`
	services := []interlock.Service{
		demo("hosts=demo.local,other.local", "default_backend=true"),
		service("apps", "hosts=demo.local", "port=80", "context_root=/apps"),
		service("tls", "hosts=tls.local,tls.other", "port=80", "ssl_cert=mine.cert", "ssl_key=mine.key"),
		service("through", "hosts=through.local,through.other", "port=443", "ssl_passthrough=true"),
		service("www", "hosts=www.other", "port=80", "redirects=http://demo.local,http://www.other"),
	}
	for _, path := range []string{"routes.yaml", "~/z.yaml", "\U0010fffd.yaml", "\U0010ffff labels and more.yaml", "\xff.yaml"} {
		before, problems := route.Parse(route.Revision{Files: []route.File{{Path: path, Data: []byte(text)}}})
		if problems != nil {
			t.Fatal(problems)
		}
		result := interlock.Read(before, interlock.Cluster{Services: services})
		for name, r := range before.Routes {
			now := result.Desired.Routes[name]
			if now == nil || len(now.Hosts) != len(r.Hosts) || now.Pool.Value != r.Pool.Value || now.TLS.Cert.Value != r.TLS.Cert.Value {
				t.Errorf("%q: route %s of the repository is not what it was", path, name)
			}
		}
		served := map[string]string{}
		for name, r := range result.Desired.Routes {
			if before.Routes[name] == nil {
				for _, h := range r.Hosts {
					served[h.Value] = r.Pool.Value
				}
			}
		}
		for host, want := range map[string]bool{"other.local": true, "tls.other": true, "through.other": true, "www.other": true, "through.local": false, "*": false} {
			if _, got := served[host]; got != want {
				t.Errorf("%q: %s is served for labels: %t, want %t", path, host, got, want)
			}
		}
		told := result.Problems.Error()
		for _, name := range []string{"demo", "tls", "through", "www"} {
			if !strings.Contains(told, "service "+name+": ") {
				t.Errorf("%q: service %s is not told of its clash:\n%s", path, name, told)
			}
		}
	}
}

// TestTell holds that what is found out later is told at the labels, too, and that
// all else stays where it is.
func TestTell(t *testing.T) {
	result := variant{services: []interlock.Service{demo("ssl_cert=demo.cert", "ssl_key=demo.key"), service("next", "hosts=demo.local", "port=80")}}.read(t)
	pool, elsewhere := result.Desired.Pools["demo"], route.Problem{Pos: route.Pos{File: "routes.yaml", Line: 1, Col: 1}, Text: "wrong"}
	told := result.Tell(route.Problems{
		{Pos: pool.Services[1].Port.Pos, Text: "one", Hint: fmt.Sprintf("see %s", pool.Pos)},
		{Pos: pool.Pos, Text: "both"},
		{Pos: result.Desired.Routes["demo"].TLS.Cert.Pos, Text: "the certificate"},
		elsewhere,
	})
	const want = `routes.yaml:1:1: wrong
service demo: label com.docker.lb.hosts: both
service demo: label com.docker.lb.ssl_cert: the certificate
service next: label com.docker.lb.hosts: both
service next: label com.docker.lb.port: one (see the labels of service demo)`
	if got := told.Error(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestDefaults holds that a proxy's own defaults count more than what Interlock did
// by itself, each for itself.
func TestDefaults(t *testing.T) {
	for defaults, want := range map[string][3]string{
		"":                   {"true", "10m0s", "[error timeout invalid 500 502 503 504]"},
		"infoHeaders: false": {"false", "10m0s", "[error timeout invalid 500 502 503 504]"},
		"timeouts: {read: 5s}, retries: {on: [error]}":                                            {"true", "5s", "[error]"},
		"timeouts: {send: 5s, read: 5s}, retries: {on: [error]}, infoHeaders: false, maxBody: 5m": {"false", "5s", "[error]"},
	} {
		repo := fmt.Sprintf("proxies: {mesh: {image: \"nginx:1.30\", network: published, labels: interlock, defaults: {%s}}}", defaults)
		result := variant{repo: repo, services: []interlock.Service{demo()}}.read(t)
		r := result.Desired.Routes["demo"]
		got := [3]string{fmt.Sprint(r.InfoHeaders.Value), r.Timeouts.Read.Value.String(), fmt.Sprint(route.Values(r.Retries.On))}
		if got != want {
			t.Errorf("with {%s} a route has %v, want %v", defaults, got, want)
		}
		if body := r.MaxBody.Value; (body == 5<<20) != strings.Contains(defaults, "maxBody") {
			t.Errorf("with {%s} a route takes bodies of %d bytes", defaults, body)
		}
	}
}

// TestCulprit holds that services are found which go with nothing of the repository,
// though they are not named where it is told, and that those around them stay.
func TestCulprit(t *testing.T) {
	const repo = `
proxies: {mesh: {image: "nginx:1.30", network: published, labels: interlock, trusted: [10.0.0.0/8]}}
pools: {www: {service: www, port: 80}}
routes: {www: {hosts: [www.local], tls: {cert: www.cert, key: www.key}, pool: www}}
`
	var services []interlock.Service
	for i := range 9 {
		s := service(fmt.Sprintf("s%d", i), fmt.Sprintf("hosts=s%d.local", i), "port=443")
		if i == 2 || i == 7 {
			s.Labels[lb+"ssl_passthrough"] = "true"
		}
		services = append(services, s)
	}
	result := variant{repo: repo, services: services}.read(t)
	for i := range 9 {
		name := fmt.Sprintf("s%d", i)
		if served := result.Desired.Routes[name] != nil; served == (i == 2 || i == 7) {
			t.Errorf("service %s is served: %t", name, served)
		}
	}
	if got := result.Problems.Error(); len(result.Problems) != 2 || !strings.Contains(got, "service s2: its labels do not go with routes.yaml:2:88: ") || !strings.Contains(got, "service s7: its labels") {
		t.Errorf("it is told\n%s", got)
	}
}

// TestNames holds that routes and pools have names of the format, each its own.
func TestNames(t *testing.T) {
	long := strings.Repeat("long-", 12) + "abc"
	result := variant{services: []interlock.Service{
		service("Shop_Web", "hosts=a.local", "port=80"), service("shop_web", "hosts=b.local", "port=80"),
		service(long, "hosts=c.local", "port=80"), service(long[:62]+"X", "hosts=d.local", "port=80"),
		service("x.1", "hosts=e.local,f.local", "port=80", "redirects=http://f.local,http://e.local; ;http://g.local,sni://e.local"),
	}}.read(t)
	if result.Problems != nil {
		t.Error(result.Problems)
	}
	got := map[string]string{}
	for name, r := range result.Desired.Routes {
		got[r.Hosts[0].Value] = name
	}
	for host, want := range map[string]string{
		"a.local": "shop_web", "b.local": "shop_web.2", "d.local": strings.Repeat("long-", 9) + "lon", "c.local": strings.Repeat("long-", 9) + "lon.2",
		"e.local": "x.1", "f.local": "x.1.redirect", "g.local": "x.1.redirect.2",
	} {
		if got[host] != want {
			t.Errorf("the route of %s is %s, want %s", host, got[host], want)
		}
	}
}

// TestTwice holds that a service that says the same twice answers once.
func TestTwice(t *testing.T) {
	result := variant{services: []interlock.Service{service("demo",
		"com.docker.ucp.mesh.http.1=external_route=http://demo.local,internal_port=80", "com.docker.ucp.mesh.http.2=external_route=http://demo.local/,internal_port=80")}}.read(t)
	if n := len(result.Desired.Pools["demo"].Members()); n != 1 || result.Problems != nil {
		t.Errorf("its pool has %d members, and problems %v", n, result.Problems)
	}
}
