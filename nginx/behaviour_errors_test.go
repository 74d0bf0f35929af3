package nginx_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// answering answers with the status that the path ends in.
func answering(rw http.ResponseWriter, r *http.Request) {
	status := 200
	fmt.Sscan(r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:], &status)
	http.Error(rw, "from the peer", status)
}

func errorsPool(t *testing.T, w *wharf) {
	w.peer("app", answering)
	w.peer("failing", func(rw http.ResponseWriter, r *http.Request) { http.Error(rw, "from failing", http.StatusBadGateway) })
	w.serve(t, `
		pools:
		  app: {servers: [{{app}}]}
		  dead: {servers: [{{dead}}]}
		  nobody: {service: nobody, port: 80}
		  spare: {servers: [{{spare}}]}
		  failing: {servers: [{{failing}}]}
		policies: {safe: {errors: [{on: [404, 502, 503, 504], pool: spare}]}}
		routes:
		  app: {hosts: [app.example], pool: app, use: [safe]}
		  dead: {hosts: [dead.example], pool: dead, use: [safe]}
		  nobody: {hosts: [nobody.example], pool: nobody, use: [safe]}
		  dead-inner: {hosts: [dead.example], paths: [/in], pool: dead, use: [safe], when: {headers: {X-In: "*"}}}
		  dead-strip: {hosts: [dead.example], paths: [/strip], pool: dead, use: [safe], rewrite: {strip: true}}
		  dead-both: {hosts: [dead.example], paths: [/both], pool: dead, use: [safe], rewrite: {strip: true}, when: {headers: {X-In: "*"}}}
		  nobody-strip: {hosts: [nobody.example], paths: [/strip], pool: nobody, use: [safe], rewrite: {strip: true}}
		  nobody-both: {hosts: [nobody.example], paths: [/both], pool: nobody, use: [safe], rewrite: {strip: true}, when: {headers: {X-In: "*"}}}
		  split: {hosts: [split.example], split: {app: 1, dead: 1}, use: [safe]}
		  failing: {hosts: [failing.example], pool: dead, errors: [{on: [502], pool: failing}]}
		  failing-too: {hosts: [too.example], pool: failing, errors: [{on: [502, 503], pool: nobody}]}
		  itself: {hosts: [itself.example], pool: failing, errors: [{on: [502], pool: failing}]}
	`)
	in := withHeader("X-In", "1")
	for _, c := range []struct {
		url, path string
		options   []option
	}{
		{"http://app.example/a%20b/404?q=1", "/a%20b/404", nil},
		{"http://app.example/503?q=1", "/503", nil},
		{"http://dead.example/a%2Fb?q=1", "/a%2Fb", nil},
		{"http://dead.example/in/x?q=1", "/in/x", []option{in}},
		{"http://dead.example/strip/x%20y?q=1", "/x%20y", nil},
		{"http://dead.example/both/x?q=1", "/x", []option{in}},
		{"http://nobody.example/x?q=1", "/x", nil},
		{"http://nobody.example/strip/x?q=1", "/x", nil},
		{"http://nobody.example/both/x?q=1", "/x", []option{in}},
	} {
		for _, method := range []string{"GET", "POST", "PUT", "HEAD", "DELETE"} {
			options := append([]option{withMethod(method)}, c.options...)
			body := ""
			if method == "POST" || method == "PUT" {
				body = strings.Repeat("body", 250)
				options = append(options, withBody(body))
			}
			before := len(w.saw(t, "spare", 0))
			a := w.get(t, c.url, append(options, withMethod(method))...)
			if a.Status != 200 || method != "HEAD" && a.Peer != "spare" {
				t.Errorf("%s %s: got %d from %q, want 200 from spare", method, c.url, a.Status, a.Peer)
				continue
			}
			s := w.saw(t, "spare", before+1)[before]
			if s.Method != method || s.Path != c.path || s.Query != "q=1" || s.Body != body {
				t.Errorf("%s %s: the spare saw %s %s?%s with %d bytes, want %s with %d", method, c.url, s.Method, s.Path, s.Query, s.Size, c.path, len(body))
			}
		}
	}
	big := strings.Repeat("x", 900<<10) // nginx keeps it in a file
	if a := w.get(t, "http://dead.example/", withBody(big)); a.Saw.Size != int64(len(big)) {
		t.Errorf("a large body: the spare saw %d bytes of %d", a.Saw.Size, len(big))
	}
	for range 20 {
		if a := w.get(t, "http://split.example/"); a.Status != 200 {
			t.Errorf("a split with a dead pool: got %d", a.Status)
		}
	}
	// Statuses without a rule are the peer's own.
	for _, status := range []int{200, 403, 500} {
		if a := w.get(t, fmt.Sprintf("http://app.example/%d", status)); a.Status != status || a.Body != "from the peer\n" {
			t.Errorf("a status without a rule: got %d, %q, want %d", a.Status, a.Body, status)
		}
	}
	// What fails twice is told as it is.
	for host, want := range map[string]int{"failing": 502, "too": 503, "itself": 502} {
		if a := w.get(t, "http://"+host+".example/"); a.Status != want {
			t.Errorf("%s: got %d, want %d", host, a.Status, want)
		}
	}
	if n := len(w.saw(t, "failing", 4)); n != 4 {
		t.Errorf("the failing pool was asked %d times, want 4: once for each time that it is named", n)
	}
	for text, want := range map[string]string{
		"{on: [502]}":                          "this rule answers nothing",
		"{pool: app}":                          "this rule is for no status",
		"{on: [], pool: app}":                  "this rule is for no status",
		"{on: [502], pool: app, respond: 503}": "this rule answers several things",
		"{on: [502], pool: ap}":                "there is no pool ap",
		"{on: [502, 502], pool: app}":          "there is a rule for 502 already",
		"{on: [413], pool: app}":               "is not read",
		"{on: [499], pool: app}":               "nobody gets a 499",
		"{on: [302], pool: app}":               "is not the status of an error",
	} {
		w.refused(t, `
			pools: {app: {servers: [{{app}}]}}
			policies: {unused: {errors: [`+text+`]}}
			routes: {app: {hosts: [app.example], pool: app}}
		`, want)
	}
}

