package nginx_test

import (
	"fmt"
	"io/fs"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// counting answers each request with its number, and with the headers that the
// query says, and keeps no one waiting for what comes.
func counting(n *atomic.Int64) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		for name, values := range r.URL.Query() {
			if name[0] >= 'A' && name[0] <= 'Z' {
				rw.Header()[name] = values
			}
		}
		if r.URL.Query().Has("status") {
			rw.WriteHeader(http.StatusNotFound)
		}
		fmt.Fprint(rw, n.Add(1))
	}
}

// kept reports whether the second of two requests has the answer of the first.
func (w *wharf) kept(t *testing.T, url string, options ...option) bool {
	t.Helper()
	first, second := w.get(t, url, options...), w.get(t, url, options...)
	return first.Body == second.Body
}

// minute is what peers say of responses that may be kept.
const minute = "Cache-Control=max-age%3D60"

func cacheHit(t *testing.T, w *wharf) {
	n := new(atomic.Int64)
	w.peer("shop", counting(n))
	w.serve(t, `
		pools: {shop: {servers: [{{shop}}]}}
		routes:
		  shop: {hosts: [shop.example], pool: shop, cache: true}
		  other: {hosts: [shop.example], pool: shop, cache: true, when: {headers: {X-Other: "yes"}}}
		  off: {hosts: [off.example], pool: shop, cache: false}
	`)
	url := "http://shop.example/?" + minute
	first := w.get(t, url)
	if again := w.get(t, url, from("127.0.0.2")); again.Body != first.Body || again.Header.Get("Cache-Control") != "max-age=60" {
		t.Errorf("asked again: got %q, want %q", again.Body, first.Body)
	}
	if got := len(w.saw(t, "shop", 1)); got != 1 {
		t.Errorf("the peer saw %d requests, want one", got)
	}
	for name, other := range map[string]answer{
		"another query":      w.get(t, url+"&x=y"),
		"another path":       w.get(t, "http://shop.example/x?"+minute),
		"another port":       w.get(t, fmt.Sprintf("http://shop.example:%d/?%s", w.port(t, "http"), minute)),
		"another route":      w.get(t, url, withHeader("X-Other", "yes")),
		"another method":     w.get(t, url, withMethod("POST")),
		"the one after that": w.get(t, url, withMethod("POST")),
	} {
		if other.Body == first.Body {
			t.Errorf("%s: got what was kept", name)
		}
	}
	if !w.kept(t, url, withHeader("X-Other", "yes")) {
		t.Error("the other route keeps nothing")
	}
	if w.kept(t, "http://off.example/?"+minute) || w.kept(t, "http://shop.example/?q") {
		t.Error("kept without cache, or without a peer's word")
	}
	// Part of what is kept, and its headers alone.
	if a := w.get(t, "http://shop.example/?"+minute+"&Accept-Ranges=bytes", withHeader("Range", "bytes=0-0")); a.Status != http.StatusPartialContent {
		t.Errorf("a range: got %d, want 206", a.Status)
	}
	if a := w.get(t, "http://shop.example/?"+minute+"&Accept-Ranges=bytes"); a.Status != http.StatusOK || !w.kept(t, "http://shop.example/?"+minute+"&Accept-Ranges=bytes") {
		t.Errorf("behind a range: got %d", a.Status)
	}
	if a := w.get(t, "http://shop.example/?"+minute+"&head", withMethod("HEAD")); a.Status != http.StatusOK || a.Body != "" {
		t.Errorf("HEAD: got %d, %q", a.Status, a.Body)
	}
	if a := w.get(t, "http://shop.example/?"+minute+"&head"); a.Body == "" {
		t.Error("behind HEAD, GET has no body")
	}
	w.refused(t, `routes: {shop: {hosts: [shop.example], respond: 200, cache: true}}`, "a cache is for what a pool answers")
}

