package nginx_test

import (
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
)

// three is a repository with a pool of the peers a, b and c, and a client that
// counts who answers.
func three(fields string) string {
	return strings.Replace(`
		pools: {shop: {servers: [{{a}}, {{b}}, {{c}}], FIELDS}}
		routes: {shop: {hosts: [shop.example], pool: shop}}
	`, "FIELDS", fields, 1)
}

// count sends n requests, one after the other, and counts who answers. What else
// a request has depends on its number.
func (w *wharf) count(t *testing.T, n int, options func(i int) []option) map[string]int {
	t.Helper()
	by := map[string]int{}
	for i := range n {
		var with []option
		if options != nil {
			with = options(i)
		}
		a := w.get(t, "http://shop.example/", with...)
		if a.Status != 200 {
			t.Fatalf("request %d: got %d, want 200", i, a.Status)
		}
		by[a.Peer]++
	}
	return by
}

// spread holds that a, b and c all got a share that is no accident.
func spread(t *testing.T, what string, by map[string]int, least int) {
	t.Helper()
	for _, name := range []string{"a", "b", "c"} {
		if by[name] < least {
			t.Errorf("%s: requests by peer: %v, want %d or more for each of a, b and c", what, by, least)
			return
		}
	}
}

func poolsRoundRobin(t *testing.T, w *wharf) {
	w.workers = 1
	for _, fields := range []string{"balance: round-robin", "keepalive: 64"} {
		w.serve(t, three(fields))
		if got := w.count(t, 30, nil); !maps.Equal(got, map[string]int{"a": 10, "b": 10, "c": 10}) {
			t.Errorf("%s: requests by peer: %v, want 10 each", fields, got)
		}
	}
	w.serve(t, `
		pools: {shop: {servers: [{address: {{a}}, weight: 3}, {{b}}]}}
		routes: {shop: {hosts: [shop.example], pool: shop}}
	`)
	if got := w.count(t, 40, nil); !maps.Equal(got, map[string]int{"a": 30, "b": 10}) {
		t.Errorf("requests by peer: %v, want three times as many for a, whose weight is 3", got)
	}
	w.refused(t, three("balance: fair"), `"fair" is not a way to balance`)
	w.refused(t, three("balance: round-robin, sticky: berth"), "pool shop has balance and sticky")
}

// holdPeers makes the peers keep requests for /hold until nginx ends.
func (w *wharf) holdPeers(names ...string) {
	for _, name := range names {
		w.peer(name, func(rw http.ResponseWriter, r *http.Request) {
			rw.Header().Set("Peer", name)
			if r.URL.Path == "/hold" {
				<-r.Context().Done()
			}
		})
	}
}

// hold sends requests that peers keep, and waits until the peers together have
// got as many.
func (w *wharf) hold(t *testing.T, n int, peers ...string) {
	t.Helper()
	held := func() int {
		sum := 0
		for _, name := range peers {
			for _, s := range w.saw(t, name, 0) {
				if s.Path == "/hold" {
					sum++
				}
			}
		}
		return sum
	}
	before := held()
	for range n {
		go w.try(t, "http://shop.example/hold")
	}
	await(t, fmt.Sprintf("%v keep %d requests", peers, n), func() bool { return held() == before+n })
}

// Whoever has a request under way gets no other one while the other peer has
// none, whichever worker takes it.
func poolsLeastConnections(t *testing.T, w *wharf) { leastBusy(t, w, "least-connections") }

func poolsRandomTwo(t *testing.T, w *wharf) {
	leastBusy(t, w, "random-two")
	w.workers = 1
	w.serve(t, three("balance: random-two"))
	spread(t, "random-two", w.count(t, 60, nil), 8)
	w.refused(t, `
		pools: {shop: {balance: random-two, servers: [{{a}}, {{b}}, {address: {{c}}, backup: true}]}}
		routes: {shop: {hosts: [shop.example], pool: shop}}
	`, "there are no backup servers where random-two chooses")
}

func leastBusy(t *testing.T, w *wharf, balance string) {
	w.workers = 2
	w.holdPeers("x", "y")
	w.serve(t, `
		pools: {shop: {servers: [{{x}}, {{y}}], balance: `+balance+`}}
		routes: {shop: {hosts: [shop.example], pool: shop}}
	`)
	w.hold(t, 1, "x", "y")
	idle := "x"
	if len(w.saw(t, "x", 0)) == 1 {
		idle = "y"
	}
	if got := w.count(t, 30, nil); got[idle] != 30 {
		t.Errorf("%s: requests by peer: %v, want all for %s, for the other one is busy", balance, got, idle)
	}
}