func errorsAnswers(t *testing.T, w *wharf) {
	w.peer("app", answering)
	w.serve(t, `
		pools: {app: {servers: [{{app}}]}, dead: {servers: [{{dead}}]}, nobody: {service: nobody, port: 80}}
		policies:
		  pages:
		    errors:
		      - {on: [404, 410], respond: {body: "<p>Not here.", type: text/html}}
		      - {on: [502, 503, 504], respond: {status: 503, body: "Later.\n"}}
		      - {on: [500], respond: 599}
		      - {on: [403, 413], redirect: "https://www.example/why"}
		      - {on: [401], redirect: "https://sso.example"}
		routes:
		  app: {hosts: [app.example], pool: app, use: [pages], maxBody: 1k}
		  inner: {hosts: [app.example], paths: [/in], pool: app, use: [pages], when: {headers: {X-In: "*"}}}
		  dead: {hosts: [dead.example], pool: dead, use: [pages]}
		  nobody: {hosts: [nobody.example], pool: nobody, use: [pages]}
		  denied: {hosts: [denied.example], pool: app, use: [pages], access: {deny: [127.0.0.1]}}
		  match: {hosts: [match.example], redirect: {regex: ^/old, path: /new}, use: [pages]}
	`)
	for _, c := range []struct {
		url    string
		status int
		body   string
		to     string
	}{
		{"http://app.example/200", 200, "from the peer\n", ""},
		{"http://app.example/404", 404, "<p>Not here.", ""},
		{"http://app.example/410", 410, "<p>Not here.", ""},
		{"http://app.example/in/410", 410, "<p>Not here.", ""},
		{"http://app.example/504", 503, "Later.\n", ""},
		{"http://app.example/403", 302, "", "https://www.example/why"},
		{"http://app.example/401?x=y", 302, "", "https://sso.example/401?x=y"},
		{"http://dead.example/", 503, "Later.\n", ""},
		{"http://nobody.example/", 503, "Later.\n", ""},
		{"http://denied.example/", 302, "", "https://www.example/why"},
		{"http://match.example/", 404, "<p>Not here.", ""},
	} {
		for _, method := range []string{"GET", "HEAD", "POST"} {
			a := w.get(t, c.url, withMethod(method), withHeader("X-In", "1"))
			if a.Status != c.status || c.body != "" && method != "HEAD" && a.Body != c.body || a.Header.Get("Location") != c.to {
				t.Errorf("%s %s: got %d, %q, to %q, want %d, %q, %q", method, c.url, a.Status, a.Body, a.Header.Get("Location"), c.status, c.body, c.to)
			}
		}
	}
	if a := w.get(t, "http://app.example/404"); a.Header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("a page has the type %q", a.Header.Get("Content-Type"))
	}
	if a := w.get(t, "http://app.example/500"); a.Status != 599 {
		t.Errorf("another status without a body: got %d, want 599", a.Status)
	}
	if a := w.get(t, "http://app.example/200", withBody(strings.Repeat("x", 2<<10))); a.Status != 302 || a.Header.Get("Location") != "https://www.example/why" {
		t.Errorf("nginx's own 413: got %d to %q", a.Status, a.Header.Get("Location"))
	}
	w.refused(t, `
		pools: {app: {servers: [{{app}}]}}
		routes: {app: {hosts: [app.example], pool: app, errors: [{on: [404], respond: {status: 204, body: nothing}}]}}
	`, "an answer with status 204 has no body")
}