// What is for one client is never given to another.
func cachePrivate(t *testing.T, w *wharf) {
	n := new(atomic.Int64)
	w.peer("shop", counting(n))
	w.serve(t, `
		pools: {shop: {servers: [{{shop}}]}}
		routes:
		  shop: {hosts: [shop.example], pool: shop, cache: {valid: 1h}}
		  cookies: {hosts: [cookies.example], pool: shop, cache: {valid: 1h, cookies: true}}
	`)
	for name, c := range map[string]struct {
		url     string
		options []option
		want    bool
	}{
		"nothing":                       {"http://shop.example/nothing", nil, true},
		"a password":                    {"http://shop.example/password", with(withHeader("Authorization", "Basic YTpi")), false},
		"a cookie":                      {"http://shop.example/cookie", with(withCookie("a", "b")), false},
		"a cookie, to be ignored":       {"http://cookies.example/cookie", with(withCookie("a", "b")), true},
		"a password behind it":          {"http://cookies.example/password", with(withHeader("Authorization", "Basic YTpi")), false},
		"a cookie comes":                {"http://shop.example/?Set-Cookie=a%3Db", nil, false},
		"a cookie comes, to be ignored": {"http://cookies.example/?Set-Cookie=a%3Db", nil, false},
		"private":                       {"http://shop.example/?Cache-Control=private", nil, false},
		"no-store":                      {"http://shop.example/?Cache-Control=no-store", nil, false},
		"vary by anything":              {"http://shop.example/?Vary=%2A", nil, false},
	} {
		if got := w.kept(t, c.url, c.options...); got != c.want {
			t.Errorf("%s: kept %v, want %v", name, got, c.want)
		}
	}
	for name, option := range map[string]option{"password": withHeader("Authorization", "Basic YTpi"), "cookie": withCookie("a", "b")} {
		url := "http://shop.example/then-" + name
		first, private, after := w.get(t, url), w.get(t, url, option), w.get(t, url)
		if private.Body == first.Body || after.Body != first.Body {
			t.Errorf("a %s: got %q, then %q with it, then %q; want the middle one alone by itself", name, first.Body, private.Body, after.Body)
		}
	}
	language := func(l string) string {
		return w.get(t, "http://shop.example/vary?Vary=Accept-Language", withHeader("Accept-Language", l)).Body
	}
	if de, en := language("de"), language("en"); de == en {
		t.Errorf("two languages have one answer")
	} else if again := language("en"); again != en {
		t.Errorf("one language has two answers")
	}
}

// What the peer is told of the client belongs to the key.
func cacheToldApart(t *testing.T, w *wharf) {
	n := new(atomic.Int64)
	w.peer("shop", counting(n))
	w.serve(t, `
		proxies: {edge: {image: "nginx:{{version}}", listen: {http: {{http}}}, status: {port: {{status}}}, trusted: [127.0.0.3]}}
		pools: {shop: {servers: [{{shop}}]}, next: {servers: [{{shop}}]}}
		routes:
		  shop: {hosts: [shop.example], pool: shop, cache: {valid: 1h}}
		  own: {hosts: [own.example], pool: shop, cache: {valid: 1h}, headers: {request: {set: {X-Client: $remote_addr}}}}
		  split: {hosts: [split.example], split: {shop: 1, next: 1}, splitBy: "header:X-To", cache: {valid: 1h}}
	`)
	for name, pair := range map[string][2]answer{
		"two addresses that the pool is told":    {w.get(t, "http://own.example/"), w.get(t, "http://own.example/", from("127.0.0.2"))},
		"two schemes that a trusted proxy tells": {w.get(t, "http://shop.example/a"), w.get(t, "http://shop.example/a", from("127.0.0.3"), withHeader("X-Forwarded-Proto", "https"))},
		"two hosts that a trusted proxy tells":   {w.get(t, "http://shop.example/b"), w.get(t, "http://shop.example/b", from("127.0.0.3"), withHeader("X-Forwarded-Host", "other.example"))},
	} {
		if pair[0].Body == pair[1].Body {
			t.Errorf("%s have one answer", name)
		}
	}
	if first, other := w.get(t, "http://shop.example/c"), w.get(t, "http://shop.example/c", withHeader("X-Forwarded-Host", "evil.example")); first.Body != other.Body {
		t.Error("two hosts that nobody trusts to tell have two answers")
	}
	if !w.kept(t, "http://own.example/kept") {
		t.Error("what belongs to one client is not kept for that one")
	}
	answers := map[string]bool{}
	for i := range 64 {
		answers[w.get(t, "http://split.example/", withHeader("X-To", fmt.Sprint(i))).Body] = true
	}
	if len(answers) != 2 {
		t.Errorf("two pools have %d answers, want one each", len(answers))
	}
}

func cacheValid(t *testing.T, w *wharf) {
	n := new(atomic.Int64)
	w.peer("shop", counting(n))
	w.serve(t, `
		pools: {shop: {servers: [{{shop}}]}}
		policies: {missing: {cache: {valid: 1h, statuses: [404]}}}
		routes:
		  shop: {hosts: [shop.example], pool: shop, cache: {valid: 1h}}
		  missing: {hosts: [missing.example], pool: shop, use: [missing]}
		  longer: {hosts: [longer.example], pool: shop, use: [missing], cache: {valid: 2h}} # which is not for 404
		  short: {hosts: [short.example], pool: shop, cache: {valid: 1s, stale: false}}
	`)
	for url, want := range map[string]bool{
		"http://shop.example/": true, "http://shop.example/?status": false, "http://missing.example/": false, "http://missing.example/?status": true,
		"http://longer.example/": true, "http://longer.example/?status": false,
	} {
		if got := w.kept(t, url); got != want {
			t.Errorf("%s: kept %v, want %v", url, got, want)
		}
	}
	first := w.get(t, "http://short.example/").Body
	await(t, "it is fetched anew", func() bool { return w.get(t, "http://short.example/").Body != first })
	w.refused(t, `{routes: {shop: {hosts: [shop.example], pool: shop, cache: {statuses: [404]}}}, pools: {shop: {servers: [{{shop}}]}}}`, "statuses belong to valid")
}