// Equal requests meet one peer, unequal ones all.
func poolsHash(t *testing.T, w *wharf) {
	for _, c := range []struct {
		key  string
		with func(value string) (url string, o []option)
	}{
		{"client", func(v string) (string, []option) { return "/", []option{from("127.0.0." + v)} }},
		{"host", func(v string) (string, []option) { return "//" + v + ".shop.example/", nil }},
		{"path", func(v string) (string, []option) { return "/" + v + "?" + fmt.Sprint(time.Now().UnixNano()), nil }},
		{"uri", func(v string) (string, []option) { return "/?" + v, nil }},
		{"header:X-Tenant", func(v string) (string, []option) { return "/", []option{withHeader("X-Tenant", v)} }},
		{"cookie:cart", func(v string) (string, []option) { return "/", []option{withCookie("cart", v)} }},
		{"cookie:the.cart", func(v string) (string, []option) {
			return "/", []option{withCookie("other", "the.cart=1"), withCookie("the.cart", v)}
		}},
		{"query:id", func(v string) (string, []option) {
			return "/?id=" + v + "&at=" + fmt.Sprint(time.Now().UnixNano()), nil
		}},
		{"query:the-id", func(v string) (string, []option) { return "/?x=1&the-id=" + v, nil }},
	} {
		w.serve(t, `
			pools: {shop: {servers: [{{a}}, {{b}}, {{c}}], hash: "`+c.key+`"}}
			routes: {shop: {hosts: [shop.example, "*.shop.example"], pool: shop}}
		`)
		by := map[string]int{}
		for i := range 40 {
			var first string
			for range 3 {
				url, with := c.with(fmt.Sprint(i + 2))
				if !strings.HasPrefix(url, "//") {
					url = "//shop.example" + url
				}
				a := w.get(t, "http:"+url, with...)
				if a.Status != 200 || first != "" && a.Peer != first {
					t.Fatalf("hash: %s: value %d meets %s, and then %d from %s", c.key, i, first, a.Status, a.Peer)
				}
				first = a.Peer
			}
			by[first]++
		}
		spread(t, "hash: "+c.key, by, 3)
	}
	w.refused(t, three("hash: user"), `"user" is not a property of requests`)
	w.refused(t, three("hash: client, balance: least-connections"), "pool shop has balance and hash")
	w.refused(t, three("hash: client, sticky: berth"), "pool shop has hash and sticky")
	w.refused(t, `
		pools: {shop: {hash: client, servers: [{{a}}, {address: {{b}}, backup: true}]}}
		routes: {shop: {hosts: [shop.example], pool: shop}}
	`, "there are no backup servers where a hash chooses")
}

// Clients without the cookie are not all the same.
func poolsHashMissing(t *testing.T, w *wharf) {
	for _, key := range []string{"cookie:cart", "cookie:the.cart", "header:X-Tenant", "query:id"} {
		w.serve(t, three(`hash: "`+key+`"`))
		spread(t, "hash: "+key+", without one", w.count(t, 60, nil), 8)
	}
	w.serve(t, three("hash: cookie:cart"))
	spread(t, "hash: cookie:cart, which is empty", w.count(t, 60, func(int) []option { return []option{withCookie("cart", "")} }), 8)
}

// When a peer dies, its clients go elsewhere, and all others stay.
func poolsHashPeerDies(t *testing.T, w *wharf) {
	w.serve(t, three("hash: cookie:cart"))
	met := func() (by []string) {
		for i := range 60 {
			a := w.get(t, "http://shop.example/", withCookie("cart", fmt.Sprint(i)))
			if a.Status != 200 {
				t.Fatalf("cart %d: got %d, want 200", i, a.Status)
			}
			by = append(by, a.Peer)
		}
		return by
	}
	before := met()
	w.kill(t, "b")
	moved := map[string]int{}
	for i, peer := range met() {
		switch {
		case before[i] == "b":
			moved[peer]++
		case peer != before[i]:
			t.Errorf("cart %d moves from %s to %s, which did not die", i, before[i], peer)
		}
	}
	if moved["a"] == 0 || moved["c"] == 0 || moved["b"] > 0 {
		t.Errorf("the clients of the peer that died go to %v, want some to a and some to c", moved)
	}
}

