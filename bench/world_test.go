package bench

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/wharfinger/wharfinger/generator"
	"github.com/wharfinger/wharfinger/route"
)

// whole is the size that the figures are promised for: with it come 100,000 tasks.
const whole = 10_000

// perFile is how many routes a file of the repository has: what one team keeps.
const perFile = 50

// world makes a repository and a live state of a size, the same each time. Two routes
// share a host, by path. Seven of ten hosts have TLS, one route of twenty is split,
// one of ten has options of its own, and a pool has 1 to 50 tasks, ten in the middle,
// on 200 nodes with ports as Swarm gives them.
func world(routes int) (route.Revision, *generator.Live) {
	random := rand.New(rand.NewPCG(1, 2))
	rev := route.Revision{ID: "bench", Files: []route.File{{Path: "proxies.yaml", Data: []byte(
		"proxies:\n  edge:\n    image: nginx:1.30\n    defaults:\n      hsts: {maxAge: 30d}\n" +
			"policies:\n  patient: {timeouts: {read: 5m}}\n  browsers: {headers: {response: {set: {X-Frame-Options: DENY}}}}\n")}}}
	live := &generator.Live{}
	for i := range 200 {
		live.Nodes = append(live.Nodes, generator.Node{ID: fmt.Sprintf("node%021d", i), Hostname: fmt.Sprintf("wrk-%03d", i),
			Role: "worker", State: "ready", Addr: fmt.Sprintf("10.0.%d.%d", i/250, 1+i%250)})
	}
	for file := 0; file < routes; file += perFile {
		secret := fmt.Sprintf("team-%d", file/perFile)
		live.Secrets = append(live.Secrets, generator.Secret{ID: secret + "c", Name: secret + ".crt"}, generator.Secret{ID: secret + "k", Name: secret + ".key"})
		var pools, routed strings.Builder
		for i := file; i < min(file+perFile, routes); i++ {
			name := fmt.Sprintf("app-%d", i)
			fmt.Fprintf(&pools, "  %s: {service: %s, port: 8080}\n", name, name)
			live.Services = append(live.Services, generator.Service{ID: fmt.Sprintf("svc%022d", i), Name: name})
			live.Tasks = append(live.Tasks, tasks(random, i)...)
			fmt.Fprintf(&routed, "  %s:\n    hosts: [www-%d.team-%d.example.org]\n", name, i/2, file/perFile)
			if i%2 == 1 {
				routed.WriteString("    paths: [/api, /v2/items]\n")
			}
			if i/2%10 < 7 {
				fmt.Fprintf(&routed, "    tls: {cert: %s.crt, key: %s.key}\n", secret, secret)
			}
			if i%20 == 7 {
				fmt.Fprintf(&routed, "    split: {%s: 90, app-%d: 10}\n", name, i-1)
			} else {
				fmt.Fprintf(&routed, "    pool: %s\n", name)
			}
			switch i % 20 {
			case 3:
				routed.WriteString("    use: [patient]\n    maxBody: 20m\n")
			case 11:
				routed.WriteString("    use: [browsers]\n    rewrite: {strip: true}\n")
			}
		}
		rev.Files = append(rev.Files, route.File{Path: fmt.Sprintf("teams/%04d.yaml", file/perFile),
			Data: []byte("pools:\n" + pools.String() + "routes:\n" + routed.String())})
	}
	return rev, live
}

// tasks are those of one service.
func tasks(random *rand.Rand, service int) []generator.Task {
	count := 0
	switch r := random.IntN(20); {
	case r < 11:
		count = 1 + random.IntN(5)
	case r < 17:
		count = 6 + random.IntN(15)
	default:
		count = 21 + random.IntN(30)
	}
	var out []generator.Task
	for i := range count {
		out = append(out, generator.Task{
			ID: fmt.Sprintf("task%012d%09d", service, i), Service: fmt.Sprintf("svc%022d", service),
			Node: fmt.Sprintf("node%021d", random.IntN(200)), State: "running",
			Ports: []generator.Port{{Protocol: "tcp", Target: 8080, Published: 32768 + random.IntN(28000)}},
		})
	}
	return out
}

func TestWorld(t *testing.T) {
	rev, live := world(whole)
	bytes := 0
	for _, f := range rev.Files {
		bytes += len(f.Data)
	}
	desired, problems := route.Parse(rev)
	if problems != nil {
		t.Fatal(problems[:min(5, len(problems))])
	}
	t.Logf("%d files of %d KiB; %d routes, %d pools; %d services with %d tasks on %d nodes",
		len(rev.Files), bytes>>10, len(desired.Routes), len(desired.Pools), len(live.Services), len(live.Tasks), len(live.Nodes))
	if len(desired.Routes) != whole || len(live.Tasks) < 10*whole {
		t.Errorf("want %d routes and %d tasks", whole, 10*whole)
	}
	model, problems := generator.Build(desired, live)
	if problems != nil {
		t.Error(problems[:min(5, len(problems))])
	}
	if len(model.Proxies[0].Servers) != whole/2 {
		t.Errorf("%d hosts", len(model.Proxies[0].Servers))
	}
}
