package nginx_test

import (
	"net/http"
	"testing"
)

// What peers are to believe of a request, nobody brings by another way.

func spoofAuthHeaders(t *testing.T, w *wharf) {
	w.peer("door", func(rw http.ResponseWriter, r *http.Request) { rw.Header().Set("X-User", "ahab") })
	w.serve(t, `
		pools: {shop: {servers: [{{shop}}]}, other: {servers: [{{other}}]}, door: {servers: [{{door}}]}}
		routes:
		  shop: {hosts: [shop.example], access: {auth: {pool: door, headers: [X-User]}}, pool: shop}
		  public: {hosts: [shop.example], paths: [/public], pool: shop}
		  own: {hosts: [shop.example], paths: [/own], headers: {request: {set: {X-User: nobody}}}, pool: shop}
		  split: {hosts: [split.example], split: {shop: 1, other: 0}}
		  other: {hosts: [other.example], pool: other}
	`)
	forged := withHeader("X-User", "mallory")
	for url, want := range map[string]string{
		"http://shop.example/":       "ahab",
		"http://shop.example/public": "",
		"http://shop.example/own":    "nobody",
		"http://split.example/":      "",
		"http://other.example/":      "mallory", // whose pool believes nobody's word on it
	} {
		if a := w.get(t, url, forged); a.Status != 200 || a.Saw.Header.Get("X-User") != want {
			t.Errorf("%s: got %d, and the peer sees X-User %q, want %q", url, a.Status, a.Saw.Header.Get("X-User"), want)
		}
	}
}

func spoofClientHeaders(t *testing.T, w *wharf) {
	w.certified(t, "staff", "staff.example")
	w.secret("staff-ca", w.ca(t))
	w.serve(t, `
		proxies:
		  a-public: {image: "nginx:{{version}}", listen: {http: {{http}}}, status: {port: {{status}}}}
		  staff: {image: "nginx:{{version}}"}
		pools: {shop: {servers: [{{shop}}]}}
		routes:
		  public: {proxy: a-public, hosts: [shop.example], pool: shop}
		  staff: {proxy: staff, hosts: [staff.example], tls: {cert: staff, key: staff-key, clients: staff-ca}, pool: shop}
	`)
	a := w.get(t, "http://shop.example/", withHeader("X-Client-Verify", "SUCCESS"), withHeader("X-Client-Subject", "CN=admin"), withHeader("X-Client-Fingerprint", "00"))
	for _, name := range []string{"X-Client-Verify", "X-Client-Subject", "X-Client-Fingerprint"} {
		if got := a.Saw.Header.Get(name); got != "" {
			t.Errorf("the peer sees %s %q from a proxy that asks for no certificates, want none", name, got)
		}
	}
}

// A pool may be called like what the proxy calls its own locations.
func spoofNames(t *testing.T, w *wharf) {
	w.serve(t, `
		pools: {maintenance: {servers: [{{a}}]}, stream: {servers: [{{b}}]}}
		routes:
		  shop: {hosts: [shop.example], split: {maintenance: 1, stream: 1}, splitBy: uri, maintenance: {except: [127.0.0.1]}}
	`)
	peers := map[string]bool{}
	for _, path := range []string{"/a", "/b", "/c", "/d", "/e", "/f", "/g", "/h"} {
		a := w.get(t, "http://shop.example"+path)
		if a.Status != 200 {
			t.Errorf("%s: got %d for somebody who is let in", path, a.Status)
		}
		peers[a.Peer] = true
	}
	if len(peers) != 2 {
		t.Errorf("8 paths meet %v, want both pools", peers)
	}
}
