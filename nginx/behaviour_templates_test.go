package nginx_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/wharfinger/wharfinger/generator"
	"github.com/wharfinger/wharfinger/nginx"
	"github.com/wharfinger/wharfinger/route"
)

func templatesOwn(t *testing.T, w *wharf) {
	const routes = `
		pools: {shop: {servers: [{{shop}}]}}
		routes: {shop: {hosts: [shop.example], pool: shop}}
	`
	own := func(location string) {
		var err error
		w.templates, err = generator.OwnTemplates(map[string]string{"server.conf.tmpl": `server {
    listen {{ .Proxy.HTTP }};
    server_name {{ quote .Server.Host }};
    location / {
        ` + location + `
    }
}
`})
		if err != nil {
			t.Fatal(err)
		}
	}
	own(`return 200 {{ quote .Server.Host }};`)
	w.serve(t, routes)
	if a := w.get(t, "http://shop.example/"); a.Status != 200 || a.Body != "shop.example" {
		t.Errorf("got %d and %q, want what the operator's own template answers", a.Status, a.Body)
	}
	if got := w.saw(t, "shop", 0); len(got) != 0 {
		t.Errorf("the peer saw %+v, but nothing leads there", got)
	}

	// It may have no more than any other file.
	own(`alias /run/secrets/;`)
	err := nginx.Tester{Path: w.program}.Test(t.Context(), w.rollout(t, routes).Shards)
	var refused *nginx.Refused
	if !errors.As(err, &refused) || !refused.Unasked || !strings.HasPrefix(refused.Refusal(), `"alias" is not allowed in location in routes/`) {
		t.Errorf("a template with alias: got %v, want it refused", err)
	}
}