// A fallback pool is behind the same doors, unless it is for those who were not
// let in.
func errorsAccess(t *testing.T, w *wharf) {
	w.secret("users", users)
	w.peer("door", doorkeeper(new(atomic.Int32)))
	w.serve(t, `
		pools: {dead: {servers: [{{dead}}]}, shop: {servers: [{{shop}}]}, spare: {servers: [{{spare}}]}, door: {servers: [{{door}}]}}
		routes:
		  auth: {hosts: [auth.example], pool: dead, access: {auth: {pool: door, headers: [X-User]}}, errors: [{on: [401, 403, 500, 502], pool: spare}]}
		  basic: {hosts: [basic.example], pool: dead, access: {basic: users}, errors: [{on: [500, 502], pool: spare}]}
		  refused: {hosts: [refused.example], pool: shop, access: {deny: [127.0.0.1]}, errors: [{on: [403], pool: spare}]}
	`)
	a := w.get(t, "http://auth.example/", withCookie("door", "204"), withHeader("X-User", "mallory"))
	if a.Peer != "spare" || strings.Join(a.Saw.Header["X-User"], "|") != "ahab" {
		t.Errorf("let in: got %d from %q, which saw X-User %q", a.Status, a.Peer, a.Saw.Header["X-User"])
	}
	w.statuses(t,
		statusCase{"a door that fails", "http://auth.example/", []option{withCookie("door", "500")}, 500, ""},
		statusCase{"not let in", "http://auth.example/", []option{withCookie("door", "401")}, 200, "spare"},
		statusCase{"forbidden", "http://auth.example/", []option{withCookie("door", "403")}, 200, "spare"},
		statusCase{"no password", "http://basic.example/", nil, 401, ""},
		statusCase{"a password", "http://basic.example/", []option{withPassword("apr1", "whale")}, 200, "spare"},
		statusCase{"denied", "http://refused.example/", nil, 200, "spare"},
	)
	w.refused(t, `
		pools: {shop: {servers: [{{shop}}]}, door: {servers: [{{door}}]}}
		routes: {shop: {hosts: [shop.example], pool: shop, access: {auth: {pool: door, signIn: /in}}, errors: [{on: [401], respond: 404}]}}
	`, "are sent to sign in")
	w.refused(t, `
		pools: {shop: {servers: [{{shop}}]}}
		routes: {shop: {hosts: [shop.example], pool: shop, buffering: {requests: false}, errors: [{on: [502], pool: shop}]}}
	`, "does not collect them")
}

