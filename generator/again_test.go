package generator_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/wharfinger/wharfinger/generator"
	"github.com/wharfinger/wharfinger/route"
)

// changing is a repository and a Swarm that change, step by step.
type changing struct {
	random *rand.Rand
	files  map[string]string
	live   generator.Live
	ids    int
	single bool // mostly one proxy, which no route names
}

func (c *changing) pick(list []string) string { return list[c.random.IntN(len(list))] }

func (c *changing) chance(of int) bool { return c.random.IntN(of) == 0 }

// The names that all steps draw from.
var (
	someTeams    = []string{"a", "b", "c"}
	someServices = []string{"shop", "news", "mail", "jobs", "maps", "lost"}
	someSecrets  = []string{"demo", "site", "auth"}
	someDefaults = []string{"{}", "{hsts: true}", "{tls: {cert: site, key: site, plain: serve}}", "{timeouts: {read: 9s}, log: false}", "{limits: {rate: 5/s}}"}
	somePools    = []string{
		"{service: %s, port: 80}", "{service: %s, port: 80, sticky: s}", "{service: %s, port: 80, protocol: grpc}", "{service: %s, port: 80, via: overlay}",
		"{service: %s, port: 81, maxConnections: 9}", "{service: %s, port: 80, discovery: dns}", "{services: [{service: %s, port: 80}, {service: mail, port: 81}]}", "{service: %s, port: 80, tls: {ca: auth}}",
	}
)

func newChanging(seed uint64) *changing {
	c := &changing{random: rand.New(rand.NewPCG(seed, 9)), files: map[string]string{}, single: seed%3 == 0}
	for i := range 4 {
		c.live.Nodes = append(c.live.Nodes, generator.Node{ID: fmt.Sprintf("n%d", i), Hostname: fmt.Sprintf("node-%d", i), Role: "worker", State: "ready", Addr: fmt.Sprintf("10.0.0.%d", 1+i)})
	}
	c.live.Networks = []generator.Network{{ID: "net0", Name: "host"}, {ID: "net1", Name: "apps"}, {ID: "net2", Name: "more"}}
	for _, name := range someServices[:5] {
		c.live.Services = append(c.live.Services, generator.Service{ID: "s-" + name, Name: name, Networks: []string{"net1"}})
		for range 1 + c.random.IntN(3) {
			c.start("s-" + name)
		}
	}
	for _, name := range someSecrets {
		c.live.Secrets = append(c.live.Secrets, generator.Secret{ID: "id-" + name, Name: name})
	}
	for range 100 {
		c.proxies()
		c.proxies()
		c.policies()
		c.streams()
		proxy := "proxy: edge, "
		if c.single {
			proxy = ""
		}
		for _, team := range someTeams {
			c.files[team+".yaml"] = fmt.Sprintf("pools:\n  fixed-%[1]s: {servers: [192.0.2.1:80]}\n  pool-%[1]s: {service: shop, port: 80}\nroutes:\n  %[1]s0: {%[2]shosts: [%[1]s.example], pool: pool-%[1]s}\n", team, proxy)
		}
		rev, _ := c.state()
		if _, problems := route.Parse(rev); problems == nil {
			return c
		}
	}
	panic("no beginning is accepted")
}

// write has one of the files written anew, mostly so that all of them are accepted.
func (c *changing) write(file func()) {
	for range 10 + c.random.IntN(3) {
		before := maps.Clone(c.files)
		file()
		rev, _ := c.state()
		if desired, _ := route.Parse(rev); desired != nil || c.chance(5) {
			return
		}
		c.files = before
	}
}