func poolsSticky(t *testing.T, w *wharf) {
	for _, name := range []string{"berth", "the.berth-0"} {
		w.serve(t, three("sticky: "+name))
		by := map[string]int{}
		for range 40 {
			first := w.get(t, "http://shop.example/")
			given := first.Header["Set-Cookie"]
			form := regexp.MustCompile(`^` + regexp.QuoteMeta(name) + `=([0-9a-f]{32}); Path=/; HttpOnly; SameSite=Lax$`)
			if first.Status != 200 || len(given) != 1 || !form.MatchString(given[0]) {
				t.Fatalf("the first answer is %d with Set-Cookie %q, want one like %s", first.Status, given, form)
			}
			value := form.FindStringSubmatch(given[0])[1]
			by[first.Peer]++
			for range 3 {
				next := w.get(t, "http://shop.example/x", withCookie("other", "1"), withCookie(name, value))
				if next.Peer != first.Peer || next.Header["Set-Cookie"] != nil {
					t.Fatalf("a client of %s meets %s and gets Set-Cookie %q, want %s and none", first.Peer, next.Peer, next.Header["Set-Cookie"], first.Peer)
				}
			}
		}
		spread(t, "sticky: "+name, by, 3)
	}
	w.refused(t, three("sticky: the berth"), `"the berth" is not the name of a cookie`)
	w.refused(t, `
		pools: {shop: {sticky: berth, servers: [{{a}}, {address: {{b}}, backup: true}]}}
		routes: {shop: {hosts: [shop.example], pool: shop}}
	`, "there are no backup servers where a cookie chooses")
}

// Over TLS the cookie does not go elsewhere than over TLS.
func poolsStickyTLS(t *testing.T, w *wharf) {
	w.certified(t, "site", "shop.example")
	w.serve(t, `
		pools: {shop: {servers: [{{a}}, {{b}}, {{c}}], sticky: berth}}
		routes: {shop: {hosts: [shop.example], pool: shop, tls: {cert: site, key: site-key, plain: serve}}}
	`)
	for url, secure := range map[string]bool{"https://shop.example/": true, "http://shop.example/": false} {
		if got := w.get(t, url).Header.Get("Set-Cookie"); !strings.HasPrefix(got, "berth=") || strings.HasSuffix(got, "; Secure") != secure {
			t.Errorf("%s: got Set-Cookie %q, want Secure in it: %t", url, got, secure)
		}
	}
}

// A client keeps its cookie when its peer dies; what it got first is not what the
// peer said.
func poolsStickyPeerDies(t *testing.T, w *wharf) {
	w.serve(t, three("sticky: berth"))
	clients := map[string]string{} // cookie to peer
	for range 30 {
		a := w.get(t, "http://shop.example/")
		cookie, _, _ := strings.Cut(strings.TrimPrefix(a.Header.Get("Set-Cookie"), "berth="), ";")
		clients[cookie] = a.Peer
	}
	w.kill(t, "a")
	for cookie, peer := range clients {
		a := w.get(t, "http://shop.example/", withCookie("berth", cookie))
		if a.Status != 200 || a.Peer == "a" || peer != "a" && a.Peer != peer || a.Header["Set-Cookie"] != nil {
			t.Errorf("a client of %s gets %d from %s with Set-Cookie %q", peer, a.Status, a.Peer, a.Header["Set-Cookie"])
		}
	}
}

func poolsKeepalive(t *testing.T, w *wharf) {
	w.workers = 1
	remotes := func(fields string) (n int, headers http.Header) {
		w.serve(t, `
			pools: {shop: {servers: [{{a}}], `+fields+`}}
			routes: {shop: {hosts: [shop.example], pool: shop}}
		`)
		seen := map[string]bool{}
		for range 10 {
			a := w.get(t, "http://shop.example/")
			seen[a.Saw.Remote], headers = true, a.Saw.Header
		}
		return len(seen), headers
	}
	for _, fields := range []string{"balance: round-robin", "keepalive: 2"} {
		if n, headers := remotes(fields); n != 1 || headers["Connection"] != nil {
			t.Errorf("%s: 10 requests come by %d connections with Connection %q, want one connection and none", fields, n, headers["Connection"])
		}
	}
	if n, headers := remotes("keepalive: 0"); n != 10 || headers.Get("Connection") != "close" {
		t.Errorf("keepalive: 0: 10 requests come by %d connections with Connection %q, want 10 and close", n, headers["Connection"])
	}
	if resp, err := w.send(t, "http://shop.example/", withHeader("Connection", "upgrade"), withHeader("Upgrade", "websocket")); err != nil || resp.StatusCode != 101 {
		t.Errorf("keepalive: 0: a websocket: got %v, %v, want 101", resp, err)
	}
	w.refused(t, three("keepalive: 20000"), `"20000" is not a number of idle connections`)
}

