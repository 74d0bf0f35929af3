package generator_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/wharfinger/wharfinger/generator"
)

// crowd is a Swarm of three nodes, one of them a manager, in zones a, a and b.
func crowd() *generator.Live {
	node := func(id, role, zone string) generator.Node {
		return generator.Node{ID: id, Hostname: "host-" + id, Role: role, State: "ready", Addr: "192.0.2.1" + id, OS: "linux", Arch: "x86_64",
			Labels: map[string]string{"zone": zone}, EngineLabels: map[string]string{"disk": "ssd"}}
	}
	return &generator.Live{Nodes: []generator.Node{node("1", "manager", "a"), node("2", "worker", "a"), node("3", "worker", "b")}}
}

// serviceOf is the service of a proxy that was rolled as a repository says.
func serviceOf(t *testing.T, proxy, yaml string, l *generator.Live) generator.ProxyService {
	t.Helper()
	desired, problems := parse([]byte(yaml))
	if problems != nil {
		t.Fatal(problems)
	}
	model, _ := generator.Build(desired, l)
	for _, p := range model.Proxies {
		if p.Name == proxy {
			_, r := render(t, p)
			return *carrying(r)
		}
	}
	t.Fatalf("there is no proxy %s", proxy)
	return generator.ProxyService{}
}

const someRoute = "pools: {p: {servers: [192.0.2.99:80]}}\nroutes: {r: {proxy: a, hosts: [a.example], pool: p}}\n"