func (c *changing) start(service string) {
	c.ids++
	task := generator.Task{
		ID: fmt.Sprintf("t%04d", c.random.IntN(5000)*2+c.ids%2), Service: service, Node: fmt.Sprintf("n%d", c.random.IntN(4)), State: "running",
		Ports: []generator.Port{{Protocol: "tcp", Target: 80, Published: 30000 + c.ids}, {Protocol: "tcp", Target: 81, Published: 40000 + c.ids},
			{Protocol: "udp", Target: 80, Published: 50000 + c.ids}},
		Addresses: []generator.Address{{Network: "net1", Address: fmt.Sprintf("10.9.%d.%d", c.ids/250, 1+c.ids%250)}},
	}
	if c.chance(8) {
		task.Ports = nil
	}
	c.live.Tasks = append(c.live.Tasks, task)
}

func (c *changing) proxies() {
	if c.chance(2) {
		delete(c.files, "inner.yaml")
		if !c.single || c.chance(4) {
			c.files["inner.yaml"] = fmt.Sprintf("proxies:\n  inner: {image: \"nginx:1.30\", resolvers: [\"10.0.0.1:53\"], listen: {http: 81, https: 444}, status: {port: %d}, defaults: %s}\n", 8081+c.random.IntN(2), c.pick(someDefaults))
		}
		return
	}
	c.files["proxies.yaml"] = fmt.Sprintf("proxies:\n  edge: {image: \"nginx:1.30\", resolvers: [\"10.0.0.1:53\"], network: %s, defaults: %s}\n",
		c.pick([]string{"host", "host", "published"}), c.pick(someDefaults))
}

func (c *changing) policies() {
	c.files["policies.yaml"] = fmt.Sprintf("policies:\n  one: {%s}\n  two: {%s}\n", c.pick(someOptions), c.pick(someOptions))
}

func (c *changing) streams() {
	if c.single {
		c.files["streams.yaml"] = fmt.Sprintf("streams:\n  tcp: {listen: 5432, pool: pool-%s}\n", c.pick(someTeams))
		return
	}
	c.files["streams.yaml"] = fmt.Sprintf("streams:\n  tcp: {proxy: edge, listen: 5432, pool: pool-a}\n  udp: {proxy: inner, listen: 5353/udp, pool: pool-%s}\n", c.pick(someTeams))
}

// team writes the file of one team: a pool and some routes.
func (c *changing) team(team string) {
	var b strings.Builder
	fmt.Fprintf(&b, "pools:\n  pool-%s: "+c.pick(somePools)+"\n", team, c.pick(someServices))
	b.WriteString("  fixed-" + team + ": {servers: [192.0.2.1:80]}\nroutes:\n")
	for i := range 1 + c.random.IntN(3) {
		answer := fmt.Sprintf(c.pick([]string{"pool: pool-%s", "pool: fixed-%s", "pool: pool-%s, mirror: fixed-a", "split: {pool-%s: 3, fixed-b: 1}", "pool: pool-%s, access: {auth: {pool: fixed-c, headers: [X-User]}}", "pool: fixed-%s, access: {auth: {pool: fixed-c, headers: [X-User]}}", "pool: fixed-a", "pool: fixed-a, access: {auth: {pool: fixed-c, headers: [X-User]}}", "respond: 204"}), team)
		answer, _, _ = strings.Cut(answer, "%!")
		proxy := "proxy: " + c.pick([]string{"edge", "edge", "inner"})
		if c.single {
			proxy = "priority: 1"
		}
		fields := []string{proxy, "hosts: [" + c.pick([]string{team + ".example", "all.example, " + team + ".example", "\"*." + team + ".example\""}) + "]",
			fmt.Sprintf("paths: [/%s%d]", team, i), answer}
		if c.chance(3) {
			fields = append(fields, "use: ["+c.pick([]string{"one", "two", "one, two"})+"]")
		}
		seen := map[string]bool{"access": true, "mirror": true}
		for range c.random.IntN(3) {
			option := c.pick(someOptions)
			if name, _, _ := strings.Cut(option, ":"); !seen[name] && !strings.Contains(option, "pool: ") {
				seen[name], fields = true, append(fields, option)
			}
		}
		fmt.Fprintf(&b, "  %s%d: {%s}\n", team, i, strings.Join(fields, ", "))
	}
	c.files[team+".yaml"] = b.String()
}

