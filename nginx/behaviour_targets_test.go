package nginx_test

import (
	"fmt"
	"math"
	"net/http"
	"strings"
	"testing"
)

// leads is a request and where its answer sends the client.
type leads struct {
	url    string
	status int
	to     string // with {{http}} for nginx's port; "" is nowhere
}

func (w *wharf) redirected(t *testing.T, cases ...leads) {
	t.Helper()
	for _, c := range cases {
		a := w.get(t, strings.ReplaceAll(c.url, "{{http}}", fmt.Sprint(w.port(t, "http"))))
		want := strings.ReplaceAll(c.to, "{{http}}", fmt.Sprint(w.port(t, "http")))
		if got := a.Header.Get("Location"); a.Status != c.status || got != want {
			t.Errorf("%s: got %d to %q, want %d to %q", c.url, a.Status, got, c.status, want)
		}
	}
}

func redirectWhole(t *testing.T, w *wharf) {
	w.serve(t, `
		routes:
		  site: {hosts: [site.example], redirect: "https://www.site.example"}
		  page: {hosts: [page.example], redirect: {to: "https://www.page.example/new", status: 308}}
		  here: {hosts: [here.example], redirect: /new}
		  drop: {hosts: [drop.example], redirect: "/new?"}
	`)
	w.redirected(t,
		leads{"http://site.example/a%2Fb?c=d", 302, "https://www.site.example/a%2Fb?c=d"},
		leads{"http://page.example/a?c=d", 308, "https://www.page.example/new?c=d"},
		leads{"http://page.example/a", 308, "https://www.page.example/new"},
		leads{"http://here.example/a", 302, "http://here.example/new"},
		leads{"http://drop.example/a?c=d", 302, "http://drop.example/new?"},
		leads{"http://site.example/%0d%0aSet-Cookie:%20x=y", 302, "https://www.site.example/%0d%0aSet-Cookie:%20x=y"},
		leads{"http://site.example//evil.example", 302, "https://www.site.example//evil.example"},
	)
	w.refused(t, `routes: {site: {hosts: [site.example], redirect: "javascript:alert(1)"}}`, "is not an address to go to")
}

func redirectParts(t *testing.T, w *wharf) {
	w.certified(t, "plain", "plain.example")
	w.serve(t, `
		routes:
		  scheme: {hosts: [scheme.example], redirect: {scheme: https, status: 301}}
		  host: {hosts: [host.example], redirect: {host: new.example, status: 307}}
		  port: {hosts: [port.example], redirect: {port: 8443, scheme: https}}
		  path: {hosts: [path.example], redirect: {path: /all, status: 303}}
		  plain: {hosts: [plain.example], redirect: {scheme: http}, tls: {cert: plain, key: plain-key}}
		  whole: {hosts: [plain.example], paths: [/whole], redirect: "http://old.example"}
	`)
	w.redirected(t,
		leads{"http://scheme.example/a?b", 301, "https://scheme.example/a?b"},
		leads{"http://host.example/a?b", 307, "http://new.example/a?b"},
		leads{"http://port.example/a?b", 302, "https://port.example:8443/a?b"},
		leads{"http://path.example/a?b", 303, "http://path.example/all?b"},
		leads{"https://plain.example/a?b", 302, "http://plain.example/a?b"},
		leads{"https://plain.example/whole?b", 302, "http://old.example/whole?b"},
	)
	w.refused(t, `routes: {site: {hosts: [site.example], redirect: {status: 301}}}`, "this redirect leads nowhere")
	w.refused(t, `routes: {site: {hosts: [site.example], redirect: {scheme: ftp}}}`, `"ftp" is not a scheme`)
}

func redirectRegex(t *testing.T, w *wharf) {
	w.serve(t, `
		routes:
		  shop: {hosts: [shop.example], redirect: {regex: "^/items/([0-9]+)(/.*)?$", path: "/i/$1$2", host: new.example, status: 301}}
		  query: {hosts: [query.example], redirect: {regex: "^/items/(.*)$", path: "/i?id=$1"}}
	`)
	w.redirected(t,
		leads{"http://shop.example/items/17/a%2Fb?c=d", 301, "http://new.example/i/17/a%2Fb?c=d"},
		leads{"http://shop.example/items/17", 301, "http://new.example/i/17"},
		leads{"http://shop.example/other", 404, ""},
		leads{"http://query.example/items/17?c=d", 302, "http://query.example/i?id=17"},
		leads{"http://query.example:{{http}}/items/17", 302, "http://query.example:{{http}}/i?id=17"},
	)
	w.refused(t, `routes: {a: {hosts: [a.example], redirect: {regex: "^/items/[0-9]+$", path: "/i/$1"}}}`, "there is no group $1")
}

