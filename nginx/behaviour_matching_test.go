package nginx_test

import (
	"net/http"
	"testing"
)

// asked is a request with whatever conditions look at, and who answers it.
type asked struct {
	name, url string
	options   []option
	peer      string // "" is 404
}

// answered holds who answers.
func (w *wharf) answered(t *testing.T, cases ...asked) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			a := w.get(t, c.url, c.options...)
			want := http.StatusOK
			if c.peer == "" {
				want = http.StatusNotFound
			}
			if a.Status != want || a.Peer != c.peer {
				t.Errorf("got %d from %q, want %d from %q", a.Status, a.Peer, want, c.peer)
			}
		})
	}
}

func with(options ...option) []option { return options }

func hostsSeveral(t *testing.T, w *wharf) {
	w.serve(t, `
		pools: {shop: {servers: [{{shop}}]}}
		routes: {shop: {hosts: [a.example, b.example, "*.c.example"], pool: shop}}
	`)
	w.meet(t,
		met{"first", "a.example", "/x", 200, "shop"},
		met{"second", "b.example", "/x", 200, "shop"},
		met{"third", "x.c.example", "/x", 200, "shop"},
		met{"none of them", "c.example", "/x", 503, ""},
	)
	w.refused(t, `
		pools: {shop: {servers: [{{shop}}]}}
		routes: {shop: {hosts: [], pool: shop}}
	`, "route shop has no hosts")
}

func hostsDefault(t *testing.T, w *wharf) {
	w.serve(t, `
		pools: {shop: {servers: [{{shop}}]}, rest: {servers: [{{rest}}]}}
		routes:
		  shop: {hosts: [shop.example], paths: [/v2], pool: shop}
		  rest: {hosts: ["*"], pool: rest}
		  teapot: {hosts: ["*"], paths: [/tea], respond: 418}
	`)
	w.meet(t,
		met{"known host", "shop.example", "/v2", 200, "shop"},
		met{"unknown path of a known host", "shop.example", "/v3", 404, ""},
		met{"unknown host", "nobody.example", "/v2", 200, "rest"},
		met{"an address as host", "127.0.0.1", "/", 200, "rest"},
		met{"another route for unknown hosts", "nobody.example", "/tea", 418, ""},
	)
	code, s := w.ask(t, "GET / HTTP/1.0")
	if code != 200 || s.Peer != "rest" {
		t.Errorf("no host at all: got %d from %q, want 200 from rest", code, s.Peer)
	}
}

func pathsExact(t *testing.T, w *wharf) {
	w.serve(t, `
		pools: {shop: {servers: [{{shop}}]}, one: {servers: [{{one}}]}}
		routes:
		  shop: {hosts: [shop.example], paths: [/v2], pool: shop}
		  one: {hosts: [shop.example], paths: ["= /v2", "=/", "= /v2/items/"], pool: one}
	`)
	w.meet(t,
		met{"the path alone", "shop.example", "/v2", 200, "one"},
		met{"below it", "shop.example", "/v2/x", 200, "shop"},
		met{"with a slash", "shop.example", "/v2/", 200, "shop"},
		met{"one with a slash", "shop.example", "/v2/items/", 200, "one"},
		met{"the same without", "shop.example", "/v2/items", 200, "shop"},
		met{"the root alone", "shop.example", "/", 200, "one"},
		met{"beside the root", "shop.example", "/x", 404, ""},
	)
	w.refused(t, `
		pools: {shop: {servers: [{{shop}}]}}
		routes: {shop: {hosts: [shop.example], paths: ["= v2"], pool: shop}}
	`, `"v2" is not a path`)
}