// step changes one thing, most often what changes most often.
func (c *changing) step(rollouts []generator.Rollout) string {
	l := &c.live
	// What was handed out is never written to.
	l.Nodes, l.Networks, l.Services, l.Tasks, l.Secrets = slices.Clone(l.Nodes), slices.Clone(l.Networks), slices.Clone(l.Services), slices.Clone(l.Tasks), slices.Clone(l.Secrets)
	l.Proxies = slices.Clone(l.Proxies)
	switch n := c.random.IntN(24); {
	case n < 6 && len(l.Tasks) > 0:
		i := c.random.IntN(len(l.Tasks))
		service := l.Tasks[i].Service
		l.Tasks = slices.Delete(l.Tasks, i, i+1)
		if n < 5 {
			c.start(service)
		}
		return "a task moves"
	case n == 6:
		c.start(l.Services[c.random.IntN(len(l.Services))].ID)
		return "a task starts"
	case n == 7 && len(l.Tasks) > 0:
		t := &l.Tasks[c.random.IntN(len(l.Tasks))]
		t.State = c.pick([]string{"running", "starting"})
		return "a task's state"
	case n == 8 && len(l.Tasks) > 0:
		t := &l.Tasks[c.random.IntN(len(l.Tasks))]
		t.Ports = append(slices.Clone(t.Ports), generator.Port{Protocol: "tcp", Target: 9, Published: c.random.IntN(3) + 80})
		return "a task takes a port of a proxy"
	case n == 9:
		s := &l.Services[c.random.IntN(len(l.Services))]
		s.Networks = [][]string{{"net1"}, {"net2"}, {"net1", "net2"}, nil}[c.random.IntN(4)]
		return "a service's networks"
	case n == 10:
		s := &l.Services[c.random.IntN(len(l.Services))]
		s.ID, s.Name = "s-"+c.pick(someServices), c.pick(someServices)
		l.Services = slices.CompactFunc(slices.SortedFunc(slices.Values(l.Services), func(a, b generator.Service) int { return strings.Compare(a.Name, b.Name) }),
			func(a, b generator.Service) bool { return a.Name == b.Name })
		slices.SortFunc(l.Services, func(a, b generator.Service) int { return strings.Compare(a.ID, b.ID) })
		return "a service is another one"
	case n == 11:
		node := &l.Nodes[c.random.IntN(len(l.Nodes))]
		node.State = c.pick([]string{"ready", "down"})
		return "a node's state"
	case n == 12 && len(l.Secrets) > 0:
		name := c.pick(someSecrets)
		l.Secrets = slices.DeleteFunc(l.Secrets, func(s generator.Secret) bool { return s.Name == name })
		if c.chance(2) {
			c.ids++
			l.Secrets = append(l.Secrets, generator.Secret{ID: fmt.Sprint("id", c.ids), Name: name})
		}
		return "a secret"
	case n < 15:
		l.Proxies = nil
		for _, r := range rollouts {
			p := carrying(r)
			p.Proxy, p.Service, p.Digest = r.Proxy, r.Service, r.Digest
			l.Proxies = append(l.Proxies, *p)
		}
		return "what was rendered is rolled out"
	case n == 15:
		c.write(c.proxies)
		return "the proxies"
	case n == 16:
		c.write(c.policies)
		return "the policies"
	case n == 17:
		c.write(c.streams)
		return "the streams"
	case n == 18:
		c.write(func() { delete(c.files, c.pick(someTeams)+".yaml") })
		return "a team leaves"
	case n == 19:
		file := c.pick(someTeams) + ".yaml"
		c.files[file] = strings.Replace(c.files[file], "hosts", "hots", 1)
		return "a slip of the pen"
	default:
		c.write(func() { c.team(c.pick(someTeams)) })
		return "a team's file"
	}
}

