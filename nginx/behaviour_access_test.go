package nginx_test

import (
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
)

// users holds ahab, whose password is whale, once for each form that htpasswd
// writes.
var users = []byte(`apr1:$apr1$salt1234$7ei8sDJ/pO6vgsuHvIO991
bcrypt:$2y$05$z/AFA4vvoSSFavcZAKxXh.9oUY60ma3OgQ2vDyj53/tKajnC4dpMi
sha:` + shaOf("whale") + "\n")

func shaOf(password string) string {
	sum := sha1.Sum([]byte(password))
	return "{SHA}" + base64.StdEncoding.EncodeToString(sum[:])
}

func withPassword(name, password string) option {
	return func(r *request) { r.SetBasicAuth(name, password) }
}

// statuses holds that requests are answered so.
func (w *wharf) statuses(t *testing.T, cases ...statusCase) {
	t.Helper()
	for _, c := range cases {
		a := w.get(t, c.url, c.options...)
		if a.Status != c.status || a.Peer != c.peer {
			t.Errorf("%s: %s: got %d from %q, want %d from %q", c.name, c.url, a.Status, a.Peer, c.status, c.peer)
		}
	}
}

type statusCase struct {
	name, url string
	options   []option
	status    int
	peer      string
}

func accessAddresses(t *testing.T, w *wharf) {
	w.serve(t, `
		pools: {shop: {servers: [{{shop}}]}}
		policies: {office: {access: {allow: [127.0.0.2, "fd00::/8"]}}}
		routes:
		  both: {hosts: [both.example], pool: shop, access: {allow: [127.0.0.0/29], deny: [127.0.0.3]}}
		  deny: {hosts: [deny.example], pool: shop, access: {deny: [127.0.0.3]}}
		  allow: {hosts: [allow.example], pool: shop, use: [office]}
		  six: {hosts: [six.example], pool: shop, access: {deny: ["::/0"], allow: [0.0.0.0/0]}}
	`)
	for _, c := range []struct {
		host, from string
		status     int
	}{
		{"both", "127.0.0.1", 200}, {"both", "127.0.0.3", 403}, {"both", "127.0.0.9", 403},
		{"deny", "127.0.0.1", 200}, {"deny", "127.0.0.3", 403},
		{"allow", "127.0.0.2", 200}, {"allow", "127.0.0.1", 403},
		{"six", "127.0.0.1", 200},
	} {
		if a := w.get(t, "http://"+c.host+".example/", from(c.from)); a.Status != c.status {
			t.Errorf("%s from %s: got %d, want %d", c.host, c.from, a.Status, c.status)
		}
	}
	for _, s := range w.saw(t, "shop", 4) {
		if strings.HasPrefix(s.Remote, "127.0.0.3") {
			t.Errorf("the peer met %+v", s)
		}
	}
	w.refused(t, `
		pools: {shop: {servers: [{{shop}}]}}
		routes: {shop: {hosts: [shop.example], pool: shop, access: {allow: [10.0.0.1/8]}}}
	`, "is not a network")
}

func accessBasic(t *testing.T, w *wharf) {
	w.secret("users", users)
	w.serve(t, `
		pools: {shop: {servers: [{{shop}}]}}
		routes:
		  shop: {hosts: [shop.example], pool: shop, access: {basic: users}}
		  "off": {hosts: [off.example], pool: shop, access: {basic: {secret: users}}}
		  own: {hosts: [own.example], pool: shop, access: {basic: {secret: users, realm: The Pequod}}}
	`)
	for host, realm := range map[string]string{"shop": "shop", "off": "Off", "own": "The Pequod"} {
		a := w.get(t, "http://"+host+".example/")
		if got := a.Header.Get("WWW-Authenticate"); a.Status != 401 || got != fmt.Sprintf("Basic realm=%q", realm) {
			t.Errorf("%s without a password: got %d with %q", host, a.Status, got)
		}
	}
	for _, name := range []string{"apr1", "sha", "bcrypt"} {
		if a := w.get(t, "http://shop.example/", withPassword(name, "whale")); a.Status != 200 || a.Peer != "shop" {
			t.Errorf("%s with the password: got %d from %q", name, a.Status, a.Peer)
		}
		if a := w.get(t, "http://shop.example/", withPassword(name, "shark")); a.Status != 401 {
			t.Errorf("%s with another password: got %d, want 401", name, a.Status)
		}
	}
	if a := w.get(t, "http://shop.example/", withPassword("nobody", "whale")); a.Status != 401 {
		t.Errorf("a stranger: got %d, want 401", a.Status)
	}
	w.refused(t, `
		pools: {shop: {servers: [{{shop}}]}}
		routes: {shop: {hosts: [shop.example], pool: shop, access: {basic: {realm: The Pequod}}}}
	`, "basic has no secret")
}