func pathsRegex(t *testing.T, w *wharf) {
	w.serve(t, `
		pools: {shop: {servers: [{{shop}}]}, item: {servers: [{{item}}]}, php: {servers: [{{php}}]}, exact: {servers: [{{exact}}]}}
		routes:
		  shop: {hosts: [shop.example], paths: [/shop], pool: shop}
		  item: {hosts: [shop.example], paths: ["~ ^/shop/[0-9]+$"], pool: item}
		  php: {hosts: [shop.example], paths: ['~ "?\.php$'], pool: php}
		  exact: {hosts: [shop.example], paths: ["= /shop/5"], pool: exact}
		  image: {hosts: [shop.example], paths: ['~* \.jpe?g$'], pool: item}
	`)
	w.meet(t,
		met{"it matches", "shop.example", "/shop/17", 200, "item"},
		met{"it does not", "shop.example", "/shop/17a", 200, "shop"},
		met{"outside of all prefixes", "shop.example", "/a/b.php", 200, "php"},
		met{"an exact path comes first", "shop.example", "/shop/5", 200, "exact"},
		met{"nothing matches", "shop.example", "/a/b.html", 404, ""},
		met{"in another case", "shop.example", "/a/b.PHP", 404, ""},
		met{"in another case, which does not matter", "shop.example", "/a/b.JPeG", 200, "item"},
		met{"in the case that is written", "shop.example", "/shop/b.jpg", 200, "item"},
		met{"the decoded path counts", "shop.example", "/shop/%31", 200, "item"},
	)
	w.refused(t, `
		pools: {shop: {servers: [{{shop}}]}}
		routes: {shop: {hosts: [shop.example], paths: ["~ ^/(?=x)"], pool: shop}}
	`, "no references and no look-ahead")
}

// The inner locations are nobody's business.
func pathsInner(t *testing.T, w *wharf) {
	w.serve(t, `
		pools: {shop: {servers: [{{shop}}]}, get: {servers: [{{get}}]}}
		routes:
		  shop: {hosts: [shop.example], pool: shop}
		  get: {hosts: [shop.example], paths: [/get], when: {methods: [GET]}, pool: get}
	`)
	w.meet(t,
		met{"by its condition", "shop.example", "/get/x%2Fy", 200, "get"},
		met{"by its name", "shop.example", "/.route/get:/x", 404, ""},
		met{"by its name alone", "shop.example", "/.route/get", 200, "shop"},
		met{"by its name, decoded", "shop.example", "/%2eroute/get:/x", 404, ""},
	)
}

func whenMethod(t *testing.T, w *wharf) {
	w.serve(t, `
		pools: {shop: {servers: [{{shop}}]}, write: {servers: [{{write}}]}}
		routes:
		  shop: {hosts: [shop.example], pool: shop}
		  write: {hosts: [shop.example], when: {methods: [POST, PUT]}, pool: write}
	`)
	w.answered(t,
		asked{"GET", "http://shop.example/a", nil, "shop"},
		asked{"POST", "http://shop.example/a", with(withMethod("POST")), "write"},
		asked{"PUT", "http://shop.example/a", with(withMethod("PUT")), "write"},
		asked{"a longer one", "http://shop.example/a", with(withMethod("PUTS")), "shop"},
	)
	a := w.get(t, "http://shop.example/a%2Fb?c=d%20e", withMethod("POST"), withBody("hello"))
	if a.Saw.Path != "/a%2Fb" || a.Saw.Query != "c=d%20e" || a.Saw.Body != "hello" {
		t.Errorf("the peer sees %s?%s with %q, want the request as it was", a.Saw.Path, a.Saw.Query, a.Saw.Body)
	}
	w.refused(t, `
		pools: {shop: {servers: [{{shop}}]}}
		routes: {shop: {hosts: [shop.example], when: {methods: [get]}, pool: shop}}
	`, "methods are in capitals")
}