// TestBadInputOfCrowdedNodes holds what is told of proxies and services that want one
// port of one node, and which proxy waits.
func TestBadInputOfCrowdedNodes(t *testing.T) {
	proxies := func(a, b string) string {
		return "proxies:\n  a: {image: \"nginx:1.30\", " + a + "}\n  b: {image: \"nginx:1.30\", " + b + "}\n" + someRoute
	}
	inA, inB := "constraints: [node.labels.zone == a]", "constraints: [node.labels.zone == b]"
	elsewhere := "listen: {http: 81}, status: {port: 82}"
	service := func(name, port, mode string) func(*generator.Live) {
		return func(l *generator.Live) {
			number := 80
			if port == "status" {
				number = 8079
			}
			s := generator.Service{ID: "s" + name, Name: name}
			if mode == "ingress" {
				s.Ports = []generator.ServicePort{{Protocol: "tcp", Target: 80, Published: number, Mode: mode}}
			} else {
				l.Tasks = append(l.Tasks, generator.Task{ID: "t", Service: s.ID, Node: mode, State: "running", Ports: []generator.Port{{Protocol: "tcp", Target: 80, Published: number}}})
			}
			l.Services = append(l.Services, s)
		}
	}
	for _, c := range []struct {
		name, yaml string
		live       func(*generator.Live)
		told       []string
		held       string // the proxy that waits
	}{
		{name: "in zones of their own", yaml: proxies(inA, inB)},
		{name: "in one by another word", yaml: proxies(inA, "constraints: [node.role == manager]"),
			told: []string{"a.yaml:3:3: proxies a and b meet on node host-1, but both listen on ports 80, 8079 (give one of them other ports (listen, status), or constraints that keep them apart)"}, held: "b"},
		{name: "apart by another word", yaml: proxies(inB, "constraints: [node.role == manager]")},
		{name: "by what a node is not", yaml: proxies("constraints: [node.labels.zone != b]", inA),
			told: []string{"a.yaml:3:3: proxies a and b meet on node host-1, but both listen on ports 80, 8079 (give one of them other ports (listen, status), or constraints that keep them apart)"}, held: "b"},
		{name: "by each word that there is", yaml: proxies("constraints: [node.id == 3, node.hostname == HOST-3, node.ip == 192.0.2.0/24, node.platform.os == linux, node.platform.arch == x86_64, engine.labels.disk == ssd]", inB),
			told: []string{"a.yaml:3:3: proxies a and b meet on node host-3, but both listen on ports 80, 8079 (give one of them other ports (listen, status), or constraints that keep them apart)"}, held: "b"},
		{name: "with the status alone", yaml: proxies(inA+", listen: {http: 81}", "constraints: [node.role == manager]"),
			told: []string{"a.yaml:3:3: proxies a and b meet on node host-1, but both listen on port 8079 (give one of them other ports (listen, status), or constraints that keep them apart)"}, held: "b"},
		{name: "where Swarm finds a place for each", yaml: proxies("network: published, replicas: 1, "+inA, "network: published, replicas: 1, constraints: [node.role == manager]")},
		{name: "where one was there before, the other waits", yaml: proxies(inA, "constraints: [node.role == manager]"),
			live: func(l *generator.Live) {
				l.Proxies = append(l.Proxies, serviceOf(t, "b", proxies(elsewhere, "constraints: [node.role == manager]"), l))
			},
			told: []string{"a.yaml:2:3: proxies a and b meet on node host-1, but both listen on ports 80, 8079 (give one of them other ports (listen, status), or constraints that keep them apart)"}, held: "a"},
		{name: "where one comes to the other's nodes", yaml: proxies(inA, "constraints: [node.role == manager]"),
			live: func(l *generator.Live) {
				before := proxies(inA, inB)
				l.Proxies = append(l.Proxies, serviceOf(t, "a", before, l), serviceOf(t, "b", before, l))
			},
			told: []string{"a.yaml:3:3: proxies a and b meet on node host-1, but both listen on ports 80, 8079 (give one of them other ports (listen, status), or constraints that keep them apart)"}, held: "b"},
		{name: "where both were there, by a label that came, neither waits", yaml: proxies(inA, "constraints: [node.labels.role == edge]"),
			live: func(l *generator.Live) {
				before := proxies(inA, "constraints: [node.labels.role == edge]")
				l.Proxies = append(l.Proxies, serviceOf(t, "a", before, l), serviceOf(t, "b", before, l))
				l.Nodes[0].Labels["role"] = "edge"
			},
			told: []string{"a.yaml:3:3: proxies a and b meet on node host-1, but both listen on ports 80, 8079 (give one of them other ports (listen, status), or constraints that keep them apart)"}},
		{name: "where the other is no more in the repository", yaml: "proxies:\n  a: {image: \"nginx:1.30\"}\n" + someRoute,
			live: func(l *generator.Live) {
				l.Proxies = append(l.Proxies, serviceOf(t, "b", proxies(elsewhere, inB), l))
			},
			told: []string{
				"a.yaml:2:3: proxies b and a meet on node host-3, but both listen on ports 80, 8079 (remove the one that the repository no longer has, with docker service rm wharfinger-b, or give the other one other ports)",
				"proxy b: it runs in the Swarm, but the repository no longer has it; it keeps what it serves (when nobody needs it any more: docker service rm wharfinger-b)",
			}, held: "a"},
		{name: "a service has it by the mesh", yaml: proxies(inA, elsewhere), live: service("web", "http", "ingress"),
			told: []string{"a.yaml:2:3: proxy a listens on port 80, which service web has on node host-1 (give the proxy other ports (listen, status), or constraints that keep it away from there)"}, held: "a"},
		{name: "a service has it on one node", yaml: proxies(inA, elsewhere), live: service("web", "status", "2"),
			told: []string{"a.yaml:2:3: proxy a listens on port 8079, which service web has on node host-2 (give the proxy other ports (listen, status), or constraints that keep it away from there)"}, held: "a"},
		{name: "a service has it where no proxy comes", yaml: proxies(inA, elsewhere), live: service("web", "http", "3")},
		{name: "replicas where there was one on every node", yaml: proxies("replicas: 2, "+inA, inB),
			live: func(l *generator.Live) { l.Proxies = append(l.Proxies, serviceOf(t, "a", proxies(inA, inB), l)) },
			told: []string{"a.yaml:2:38: the service of proxy a has one on every node, and Swarm cannot change that to replicas, so it is not rolled (remove it with docker service rm wharfinger-a, and it is made anew; or write a proxy of another name beside it)"}, held: "a"},
		{name: "and back", yaml: proxies(inA, inB),
			live: func(l *generator.Live) {
				l.Proxies = append(l.Proxies, serviceOf(t, "a", proxies("replicas: 2, "+inA, inB), l))
			},
			told: []string{"a.yaml:2:3: the service of proxy a has replicas, and Swarm cannot change that to one on every node, so it is not rolled (remove it with docker service rm wharfinger-a, and it is made anew; or write a proxy of another name beside it)"}, held: "a"},
		{name: "more replicas than nodes that can have one", yaml: proxies("replicas: 4, "+inA, inB), live: func(l *generator.Live) { l.Nodes[1].Availability = "drain" },
			told: []string{"a.yaml:2:38: proxy a has nodes for 1 of its 4 replicas, so there are no more of it (let more nodes fit its constraints, or write fewer replicas)"}},
		{name: "more replicas than nodes that are up", yaml: proxies("replicas: 2, "+inA, inB), live: func(l *generator.Live) { l.Nodes[1].State = "down" },
			told: []string{"a.yaml:2:38: proxy a has nodes for 1 of its 2 replicas, so there are no more of it (let more nodes fit its constraints, or write fewer replicas)"}},
		{name: "as many replicas as nodes, of which nobody knows the state", yaml: proxies("replicas: 2, "+inA, inB), live: func(l *generator.Live) { l.Nodes[1].State = "unknown" }},
		{name: "a network that is not there", yaml: proxies("network: published, networks: [apps], "+inA, inB),
			told: []string{"a.yaml:2:59: there is no network apps in the Swarm, so proxy a is not rolled (create it with docker network create --driver overlay apps)"}, held: "a"},
		{name: "a secret of its own that is not there", yaml: proxies("secrets: [geo], "+inA, inB),
			told: []string{"a.yaml:2:38: there is no secret geo in the Swarm, so proxy a is not rolled (create it with docker secret create geo FILE, or mend its name)"}, held: "a"},
	} {
		t.Run(c.name, func(t *testing.T) {
			desired, problems := parse([]byte(c.yaml))
			if problems != nil {
				t.Fatal(problems)
			}
			live := crowd()
			if c.live != nil {
				c.live(live)
			}
			model, problems := generator.Build(desired, live)
			var told []string
			for _, p := range problems {
				told = append(told, p.String())
			}
			slices.Sort(told)
			if !slices.Equal(told, c.told) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(told, "\n"), strings.Join(c.told, "\n"))
			}
			held := ""
			for _, p := range model.Proxies {
				files, _ := render(t, p)
				r, err := generator.Pack("r2", p, files, live.ProxyByName(p.Name))
				if err != nil {
					t.Fatal(err)
				}
				if len(r.Held) > 0 {
					held += p.Name
				}
			}
			if held != c.held {
				t.Errorf("held: got %q, want %q", held, c.held)
			}
		})
	}
}

