package nginx_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// taken sends requests one after the other until one is refused with 429, at most
// as many as given, and returns how many were let through.
func (w *wharf) taken(t *testing.T, most int, url string, options ...option) int {
	t.Helper()
	for n := range most {
		switch a := w.get(t, url, options...); a.Status {
		case http.StatusOK:
		case http.StatusTooManyRequests:
			return n
		default:
			t.Fatalf("request %d to %s: got %d", n+1, url, a.Status)
		}
	}
	return most
}

// Few a minute: none comes back while the test runs. There are several workers,
// which count together.
func limitsRate(t *testing.T, w *wharf) {
	w.workers = 4
	w.serve(t, `
		pools: {shop: {servers: [{{shop}}]}, free: {servers: [{{free}}]}}
		routes:
		  shop: {hosts: [shop.example], pool: shop, limits: {rate: 3/m}}
		  other: {hosts: [shop.example], paths: [/other], pool: shop, limits: {rate: 2/m}}
		  free: {hosts: [free.example], pool: free}
	`)
	if n := w.taken(t, 20, "http://shop.example/"); n != 3 {
		t.Errorf("3/m takes %d at once", n)
	}
	if got := len(w.saw(t, "shop", 3)); got != 3 {
		t.Errorf("the peer saw %d requests, want 3", got)
	}
	if n := w.taken(t, 20, "http://shop.example/", from("127.0.0.2")); n != 3 {
		t.Errorf("another client: %d are taken, want 3", n)
	}
	if n := w.taken(t, 20, "http://shop.example/other"); n != 2 {
		t.Errorf("another route: %d are taken, want 2", n)
	}
	if n := w.taken(t, 20, "http://free.example/"); n != 20 {
		t.Errorf("a route without limits: %d are taken, want all", n)
	}
	w.refused(t, `routes: {shop: {hosts: [shop.example], redirect: /x, limits: {rate: 3/m}}}`, "limits are for what a pool answers")
}

func limitsBurst(t *testing.T, w *wharf) {
	w.serve(t, `
		pools: {shop: {servers: [{{shop}}]}}
		routes:
		  even: {hosts: [even.example], pool: shop, limits: {rate: 3/m, burst: 0}}
		  ahead: {hosts: [ahead.example], pool: shop, limits: {rate: 3/m, burst: 7}}
		  fast: {hosts: [fast.example], pool: shop, limits: {rate: 10/s, burst: 0}}
	`)
	for host, want := range map[string]int{"even": 1, "ahead": 8} {
		if n := w.taken(t, 20, "http://"+host+".example/"); n != want {
			t.Errorf("%s: %d are taken at once, want %d", host, n, want)
		}
	}
	begin := time.Now()
	n := w.taken(t, 1000, "http://fast.example/")
	// nginx counts whole milliseconds, so a tenth of a second can be one of them less.
	if most := 1 + int(time.Since(begin)/(99*time.Millisecond)); n < 1 || n > most {
		t.Errorf("10/s without a burst: %d are taken in %s, want from 1 to %d", n, time.Since(begin), most)
	}
	time.Sleep(150 * time.Millisecond)
	if a := w.get(t, "http://fast.example/"); a.Status != http.StatusOK {
		t.Errorf("10/s, after more than a tenth of a second: got %d", a.Status)
	}
	w.refused(t, `{routes: {shop: {hosts: [shop.example], pool: shop, limits: {burst: 5}}}, pools: {shop: {servers: [{{shop}}]}}}`, "a burst belongs to a rate")
}