func redirectCanonical(t *testing.T, w *wharf) {
	w.serve(t, `
		pools: {shop: {servers: [{{shop}}]}}
		routes: {shop: {hosts: [shop.example, www.shop.example], canonical: www.shop.example, pool: shop}}
	`)
	w.redirected(t,
		leads{"http://shop.example/a%2Fb?c", 301, "http://www.shop.example/a%2Fb?c"},
		leads{"http://www.shop.example/a%2Fb?c", 200, ""},
	)
	if a := w.get(t, "http://www.shop.example/"); a.Peer != "shop" {
		t.Errorf("the one host: got %d from %q, want an answer from shop", a.Status, a.Peer)
	}
	w.refused(t, `
		pools: {shop: {servers: [{{shop}}]}}
		routes: {shop: {hosts: [shop.example], canonical: www.shop.example, pool: shop}}
	`, "does not have the host www.shop.example")
}

func redirectSlash(t *testing.T, w *wharf) {
	w.serve(t, `
		pools: {shop: {servers: [{{shop}}]}}
		routes:
		  add: {hosts: [add.example], slash: add, pool: shop}
		  remove: {hosts: [remove.example], slash: remove, pool: shop}
	`)
	w.redirected(t,
		leads{"http://add.example/a?b", 301, "http://add.example/a/?b"},
		leads{"http://add.example/a/", 200, ""},
		leads{"http://add.example/a/style.css", 200, ""},
		leads{"http://add.example/", 200, ""},
		leads{"http://remove.example/a/?b", 301, "http://remove.example/a?b"},
		leads{"http://remove.example/a//", 301, "http://remove.example/a"},
		leads{"http://remove.example/a", 200, ""},
		leads{"http://remove.example/", 200, ""},
		leads{"http://remove.example:{{http}}/a/", 301, "http://remove.example:{{http}}/a"},
	)
	w.refused(t, `
		pools: {shop: {servers: [{{shop}}]}}
		routes: {shop: {hosts: [shop.example], slash: both, pool: shop}}
	`, `"both" is not what to do with slashes`)
}

func respondFixed(t *testing.T, w *wharf) {
	long := strings.Repeat(`"$dollar\\ `, 5000)
	w.serve(t, `
		routes:
		  status: {hosts: [status.example], respond: 204}
		  text: {hosts: [text.example], respond: {body: "User-agent: *\nDisallow: /\t$uri \"ü\"\n"}}
		  html: {hosts: [html.example], respond: {status: 410, type: text/html, body: "<h1>gone</h1>"}}
		  long: {hosts: [long.example], respond: {body: '`+long+`'}}
		  empty: {hosts: [empty.example], respond: {type: application/json}}
		  three: {hosts: [three.example], respond: {status: 300, type: application/json}}
		  bare: {hosts: [bare.example], respond: 404}
		  typed: {hosts: [typed.example], respond: {status: 410, body: "", type: application/json}}
		  down: {hosts: [down.example], respond: 200, maintenance: {body: "", type: text/plain}}
	`)
	for _, c := range []struct {
		host      string
		status    int
		kind, say string
	}{
		{"status.example", 204, "", ""},
		{"text.example", 200, "text/plain; charset=utf-8", "User-agent: *\nDisallow: /\t$uri \"ü\"\n"},
		{"html.example", 410, "text/html; charset=utf-8", "<h1>gone</h1>"},
		{"long.example", 200, "text/plain; charset=utf-8", long},
	} {
		a := w.get(t, "http://"+c.host+"/")
		if a.Status != c.status || a.Body != c.say || c.kind != "" && a.Header.Get("Content-Type") != c.kind {
			t.Errorf("%s: got %d, %s, %d bytes %.60q; want %d, %s, %d bytes %.60q", c.host,
				a.Status, a.Header.Get("Content-Type"), len(a.Body), a.Body, c.status, c.kind, len(c.say), c.say)
		}
	}
	// Where there is nothing to send, nginx shows its own page from 400 on.
	for host, status := range map[string]int{"empty": 200, "three": 300, "bare": 404, "typed": 410, "down": 503} {
		a := w.get(t, "http://"+host+".example/")
		kind, page := a.Header.Get("Content-Type"), strings.Contains(a.Body, "<hr><center>nginx")
		if a.Status != status || page != (status >= 400) || !page && a.Body != "" || page && kind != "text/html; charset=utf-8" {
			t.Errorf("%s without a body: got %d, %q, %q", host, a.Status, kind, a.Body)
		}
	}
	w.refused(t, `routes: {a: {hosts: [a.example], respond: {status: 204, body: no}}}`, "has no body")
	for status, problem := range map[string]string{
		"301": "301 says that the answer is elsewhere", "308": "308 says that the answer is elsewhere",
		"444": "444 is a word of nginx", "494": "494 is a word of nginx", "499": "499 is a word of nginx",
	} {
		w.refused(t, `routes: {a: {hosts: [a.example], respond: `+status+`}}`, problem)
	}
}