// TestMissingSecretHolds holds when a missing secret keeps a proxy from being rolled:
// where something would lose what it has now.
func TestMissingSecretHolds(t *testing.T) {
	const (
		pools = "pools: {p: {servers: [192.0.2.99:80]}}\n"
		edge  = "proxies: {edge: {image: \"nginx:1.30\"}}\n" + pools
		a     = "  a: {hosts: [a.example], pool: p, tls: {cert: old, key: key}}\n"
		b     = "  b: {hosts: [b.example], pool: p, tls: {cert: old, key: key}}\n"
		aNew  = "  a: {hosts: [a.example], pool: p, tls: {cert: new, key: key}}\n"
		doors = "  d: {hosts: [d.example], pool: p, access: {basic: %s}}\n"
	)
	door := func(secret string) string { return strings.Replace(doors, "%s", secret, 1) }
	live := &generator.Live{Secrets: secrets("1 old", "2 key", "3 users").Secrets}
	for _, c := range []struct {
		name, before, after string
		held                bool
	}{
		{"another certificate that is not there", a, aNew, true},
		{"so for one of two hosts that share the old one", a + b, aNew + b, true},
		{"a new host", b, aNew + b, false},
		{"a new host in the place of another", a, strings.ReplaceAll(aNew, "a.example", "c.example"), true},
		{"a host that has no certificate yet", "  a: {hosts: [a.example], pool: p}\n", aNew, false},
		{"other passwords that are not there", door("users"), door("others"), true},
		{"a certificate that is there", a, a + b, false},
		{"nothing is missing any more", aNew, a, false},
		{"missing as before", aNew, aNew + "  c: {hosts: [c.example], pool: p}\n", false},
	} {
		for _, counted := range []bool{true, false} {
			desired, problems := parse([]byte(edge + "routes:\n" + c.before))
			if problems != nil {
				t.Fatal(problems)
			}
			model, _ := generator.Build(desired, live)
			current := carrying(packed(t, model.Proxies[0], nil))
			if !counted { // of a version that noted no uses
				current.Applied.Uses = nil
			}
			desired, problems = parse([]byte(edge + "routes:\n" + c.after))
			if problems != nil {
				t.Fatal(problems)
			}
			model, _ = generator.Build(desired, live)
			r := packed(t, model.Proxies[0], current)
			// Without counts it goes by what the service mounts.
			want := c.held && (counted || c.name != "so for one of two hosts that share the old one")
			if got := len(r.Held) > 0; got != want || !r.Needed() {
				t.Errorf("%s, counted %t: held %v, needed %t; want held %t", c.name, counted, r.Held, r.Needed(), want)
			}
		}
	}
}