func limitsBy(t *testing.T, w *wharf) {
	w.serve(t, `
		pools: {shop: {servers: [{{shop}}]}}
		routes:
		  header: {hosts: [header.example], pool: shop, limits: {rate: 2/m, by: "header:X-Key"}}
		  cookie: {hosts: [cookie.example], pool: shop, limits: {rate: 2/m, by: "cookie:my-key"}}
		  query: {hosts: [query.example], pool: shop, limits: {rate: 2/m, by: "query:key"}}
		  path: {hosts: [path.example], pool: shop, limits: {rate: 2/m, by: path}}
		  uri: {hosts: [uri.example], pool: shop, limits: {rate: 2/m, by: uri}}
		  host: {hosts: [one.example, two.example], pool: shop, limits: {rate: 2/m, by: host}}
	`)
	for _, c := range []struct {
		name, url string
		options   []option
		want      int
	}{
		{"a header", "http://header.example/", with(withHeader("X-Key", "a")), 2},
		{"another value", "http://header.example/", with(withHeader("X-Key", "b")), 2},
		{"the same value from another address", "http://header.example/", with(withHeader("X-Key", "a"), from("127.0.0.2")), 0},
		{"no header", "http://header.example/", nil, 2},
		{"no header from another address", "http://header.example/", with(from("127.0.0.2")), 2},
		{"the value that others are counted by", "http://header.example/", with(withHeader("X-Key", "127.0.0.1")), 2},
		{"an empty header", "http://header.example/", with(withHeader("X-Key", "")), 0},
		{"a cookie", "http://cookie.example/", with(withCookie("my-key", "a")), 2},
		{"another cookie's value", "http://cookie.example/", with(withCookie("my-key", "b")), 2},
		{"no cookie", "http://cookie.example/", nil, 2},
		{"a parameter", "http://query.example/?key=a", nil, 2},
		{"another parameter's value", "http://query.example/?key=b", nil, 2},
		{"no parameter", "http://query.example/", nil, 2},
		{"a path", "http://path.example/a?b", nil, 2},
		{"the same path", "http://path.example/a?c", with(from("127.0.0.2")), 0},
		{"another path", "http://path.example/b", nil, 2},
		{"a path and query", "http://uri.example/a?b", nil, 2},
		{"the same path and query", "http://uri.example/a?b", with(from("127.0.0.2")), 0},
		{"the same path, another query", "http://uri.example/a?c", nil, 2},
		{"a host", "http://one.example/a", nil, 2},
		{"the same host", "http://one.example/b", with(from("127.0.0.2")), 0},
		{"another host of the route", "http://two.example/a", nil, 2},
	} {
		if n := w.taken(t, 5, c.url, c.options...); n != c.want {
			t.Errorf("%s: %d are taken, want %d", c.name, n, c.want)
		}
	}
	w.refused(t, `{routes: {shop: {hosts: [shop.example], pool: shop, limits: {by: host}}}, pools: {shop: {servers: [{{shop}}]}}}`, "by belongs to a rate or to connections")
}

// Limits come from defaults and policies, go with off, and count where a
// condition has led. A burst is that of its own rate.
func limitsMerged(t *testing.T, w *wharf) {
	w.serve(t, `
		proxies: {edge: {image: "nginx:{{version}}", listen: {http: {{http}}}, status: {port: {{status}}}, defaults: {limits: {rate: 2/m, burst: 2, connections: 5}}}}
		pools: {shop: {servers: [{{shop}}]}}
		routes:
		  shop: {hosts: [shop.example], pool: shop}
		  free: {hosts: [free.example], pool: shop, limits: {rate: off, connections: off}}
		  post: {hosts: [shop.example], pool: shop, when: {methods: [POST]}, limits: {rate: 4/m}}
		  fixed: {hosts: [fixed.example], respond: 200}
	`)
	for _, c := range []struct {
		url    string
		method string
		want   int
	}{
		{"http://shop.example/", "GET", 3}, {"http://shop.example/", "POST", 4}, {"http://free.example/", "GET", 10}, {"http://fixed.example/", "GET", 10},
	} {
		if n := w.taken(t, 10, c.url, withMethod(c.method)); n != c.want {
			t.Errorf("%s %s: %d are taken, want %d", c.method, c.url, n, c.want)
		}
	}
}

func limitsConnections(t *testing.T, w *wharf) {
	release, entered := make(chan bool), make(chan bool, 10)
	w.peer("slow", func(rw http.ResponseWriter, r *http.Request) {
		entered <- true
		<-release
	})
	w.serve(t, `
		pools: {slow: {servers: [{{slow}}]}}
		routes: {slow: {hosts: [slow.example], pool: slow, limits: {connections: 2}}}
	`)
	done := make(chan int)
	hold := func(options ...option) {
		go func() {
			resp, err := w.send(t, "http://slow.example/", options...)
			if err != nil {
				done <- 0
				return
			}
			done <- resp.StatusCode
		}()
		<-entered
	}
	hold()
	hold()
	if a := w.get(t, "http://slow.example/"); a.Status != http.StatusTooManyRequests {
		t.Errorf("a third request: got %d, want 429", a.Status)
	}
	hold(from("127.0.0.2"))
	close(release)
	for range 3 {
		if code := <-done; code != http.StatusOK {
			t.Errorf("a request that was let in: got %d", code)
		}
	}
	await(t, "there is room again", func() bool { return w.get(t, "http://slow.example/").Status == http.StatusOK })
	w.refused(t, `{routes: {shop: {hosts: [shop.example], pool: shop, limits: {connections: 65536}}}, pools: {shop: {servers: [{{shop}}]}}}`, "is not a number of connections")
}

// What is held back takes its time on any machine; so the limit is seen by what
// has not come yet.
func limitsBandwidth(t *testing.T, w *wharf) {
	w.peer("large", func(rw http.ResponseWriter, r *http.Request) {
		rw.Write([]byte(strings.Repeat("x", 300<<10)))
	})
	w.serve(t, `
		pools: {large: {servers: [{{large}}]}}
		routes:
		  large: {hosts: [large.example], pool: large}
		  slow: {hosts: [slow.example], pool: large, limits: {bandwidth: 150k}}
	`)
	took := func(host string) time.Duration {
		begin := time.Now()
		if a := w.get(t, "http://"+host+"/"); len(a.Body) != 300<<10 {
			t.Fatalf("%s: got %d bytes", host, len(a.Body))
		}
		return time.Since(begin)
	}
	slow, large := took("slow.example"), took("large.example")
	if slow < 900*time.Millisecond || large > slow {
		t.Errorf("300k take %v at 150k a second and %v without a limit", slow, large)
	}
}