func maintenanceOn(t *testing.T, w *wharf) {
	w.secret("users", users)
	w.serve(t, `
		pools: {shop: {servers: [{{shop}}]}, shop2: {servers: [{{shop2}}]}}
		policies: {later: {maintenance: {on: false, body: "Tomorrow.\n", type: text/plain, retryAfter: 2h}}}
		routes:
		  plain: {hosts: [plain.example], pool: shop, maintenance: true, access: {basic: users}}
		  own: {hosts: [own.example], pool: shop, use: [later], maintenance: true}
		  "no": {hosts: [no.example], pool: shop, use: [later]}
		  team: {hosts: [team.example], pool: shop, maintenance: {except: [127.0.0.2, "fd00::/8"], retryAfter: 90s}}
		  team-basic: {hosts: [team.example], paths: [/basic], pool: shop, access: {basic: users}, maintenance: {except: [127.0.0.2]}}
		  inner: {hosts: [team.example], paths: [/in], pool: shop, when: {headers: {X-In: "*"}}, maintenance: {except: [127.0.0.2]}}
		  strip: {hosts: [team.example], paths: [/strip], pool: shop, rewrite: {strip: true}, maintenance: {except: [127.0.0.2]}}
		  split: {hosts: [split.example], split: {shop: 1, shop2: 1}, maintenance: {except: [127.0.0.2]}}
		  away: {hosts: [away.example], redirect: https://shop.example, maintenance: true}
		  rule: {hosts: [rule.example], pool: shop, maintenance: {except: [127.0.0.2]}, errors: [{on: [503], respond: {status: 500, body: wrong}}]}
	`)
	for _, host := range []string{"plain", "team", "team.example/basic?", "team.example/in?", "team.example/strip?", "split", "away", "rule"} {
		url := "http://" + host + ".example/"
		if strings.Contains(host, "/") {
			url = "http://" + strings.TrimSuffix(host, "?") + "/x"
		}
		for _, method := range []string{"GET", "POST"} {
			a := w.get(t, url, withMethod(method), withHeader("X-In", "1"))
			if a.Status != 503 || a.Header.Get("Content-Type") != "text/html; charset=utf-8" || !strings.Contains(a.Body, "<h1>Down for maintenance</h1>") {
				t.Errorf("%s %s: got %d, %q, %q", method, url, a.Status, a.Header.Get("Content-Type"), a.Body)
			}
		}
	}
	a := w.get(t, "http://own.example/")
	if a.Status != 503 || a.Body != "Tomorrow.\n" || a.Header.Get("Retry-After") != "7200" || a.Header.Get("Content-Type") != "text/plain; charset=utf-8" {
		t.Errorf("a page of its own: got %d, %q, %v", a.Status, a.Body, a.Header)
	}
	if a := w.get(t, "http://team.example/"); a.Header.Get("Retry-After") != "90" {
		t.Errorf("Retry-After is %q, want 90", a.Header.Get("Retry-After"))
	}
	if a := w.get(t, "http://plain.example/"); a.Header["Retry-After"] != nil {
		t.Errorf("Retry-After is %q, want none", a.Header["Retry-After"])
	}
	team := from("127.0.0.2")
	w.statuses(t,
		statusCase{"switched off", "http://no.example/", nil, 200, "shop"},
		statusCase{"the team", "http://team.example/", []option{team}, 200, "shop"},
		statusCase{"the team, without a password", "http://team.example/basic", []option{team}, 401, ""},
		statusCase{"the team, inside", "http://team.example/in/x", []option{team, withHeader("X-In", "1")}, 200, "shop"},
		statusCase{"not for the team alone", "http://plain.example/", []option{team}, 503, ""},
	)
	if a := w.get(t, "http://team.example/strip/x", team); a.Saw.Path != "/x" {
		t.Errorf("the team, rewritten: the peer sees %q", a.Saw.Path)
	}
	if a := w.get(t, "http://team.example/", team); a.Header["Retry-After"] != nil {
		t.Errorf("the team is told to come again in %q", a.Header["Retry-After"])
	}
	w.refused(t, `
		pools: {shop: {servers: [{{shop}}]}}
		routes: {shop: {hosts: [shop.example], pool: shop, maintenance: {except: [office]}}}
	`, "is not a network")
}