// The bound is of all workers together.
func poolsMaxConnections(t *testing.T, w *wharf) {
	w.workers = 2
	w.holdPeers("x", "y")
	w.serve(t, `
		pools: {shop: {servers: [{{x}}, {{y}}], maxConnections: 2}}
		routes: {shop: {hosts: [shop.example], pool: shop}}
	`)
	w.hold(t, 4, "x", "y")
	for _, name := range []string{"x", "y"} {
		if n := len(w.saw(t, name, 0)); n != 2 {
			t.Errorf("%s has %d requests under way, want 2", name, n)
		}
	}
	for range 10 {
		if a := w.get(t, "http://shop.example/"); a.Status != http.StatusBadGateway {
			t.Errorf("all peers are busy: got %d from %q, want 502", a.Status, a.Peer)
		}
	}
	w.refused(t, three("maxConnections: 0"), `"0" is not a limit`)
}

func poolsMaxFails(t *testing.T, w *wharf) {
	w.workers = 1
	w.peer("bad", func(rw http.ResponseWriter, r *http.Request) { rw.WriteHeader(http.StatusServiceUnavailable) })
	asked := func(fields string, n int) int {
		w.serve(t, `
			pools: {shop: {servers: [{{bad}}, {{b}}], `+fields+`}}
			routes: {shop: {hosts: [shop.example], pool: shop, retries: {on: [error, 503]}}}
		`)
		before := len(w.saw(t, "bad", 0))
		if got := w.count(t, n, nil); got["b"] != n {
			t.Errorf("%s: requests by peer: %v, want all for b, for the other one fails", fields, got)
		}
		return len(w.saw(t, "bad", 0)) - before
	}
	for fields, want := range map[string]int{"balance: round-robin": 1, "maxFails: 3": 3} {
		if n := asked(fields, 20); n != want {
			t.Errorf("%s: the peer that fails is asked %d times, want %d", fields, n, want)
		}
	}
	if n := asked("maxFails: 0", 20); n < 9 {
		t.Errorf("maxFails: 0: the peer that fails is asked %d times of 20, want every other time", n)
	}
	if n := asked("failTimeout: 1s", 10); n != 1 {
		t.Errorf("failTimeout: 1s: the peer that fails is asked %d times at once, want 1", n)
	}
	before := len(w.saw(t, "bad", 1))
	await(t, "the peer that failed is asked again, after a second", func() bool {
		w.count(t, 2, nil)
		return len(w.saw(t, "bad", 0)) > before
	})
	w.refused(t, three("failTimeout: 1500ms"), `"1500ms" has a part of a second (write whole seconds)`)
	w.refused(t, three("maxFails: -1"), `"-1" is not a number`)
	w.refused(t, three("weight: 2"), `pool shop has no field "weight"`)
	w.refused(t, `pools: {shop: {servers: [{address: {{a}}, maxFails: 2}]}}`, `has no field "maxFails"`)
}

// What workers share has room for many peers.
func poolsManyPeers(t *testing.T, w *wharf) {
	for _, n := range []int{31, 63, 1000} {
		servers := []string{"{{a}}"}
		for i := range n - 1 {
			servers = append(servers, fmt.Sprintf(`"[fd00:1111:2222:3333:4444:5555:6666:%x]:32768"`, 0x1000+i))
		}
		w.serve(t, `
			pools: {`+strings.Repeat("p", 63)+`: {servers: [`+strings.Join(servers, ", ")+`], balance: random-two, maxConnections: 100}}
			routes: {shop: {hosts: [shop.example], pool: `+strings.Repeat("p", 63)+`}}
		`)
	}
}