func rewriteStrip(t *testing.T, w *wharf) {
	w.serve(t, `
		pools: {shop: {servers: [{{shop}}]}}
		routes:
		  shop: {hosts: [shop.example], paths: [/shop, /shop/v2, "= /only"], rewrite: {strip: true}, pool: shop}
		  post: {hosts: [shop.example], paths: [/post], when: {methods: [POST]}, rewrite: {strip: true}, pool: shop}
	`)
	w.arrives(t,
		arrival{"http://shop.example/shop", "/"},
		arrival{"http://shop.example/shop/", "/"},
		arrival{"http://shop.example/shop/a%20b?c=d%2Fe", "/a%20b?c=d%2Fe"},
		arrival{"http://shop.example/shop/v2/a", "/a"},
		arrival{"http://shop.example/shop/v20", "/v20"},
		arrival{"http://shop.example/only", "/"},
	)
	if a := w.get(t, "http://shop.example/post/a?b", withMethod("POST")); a.Saw.Path != "/a" || a.Saw.Query != "b" {
		t.Errorf("behind a condition: the peer sees %s?%s, want /a?b", a.Saw.Path, a.Saw.Query)
	}
	w.refused(t, `
		pools: {shop: {servers: [{{shop}}]}}
		routes: {shop: {hosts: [shop.example], paths: ["~ ^/a"], rewrite: {strip: true}, pool: shop}}
	`, "strip and prefix are for plain paths")
}

// arrival is a request and what the peer sees of it.
type arrival struct{ url, want string }

func (w *wharf) arrives(t *testing.T, cases ...arrival) {
	t.Helper()
	for _, c := range cases {
		a := w.get(t, c.url)
		got := a.Saw.Path
		if a.Saw.Query != "" {
			got += "?" + a.Saw.Query
		}
		if a.Status != http.StatusOK || got != c.want {
			t.Errorf("%s: got %d, and the peer sees %q, want 200 and %q", c.url, a.Status, got, c.want)
		}
	}
}

func rewritePrefix(t *testing.T, w *wharf) {
	w.serve(t, `
		pools: {shop: {servers: [{{shop}}]}}
		routes:
		  new: {hosts: [shop.example], paths: [/old], rewrite: {prefix: /new/}, pool: shop}
		  add: {hosts: [add.example], rewrite: {prefix: /app}, pool: shop}
		  root: {hosts: [root.example], paths: [/old], rewrite: {prefix: /}, pool: shop}
	`)
	w.arrives(t,
		arrival{"http://shop.example/old", "/new"},
		arrival{"http://shop.example/old/a?b=c", "/new/a?b=c"},
		arrival{"http://add.example/", "/app/"},
		arrival{"http://add.example/a", "/app/a"},
		arrival{"http://root.example/old/a", "/a"},
	)
	w.refused(t, `
		pools: {shop: {servers: [{{shop}}]}}
		routes: {shop: {hosts: [shop.example], rewrite: {prefix: new}, pool: shop}}
	`, "a path starts with /")
}

func rewriteRegex(t *testing.T, w *wharf) {
	w.serve(t, `
		pools: {shop: {servers: [{{shop}}]}}
		routes:
		  shop: {hosts: [shop.example], rewrite: {regex: "^/items/([0-9]+)/(.*)$", to: "/$2/$1"}, pool: shop}
		  when: {hosts: [shop.example], when: {query: {q: "*"}}, rewrite: {regex: "^/items/(.*)$", to: "/find?item=$1"}, pool: shop}
	`)
	w.arrives(t,
		arrival{"http://shop.example/items/17/a%20b", "/a%20b/17"},
		arrival{"http://shop.example/other/17", "/other/17"},
		arrival{"http://shop.example/items/17?q=x", "/find?item=17&q=x"},
		arrival{"http://shop.example/other?q=x", "/other?q=x"},
	)
	w.refused(t, `
		pools: {shop: {servers: [{{shop}}]}}
		routes: {shop: {hosts: [shop.example], rewrite: {regex: "^/a"}, pool: shop}}
	`, "regex and to belong together")
}

