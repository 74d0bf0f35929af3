package nginx_test

import (
	"net/http"
	"strings"
	"testing"
)

// Whom a policy or the defaults deny, no route lets in by a list of its own.
func reuseDenials(t *testing.T, w *wharf) {
	w.serve(t, `
		proxies: {edge: {image: "nginx:{{version}}", listen: {http: {{http}}}, status: {port: {{status}}}, defaults: {access: {deny: [127.0.0.2], allow: [127.0.0.0/29]}}}}
		policies:
		  banned: {access: {deny: [127.0.0.3], allow: [127.0.0.0/30]}}
		  wide: {access: {allow: [127.0.0.0/8]}}
		pools: {shop: {servers: [{{shop}}]}}
		routes:
		  default: {hosts: [default.example], pool: shop}
		  own: {hosts: [own.example], use: [banned], pool: shop, access: {deny: [127.0.0.1]}}
		  wide: {hosts: [wide.example], use: [banned, wide], pool: shop}
	`)
	for _, c := range []struct {
		host string
		in   string // the last numbers of the addresses that are let in
	}{
		{"default.example", "1 3 4"},
		{"own.example", ""},
		{"wide.example", "1 4 9"},
	} {
		var in []string
		for _, last := range []string{"1", "2", "3", "4", "9"} {
			switch a := w.get(t, "http://"+c.host+"/", from("127.0.0."+last)); {
			case a.Status == 200 && a.Peer == "shop":
				in = append(in, last)
			case a.Status != 403 || a.Peer != "":
				t.Errorf("%s from 127.0.0.%s: got %d from %q", c.host, last, a.Status, a.Peer)
			}
		}
		if got := strings.Join(in, " "); got != c.in {
			t.Errorf("%s lets in %q, want %q", c.host, got, c.in)
		}
	}
	for access, problem := range map[string]string{"allow: []": "this access allows nobody", "deny: []": "this deny lists nobody", "basic: off": `"off" is not the name of a secret`} {
		w.refused(t, `
			policies: {office: {access: {allow: [127.0.0.2]}}}
			pools: {shop: {servers: [{{shop}}]}}
			routes: {shop: {hosts: [shop.example], use: [office], pool: shop, access: {`+access+`}}}
		`, problem)
	}
}

// What a policy switches on, a route can put off, by the words that the manual
// lists.
func reuseOff(t *testing.T, w *wharf) {
	w.peer("app", func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Type", "text/plain")
		if strings.HasSuffix(r.URL.Path, "/kept") {
			rw.Header().Set("Cache-Control", "max-age=60")
		}
		if strings.HasSuffix(r.URL.Path, "/404") {
			rw.WriteHeader(404)
		}
		rw.Write([]byte(r.URL.Path + strings.Repeat(" ahoy", 500)))
	})
	cert, key := w.cert(t, "on.example", "off.example")
	w.secret("cert", cert)
	w.secret("key", key)
	w.serve(t, `
		proxies: {edge: {image: "nginx:{{version}}", listen: {http: {{http}}, https: {{https}}}, status: {port: {{status}}}}}
		policies:
		  all:
		    tls: {cert: cert, key: key, plain: serve}
		    hsts: true
		    rewrite: {strip: true}
		    cors: {origins: ["*"]}
		    infoHeaders: true
		    maxBody: 1k
		    compress: true
		    cache: true
		    errors: [{on: [404], respond: {status: 404, body: other}}]
		    log: false
		  limited: {limits: {rate: 1/m, connections: 1, bandwidth: 100}}
		  closed: {maintenance: true}
		pools: {app: {servers: [{{app}}]}}
		routes:
		  "on": {hosts: [on.example], paths: [/p], use: [all], pool: app}
		  "off":
		    hosts: [off.example]
		    paths: [/p]
		    use: [all, limited, closed]
		    pool: app
		    hsts: false
		    rewrite: {strip: false}
		    cors: {origins: []}
		    infoHeaders: false
		    maxBody: off
		    limits: {rate: off, connections: off, bandwidth: off}
		    compress: false
		    cache: false
		    errors: []
		    log: true
		    maintenance: false
		  limited: {hosts: [limited.example], use: [limited], pool: app}
		  closed: {hosts: [closed.example], use: [closed], pool: app}
	`)
	for host, on := range map[string]bool{"on.example": true, "off.example": false} {
		url := "https://" + host + "/p"
		a := w.get(t, url+"/x", withHeader("Origin", "https://other.example"), withHeader("Accept-Encoding", "gzip"))
		for _, name := range []string{"Strict-Transport-Security", "Access-Control-Allow-Origin", "X-Upstream-Addr", "Content-Encoding"} {
			if got := a.Header.Get(name); (got != "") != on {
				t.Errorf("%s: got %s %q", host, name, got)
			}
		}
		path := "/p/x "
		if on {
			path = "/x "
		}
		if a := w.get(t, url+"/x"); a.Status != 200 || !strings.HasPrefix(a.Body, path) {
			t.Errorf("%s: got %d, %.20q, want %q", host, a.Status, a.Body, path)
		}
		if a := w.get(t, url+"/404"); a.Status != 404 || (a.Body == "other") != on {
			t.Errorf("%s: a page that is missing: got %d, %.20q", host, a.Status, a.Body)
		}
		if a := w.get(t, url+"/body", withBody(strings.Repeat("x", 2<<20))); (a.Status == 413) != on {
			t.Errorf("%s: 2 MiB: got %d", host, a.Status)
		}
		before := len(w.saw(t, "app", 0))
		w.get(t, url+"/kept")
		w.get(t, url+"/kept")
		want := 2
		if on {
			want = 1
		}
		if got := len(w.saw(t, "app", before+want)) - before; got != want {
			t.Errorf("%s: of two requests for what may be kept the peer saw %d, want %d", host, got, want)
		}
	}
	if line := w.logged(t, "/p/404"); !strings.Contains(line, "off.example") {
		t.Errorf("got %q in the log, want what was asked of off.example alone", line)
	}
	if a := w.get(t, "http://closed.example/"); a.Status != 503 {
		t.Errorf("where maintenance stays: got %d, want 503", a.Status)
	}
	w.get(t, "http://limited.example/404", withMethod("HEAD"))
	if a := w.get(t, "http://limited.example/", withMethod("HEAD")); a.Status != 429 {
		t.Errorf("where the limits stay: got %d, want 429", a.Status)
	}
	w.refused(t, `
		policies: {copied: {mirror: shop}}
		pools: {shop: {servers: [{{shop}}]}}
		routes: {shop: {hosts: [shop.example], use: [copied], pool: shop, mirror: off}}
	`, `"off" is not a pool for copies`)
}