func whenHeader(t *testing.T, w *wharf) {
	w.serve(t, `
		pools: {shop: {servers: [{{shop}}]}, text: {servers: [{{text}}]}, regex: {servers: [{{regex}}]}, any: {servers: [{{any}}]}}
		routes:
		  shop: {hosts: [shop.example], pool: shop}
		  text: {hosts: [shop.example], paths: [/text], when: {headers: {X-Canary: 'yes "$1" (.*)'}}, pool: text}
		  regex: {hosts: [shop.example], paths: [/regex], when: {headers: {User-Agent: "~*curl/[78]"}}, pool: regex}
		  any: {hosts: [shop.example], paths: [/any], when: {headers: {X-Debug: "*"}}, pool: any}
		  none: {hosts: [shop.example], paths: [/none], when: {headers: {X-Debug: "~^(|0)$"}}, pool: any}
	`)
	w.answered(t,
		asked{"the very text", "http://shop.example/text", with(withHeader("X-Canary", `yes "$1" (.*)`)), "text"},
		asked{"more than the text", "http://shop.example/text", with(withHeader("X-Canary", `yes "$1" (.*)x`)), "shop"},
		asked{"in capitals", "http://shop.example/text", with(withHeader("X-Canary", `YES "$1" (.*)`)), "shop"},
		asked{"without it", "http://shop.example/text", nil, "shop"},
		asked{"it matches", "http://shop.example/regex", with(withHeader("User-Agent", "Curl/8.1")), "regex"},
		asked{"it does not", "http://shop.example/regex", with(withHeader("User-Agent", "Curl/6.1")), "shop"},
		asked{"any", "http://shop.example/any", with(withHeader("X-Debug", "0")), "any"},
		asked{"none", "http://shop.example/any", nil, "shop"},
		asked{"a regular expression for none", "http://shop.example/none", nil, "any"},
		asked{"that takes another one, too", "http://shop.example/none", with(withHeader("X-Debug", "0")), "any"},
		asked{"and nothing else", "http://shop.example/none", with(withHeader("X-Debug", "1")), "shop"},
	)
	w.refused(t, `
		pools: {shop: {servers: [{{shop}}]}}
		routes: {shop: {hosts: [shop.example], when: {headers: {X-Canary: ""}}, pool: shop}}
	`, `"" is nothing to compare with`)
}

func whenCookie(t *testing.T, w *wharf) {
	w.serve(t, `
		pools: {shop: {servers: [{{shop}}]}, beta: {servers: [{{beta}}]}, odd: {servers: [{{odd}}]}}
		routes:
		  shop: {hosts: [shop.example], pool: shop}
		  beta: {hosts: [shop.example], when: {cookies: {beta: "1"}}, pool: beta}
		  odd: {hosts: [shop.example], paths: [/odd], when: {cookies: {my-own.beta: "~^[12]$"}}, pool: odd}
	`)
	w.answered(t,
		asked{"with it", "http://shop.example/", with(withCookie("a", "b"), withCookie("beta", "1")), "beta"},
		asked{"another value", "http://shop.example/", with(withCookie("beta", "10")), "shop"},
		asked{"another cookie", "http://shop.example/", with(withCookie("xbeta", "1")), "shop"},
		asked{"without it", "http://shop.example/", nil, "shop"},
		asked{"its name in capitals", "http://shop.example/", with(withCookie("BETA", "1")), "beta"},
		asked{"a name with dash and dot in capitals", "http://shop.example/odd", with(withCookie("My-own.Beta", "2")), "odd"},
		asked{"a name with dash and dot", "http://shop.example/odd", with(withCookie("a", "b"), withCookie("my-own.beta", "2")), "odd"},
		asked{"another value of it", "http://shop.example/odd", with(withCookie("my-own.beta", "3")), "shop"},
		asked{"a longer name", "http://shop.example/odd", with(withCookie("x-my-own.beta", "2")), "shop"},
	)
	w.refused(t, `
		pools: {shop: {servers: [{{shop}}]}}
		routes: {shop: {hosts: [shop.example], when: {cookies: {"a b": "1"}}, pool: shop}}
	`, `"a b" is not the name of a cookie`)
}

func whenQuery(t *testing.T, w *wharf) {
	w.serve(t, `
		pools: {shop: {servers: [{{shop}}]}, two: {servers: [{{two}}]}, dash: {servers: [{{dash}}]}}
		routes:
		  shop: {hosts: [shop.example], pool: shop}
		  two: {hosts: [shop.example], when: {query: {v: "2"}}, pool: two}
		  dash: {hosts: [shop.example], paths: [/dash], when: {query: {api-version: "*"}}, pool: dash}
	`)
	w.answered(t,
		asked{"with it", "http://shop.example/?a=b&v=2", nil, "two"},
		asked{"another value", "http://shop.example/?v=20", nil, "shop"},
		asked{"another name", "http://shop.example/?vv=2", nil, "shop"},
		asked{"in the path", "http://shop.example/v=2", nil, "shop"},
		asked{"a name with a dash", "http://shop.example/dash?x=1&api-version=7", nil, "dash"},
		asked{"an empty value", "http://shop.example/dash?api-version=", nil, "shop"},
	)
	w.refused(t, `
		pools: {shop: {servers: [{{shop}}]}}
		routes: {shop: {hosts: [shop.example], when: {query: {"a&b": "1"}}, pool: shop}}
	`, `"a&b" is not the name of a query parameter`)
}

