package generator_test

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/wharfinger/wharfinger/generator"
	"github.com/wharfinger/wharfinger/route"
)

// world is a repository and a Swarm that can be written down in many orders.
type world struct {
	proxies, pools []entry
	routes         []entry
	live           generator.Live
}

// entry is one named thing. Its lists are those whose order means nothing.
type entry struct {
	name   string
	fields string // in flow style, without braces
	lists  map[string][]string
}

// write makes a revision of the world, its files, things and lists in an order
// that random chooses.
func (w *world) write(random *rand.Rand) route.Revision {
	files := make([]map[string]string, 1+random.IntN(4))
	for i := range files {
		files[i] = map[string]string{}
	}
	sections := map[string][]entry{"proxies": w.proxies, "pools": w.pools, "routes": w.routes}
	for _, section := range slices.Sorted(maps.Keys(sections)) {
		for _, e := range shuffled(random, sections[section]) {
			var fields []string
			if e.fields != "" {
				fields = append(fields, e.fields)
			}
			for _, list := range slices.Sorted(maps.Keys(e.lists)) {
				fields = append(fields, list+": ["+strings.Join(shuffled(random, e.lists[list]), ", ")+"]")
			}
			files[random.IntN(len(files))][section] += "  " + e.name + ": {" + strings.Join(fields, ", ") + "}\n"
		}
	}
	rev := route.Revision{ID: "random"}
	for i, sections := range files {
		var b bytes.Buffer
		for _, section := range shuffled(random, slices.Sorted(maps.Keys(sections))) {
			fmt.Fprintf(&b, "%s:\n%s", section, sections[section])
		}
		rev.Files = append(rev.Files, route.File{Path: fmt.Sprintf("%d.yaml", i), Data: b.Bytes()})
	}
	return rev
}

func shuffled[T any](random *rand.Rand, list []T) []T {
	list = slices.Clone(list)
	random.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list
}

// build reads the world, in an order that random chooses.
func (w *world) build(t *testing.T, random *rand.Rand) (*generator.Model, route.Problems) {
	t.Helper()
	desired, problems := route.Parse(w.write(random))
	if problems != nil {
		t.Fatal(problems)
	}
	live := generator.Live{
		Nodes:    shuffled(random, w.live.Nodes),
		Networks: shuffled(random, w.live.Networks),
		Services: shuffled(random, w.live.Services),
		Tasks:    shuffled(random, w.live.Tasks),
	}
	return generator.Build(desired, &live)
}

