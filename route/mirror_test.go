package route_test

import (
	"testing"

	"github.com/wharfinger/wharfinger/route"
)

// A mirror that a route inherits and has no use for is nothing.
func TestInheritedMirror(t *testing.T) {
	const text = `
proxies: {edge: {image: "nginx:1.30", defaults: {mirror: next}}}
pools:
  shop: {service: shop, port: 80}
  next: {service: next, port: 80}
  rpc: {service: rpc, port: 80, protocol: grpc}
routes:
  shop: {hosts: [shop.example], pool: shop}
  rpc: {hosts: [rpc.example], pool: rpc}
  split: {hosts: [split.example], split: {shop: 1, rpc: 1}}
`
	desired, problems := route.Parse(route.Revision{Files: []route.File{{Path: "a.yaml", Data: []byte(text)}}})
	if problems != nil {
		t.Fatal(problems)
	}
	for name, want := range map[string]string{"shop": "next", "rpc": "", "split": ""} {
		if got := desired.Routes[name].Mirror.Pool.Value; got != want {
			t.Errorf("route %s is mirrored to %q, want %q", name, got, want)
		}
	}
}