func bodyChunked(t *testing.T, w *wharf) {
	w.serve(t, `
		pools: {shop: {servers: [{{shop}}]}}
		routes:
		  shop: {hosts: [shop.example], maxBody: 10k, pool: shop}
	`)
	chunked := func(size int) option {
		return func(r *request) {
			withBody(strings.Repeat("x", size))(r)
			r.ContentLength = -1
		}
	}
	if a := w.get(t, "http://shop.example/", chunked(10<<10)); a.Status != 200 || a.Saw.Size != 10<<10 {
		t.Errorf("10k in chunks: got %d, and the peer saw %d bytes", a.Status, a.Saw.Size)
	}
	if a := w.get(t, "http://shop.example/", chunked(10<<10+1)); a.Status != 413 {
		t.Errorf("10k and a byte in chunks: got %d, want 413", a.Status)
	}
}

func bodyOff(t *testing.T, w *wharf) {
	w.serve(t, `
		pools: {shop: {servers: [{{shop}}]}}
		routes:
		  shop: {hosts: [shop.example], maxBody: off, pool: shop}
		  usual: {hosts: [usual.example], pool: shop}
	`)
	body := strings.Repeat("x", 5<<20)
	if a := w.get(t, "http://shop.example/", withBody(body)); a.Status != 200 || a.Saw.Size != 5<<20 {
		t.Errorf("5 MB: got %d, and the peer saw %d bytes", a.Status, a.Saw.Size)
	}
	if code := w.announce(t, "usual.example", "/", 5<<20); code != 413 {
		t.Errorf("5 MB where nothing is said: got %d, want 413", code)
	}
	w.refused(t, `{routes: {shop: {hosts: [shop.example], pool: shop, maxBody: 1025g}}, pools: {shop: {servers: [{{shop}}]}}}`, "is out of range")
}

// announce returns the status for a body of that many bytes, none of which is
// sent.
func (w *wharf) announce(t *testing.T, host, path string, size int, headers ...string) int {
	t.Helper()
	lines := append([]string{"POST " + path + " HTTP/1.1", "Host: " + host, fmt.Sprintf("Content-Length: %d", size)}, headers...)
	conn, _, resp := w.open(t, "", lines...)
	conn.Close()
	return resp.StatusCode
}

// Routes that share a path have limits of their own, whichever is looked at
// first; and who needs no body refuses none.
func bodyOfRoutes(t *testing.T, w *wharf) {
	w.serve(t, `
		pools: {shop: {servers: [{{shop}}]}}
		routes:
		  small: {hosts: [shop.example], maxBody: 1k, pool: shop}
		  large: {hosts: [shop.example], when: {headers: {X-Large: "yes"}}, maxBody: 2m, pool: shop}
		  off: {hosts: [shop.example], when: {headers: {X-Large: "off"}}, maxBody: off, pool: shop}
		  tiny: {hosts: [shop.example], when: {headers: {X-Large: "no"}}, maxBody: 10, pool: shop}
		  alone: {hosts: [alone.example], when: {headers: {X-Large: "yes"}}, maxBody: 2m, pool: shop}
		  away: {hosts: [away.example], redirect: {to: "https://new.example", status: 308}}
		  fixed: {hosts: [away.example], paths: [/fixed], respond: 201}
	`)
	for _, c := range []struct {
		host, path, large string
		size, code        int
	}{
		{"shop.example", "/", "", 1 << 10, 200}, {"shop.example", "/", "", 1<<10 + 1, 413},
		{"shop.example", "/", "yes", 2 << 20, 200}, {"shop.example", "/", "yes", 10<<20 + 1, 413},
		{"shop.example", "/", "off", 3 << 20, 200},
		{"shop.example", "/", "no", 10, 200}, {"shop.example", "/", "no", 11, 413},
		{"alone.example", "/", "yes", 2 << 20, 200}, {"alone.example", "/", "yes", 10<<20 + 1, 413}, {"alone.example", "/", "", 2 << 20, 404},
		{"away.example", "/", "", 1 << 30, 308}, {"away.example", "/fixed", "", 1 << 30, 201}, {"nobody.example", "/", "", 1 << 30, 503},
	} {
		if c.code == 200 { // nginx wants the whole body before it asks a peer
			if a := w.get(t, "http://"+c.host+c.path, withBody(strings.Repeat("x", c.size)), withHeader("X-Large", c.large)); a.Status != 200 {
				t.Errorf("%d bytes to %s%s, large %q: got %d, want 200", c.size, c.host, c.path, c.large, a.Status)
			}
			continue
		}
		if code := w.announce(t, c.host, c.path, c.size, "X-Large: "+c.large); code != c.code {
			t.Errorf("%d bytes to %s%s, large %q: got %d, want %d", c.size, c.host, c.path, c.large, code, c.code)
		}
	}
}