func cacheStale(t *testing.T, w *wharf) {
	n, dead := new(atomic.Int64), new(atomic.Bool)
	w.peer("shop", func(rw http.ResponseWriter, r *http.Request) {
		if dead.Load() {
			conn, _, _ := rw.(http.Hijacker).Hijack()
			conn.Close()
			return
		}
		counting(n)(rw, r)
	})
	w.serve(t, `
		pools: {shop: {servers: [{{shop}}]}}
		routes:
		  shop: {hosts: [shop.example], pool: shop, cache: {valid: 1s}}
		  fresh: {hosts: [fresh.example], pool: shop, cache: {valid: 1s, stale: false}}
	`)
	first := w.get(t, "http://shop.example/").Body
	w.get(t, "http://fresh.example/")
	dead.Store(true)
	await(t, "a response is too old", func() bool { return w.get(t, "http://fresh.example/").Status == http.StatusBadGateway })
	for range 3 {
		if a := w.get(t, "http://shop.example/"); a.Status != http.StatusOK || a.Body != first {
			t.Errorf("while the peer is dead: got %d %q, want the %q from before", a.Status, a.Body, first)
		}
	}
	dead.Store(false)
	await(t, "it is fetched anew", func() bool { return w.get(t, "http://shop.example/").Body != first })
}

// Many who ask for one thing at once are one request for the peer, at first and
// when it is too old.
func cacheOnce(t *testing.T, w *wharf) {
	n, again := new(atomic.Int64), make(chan bool)
	w.peer("shop", func(rw http.ResponseWriter, r *http.Request) {
		time.Sleep(200 * time.Millisecond)
		if n.Load() > 0 {
			<-again
		}
		counting(n)(rw, r)
	})
	w.serve(t, `
		pools: {shop: {servers: [{{shop}}]}}
		routes: {shop: {hosts: [shop.example], pool: shop, cache: {valid: 2s}}}
	`)
	for _, age := range []string{"at first", "when it is too old"} {
		bodies := make(chan string)
		for range 10 {
			go func() {
				a, err := w.try(t, "http://shop.example/")
				bodies <- fmt.Sprint(a.Body, err)
			}()
		}
		for range 10 {
			if got := <-bodies; got != "1<nil>" {
				t.Errorf("%s: got %s, want the first answer for all", age, got)
			}
		}
		if age == "at first" {
			time.Sleep(3100 * time.Millisecond) // nginx counts whole seconds
		}
	}
	close(again)
	await(t, "it is fetched anew", func() bool { return w.get(t, "http://shop.example/").Body == "2" })
	if got := len(w.saw(t, "shop", 2)); got != 2 {
		t.Errorf("the peer saw %d requests, want one at first and one when it was too old", got)
	}
}

func cacheWebsocket(t *testing.T, w *wharf) {
	w.serve(t, `
		pools: {shop: {servers: [{{shop}}]}}
		routes: {shop: {hosts: [shop.example], pool: shop, cache: {valid: 1h}}}
	`)
	w.get(t, "http://shop.example/chat")
	conn, _, resp := w.open(t, "", "GET /chat HTTP/1.1", "Host: shop.example", "Connection: Upgrade", "Upgrade: websocket")
	if resp.StatusCode != http.StatusSwitchingProtocols {
		t.Errorf("a websocket where a page is kept: got %d, want 101", resp.StatusCode)
	}
	conn.Close()
}

// nginx looks after the size every ten seconds.
func cacheSize(t *testing.T, w *wharf) {
	w.peer("shop", func(rw http.ResponseWriter, r *http.Request) {
		rw.Write([]byte(strings.Repeat("x", 600<<10)))
	})
	w.serve(t, `
		proxies: {edge: {image: "nginx:{{version}}", listen: {http: {{http}}}, status: {port: {{status}}}, cache: {size: 1m, memory: 1m}}}
		pools: {shop: {servers: [{{shop}}]}}
		routes: {shop: {hosts: [shop.example], pool: shop, cache: {valid: 1h}}}
	`)
	size := func() int64 {
		var sum int64
		filepath.WalkDir(filepath.Join(w.dir, "tmp", "nginx-cache"), func(_ string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				if info, err := d.Info(); err == nil {
					sum += info.Size()
				}
			}
			return nil
		})
		return sum
	}
	for i := range 4 {
		w.get(t, fmt.Sprintf("http://shop.example/%d", i))
	}
	if got := size(); got < 2400<<10 {
		t.Fatalf("%d bytes are kept, want four times 600k", got)
	}
	for begin := time.Now(); size() > 1<<20; time.Sleep(50 * time.Millisecond) {
		if time.Since(begin) > 2*patience {
			t.Fatalf("%d bytes are kept, want a megabyte at most", size())
		}
	}
	w.refused(t, `
		proxies: {edge: {image: "nginx:{{version}}", cache: {memory: 1k}}}
		routes: {shop: {hosts: [shop.example], respond: 200}}
	`, "is out of range")
}