func mirrorCopies(t *testing.T, w *wharf) {
	w.secret("users", users)
	w.serve(t, `
		pools: {shop: {servers: [{{shop}}]}, next: {servers: [{{next}}]}, bodiless: {servers: [{{bodiless}}]}, nobody: {service: nobody, port: 80}}
		routes:
		  shop: {hosts: [shop.example], pool: shop, mirror: next, maxBody: 10m}
		  inner: {hosts: [shop.example], paths: [/in], pool: shop, mirror: next, when: {headers: {X-In: "*"}}}
		  strip: {hosts: [shop.example], paths: [/strip], pool: shop, mirror: next, rewrite: {strip: true}}
		  body: {hosts: [body.example], pool: shop, mirror: {pool: bodiless, body: false}}
		  closed: {hosts: [closed.example], pool: shop, mirror: next, access: {basic: users}}
		  nobody: {hosts: [nobody.example], pool: shop, mirror: nobody}
	`)
	sent := 0
	for _, c := range []struct{ method, url, path, body string }{
		{"GET", "http://shop.example/a%20b%0d%0a/x?q=%20", "/a%20b%0d%0a/x", ""},
		{"PUT", "http://shop.example/a%2Fb?q=%20", "/a%2Fb", strings.Repeat("x", 1000)},
		{"POST", "http://shop.example/in/x?q=%20", "/in/x", "ahoy"},
		{"POST", "http://shop.example/strip/x%20y%0d%0a?q=%20", "/x%20y%0D%0A", "ahoy"},
		{"DELETE", "http://shop.example/?q=%20", "/", ""},
	} {
		options := []option{withMethod(c.method), withHeader("X-In", "1"), withCookie("c", "1"), withHeader("X-Forwarded-For", "192.0.2.66")}
		if c.body != "" {
			options = append([]option{withBody(c.body)}, options...)
		}
		a := w.get(t, c.url, options...)
		if a.Status != 200 || a.Peer != "shop" || a.Saw.Path != c.path {
			t.Errorf("%s %s: got %d from %q, which saw %s", c.method, c.url, a.Status, a.Peer, a.Saw.Path)
		}
		sent++
		s := w.saw(t, "next", sent)[sent-1]
		if s.Method != c.method || s.Path != c.path || s.Query != "q=%20" || s.Body != c.body || s.Host != "shop.example" ||
			s.Header.Get("Cookie") != "c=1" || s.Header.Get("X-Mirror") == "" {
			t.Errorf("%s %s: the mirror saw %+v", c.method, c.url, s)
		}
		for _, name := range []string{"X-Real-Ip", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Request-Id"} {
			if got, want := s.Header[name], a.Saw.Header[name]; len(got) != 1 || got[0] != want[0] {
				t.Errorf("%s %s: the mirror sees %s %q, and the peer %q", c.method, c.url, name, got, want)
			}
		}
		if a.Saw.Header["X-Mirror"] != nil {
			t.Error("the peer sees X-Mirror")
		}
	}
	big := strings.Repeat("x", 2<<20)
	if a := w.get(t, "http://shop.example/", withBody(big)); a.Saw.Size != 2<<20 {
		t.Errorf("a large body: the peer saw %d bytes", a.Saw.Size)
	}
	sent++
	if s := w.saw(t, "next", sent)[sent-1]; s.Size != 2<<20 {
		t.Errorf("a large body: the mirror saw %d bytes", s.Size)
	}
	if a := w.get(t, "http://body.example/", withBody("ahoy")); a.Saw.Body != "ahoy" {
		t.Errorf("without body: the peer saw %q", a.Saw.Body)
	}
	if s := w.saw(t, "bodiless", 1)[0]; s.Method != "POST" || s.Size != 0 {
		t.Errorf("without body: the mirror saw %s with %d bytes", s.Method, s.Size)
	}
	w.statuses(t,
		statusCase{"not let in", "http://closed.example/", nil, 401, ""},
		statusCase{"nobody mirrors", "http://nobody.example/", nil, 200, "shop"},
		statusCase{"let in", "http://closed.example/last", []option{withPassword("sha", "whale")}, 200, "shop"},
	)
	sent++
	if s := w.saw(t, "next", sent)[sent-1]; s.Path != "/last" {
		t.Errorf("the mirror saw %s, which was not let in", s.Path)
	}
	w.refused(t, `
		pools: {shop: {servers: [{{shop}}]}}
		routes: {shop: {hosts: [shop.example], pool: shop, mirror: next}}
	`, "there is no pool next")
	w.refused(t, `
		pools: {shop: {servers: [{{shop}}]}}
		routes: {shop: {hosts: [shop.example], redirect: https://www.example, mirror: shop}}
	`, "a mirror gets what a pool gets")
}

