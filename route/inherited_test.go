package route_test

import (
	"testing"

	"github.com/wharfinger/wharfinger/route"
)

// What a route inherits and cannot do with the streams of gRPC is nothing.
func TestInheritedByStreams(t *testing.T) {
	const text = `
proxies: {edge: {image: "nginx:1.30", defaults: {mirror: next, errors: [{on: [502], pool: next}, {on: [404], respond: 410}]}}}
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
	for name, want := range map[string]struct {
		mirror string
		rules  int
	}{"shop": {"next", 2}, "rpc": {"", 1}, "split": {"", 1}} {
		r := desired.Routes[name]
		if got := r.Mirror.Pool.Value; got != want.mirror {
			t.Errorf("route %s is mirrored to %q, want %q", name, got, want.mirror)
		}
		if len(r.Errors) != want.rules {
			t.Errorf("route %s has %d rules, want %d", name, len(r.Errors), want.rules)
		}
	}
}

// Who names the CA of clients' certificates asks for one, whatever others do.
func TestInheritedOptionalClients(t *testing.T) {
	const text = `
proxies: {edge: {image: "nginx:1.30", defaults: {tls: {cert: c, key: k, clients: {ca: one, optional: true}}}}}
pools: {shop: {service: shop, port: 80}}
routes:
  lax: {hosts: [lax.example], pool: shop}
  strict: {hosts: [strict.example], pool: shop, tls: {clients: strict-ca}}
`
	desired, problems := route.Parse(route.Revision{Files: []route.File{{Path: "a.yaml", Data: []byte(text)}}})
	if problems != nil {
		t.Fatal(problems)
	}
	for name, want := range map[string]bool{"lax": true, "strict": false} {
		if got := desired.Routes[name].TLS.Clients.Optional.Value; got != want {
			t.Errorf("route %s: optional is %t, want %t", name, got, want)
		}
	}
}