func whenCombined(t *testing.T, w *wharf) {
	w.serve(t, `
		pools: {shop: {servers: [{{shop}}]}, beta: {servers: [{{beta}}]}}
		routes:
		  shop: {hosts: [shop.example], pool: shop}
		  beta:
		    hosts: [shop.example]
		    when:
		      headers: {X-Team: "~^(a|b)$"}
		      any:
		        - {cookies: {beta: "1"}}
		        - {query: {beta: "*"}}
		        - {all: [{headers: {X-Beta: "1"}}, {headers: {X-Sure: "1"}}]}
		      not: {methods: [DELETE]}
		    pool: beta
	`)
	team := withHeader("X-Team", "a")
	w.answered(t,
		asked{"and, the first of or", "http://shop.example/", with(team, withCookie("beta", "1")), "beta"},
		asked{"and, the second of or", "http://shop.example/?beta=x", with(team), "beta"},
		asked{"and, the third of or", "http://shop.example/", with(team, withHeader("X-Beta", "1"), withHeader("X-Sure", "1")), "beta"},
		asked{"half of the third", "http://shop.example/", with(team, withHeader("X-Beta", "1")), "shop"},
		asked{"none of or", "http://shop.example/", with(team), "shop"},
		asked{"or without and", "http://shop.example/?beta=x", nil, "shop"},
		asked{"not", "http://shop.example/?beta=x", with(team, withMethod("DELETE")), "shop"},
	)
	w.refused(t, `
		pools: {shop: {servers: [{{shop}}]}}
		routes: {shop: {hosts: [shop.example], when: {methods: [GET], not: {}}, pool: shop}}
	`, "there is no condition here")
}

// A route whose condition does not hold leaves the request to the next one.
func orderFallsThrough(t *testing.T, w *wharf) {
	w.serve(t, `
		pools: {a: {servers: [{{a}}]}, b: {servers: [{{b}}]}, c: {servers: [{{c}}]}, d: {servers: [{{d}}]}}
		routes:
		  root: {hosts: [shop.example], pool: a}
		  one: {hosts: [shop.example], paths: [/api], when: {headers: {X-A: "1"}}, pool: b}
		  two: {hosts: [shop.example], paths: [/api], when: {headers: {X-A: "1", X-B: "1"}}, pool: c}
		  exact: {hosts: [shop.example], paths: ["= /api/x"], when: {methods: [POST]}, pool: d}
	`)
	one, two := withHeader("X-A", "1"), withHeader("X-B", "1")
	w.answered(t,
		asked{"no condition", "http://shop.example/api", nil, "a"},
		asked{"one condition", "http://shop.example/api/y", with(one), "b"},
		asked{"more conditions come first", "http://shop.example/api/y", with(one, two), "c"},
		asked{"half of two", "http://shop.example/api/y", with(two), "a"},
		asked{"exact path first", "http://shop.example/api/x", with(one, two, withMethod("POST")), "d"},
		asked{"exact path without its condition", "http://shop.example/api/x", with(one), "b"},
		asked{"outside", "http://shop.example/apis", with(one, two), "a"},
	)
}