// TestChangeRollsItsClusterAlone makes a change in one of several clusters and counts
// the proxies that roll.
func TestChangeRollsItsClusterAlone(t *testing.T) {
	const clusters = `
proxies:
  east: {image: "nginx:1.30", constraints: [node.labels.region == east]}
  west: {image: "nginx:1.30", constraints: [node.labels.region == west]}
  inner: {image: "nginx:1.30", network: published, listen: {http: 8080, https: 8443}, status: {port: 8078}, networks: [apps]}
pools:
  shop: {servers: [192.0.2.1:80]}
  stock: {servers: [192.0.2.2:80]}
  both: {servers: [192.0.2.3:80]}
policies:
  slow: {timeouts: {read: 5m}}
routes:
  shop-east: {proxy: east, hosts: [shop.example], pool: shop}
  shop-west: {proxy: west, hosts: [shop.example], pool: shop}
  stock: {proxy: inner, hosts: [stock.example], use: [slow], pool: stock}
  both-west: {proxy: west, hosts: [both.example], use: [slow], pool: both}
  both-inner: {proxy: inner, hosts: [both.example], pool: both}
streams:
  pg: {proxy: east, listen: 5432, pool: both}
`
	live := &generator.Live{Networks: []generator.Network{{ID: "n1", Name: "apps"}}}
	plan := func(text string, current map[string]*generator.ProxyService) map[string]generator.Rollout {
		desired, problems := parse([]byte(text))
		if problems != nil {
			t.Fatal(problems)
		}
		model, problems := generator.Build(desired, live)
		if problems != nil {
			t.Fatal(problems)
		}
		out := map[string]generator.Rollout{}
		for _, p := range model.Proxies {
			out[p.Name] = packed(t, p, current[p.Name])
		}
		return out
	}
	current := map[string]*generator.ProxyService{}
	for name, r := range plan(clusters, nil) {
		current[name] = carrying(r)
	}
	for _, c := range []struct{ from, to, rolls string }{
		{"region == east", "region == orient", "east"},
		{"status: {port: 8078}", "status: {port: 8077}", "inner"},
		{"networks: [apps]", "networks: []", "inner"},
		{"[192.0.2.1:80]", "[192.0.2.9:80]", "east west"},
		{"[192.0.2.2:80]", "[192.0.2.9:80]", "inner"},
		{"[192.0.2.3:80]", "[192.0.2.9:80]", "east inner west"},
		{"read: 5m", "read: 6m", "inner west"},
		{"listen: 5432", "listen: 5433", "east"},
		{"hosts: [stock.example]", "hosts: [stock.example, depot.example]", "inner"},
		{"west: {image: \"nginx:1.30\"", "west: {image: \"nginx:1.30\", workers: 4", "west"},
		{"streams:", "  new: {proxy: east, hosts: [new.example], pool: stock}\nstreams:", "east"},
		{"streams:\n  pg: {proxy: east, listen: 5432, pool: both}\n", "", "east"},
		{"policies:", "# A comment rolls nobody.\npolicies:", ""},
	} {
		if !strings.Contains(clusters, c.from) {
			t.Errorf("there is no %s", c.from)
		}
		var rolled []string
		for name, r := range plan(strings.Replace(clusters, c.from, c.to, 1), current) {
			if r.Needed() {
				rolled = append(rolled, name)
			}
		}
		slices.Sort(rolled)
		if got := strings.Join(rolled, " "); got != c.rolls {
			t.Errorf("%s -> %s rolls %q, want %q", c.from, c.to, got, c.rolls)
		}
	}
}
