package generator_test

import (
	"testing"

	"github.com/wharfinger/wharfinger/generator"
	"github.com/wharfinger/wharfinger/route"
)

// A proxy that the repository no longer has is told of, and nothing else: what
// may be somebody's front door is never taken away.
func TestProxyLeftBehind(t *testing.T) {
	desired, problems := route.Parse(route.Revision{Files: []route.File{{Path: "routes.yaml", Data: []byte(`
proxies: {edge: {image: nginx:1.30}}
pools: {shop: {servers: [192.0.2.1:80]}}
routes: {shop: {hosts: [shop.example.org], pool: shop}}
`)}}})
	if problems != nil {
		t.Fatal(problems)
	}
	live := &generator.Live{Proxies: []generator.ProxyService{
		{Proxy: "edge", Service: "wharfinger-edge"},
		{Proxy: "old", Service: "wharfinger-old"},
	}}
	model, problems := generator.Build(desired, live)
	want := "proxy old: it runs in the Swarm, but the repository no longer has it; it keeps what it serves (when nobody needs it any more: docker service rm wharfinger-old)"
	if len(problems) != 1 || problems[0].String() != want {
		t.Errorf("problems:\n got %v\nwant %s", problems, want)
	}
	if len(model.Proxies) != 1 || model.Proxies[0].Name != "edge" {
		t.Errorf("proxies of the model: got %v, want edge alone", model.Proxies)
	}
}