func mirrorShare(t *testing.T, w *wharf) {
	w.serve(t, `
		pools: {shop: {servers: [{{shop}}]}, next: {servers: [{{next}}]}}
		routes: {shop: {hosts: [shop.example], pool: shop, mirror: {pool: next, share: 25}}}
	`)
	const requests = 400
	for range requests {
		if a := w.get(t, "http://shop.example/"); a.Peer != "shop" {
			t.Fatalf("got %d from %q", a.Status, a.Peer)
		}
	}
	time.Sleep(100 * time.Millisecond)
	// 25 of a hundred, give or take six standard deviations.
	if n := len(w.saw(t, "next", 1)); n < 48 || n > 152 {
		t.Errorf("the mirror saw %d of %d requests, want about 100", n, requests)
	}
	w.refused(t, `
		pools: {shop: {servers: [{{shop}}]}}
		routes: {shop: {hosts: [shop.example], pool: shop, mirror: {pool: shop, share: 101}}}
	`, "is not a percentage")
}

// Neither the mirror's answer nor its slowness reaches a client, not even the next
// request on the same connection.
func mirrorSlow(t *testing.T, w *wharf) {
	var cut atomic.Int32
	w.peer("slow", func(rw http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(time.Second):
		case <-r.Context().Done():
			cut.Add(1)
		}
		http.Error(rw, "from the mirror", http.StatusInternalServerError)
	})
	w.serve(t, `
		pools: {shop: {servers: [{{shop}}]}, slow: {servers: [{{slow}}]}, dead: {servers: [{{dead}}]}}
		routes:
		  shop: {hosts: [shop.example], pool: shop, mirror: slow}
		  dead: {hosts: [dead.example], pool: shop, mirror: dead}
	`)
	for _, host := range []string{"shop", "dead"} {
		url := "http://" + host + ".example/"
		open := w.transport(t, url)
		begin := time.Now()
		for range 10 {
			if a := w.get(t, url, via(open), withBody("ahoy")); a.Status != 200 || a.Peer != "shop" || a.Header.Get("Connection") != "keep-alive" {
				t.Fatalf("%s: got %d from %q, %q", host, a.Status, a.Peer, a.Header.Get("Connection"))
			}
		}
		if took := time.Since(begin); took > 5*time.Second { // they would take ten
			t.Errorf("%s: ten requests took %s, while each copy takes a second", host, took)
		}
	}
	w.saw(t, "slow", 10)
	time.Sleep(1200 * time.Millisecond)
	if cut.Load() > 0 {
		t.Errorf("%d copies were cut off before the mirror had answered", cut.Load())
	}
}
