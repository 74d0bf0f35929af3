package route_test

import (
	"slices"
	"testing"

	"github.com/wharfinger/wharfinger/route"
)

func TestSecrets(t *testing.T) {
	desired, problems := route.Parse(route.Revision{Files: []route.File{{Path: "a.yaml", Data: []byte(`
proxies: {edge: {image: "nginx:1.30", defaults: {tls: {cert: wild, key: wild-key}}}}
pools: {demo: {servers: [10.0.0.5:443], tls: {ca: inner-ca, name: demo.internal, cert: inner, key: inner-key}}}
policies: {staff: {tls: {clients: staff-ca}, access: {basic: passwords}}}
routes: {demo: {hosts: [demo.local], pool: demo, use: [staff], tls: {key: own-key}}}
streams: {pg: {listen: 5432, pool: demo, tls: {cert: pg, key: own-key}}}
`)}}})
	if problems != nil {
		t.Fatal(problems)
	}
	want := []string{"inner", "inner-ca", "inner-key", "own-key", "passwords", "pg", "staff-ca", "wild", "wild-key"}
	if got := desired.Secrets(); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
