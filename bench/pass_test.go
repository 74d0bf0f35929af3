// Package bench measures what a pass costs. Every step is one benchmark over the
// same repository and live state, and `nginx -t` on the result stands beside
// them, so that a figure is read as a ratio and not as a time.
package bench

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/wharfinger/wharfinger/generator"
	"github.com/wharfinger/wharfinger/lab"
	"github.com/wharfinger/wharfinger/nginx"
	"github.com/wharfinger/wharfinger/route"
)

const routes = 1000

// repository makes a repository and a live state of a size, the same each time:
// a file for every hundred routes, pools of 1 to 20 tasks.
func repository(n int) (route.Revision, *generator.Live) {
	random := rand.New(rand.NewPCG(1, 2))
	rev := route.Revision{ID: "bench", Files: []route.File{
		{Path: "proxies.yaml", Data: []byte("proxies: {edge: {image: nginx:1.30}}\n")},
	}}
	live := &generator.Live{}
	for i := range 100 {
		live.Nodes = append(live.Nodes, generator.Node{ID: fmt.Sprintf("n%d", i), Hostname: fmt.Sprintf("wrk-%03d", i),
			Role: "worker", State: "ready", Addr: fmt.Sprintf("10.0.%d.%d", i/250, 1+i%250)})
	}
	for file := 0; file < n; file += 100 {
		var pools, routed strings.Builder
		for i := file; i < min(file+100, n); i++ {
			fmt.Fprintf(&pools, "  shop-%d: {service: shop-%d, port: 8080}\n", i, i)
			fmt.Fprintf(&routed, "  shop-%d:\n    hosts: [shop-%d.example.org, www.shop-%d.example.org]\n    paths: [/, /api]\n    pool: shop-%d\n", i, i, i, i)
			service := fmt.Sprintf("s%d", i)
			live.Services = append(live.Services, generator.Service{ID: service, Name: fmt.Sprintf("shop-%d", i)})
			for t := range 1 + random.IntN(20) {
				live.Tasks = append(live.Tasks, generator.Task{
					ID: fmt.Sprintf("%s-t%d", service, t), Service: service, Node: fmt.Sprintf("n%d", random.IntN(100)), State: "running",
					Ports: []generator.Port{{Protocol: "tcp", Target: 8080, Published: 30000 + random.IntN(30000)}},
				})
			}
		}
		text := "pools:\n" + pools.String() + "routes:\n" + routed.String()
		rev.Files = append(rev.Files, route.File{Path: fmt.Sprintf("routes-%05d.yaml", file), Data: []byte(text)})
	}
	return rev, live
}

func parsed(b *testing.B, rev route.Revision) *route.Desired {
	b.Helper()
	desired, problems := route.Parse(rev)
	if problems != nil {
		b.Fatal(problems)
	}
	return desired
}

func BenchmarkParse(b *testing.B) {
	rev, _ := repository(routes)
	for b.Loop() {
		parsed(b, rev)
	}
}

func BenchmarkBuild(b *testing.B) {
	rev, live := repository(routes)
	desired := parsed(b, rev)
	for b.Loop() {
		generator.Build(desired, live)
	}
}

func BenchmarkRender(b *testing.B) {
	rev, live := repository(routes)
	model, _ := generator.Build(parsed(b, rev), live)
	for b.Loop() {
		if _, err := generator.Render(model.Proxies[0]); err != nil {
			b.Fatal(err)
		}
	}
}

func packed(b *testing.B) (generator.Proxy, generator.Files) {
	b.Helper()
	rev, live := repository(routes)
	model, _ := generator.Build(parsed(b, rev), live)
	files, err := generator.Render(model.Proxies[0])
	if err != nil {
		b.Fatal(err)
	}
	return model.Proxies[0], files
}

func BenchmarkPack(b *testing.B) {
	proxy, files := packed(b)
	for b.Loop() {
		if _, err := generator.Pack("bench", proxy, files, nil); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkNginxTest is what the others are compared with.
func BenchmarkNginxTest(b *testing.B) {
	path, err := lab.Nginx(b.Context(), "1.30")
	if err != nil {
		b.Fatal(err)
	}
	proxy, files := packed(b)
	rollout, err := generator.Pack("bench", proxy, files, nil)
	if err != nil {
		b.Fatal(err)
	}
	tester := nginx.Tester{Path: path}
	for b.Loop() {
		if err := tester.Test(b.Context(), rollout.Shards); err != nil {
			b.Fatal(err)
		}
	}
}