// newWorld makes a world of so many routes.
func newWorld(random *rand.Rand, routes int) *world {
	w := &world{}
	network := []string{"host", "published"}[random.IntN(2)]
	for i := range 1 + random.IntN(3) {
		w.proxies = append(w.proxies, entry{fmt.Sprintf("proxy-%d", i),
			fmt.Sprintf("image: nginx:1.%d, network: %s, listen: {http: %d, https: %d}, status: {port: %d}, drain: %ds", 22+random.IntN(9), network, 80+random.IntN(2)*8000+i, 4430+i, 9000+i, 1+random.IntN(60)),
			map[string][]string{"constraints": {"node.labels.nodetype==loadbalancer"}}})
	}
	pools := 1 + routes/2
	for i := range pools {
		name := fmt.Sprintf("pool-%d", i)
		if random.IntN(4) == 0 {
			var servers []string
			for j := range 1 + random.IntN(3) {
				servers = append(servers, fmt.Sprintf("{address: \"10.1.%d.%d:8080\", weight: %d}", i%256, j, 1+random.IntN(3)))
			}
			w.pools = append(w.pools, entry{name, "", map[string][]string{"servers": servers}})
			continue
		}
		tasks := fmt.Sprintf("service: svc-%d, port: 8080", i)
		if network == "published" {
			tasks += []string{"", ", via: overlay", ", via: overlay, network: net-1", ", via: vip"}[random.IntN(4)]
		}
		if random.IntN(4) == 0 {
			w.pools = append(w.pools, entry{name, "", map[string][]string{"services": {"{" + tasks + "}", "{service: svc-0, port: 8081}"}}})
		} else {
			w.pools = append(w.pools, entry{name: name, fields: tasks})
		}
		if random.IntN(20) > 0 { // else the service is missing
			s := generator.Service{ID: fmt.Sprintf("s%d", i), Name: fmt.Sprintf("svc-%d", i)}
			for n := range random.IntN(3) {
				s.Networks = append(s.Networks, fmt.Sprintf("n%d", n))
				s.VIPs = append(s.VIPs, generator.Address{Network: fmt.Sprintf("n%d", n), Address: fmt.Sprintf("10.2.%d.%d", n, i%256)})
			}
			w.live.Services = append(w.live.Services, s)
		}
	}
	for n := range 2 {
		w.live.Networks = append(w.live.Networks, generator.Network{ID: fmt.Sprintf("n%d", n), Name: fmt.Sprintf("net-%d", n)})
	}
	for i := range routes {
		hosts := []string{fmt.Sprintf("r%d.example.org", i)}
		lists := map[string][]string{}
		switch random.IntN(8) {
		case 0: // a wildcard, and a host that looks like its file name
			hosts = append(hosts, fmt.Sprintf(`"*.r%d.example.org"`, i), fmt.Sprintf("_.r%d.example.org", i))
		case 1: // as long as hosts can be, and different at the end only
			label := strings.Repeat("x", 60) + "."
			hosts = append(hosts, fmt.Sprintf("%[1]s%[1]s%[1]sr%d.org", label, i), fmt.Sprintf("%[1]s%[1]s%[1]sr%d.net", label, i))
		case 2:
			lists["paths"] = []string{"/v1", "/v2/items"}
		case 3:
			hosts = []string{"shared.example.org"}
			lists["paths"] = []string{fmt.Sprintf("/r%d", i)}
		}
		lists["hosts"] = hosts
		w.routes = append(w.routes, entry{fmt.Sprintf("route-%d", i),
			fmt.Sprintf("proxy: proxy-%d, pool: pool-%d", random.IntN(len(w.proxies)), random.IntN(pools)), lists})
	}
	states, addrs := []string{"ready", "ready", "unknown", "down"}, []string{"192.0.2.%d", "192.0.2.%d", "2001:db8::%d", "127.0.0.%d"}
	for i := range 1 + random.IntN(20) {
		n := generator.Node{ID: fmt.Sprintf("n%d", i), Hostname: fmt.Sprintf("node-%d", i), Role: "worker",
			State: states[random.IntN(len(states))], Addr: fmt.Sprintf(addrs[random.IntN(len(addrs))], i)}
		if random.IntN(3) == 0 {
			n.Role, n.ManagerAddr = "manager", fmt.Sprintf("192.0.2.%d:2377", i)
		}
		w.live.Nodes = append(w.live.Nodes, n)
	}
	for i := range random.IntN(4 * routes) {
		if len(w.live.Services) == 0 {
			break
		}
		port := generator.Port{Protocol: "tcp", Target: 8080, Published: 32768 + i%20000}
		w.live.Tasks = append(w.live.Tasks, generator.Task{ID: fmt.Sprintf("t%d", i), State: "running",
			Service: w.live.Services[random.IntN(len(w.live.Services))].ID,
			Node:    w.live.Nodes[random.IntN(len(w.live.Nodes))].ID, Ports: []generator.Port{port, port},
			Addresses: []generator.Address{{Network: "n0", Address: fmt.Sprintf("10.3.%d.%d", i/256, i%256)}, {Network: "n1", Address: fmt.Sprintf("10.4.%d.%d", i/256, i%256)}}})
	}
	return w
}

var configName = regexp.MustCompile(`^[a-zA-Z0-9_.-]{1,64}$`)