func templatesSnippets(t *testing.T, w *wharf) {
	const routes = `
		proxies:
		  edge:
		    image: "nginx:{{version}}"
		    listen: {http: {{http}}}
		    status: {port: {{status}}}
		    snippet: |
		      map $http_user_agent $robot {
		          default 0;
		          "~bot"  1;
		      }  # and no more
		pools: {shop: {servers: [{{shop}}]}, next: {servers: [{{next}}]}}
		routes:
		  shop:
		    hosts: [shop.example]
		    pool: shop
		    snippet: |
		      if ($robot) { return 403 "}{ no;"; }
		      add_header X-Two "one
		        two";
		      proxy_read_timeout 5m;
		      proxy_buffering off;
		  beta:
		    hosts: [shop.example]
		    when: {cookies: {beta: "*"}}
		    pool: shop
		    snippet: |
		      proxy_set_header X-Beta 1;
		      proxy_set_header x-real-ip "";
		      add_header X-Path $uri;
		  old:
		    hosts: [shop.example]
		    paths: [/old]
		    when: {cookies: {beta: "*"}}
		    pool: shop
		    snippet: rewrite ^/old/(.*)$ /new/$1 break;
		  split:
		    hosts: [split.example]
		    split: {shop: 50, next: 50}
		    splitBy: query:by
		    snippet: rewrite ^/(.*)$ /more/$1 break;
	`
	w.refused(t, routes, "snippets are not allowed here")
	w.permissions = []route.Permission{route.Snippets}
	w.serve(t, routes)

	if a := w.get(t, "http://shop.example/", withHeader("User-Agent", "a bot")); a.Status != 403 || a.Body != "}{ no;" {
		t.Errorf("a robot: got %d and %q, want what the snippets say", a.Status, a.Body)
	}
	a := w.get(t, "http://shop.example/a%2Fb")
	if a.Peer != "shop" || a.Saw.Path != "/a%2Fb" || a.Saw.Header.Get("X-Real-IP") != "127.0.0.1" {
		t.Errorf("somebody else: got %+v", a)
	}
	if two := a.Header.Get("X-Two"); !strings.HasPrefix(two, "one") || strings.Contains(two, "          two") {
		t.Errorf("a word over two lines: got %q, want it as it was written", two)
	}

	a = w.get(t, "http://shop.example/a%2Fb?c=d", withCookie("beta", "1"))
	if a.Saw.Path != "/a%2Fb" || a.Saw.Query != "c=d" || a.Header.Get("X-Path") != "/a/b" {
		t.Errorf("behind a condition the peer saw %s?%s, and the snippet %s", a.Saw.Path, a.Saw.Query, a.Header.Get("X-Path"))
	}
	for name, want := range map[string]string{"X-Beta": "1", "X-Real-Ip": "", "X-Forwarded-For": "127.0.0.1", "X-Forwarded-Host": a.Saw.Host} {
		if got := strings.Join(a.Saw.Header.Values(name), "|"); got != want {
			t.Errorf("the peer saw %s: %q, want %q", name, got, want)
		}
	}
	if a.Saw.Host != "shop.example" {
		t.Errorf("the peer saw the host %q, want shop.example", a.Saw.Host)
	}
	if a := w.get(t, "http://shop.example/old/x", withCookie("beta", "1")); a.Saw.Path != "/new/x" {
		t.Errorf("a snippet that rewrites: the peer saw %s, want /new/x", a.Saw.Path)
	}

	// Events are led through a location of their own, snippet and all.
	if a := w.get(t, "http://shop.example/a%2Fb", withHeader("Accept", "text/event-stream")); a.Saw.Path != "/a%2Fb" || !strings.HasPrefix(a.Header.Get("X-Two"), "one") {
		t.Errorf("events: the peer saw %s, and the client %v", a.Saw.Path, a.Header)
	}
	if a := w.get(t, "http://shop.example/old/x", withCookie("beta", "1"), withHeader("Accept", "text/event-stream")); a.Saw.Path != "/new/x" {
		t.Errorf("events and a snippet that rewrites: the peer saw %s, want /new/x", a.Saw.Path)
	}

	peers := map[string]int{}
	for by := range 40 {
		a := w.get(t, fmt.Sprintf("http://split.example/x?by=%d", by))
		if peers[a.Peer]++; a.Saw.Path != "/more/x" {
			t.Errorf("the snippet of a split: the peer saw %s, want /more/x", a.Saw.Path)
		}
	}
	if peers["shop"] == 0 || peers["next"] == 0 {
		t.Errorf("the split led to %v, want both", peers)
	}
}

// templatesSnippetsBounds tries what only shows when all files are there.
func templatesSnippetsBounds(t *testing.T, w *wharf) {
	const routes = `
		proxies:
		  edge:
		    image: "nginx:{{version}}"
		    listen: {http: {{http}}}
		    status: {port: {{status}}}
		    snippet: map $http_to $to { %s; }
		pools: {shop: {servers: [{{shop}}]}}
		routes:
		  shop:
		    hosts: [shop.example]
		    pool: shop
		    snippet: |
		      location /to { proxy_pass http://$to; }
		      location /key { rewrite ^ /../run/secrets/key break; }
	`
	w.permissions = []route.Permission{route.Snippets}
	w.secret("key", []byte("a secret"))
	w.serve(t, fmt.Sprintf(routes, "default shop"))
	if a := w.get(t, "http://shop.example/to", withHeader("To", "192.0.2.1")); a.Peer != "shop" {
		t.Errorf("a variable with one value: got %+v, want an answer from shop", a)
	}
	if a := w.get(t, "http://shop.example/key"); a.Status != 404 {
		t.Errorf("a path to a secret: got %d and %q, want 404", a.Status, a.Body)
	}

	rollout := w.rollout(t, fmt.Sprintf(routes, "default $http_to"))
	err := nginx.Tester{Path: w.program}.Test(t.Context(), rollout.Shards)
	var refused *nginx.Refused
	if !errors.As(err, &refused) || !refused.Unasked || !strings.HasPrefix(refused.Refusal(), "the values of $to are not fixed, but it leads to a host in routes/") {
		t.Errorf("a client's word for a host: got %v, want it refused", err)
	}
}
