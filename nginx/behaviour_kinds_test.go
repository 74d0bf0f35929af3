package nginx_test

import "testing"

// The kind of a fallback pool, and of one that decides or gets copies, counts.
func errorsPoolKinds(t *testing.T, w *wharf) {
	w.secret("ca", w.ca(t))
	w.serve(t, `
		pools:
		  dead: {servers: [{{dead}}]}
		  safe: {servers: [{{tls.safe}}], tls: {ca: ca}, host: safe.internal}
		  shop: {servers: [{{shop}}]}
		routes:
		  safe: {hosts: [safe.example], pool: dead, errors: [{on: [502], pool: safe}]}
		  asked: {hosts: [asked.example], pool: shop, access: {auth: {pool: safe}}}
		  copied: {hosts: [copied.example], pool: shop, mirror: safe}
	`)
	a := w.get(t, "http://safe.example/x", withBody("ahoy"))
	if a.Status != 200 || a.Peer != "safe" || a.Saw.SNI != "safe.internal" || a.Saw.Host != "safe.internal" || a.Saw.Body != "ahoy" {
		t.Errorf("TLS: got %d from %q, which saw %+v", a.Status, a.Peer, a.Saw)
	}
	if a := w.get(t, "http://asked.example/x"); a.Status != 200 || a.Peer != "shop" {
		t.Errorf("asked by TLS: got %d from %q", a.Status, a.Peer)
	}
	w.get(t, "http://copied.example/copy")
	for i, s := range w.saw(t, "safe", 3) {
		if s.Host != "safe.internal" || s.SNI != "safe.internal" {
			t.Errorf("request %d: the pool with TLS saw host %q and the name %q", i, s.Host, s.SNI)
		}
	}
	if s := w.saw(t, "safe", 3)[2]; s.Path != "/copy" || s.Header.Get("X-Mirror") != "copied" || s.Header.Get("X-Real-Ip") != "127.0.0.1" {
		t.Errorf("a copy by TLS: the mirror saw %+v", s)
	}
}