func (c *changing) state() (route.Revision, *generator.Live) {
	rev := route.Revision{ID: fmt.Sprint("r", c.ids)}
	for path, text := range c.files {
		rev.Files = append(rev.Files, route.File{Path: path, Data: []byte(text)})
	}
	slices.SortFunc(rev.Files, func(a, b route.File) int { return strings.Compare(a.Path, b.Path) })
	live := c.live
	slices.SortFunc(live.Tasks, func(a, b generator.Task) int { return strings.Compare(a.ID, b.ID) })
	return rev, &live
}

// TestAgain changes repositories and Swarms step by step. Who remembers the step
// before answers byte for byte what one does who starts anew.
func TestAgain(t *testing.T) {
	const seeds, steps = 30, 60
	refused, same, quick, kinds := 0, 0, 0, map[string]int{}
	for seed := range uint64(seeds) {
		c := newChanging(seed)
		var (
			parser   route.Parser
			maker    generator.Maker
			last     *route.Desired
			rollouts []generator.Rollout
			what     = "the start"
			good     map[string]string
			built    *generator.Model
		)
		for step := range steps {
			rev, live := c.state()
			fail := func(format string, args ...any) {
				t.Helper()
				t.Fatalf("seed %d, step %d, %s: %s", seed, step, what, fmt.Sprintf(format, args...))
			}
			desired, problems := parser.Parse(rev)
			anew, wanted := route.Parse(rev)
			if !reflect.DeepEqual(problems, wanted) {
				fail("parsed again:\n%v\nparsed anew:\n%v", problems, wanted)
			}
			kinds[what]++
			if desired == nil {
				refused++
				if c.chance(2) {
					c.files = good
				}
				desired = last
				anew, _ = route.Parse(desired.Source())
			} else {
				good = maps.Clone(c.files)
			}
			if last == desired {
				same++
			}
			last = desired
			if !reflect.DeepEqual([]any{desired.Proxies, desired.Pools, desired.Routes, desired.Streams, desired.Policies}, []any{anew.Proxies, anew.Pools, anew.Routes, anew.Streams, anew.Policies}) {
				fail("what is parsed again is not what is parsed anew")
			}
			before := built
			model, told := maker.Build(desired, live)
			if built = model; before != nil && model.Proxies[0].Servers != nil && reflect.ValueOf(model.Proxies[0].Servers).Pointer() == reflect.ValueOf(before.Proxies[0].Servers).Pointer() {
				quick++
			}
			first, toldFirst := generator.Build(anew, live)
			if !reflect.DeepEqual(told, toldFirst) {
				fail("told again:\n%v\ntold anew:\n%v", told, toldFirst)
			}
			if !reflect.DeepEqual(model.Records, first.Records) {
				fail("other records: %v, anew %v", model.Records, first.Records)
			}
			var err error
			if rollouts, err = maker.Pack(model, live); err != nil {
				t.Fatal(err)
			}
			for i, p := range first.Proxies {
				files, err := generator.Render(p)
				if err != nil {
					t.Fatal(err)
				}
				want, err := generator.Pack(first.Revision, p, files, live.ProxyByName(p.Name))
				if err != nil {
					t.Fatal(err)
				}
				sameFiles(t, fmt.Sprintf("seed %d, step %d, %s: proxy %s", seed, step, what, p.Name), generator.Unpack(rollouts[i].Shards), generator.Unpack(want.Shards))
				if !reflect.DeepEqual(rollouts[i], want) {
					fail("another rollout of %s:\n%+v\nanew:\n%+v", p.Name, rollouts[i], want)
				}
			}
			if t.Failed() {
				return
			}
			what = c.step(rollouts)
		}
	}
	if refused == 0 || same == 0 || quick == 0 {
		t.Errorf("%d revisions were refused, %d steps were of the Swarm alone, in %d of them tasks alone moved: want some of each", refused, same, quick)
	}
	t.Logf("%d sequences of %d steps: %d were refused, %d made nothing but upstreams; %v", seeds, steps, refused, quick, kinds)
}