// TestProperties holds, over 200 random worlds, what every rendering promises.
func TestProperties(t *testing.T) {
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 1))
		w := newWorld(random, 1+random.IntN(60))
		model, problems := w.build(t, random)
		again, problemsAgain := w.build(t, random)
		// Positions follow the order of writing, so only the words are compared.
		if got, want := words(problemsAgain), words(problems); !slices.Equal(got, want) {
			t.Errorf("seed %d: another order gives other problems:\n got %q\nwant %q", seed, got, want)
		}
		for i, p := range model.Proxies {
			files, rollout := render(t, p)
			twice, _ := render(t, p)
			reordered, _ := render(t, again.Proxies[i])
			sameFiles(t, fmt.Sprintf("seed %d: rendered twice", seed), twice.All, files.All)
			sameFiles(t, fmt.Sprintf("seed %d: in another order", seed), reordered.All, files.All)
			sameFiles(t, fmt.Sprintf("seed %d: unpacked", seed), generator.Unpack(rollout.Shards), files.All)
			if twice.Digest != files.Digest || reordered.Digest != files.Digest {
				t.Errorf("seed %d: digests of the same files differ", seed)
			}
			checkShards(t, seed, rollout.Shards)
			if !reflect.DeepEqual(again.Proxies[i].Spec, p.Spec) {
				t.Errorf("seed %d: another order gives another specification:\n got %+v\nwant %+v", seed, again.Proxies[i].Spec, p.Spec)
			}

			next, err := generator.Pack("later", p, files, carrying(rollout))
			if err != nil || next.Needed() {
				t.Errorf("seed %d: nothing changed, but Pack says %q, %v", seed, next.Changes, err)
			}
		}
		if t.Failed() {
			return
		}
	}
}

func words(problems route.Problems) []string {
	var out []string
	for _, p := range problems {
		out = append(out, p.Object+p.Text+p.Hint)
	}
	slices.Sort(out)
	return out
}

func sameFiles(t *testing.T, what string, got, want []generator.File) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: got %d files, want %d", what, len(got), len(want))
		return
	}
	for i := range got {
		if got[i].Path != want[i].Path || !bytes.Equal(got[i].Data, want[i].Data) {
			t.Errorf("%s: got\n%s\n%s\nwant\n%s\n%s", what, got[i].Path, got[i].Data, want[i].Path, want[i].Data)
			return
		}
	}
}

// checkShards holds what Docker asks of configs, and that no two of them meet.
func checkShards(t *testing.T, seed uint64, shards []generator.Shard) {
	t.Helper()
	names, paths := map[string]bool{}, map[string]bool{}
	for _, s := range shards {
		if len(s.Data) == 0 || len(s.Data) >= 500<<10 {
			t.Errorf("seed %d: shard %s has %d bytes", seed, s.Path, len(s.Data))
		}
		if !configName.MatchString(s.Config) {
			t.Errorf("seed %d: %q is no name of a Docker config", seed, s.Config)
		}
		if names[s.Config] || paths[s.Path] {
			t.Errorf("seed %d: %s at %s is there twice", seed, s.Config, s.Path)
		}
		names[s.Config], paths[s.Path] = true, true
	}
}

// carrying is the service as it is once a rollout went through.
func carrying(r generator.Rollout) *generator.ProxyService {
	current := &generator.ProxyService{Proxy: r.Proxy, Service: r.Service, Spec: r.Spec, Applied: r.Named,
		Digest: r.Digest, Revision: r.Revision, Carried: map[string]string{}}
	for _, s := range r.Shards {
		current.Carried[s.Path] = s.Config
	}
	return current
}

