package nginx_test

import (
	"testing"
)

// met is a request and who answers it.
type met struct {
	name, host, path string
	code             int
	peer             string
}

// meet holds that requests are answered as wanted, with their path untouched.
func (w *wharf) meet(t *testing.T, cases ...met) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			code, s := w.ask(t, "GET "+c.path+" HTTP/1.1", "Host: "+c.host)
			if code != c.code || s.Peer != c.peer {
				t.Fatalf("got %d from %q, want %d from %q", code, s.Peer, c.code, c.peer)
			}
			if code == 200 && s.Path != c.path {
				t.Errorf("the peer sees path %s, want %s", s.Path, c.path)
			}
		})
	}
}

func hostsExact(t *testing.T, w *wharf) {
	w.serve(t, `
		pools: {shop: {servers: [{{shop}}]}, other: {servers: [{{other}}]}}
		routes:
		  shop: {hosts: [shop.example], pool: shop}
		  wild: {hosts: ["*.wild.example"], pool: shop}
		  exact: {hosts: [exact.wild.example], pool: other}
	`)
	w.meet(t,
		met{"known host", "shop.example", "/", 200, "shop"},
		met{"exact before wildcard", "exact.wild.example", "/", 200, "other"},
	)
}

func hostsWildcard(t *testing.T, w *wharf) {
	w.serve(t, `
		pools: {shop: {servers: [{{shop}}]}}
		routes: {wild: {hosts: ["*.wild.example"], pool: shop}}
	`)
	w.meet(t,
		met{"one label", "a.wild.example", "/", 200, "shop"},
		met{"two labels", "a.b.wild.example", "/", 200, "shop"},
		met{"none", "wild.example", "/", 503, ""},
	)
	w.refused(t, `
		pools: {shop: {servers: [{{shop}}]}}
		routes: {wild: {hosts: ["a.*.example"], pool: shop}}
	`, `routes.yaml:2:25: "a.*.example" is not a host`)
}

func hostsUnknown(t *testing.T, w *wharf) {
	w.serve(t, `
		pools: {shop: {servers: [{{shop}}]}}
		routes: {shop: {hosts: [shop.example], pool: shop}}
	`)
	w.meet(t, met{"unknown host", "unknown.example", "/", 503, ""})
}

func pathsPrefix(t *testing.T, w *wharf) {
	w.serve(t, `
		pools: {shop: {servers: [{{shop}}]}}
		routes: {part: {hosts: [part.example], paths: [/v2], pool: shop}}
	`)
	w.meet(t,
		met{"unknown path", "part.example", "/", 404, ""},
		met{"the path itself", "part.example", "/v2", 200, "shop"},
		met{"below the path", "part.example", "/v2/x", 200, "shop"},
		met{"beside the path", "part.example", "/v20", 404, ""},
		met{"out of the path", "part.example", "/v2/../x", 404, ""},
	)
	w.refused(t, `
		pools: {shop: {servers: [{{shop}}]}}
		routes: {part: {hosts: [part.example], paths: [v2], pool: shop}}
	`, `"v2" is not a path`)
}

func pathsLongest(t *testing.T, w *wharf) {
	w.serve(t, `
		pools: {shop: {servers: [{{shop}}]}, other: {servers: [{{other}}]}}
		routes:
		  shop: {hosts: [shop.example], pool: shop}
		  v2: {hosts: [shop.example], paths: [/v2, /small/but/long], pool: other}
		  small: {hosts: [shop.example], paths: [/small], pool: shop}
	`)
	w.meet(t,
		met{"longest path", "shop.example", "/v2/x", 200, "other"},
		met{"longest path, beside it", "shop.example", "/v20", 200, "shop"},
		met{"longest of three", "shop.example", "/small/but/long/x", 200, "other"},
		met{"second of three", "shop.example", "/small/but", 200, "shop"},
	)
}

func poolsNoPeers(t *testing.T, w *wharf) {
	w.serve(t, `
		pools: {nobody: {service: nobody, port: 8080}}
		routes: {nobody: {hosts: [nobody.example], pool: nobody}}
	`)
	w.meet(t, met{"no peers", "nobody.example", "/", 503, ""})
	if len(w.problems) != 1 {
		t.Errorf("got %d problems, want one, of the service that is not there", len(w.problems))
	}
}

func poolsOnePeerDead(t *testing.T, w *wharf) {
	w.serve(t, `
		pools: {half: {servers: [{{dead}}, {{shop}}]}}
		routes: {half: {hosts: [half.example], pool: half}}
	`)
	for i := range 40 {
		method := []string{"GET", "POST"}[i%2]
		if code, s := w.ask(t, method+" / HTTP/1.1", "Host: half.example", "Content-Length: 0"); code != 200 || s.Peer != "shop" {
			t.Errorf("%s number %d: got %d from %q, want 200 from shop", method, i, code, s.Peer)
		}
	}
}

func poolsBackup(t *testing.T, w *wharf) {
	w.serve(t, `
		pools: {spare: {servers: [{{dead}}, {address: {{other}}, backup: true}]}}
		routes: {spare: {hosts: [spare.example], pool: spare}}
	`)
	for i := range 10 {
		if code, s := w.ask(t, "GET / HTTP/1.1", "Host: spare.example"); code != 200 || s.Peer != "other" {
			t.Errorf("number %d: got %d from %q, want 200 from other", i, code, s.Peer)
		}
	}
	w.refused(t, `
		pools: {spare: {servers: [{address: {{other}}, backup: true}]}}
		routes: {spare: {hosts: [spare.example], pool: spare}}
	`, "has backup servers only")
}