// Where nothing else decides, the longer regular expression comes first, and then
// the name that comes first in the alphabet.
func orderTies(t *testing.T, w *wharf) {
	w.serve(t, `
		pools: {a: {servers: [{{a}}]}, b: {servers: [{{b}}]}, c: {servers: [{{c}}]}, d: {servers: [{{d}}]}}
		routes:
		  bravo: {hosts: [shop.example], when: {headers: {X-B: "1"}}, pool: b}
		  alfa: {hosts: [shop.example], when: {headers: {X-A: "1"}}, pool: a}
		  charlie: {hosts: [shop.example], paths: ["~ ^/items/[0-9]+"], pool: c}
		  delta: {hosts: [shop.example], paths: ["~ ^/items/[0-9]+/parts"], pool: d}
	`)
	one, two := withHeader("X-A", "1"), withHeader("X-B", "1")
	w.answered(t,
		asked{"both conditions", "http://shop.example/", with(one, two), "a"},
		asked{"the later name's condition alone", "http://shop.example/", with(two), "b"},
		asked{"both regular expressions", "http://shop.example/items/1/parts", nil, "d"},
		asked{"the shorter one alone", "http://shop.example/items/1", nil, "c"},
	)
	w.refused(t, `
		pools: {a: {servers: [{{a}}]}, b: {servers: [{{b}}]}}
		routes:
		  bravo: {hosts: [shop.example], when: {headers: {X-A: "1"}}, pool: b}
		  alfa: {hosts: [shop.example], when: {headers: {X-A: "1"}}, pool: a}
	`, "is taken already")
}

func orderPriority(t *testing.T, w *wharf) {
	w.serve(t, `
		pools: {a: {servers: [{{a}}]}, b: {servers: [{{b}}]}, c: {servers: [{{c}}]}, d: {servers: [{{d}}]}}
		routes:
		  exact: {hosts: [shop.example], paths: ["= /api/v2"], pool: a}
		  long: {hosts: [shop.example], paths: [/api/v2], pool: b}
		  test: {hosts: [shop.example], when: {headers: {X-Test: "1"}}, priority: 10, pool: c}
		  last: {hosts: [shop.example], paths: ["~ ^/api"], priority: -1, pool: d}
	`)
	test := withHeader("X-Test", "1")
	w.answered(t,
		asked{"before the exact path", "http://shop.example/api/v2", with(test), "c"},
		asked{"before the longer path", "http://shop.example/api/v2/x", with(test), "c"},
		asked{"without its condition", "http://shop.example/api/v2", nil, "a"},
		asked{"a regular expression put last", "http://shop.example/api/v2/x", nil, "b"},
		asked{"and nothing else there", "http://shop.example/api/v1", nil, "d"},
	)
	w.refused(t, `
		pools: {a: {servers: [{{a}}]}}
		routes:
		  one: {hosts: [shop.example], priority: 1, pool: a}
		  two: {hosts: [shop.example], priority: 1, pool: a}
	`, "is taken already, by route one")
}

func reusePolicies(t *testing.T, w *wharf) {
	w.serve(t, `
		proxies: {edge: {image: "nginx:{{version}}", listen: {http: {{http}}}, status: {port: {{status}}}, defaults: {maxBody: 1k, slash: remove}}}
		policies:
		  large: {maxBody: 10k}
		  larger: {maxBody: 20k}
		  tidy: {slash: add}
		pools: {shop: {servers: [{{shop}}]}}
		routes:
		  default: {hosts: [default.example], pool: shop}
		  policy: {hosts: [policy.example], use: [large], pool: shop}
		  later: {hosts: [later.example], use: [large, tidy, larger], pool: shop}
		  own: {hosts: [own.example], use: [larger], maxBody: 2k, pool: shop}
	`)
	for _, c := range []struct {
		host string
		most int
	}{{"default.example", 1 << 10}, {"policy.example", 10 << 10}, {"later.example", 20 << 10}, {"own.example", 2 << 10}} {
		for size, want := range map[int]int{c.most: 200, c.most + 1: 413} {
			a := w.get(t, "http://"+c.host+"/x.html", withMethod("POST"), withBody(string(make([]byte, size))))
			if a.Status != want {
				t.Errorf("%d bytes to %s: got %d, want %d", size, c.host, a.Status, want)
			}
		}
	}
	// What one of them says does not take away what another one says.
	if a := w.get(t, "http://later.example/x"); a.Status != 301 {
		t.Errorf("a path without a slash where a policy adds it: got %d, want 301", a.Status)
	}
	if a := w.get(t, "http://own.example/x/"); a.Status != 301 {
		t.Errorf("a path with a slash where the defaults remove it: got %d, want 301", a.Status)
	}
	w.refused(t, `
		policies: {large: {maxBody: 10k}}
		pools: {shop: {servers: [{{shop}}]}}
		routes: {shop: {hosts: [shop.example], use: [larg], pool: shop}}
	`, "there is no policy larg")
}