// A secret that is not there lets nobody in, whatever else would.
func accessMissingSecret(t *testing.T, w *wharf) {
	w.serve(t, `
		pools: {shop: {servers: [{{shop}}]}, spare: {servers: [{{spare}}]}}
		routes:
		  shop: {hosts: [shop.example], pool: shop, access: {basic: nothing}}
		  any: {hosts: [any.example], pool: shop, access: {basic: nothing, allow: [127.0.0.1], any: true}}
		  spare: {hosts: [spare.example], pool: shop, access: {basic: nothing}, errors: [{on: [503], pool: spare}]}
		  away: {hosts: [away.example], redirect: https://away.example, access: {basic: nothing}}
	`)
	if len(w.problems) != 4 || !strings.Contains(w.problems.Error(), "there is no secret nothing in the Swarm, so route shop answers 503") {
		t.Errorf("the cluster's problems are\n%v", w.problems)
	}
	for _, host := range []string{"shop", "any", "spare", "away"} {
		if a := w.get(t, "http://"+host+".example/", withPassword("apr1", "whale")); a.Status != 503 || a.Peer != "" {
			t.Errorf("%s: got %d from %q, want 503", host, a.Status, a.Peer)
		}
	}
}

// What nginx answers by itself comes after access as well.
func accessFixedAnswers(t *testing.T, w *wharf) {
	w.secret("users", users)
	w.serve(t, `
		pools: {nobody: {service: nobody, port: 80}}
		policies: {closed: {access: {basic: users}}}
		routes:
		  away: {hosts: [away.example], use: [closed], redirect: https://shop.example}
		  match: {hosts: [match.example], use: [closed], redirect: {regex: "^/old/(.*)", path: /new/$1}}
		  text: {hosts: [text.example], use: [closed], respond: {status: 203, body: "ahoy\n", type: text/plain}}
		  inner: {hosts: [text.example], use: [closed], when: {headers: {X-In: "*"}}, respond: {status: 410, body: gone}}
		  nobody: {hosts: [nobody.example], use: [closed], pool: nobody}
	`)
	in := withPassword("sha", "whale")
	for _, c := range []struct {
		url, method string
		status      int
		body, to    string
	}{
		{"http://away.example/x?y=1", "GET", 302, "", "https://shop.example/x?y=1"},
		{"http://away.example/x", "POST", 302, "", "https://shop.example/x"},
		{"http://match.example/old/a", "GET", 302, "", "/new/a"},
		{"http://match.example/young", "GET", 404, "", ""},
		{"http://text.example/", "GET", 203, "ahoy\n", ""},
		{"http://text.example/", "HEAD", 203, "", ""},
		{"http://text.example/", "DELETE", 203, "ahoy\n", ""},
		{"http://nobody.example/", "PUT", 503, "", ""},
	} {
		var body []option
		if c.method == "POST" || c.method == "PUT" {
			body = []option{withBody("a body that nobody reads")}
		}
		options := append(body, withMethod(c.method))
		if a := w.get(t, c.url, options...); a.Status != 401 || a.Header.Get("Location") != "" || strings.Contains(a.Body, "ahoy") {
			t.Errorf("%s %s without a password: got %d, %q, %q, want 401", c.method, c.url, a.Status, a.Header.Get("Location"), a.Body)
		}
		a := w.get(t, c.url, append(options, in)...)
		if a.Status != c.status || c.body != "" && a.Body != c.body || !strings.HasSuffix(a.Header.Get("Location"), c.to) {
			t.Errorf("%s %s: got %d, %q, %q", c.method, c.url, a.Status, a.Header.Get("Location"), a.Body)
		}
	}
	if a := w.get(t, "http://text.example/", withHeader("X-In", "1")); a.Status != 401 {
		t.Errorf("a conditional answer without a password: got %d, want 401", a.Status)
	}
	if a := w.get(t, "http://text.example/", withHeader("X-In", "1"), in); a.Status != 410 || a.Body != "gone" {
		t.Errorf("a conditional answer: got %d, %q", a.Status, a.Body)
	}
}