func splitWeights(t *testing.T, w *wharf) {
	w.serve(t, `
		pools: {shop: {servers: [{{shop}}]}, next: {servers: [{{next}}]}, none: {service: none, port: 80}, off: {servers: [{{off}}]}}
		routes:
		  shop: {hosts: [shop.example], split: {shop: 3, next: 1, none: 4, off: 0}}
		  when: {hosts: [shop.example], paths: [/when], when: {methods: [POST]}, split: {shop: 1, next: 1}}
	`)
	const asks = 400
	got := map[string]float64{}
	for range asks {
		got[w.get(t, "http://shop.example/a%2Fb?c").Peer]++
	}
	// Four standard deviations: one false alarm in 16,000 runs.
	if want, off := 0.25*asks, 4*math.Sqrt(asks*0.25*0.75); math.Abs(got["next"]-want) > off || got["shop"]+got["next"] != asks {
		t.Errorf("of %d requests: got %v, want about %.0f for next and the rest for shop", asks, got, want)
	}
	if a := w.get(t, "http://shop.example/a%2Fb?c"); a.Saw.Path != "/a%2Fb" || a.Saw.Query != "c" {
		t.Errorf("the peer sees %s?%s, want the path as it was", a.Saw.Path, a.Saw.Query)
	}
	seen := map[string]bool{}
	for range 50 {
		a := w.get(t, "http://shop.example/when/a%2Fb", withMethod("POST"))
		if a.Saw.Path != "/when/a%2Fb" {
			t.Fatalf("behind a condition: the peer sees %s, want /when/a%%2Fb", a.Saw.Path)
		}
		seen[a.Peer] = true
	}
	if !seen["shop"] || !seen["next"] {
		t.Errorf("behind a condition: got %v, want both", seen)
	}
	w.refused(t, `
		pools: {shop: {servers: [{{shop}}]}}
		routes: {shop: {hosts: [shop.example], split: {shop: 1, shop: 2}}}
	`, `split has "shop" already`)
}

func splitSticky(t *testing.T, w *wharf) {
	w.serve(t, `
		pools: {shop: {servers: [{{shop}}]}, next: {servers: [{{next}}]}}
		routes:
		  client: {hosts: [client.example], split: {shop: 1, next: 1}, splitBy: client}
		  cookie: {hosts: [cookie.example], split: {shop: 1, next: 1}, splitBy: "cookie:session-id"}
		  path: {hosts: [path.example], split: {shop: 1, next: 1}, splitBy: path}
	`)
	peers := map[string]bool{}
	for client := range 16 {
		address := fmt.Sprintf("127.0.1.%d", client+1)
		first := w.get(t, "http://client.example/", from(address)).Peer
		peers[first] = true
		for range 5 {
			if next := w.get(t, "http://client.example/", from(address)).Peer; next != first {
				t.Fatalf("client %s meets %s after %s", address, next, first)
			}
		}
	}
	if len(peers) != 2 {
		t.Errorf("16 clients meet %v, want both pools", peers)
	}
	clear(peers)
	for session := range 16 {
		cookie := withCookie("session-id", fmt.Sprint("s", session))
		first := w.get(t, "http://cookie.example/", cookie).Peer
		peers[first] = true
		for range 3 {
			if next := w.get(t, "http://cookie.example/", cookie).Peer; next != first {
				t.Fatalf("session %d meets %s after %s", session, next, first)
			}
		}
	}
	if len(peers) != 2 {
		t.Errorf("16 sessions meet %v, want both pools", peers)
	}
	clear(peers)
	for range 40 { // who has no session is by itself
		peers[w.get(t, "http://cookie.example/").Peer] = true
	}
	if len(peers) != 2 {
		t.Errorf("40 requests without a session meet %v, want both pools", peers)
	}
	clear(peers)
	for path := range 16 {
		url := fmt.Sprintf("http://path.example/%d", path)
		first := w.get(t, url).Peer
		peers[first] = true
		for i := range 3 {
			if next := w.get(t, fmt.Sprintf("%s?%d", url, i), from("127.0.0.2")).Peer; next != first {
				t.Fatalf("path %d meets %s after %s", path, next, first)
			}
		}
	}
	if len(peers) != 2 {
		t.Errorf("16 paths meet %v, want both pools", peers)
	}
	w.refused(t, `
		pools: {shop: {servers: [{{shop}}]}}
		routes: {shop: {hosts: [shop.example], pool: shop, splitBy: client}}
	`, "splitBy belongs to a split")
}