// TestCostFollowsTheChange changes one thing among 2,000 routes and looks at
// which files and shards differ.
func TestCostFollowsTheChange(t *testing.T) {
	random := rand.New(rand.NewPCG(2, 2))
	w := newWorld(random, 2000)
	w.proxies = w.proxies[:1]
	for i := range w.routes {
		w.routes[i].fields = regexp.MustCompile(`proxy-\d+`).ReplaceAllString(w.routes[i].fields, "proxy-0")
	}
	before := one(t, w)
	if len(before.Shards) < 20 {
		t.Fatalf("got %d shards, want enough of them to tell one from all", len(before.Shards))
	}
	// Of a route whose pool has no peers there is little to see.
	served := map[string]bool{}
	for _, file := range generator.Unpack(before.Shards) {
		served[file.Path] = true
	}
	upstream := func(r entry) string {
		return "routes/upstream." + regexp.MustCompile(`pool-\d+`).FindString(r.fields) + ".conf"
	}
	for _, c := range []struct {
		name   string
		change func(r *entry)
	}{
		{"another path", func(r *entry) { r.lists["paths"] = append(r.lists["paths"], "/new") }},
		{"another body size", func(r *entry) { r.fields += ", maxBody: 5m" }},
		{"another pool", func(r *entry) { r.fields = regexp.MustCompile(`pool-\d+`).ReplaceAllString(r.fields, "pool-7") }},
		{"another host", func(r *entry) { r.lists["hosts"] = append(r.lists["hosts"], "new.example.org") }},
	} {
		for range 3 {
			t.Run(c.name, func(t *testing.T) {
				i := random.IntN(len(w.routes))
				for !served[upstream(w.routes[i])] {
					i = random.IntN(len(w.routes))
				}
				old := w.routes[i]
				defer func() { w.routes[i] = old }()
				changed := entry{old.name, old.fields, maps.Clone(old.lists)}
				c.change(&changed)
				w.routes[i] = changed
				allowed := map[string]bool{"status.conf": true}
				for _, e := range []entry{old, changed} {
					for _, host := range e.lists["hosts"] {
						allowed["routes/server."+strings.Trim(strings.Replace(host, "*", "+", 1), `"`)+".conf"] = true
					}
					allowed[upstream(e)] = true
				}
				compare(t, before, one(t, w), allowed)
			})
		}
	}
	t.Run("a task that moved", func(t *testing.T) {
		i := slices.IndexFunc(w.live.Tasks, func(task generator.Task) bool { // one that is routed to
			port := fmt.Appendf(nil, ":%d;", task.Ports[0].Published)
			return slices.ContainsFunc(before.Shards, func(s generator.Shard) bool { return bytes.Contains(s.Data, port) })
		})
		w.live.Tasks = slices.Clone(w.live.Tasks)
		w.live.Tasks[i].Ports = []generator.Port{{Protocol: "tcp", Target: 8080, Published: 60000}}
		pool := "pool-" + strings.TrimPrefix(w.live.Tasks[i].Service, "s")
		compare(t, before, one(t, w), map[string]bool{"status.conf": true, "routes/upstream." + pool + ".conf": true})
	})
}

// one is the rollout of a world's only proxy.
func one(t *testing.T, w *world) generator.Rollout {
	t.Helper()
	model, _ := w.build(t, rand.New(rand.NewPCG(3, 3)))
	_, rollout := render(t, model.Proxies[0])
	return rollout
}

// compare fails the test where a file differs that is not allowed to, or a
// shard in which no file differs.
func compare(t *testing.T, before, after generator.Rollout, allowed map[string]bool) {
	t.Helper()
	was, is := map[string]string{}, map[string]string{}
	for _, f := range generator.Unpack(before.Shards) {
		was[f.Path] = string(f.Data)
	}
	for _, f := range generator.Unpack(after.Shards) {
		is[f.Path] = string(f.Data)
	}
	differs := map[string]bool{}
	for _, m := range []map[string]string{was, is} {
		for path := range m {
			if was[path] != is[path] {
				differs[path] = true
				if !allowed[path] && !strings.Contains(path, "+") { // + is in long names
					t.Errorf("%s differs", path)
				}
			}
		}
	}
	if len(differs) < 2 {
		t.Errorf("%d files differ; want the status and what was changed", len(differs))
	}
	carried, changed := carrying(before).Carried, 0
	for _, s := range after.Shards {
		if carried[s.Path] == s.Config {
			continue
		}
		changed++
		inside := []generator.Shard{s}
		for _, old := range before.Shards {
			if old.Path == s.Path {
				inside = append(inside, old)
			}
		}
		if !slices.ContainsFunc(generator.Unpack(inside), func(f generator.File) bool { return differs[f.Path] }) {
			t.Errorf("shard %s changes, but no file in it does", s.Path)
		}
	}
	if changed > len(differs) {
		t.Errorf("%d shards change for %d files", changed, len(differs))
	}
}