func accessAny(t *testing.T, w *wharf) {
	w.secret("users", users)
	w.serve(t, `
		pools: {shop: {servers: [{{shop}}]}}
		routes:
		  any: {hosts: [any.example], pool: shop, access: {allow: [127.0.0.2], basic: users, any: true}}
		  all: {hosts: [all.example], pool: shop, access: {allow: [127.0.0.2], basic: users}}
	`)
	in := withPassword("apr1", "whale")
	w.statuses(t,
		statusCase{"any, by address", "http://any.example/", []option{from("127.0.0.2")}, 200, "shop"},
		statusCase{"any, by password", "http://any.example/", []option{in}, 200, "shop"},
		statusCase{"any, by neither", "http://any.example/", nil, 401, ""},
		statusCase{"all, by address alone", "http://all.example/", []option{from("127.0.0.2")}, 401, ""},
		statusCase{"all, by password alone", "http://all.example/", []option{in}, 403, ""},
		statusCase{"all", "http://all.example/", []option{in, from("127.0.0.2")}, 200, "shop"},
	)
	w.refused(t, `
		pools: {shop: {servers: [{{shop}}]}}
		routes: {shop: {hosts: [shop.example], pool: shop, access: {basic: users, any: true}}}
	`, "there are no two ways")
}

// doorkeeper answers with the status that the request's cookie names.
func doorkeeper(asked *atomic.Int32) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		status := 401
		if c, err := r.Cookie("door"); err == nil {
			fmt.Sscan(c.Value, &status)
		}
		rw.Header().Set("X-User", "ahab")
		rw.Header().Set("X-Crew", r.Header.Get("X-Original-Method")+" "+r.Header.Get("X-Original-Uri"))
		if body, _ := io.ReadAll(r.Body); len(body) > 0 {
			rw.Header().Set("X-Crew", "a body came")
		}
		if status == 401 {
			rw.Header().Set("WWW-Authenticate", `Bearer realm="ship"`)
		}
		rw.WriteHeader(status)
	}
}

func accessAuth(t *testing.T, w *wharf) {
	var asked atomic.Int32
	w.peer("door", doorkeeper(&asked))
	w.serve(t, `
		pools: {shop: {servers: [{{shop}}]}, door: {servers: [{{door}}]}, nobody: {service: nobody, port: 80}, dead: {servers: [{{dead}}]}}
		policies: {known: {access: {auth: {pool: door, path: /oauth2/auth, headers: [X-User, X-Crew, X-None]}}}}
		routes:
		  shop: {hosts: [shop.example], pool: shop, use: [known], maxBody: 10m}
		  inner: {hosts: [shop.example], paths: [/in], pool: shop, use: [known], when: {headers: {X-In: "*"}}}
		  strip: {hosts: [shop.example], paths: [/strip], pool: shop, use: [known], rewrite: {strip: true}}
		  nobody: {hosts: [nobody.example], pool: shop, access: {auth: {pool: nobody}}}
		  dead: {hosts: [dead.example], pool: shop, access: {auth: {pool: dead}}}
		  any: {hosts: [any.example], pool: shop, access: {allow: [127.0.0.2], auth: {pool: nobody}, any: true}}
		  away: {hosts: [away.example], use: [known], redirect: https://shop.example}
	`)
	pass := withCookie("door", "204")
	forged := []option{withHeader("X-User", "mallory"), withHeader("X-None", "mallory")}
	for _, c := range []struct {
		name, url, path string
		options         []option
	}{
		{"direct", "http://shop.example/a%20b?q=1&r=2", "/a%20b", nil},
		{"inner", "http://shop.example/in/x?q=1&r=2", "/in/x", []option{withHeader("X-In", "1")}},
		{"rewritten", "http://shop.example/strip/x?q=1&r=2", "/x", nil},
	} {
		a := w.get(t, c.url, slices.Concat(forged, c.options, []option{pass})...)
		u, _ := url.Parse(c.url)
		if a.Status != 200 || a.Peer != "shop" || a.Saw.Path != c.path {
			t.Fatalf("%s: got %d from %q at %s", c.name, a.Status, a.Peer, a.Saw.Path)
		}
		if got := a.Saw.Header["X-User"]; !slices.Equal(got, []string{"ahab"}) {
			t.Errorf("%s: the peer sees X-User %q", c.name, got)
		}
		if got, want := a.Saw.Header.Get("X-Crew"), "GET "+u.RequestURI(); got != want {
			t.Errorf("%s: the door was asked for %q, want %q", c.name, got, want)
		}
		if got := a.Saw.Header["X-None"]; got != nil {
			t.Errorf("%s: the peer sees X-None %q, which the door did not say", c.name, got)
		}
	}
	// What the pool that decides is told.
	w.get(t, "http://shop.example/q?x", withBody(strings.Repeat("x", 2<<20)), withMethod("PUT"), pass,
		withHeader("Authorization", "Bearer token"), withHeader("If-None-Match", "*"), withHeader("Range", "bytes=0-1"),
		withHeader("X-Original-URI", "/forged"), withHeader("X-Forwarded-Method", "FORGED"))
	all := w.saw(t, "door", 4)
	told := all[len(all)-1]
	for name, want := range map[string]string{
		"X-Original-Method": "PUT", "X-Original-Uri": "/q?x", "X-Original-Url": "http://shop.example/q?x",
		"X-Forwarded-Method": "PUT", "X-Forwarded-Uri": "/q?x", "X-Forwarded-Host": "shop.example", "X-Forwarded-Proto": "http",
		"X-Forwarded-For": "127.0.0.1", "X-Real-Ip": "127.0.0.1", "Cookie": "door=204", "Authorization": "Bearer token",
		"If-None-Match": "", "Range": "", "Content-Length": "", "Transfer-Encoding": "",
	} {
		if got := strings.Join(told.Header[name], "|"); got != want {
			t.Errorf("the door sees %s %q, want %q", name, got, want)
		}
	}
	if told.Method != "GET" || told.Path != "/oauth2/auth" || told.Host != "shop.example" {
		t.Errorf("the door is asked %s %s of %s", told.Method, told.Path, told.Host)
	}
	a := w.get(t, "http://shop.example/", withBody("chunks"), func(r *request) { r.ContentLength = -1 }, pass)
	if a.Saw.Body != "chunks" || a.Saw.Header.Get("X-Crew") != "POST /" {
		t.Errorf("a body in chunks: the peer sees %q, and the door told %q", a.Saw.Body, a.Saw.Header.Get("X-Crew"))
	}

	before := len(w.saw(t, "shop", 5))
	if a := w.get(t, "http://shop.example/"); a.Status != 401 || a.Header.Get("WWW-Authenticate") != `Bearer realm="ship"` {
		t.Errorf("without a cookie: got %d with %q", a.Status, a.Header.Get("WWW-Authenticate"))
	}
	w.statuses(t,
		statusCase{"forbidden", "http://shop.example/", []option{withCookie("door", "403")}, 403, ""},
		statusCase{"a door that fails", "http://shop.example/", []option{withCookie("door", "500")}, 500, ""},
		statusCase{"a door that redirects", "http://shop.example/", []option{withCookie("door", "302")}, 500, ""},
		statusCase{"a door that finds nothing", "http://shop.example/", []option{withCookie("door", "404")}, 500, ""},
		statusCase{"no door", "http://nobody.example/", []option{pass}, 500, ""},
		statusCase{"a dead door", "http://dead.example/", []option{pass}, 500, ""},
		statusCase{"a redirect", "http://away.example/", nil, 401, ""},
		statusCase{"a redirect, let in", "http://away.example/", []option{pass}, 302, ""},
		statusCase{"any, no door", "http://any.example/", nil, 500, ""},
	)
	if after := len(w.saw(t, "shop", 5)); after != before {
		t.Errorf("%d requests that were refused reached the shop", after-before)
	}
	w.statuses(t, statusCase{"any, by address", "http://any.example/", []option{from("127.0.0.2")}, 200, "shop"})
	// Who asks for the inside gets no further.
	times := asked.Load()
	if a := w.get(t, "http://shop.example/.route/shop+auth", pass); a.Status != 404 || asked.Load() != times {
		t.Errorf("the place where the door is asked: got %d, and the door was asked %d times, want 404 and never", a.Status, asked.Load()-times)
	}
	w.refused(t, `
		pools: {shop: {servers: [{{shop}}]}}
		routes: {shop: {hosts: [shop.example], pool: shop, access: {auth: {path: /auth}}}}
	`, "auth has no pool")
	w.refused(t, `
		pools: {shop: {servers: [{{shop}}]}}
		policies: {unused: {access: {auth: {pool: doer}}}}
		routes: {shop: {hosts: [shop.example], pool: shop}}
	`, "there is no pool doer")
}

func accessSignIn(t *testing.T, w *wharf) {
	w.peer("door", doorkeeper(new(atomic.Int32)))
	w.serve(t, `
		pools: {shop: {servers: [{{shop}}]}, door: {servers: [{{door}}]}}
		routes:
		  shop: {hosts: [shop.example], pool: shop, access: {auth: {pool: door, signIn: "https://login.example/oauth2/start"}}}
		  query: {hosts: [query.example], pool: shop, access: {auth: {pool: door, signIn: "/oauth2/start?as=crew"}}}
		  bare: {hosts: [bare.example], pool: shop, access: {auth: {pool: door, signIn: "https://login.example"}}}
		  inner: {hosts: [shop.example], paths: [/in], pool: shop, when: {headers: {X-In: "*"}}, access: {auth: {pool: door, signIn: /in}}}
	`)
	host := fmt.Sprintf("shop.example:%d", w.port(t, "http"))
	for _, target := range []string{
		"/", "/a/b", "/x?a=1&b=2&c=%26%3D+1&d=;", "/caf%C3%A9%20bar?q=50%25&r=a+b",
		"/?" + strings.Repeat("a=%20&", 12), "/" + strings.Repeat("%41", 15) + "?" + strings.Repeat("&", 16), "/?rd=http://evil.example&x",
	} {
		a := w.get(t, "http://"+host+target)
		u, err := url.Parse(a.Header.Get("Location"))
		if err != nil || a.Status != 302 || u.Host != "login.example" || u.Path != "/oauth2/start" {
			t.Fatalf("%s: got %d to %q", target, a.Status, a.Header.Get("Location"))
		}
		q, err := url.ParseQuery(u.RawQuery)
		if got := q.Get("rd"); err != nil || got != "http://"+host+target || len(q) != 1 {
			t.Errorf("%s: after signing in the client goes to %q (%v, %v)", target, got, q, err)
		}
	}
	if a := w.get(t, "http://query.example/x?y"); a.Header.Get("Location") != "http://query.example/oauth2/start?as=crew&rd=http://query.example/x?y" {
		t.Errorf("a query: got %d to %q", a.Status, a.Header.Get("Location"))
	}
	if a := w.get(t, "http://bare.example/x"); a.Header.Get("Location") != "https://login.example/?rd=http://bare.example/x" {
		t.Errorf("no path: got %d to %q", a.Status, a.Header.Get("Location"))
	}
	if a := w.get(t, "http://shop.example/in/x", withHeader("X-In", "1"), withBody("x")); a.Header.Get("Location") != "http://shop.example/in?rd=http://shop.example/in/x" {
		t.Errorf("an inner location: got %d to %q", a.Status, a.Header.Get("Location"))
	}
	w.statuses(t,
		statusCase{"let in", "http://shop.example/", []option{withCookie("door", "200")}, 200, "shop"},
		statusCase{"forbidden", "http://shop.example/", []option{withCookie("door", "403")}, 403, ""},
		statusCase{"failing", "http://shop.example/", []option{withCookie("door", "503")}, 500, ""},
	)
	w.refused(t, `
		pools: {shop: {servers: [{{shop}}]}, door: {servers: [{{door}}]}}
		routes: {shop: {hosts: [shop.example], pool: shop, access: {auth: {pool: door, signIn: /in}, basic: users}}}
	`, "is never asked for a password")
}

// The log, limits, response headers and the cache are of the client's request, and
// not of the question whether it may pass.
func accessAuthBeside(t *testing.T, w *wharf) {
	w.peer("door", doorkeeper(new(atomic.Int32)))
	w.serve(t, `
		pools: {shop: {servers: [{{shop}}]}, door: {servers: [{{door}}]}, dead: {servers: [{{dead}}]}, spare: {servers: [{{spare}}]}}
		routes:
		  shop: {hosts: [shop.example], pool: shop, access: {auth: {pool: door}}, cache: {valid: 1h, cookies: true}, limits: {rate: 1/m, burst: 3}}
		  dead: {hosts: [dead.example], pool: dead, errors: [{on: [502], pool: spare}], cache: {valid: 1h}, limits: {rate: 1/m, burst: 1}}
	`)
	pass := withCookie("door", "204")
	for i, want := range []statusCase{
		{"first", "http://shop.example/", []option{pass}, 200, "shop"},
		{"not let in", "http://shop.example/", nil, 401, ""},
		{"again", "http://shop.example/", []option{pass}, 200, "shop"},
		{"again", "http://shop.example/", []option{pass}, 200, "shop"},
		{"too often", "http://shop.example/", []option{pass}, 429, ""},
	} {
		if a := w.get(t, want.url, want.options...); a.Status != want.status {
			t.Errorf("%d, %s: got %d, want %d", i, want.name, a.Status, want.status)
		}
	}
	if n := len(w.saw(t, "shop", 1)); n != 1 {
		t.Errorf("the shop was asked %d times for what is kept, want 1", n)
	}
	if n := len(w.saw(t, "door", 4)); n != 4 {
		t.Errorf("the door was asked %d times, want 4: what is kept is not for everybody", n)
	}
	if line := w.logged(t, `"GET / HTTP/1.1" 401`); strings.Contains(line, "door") {
		t.Errorf("the log of a request that was refused names the door: %s", line)
	}
	for i := range 2 {
		if a := w.get(t, "http://dead.example/"); a.Peer != "spare" {
			t.Errorf("a fallback, %d: got %d from %q", i, a.Status, a.Peer)
		}
	}
	if n := len(w.saw(t, "spare", 2)); n != 2 {
		t.Errorf("the spare was asked %d times, want 2: what it answers is not kept", n)
	}
	if a := w.get(t, "http://dead.example/"); a.Status != 429 {
		t.Errorf("a third request: got %d, want 429", a.Status)
	}
}
