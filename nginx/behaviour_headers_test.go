package nginx_test

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// says lets the peers called name answer with these headers.
func (w *wharf) says(name string, headers ...string) {
	w.peer(name, func(rw http.ResponseWriter, r *http.Request) {
		for i := 0; i < len(headers); i += 2 {
			rw.Header().Add(headers[i], headers[i+1])
		}
		if r.URL.Path == "/fails" {
			rw.WriteHeader(http.StatusInternalServerError)
		}
	})
}

// only holds that a header is there once, with a value that matches, or, where
// want is empty, not at all.
func only(t *testing.T, who string, headers http.Header, name, want string) {
	t.Helper()
	got := headers.Values(name)
	if want == "" && len(got) == 0 {
		return
	}
	if len(got) != 1 || want == "" || !regexp.MustCompile("^(?:"+want+")$").MatchString(got[0]) {
		t.Errorf("%s: %s is %q, want one that is %q", who, name, got, want)
	}
}

func headersRequest(t *testing.T, w *wharf) {
	w.serve(t, `
		pools: {shop: {servers: [{{shop}}]}}
		routes:
		  shop:
		    hosts: [shop.example]
		    pool: shop
		    headers:
		      request:
		        set: {X-Stage: test, X-Client: "$remote_addr by $scheme", X-Real-IP: 192.0.2.1, Accept-Encoding: "", X-Odd: 'a"b;c\d {e} #f'}
		        remove: [X-Secret, Cookie, x-request-id]
		  plain: {hosts: [plain.example], pool: shop}
	`)
	a := w.get(t, "http://shop.example/", withHeader("X-Stage", "evil"), withHeader("x-secret", "1"), withHeader("X-Kept", "1"),
		withCookie("a", "b"), withHeader("Accept-Encoding", "gzip"))
	for name, want := range map[string]string{
		"X-Stage": "test", "X-Client": `127\.0\.0\.1 by http`, "X-Secret": "", "Cookie": "", "Accept-Encoding": "", "X-Kept": "1",
		"X-Real-Ip": `192\.0\.2\.1`, "X-Request-Id": "", "X-Odd": regexp.QuoteMeta(`a"b;c\d {e} #f`),
		// What every peer gets is still there.
		"X-Forwarded-For": `127\.0\.0\.1`, "X-Forwarded-Proto": "http", "X-Forwarded-Host": `shop\.example`, "Connection": "", "Upgrade": "",
	} {
		only(t, "the peer", a.Saw.Header, name, want)
	}
	if a.Saw.Host != "shop.example" {
		t.Errorf("the peer sees Host %q, want the client's", a.Saw.Host)
	}
	a = w.get(t, "http://plain.example/", withHeader("X-Stage", "mine"), withCookie("a", "b"))
	only(t, "the peer of another route", a.Saw.Header, "X-Stage", "mine")
	only(t, "the peer of another route", a.Saw.Header, "Cookie", "a=b")
	only(t, "the peer of another route", a.Saw.Header, "X-Request-Id", "[0-9a-f]{32}")

	route := func(request string) string {
		return `
		pools: {shop: {servers: [{{shop}}]}}
		routes: {shop: {hosts: [shop.example], pool: shop, headers: {request: ` + request + `}}}`
	}
	for request, want := range map[string]string{
		`{set: {Host: other.example}}`:        "the header Host is the proxy's own (add host: NAME to the pool)",
		`{set: {connection: close}}`:          "the header Connection is the proxy's own",
		`{remove: [Upgrade]}`:                 "the header Upgrade is the proxy's own",
		`{set: {Transfer-Encoding: chunked}}`: "the header Transfer-Encoding is the proxy's own",
		`{set: {Content-Length: "1"}}`:        "the header Content-Length is the proxy's own",
		`{set: {X-A: "1"}, remove: [x-a]}`:    "the header X-A is set and removed",
		`{set: {X-A: "$http_authorization"}}`: `there is no variable "$http_authorization" for headers`,
		`{set: {X-A: "${host}"}}`:             `there is no variable "$" for headers`,
		`{set: {X-A: "$ssl_server_name"}}`:    `there is no variable "$ssl_server_name" for headers`,
		`{set: {X-A: "a\r\nX-B: c"}}`:         "is not the value of a header",
		`{set: {X_A: "1"}}`:                   `"X_A" is not the name of a header`,
	} {
		w.refused(t, route(request), want)
	}
	w.refused(t, `routes: {shop: {hosts: [shop.example], redirect: /new, headers: {request: {remove: [Cookie]}}}}`, "this route has none")
}

func headersResponse(t *testing.T, w *wharf) {
	w.says("shop", "X-Powered-By", "PHP/5", "X-Frame-Options", "ALLOWALL", "Cache-Control", "no-store", "Server", "Apache", "X-Kept", "1",
		"Set-Cookie", "a=1", "Set-Cookie", "b=2", "Content-Type", "text/plain; charset=latin1")
	w.serve(t, `
		policies:
		  secure:
		    headers: {response: {set: {X-Frame-Options: DENY, X-Seen-By: $hostname}, remove: [X-Powered-By, Set-Cookie]}}
		pools: {shop: {servers: [{{shop}}]}, dead: {servers: [{{dead}}]}, nobody: {service: nobody, port: 80}}
		routes:
		  shop:
		    hosts: [shop.example]
		    use: [secure]
		    pool: shop
		    headers: {response: {set: {Referrer-Policy: no-referrer, Content-Type: text/html}}}
		  slash: {hosts: [shop.example], paths: [/slash], slash: add, use: [secure], pool: shop}
		  dead: {hosts: [shop.example], paths: [/dead], use: [secure], pool: dead}
		  nobody: {hosts: [shop.example], paths: [/nobody], use: [secure], pool: nobody}
		  gone: {hosts: [shop.example], paths: [/gone], use: [secure], respond: {status: 410, body: gone}}
		  moved: {hosts: [shop.example], paths: [/moved], use: [secure], redirect: /new}
		  big: {hosts: [shop.example], paths: [/big], use: [secure], maxBody: 1, pool: shop}
		  plain: {hosts: [plain.example], pool: shop}
	`)
	for path, status := range map[string]int{"/": 200, "/fails": 500} {
		a := w.get(t, "http://shop.example"+path)
		if a.Status != status {
			t.Errorf("%s: got %d, want %d", path, a.Status, status)
		}
		for name, want := range map[string]string{
			"X-Frame-Options": "DENY", "X-Powered-By": "", "Set-Cookie": "", "Referrer-Policy": "no-referrer", "X-Seen-By": ".+",
			"X-Kept": "1", "Server": "nginx", "Content-Type": "text/html",
		} {
			only(t, path, a.Header, name, want)
		}
	}
	for path, status := range map[string]int{"/slash": 301, "/dead": 502, "/nobody": 503, "/gone": 410, "/moved": 302, "/big": 413} {
		a := w.get(t, "http://shop.example"+path, withBody("xx"))
		if a.Status != status {
			t.Errorf("%s: got %d, want %d", path, a.Status, status)
		}
		only(t, path, a.Header, "X-Frame-Options", "DENY")
		only(t, path, a.Header, "Content-Type", "text/(html|plain.*)")
	}
	a := w.get(t, "http://plain.example/")
	if got := a.Header.Values("Set-Cookie"); !slices.Equal(got, []string{"a=1", "b=2"}) {
		t.Errorf("another route: cookies are %q, want both", got)
	}
	only(t, "another route", a.Header, "X-Frame-Options", "ALLOWALL")
	only(t, "another route", a.Header, "X-Powered-By", "PHP/5")
	only(t, "another route", a.Header, "Cache-Control", "no-store")

	route := func(response string) string {
		return `
		pools: {shop: {servers: [{{shop}}]}}
		routes: {shop: {hosts: [shop.example], pool: shop, headers: {response: ` + response + `}}}`
	}
	for response, want := range map[string]string{
		`{set: {Server: mine}}`:            "the header Server is the proxy's own",
		`{remove: [Date]}`:                 "the header Date is the proxy's own",
		`{set: {Location: /new}}`:          "the header Location is a redirect's",
		`{set: {X-A: "1"}, remove: [X-A]}`: "the header X-A is set and removed",
		`{set: {X-A: $upstream_http_x}}`:   `there is no variable "$upstream_http_x"`,
	} {
		w.refused(t, route(response), want)
	}
	w.refused(t, `
		policies: {odd: {headers: {response: {set: {Server: mine}}}}}
		routes: {gone: {hosts: [shop.example], respond: 410}}
	`, "routes.yaml:1:53: the header Server is the proxy's own")
}

// Cache-Control is a header like others: it stands for browsers and for other
// proxies, on what a pool answers and on what nginx does.
func headersCacheControl(t *testing.T, w *wharf) {
	w.says("shop", "Cache-Control", "private", "Cache-Control", "no-cache")
	w.serve(t, `
		policies: {month: {headers: {response: {set: {Cache-Control: max-age=2592000, Expires: "Thu, 01 Jan 2037 00:00:00 GMT"}}}}}
		pools: {shop: {servers: [{{shop}}]}, dead: {servers: [{{dead}}]}}
		routes:
		  shop: {hosts: [shop.example], pool: shop}
		  month: {hosts: [shop.example], paths: [/month, /fails], use: [month], pool: shop}
		  dead: {hosts: [shop.example], paths: [/dead], use: [month], pool: dead}
		  secret: {hosts: [shop.example], paths: [/dead/secret], pool: dead, headers: {response: {set: {Cache-Control: "private, no-store"}}}}
		  assets: {hosts: [shop.example], paths: [/assets], pool: shop, headers: {response: {set: {Cache-Control: "public, max-age=31536000, immutable"}}}}
		  silent: {hosts: [shop.example], paths: [/silent], pool: shop, headers: {response: {remove: [cache-control]}}}
	`)
	if got := w.get(t, "http://shop.example/").Header.Values("Cache-Control"); !slices.Equal(got, []string{"private", "no-cache"}) {
		t.Errorf("untouched: got %q, want the pool's", got)
	}
	only(t, "set", w.get(t, "http://shop.example/assets/a.js").Header, "Cache-Control", "public, max-age=31536000, immutable")
	only(t, "kept for a month", w.get(t, "http://shop.example/month").Header, "Cache-Control", "max-age=2592000")
	only(t, "kept for a month", w.get(t, "http://shop.example/month").Header, "Expires", "Thu, 01 Jan 2037 00:00:00 GMT")
	// Nobody keeps errors: a pool's own word stands there, nginx has none.
	only(t, "an error of the pool", w.get(t, "http://shop.example/fails").Header, "Cache-Control", "private.*")
	for _, name := range []string{"Cache-Control", "Expires"} {
		only(t, "an error of nginx", w.get(t, "http://shop.example/dead").Header, name, "")
	}
	only(t, "no-store on an error of nginx", w.get(t, "http://shop.example/dead/secret").Header, "Cache-Control", "private, no-store")
	only(t, "removed", w.get(t, "http://shop.example/silent").Header, "Cache-Control", "")
}

func cookiesAttributes(t *testing.T, w *wharf) {
	w.says("shop", "Set-Cookie", "a=1; Domain=internal; Path=/app; SameSite=Strict", "Set-Cookie", "b=2; Secure; HttpOnly")
	cookies := func(path string) string {
		return strings.Join(w.get(t, "http://shop.example"+path).Header.Values("Set-Cookie"), "\n")
	}
	w.serve(t, `
		pools: {shop: {servers: [{{shop}}]}}
		routes:
		  shop: {hosts: [shop.example], pool: shop}
		  set: {hosts: [shop.example], paths: [/set], pool: shop, cookies: {secure: true, httpOnly: true, sameSite: lax}}
		  cut: {hosts: [shop.example], paths: [/cut], pool: shop, cookies: {secure: false, httpOnly: false, sameSite: off}}
		  none: {hosts: [shop.example], paths: [/none], pool: shop, cookies: {secure: true, sameSite: none}}
		  moved: {hosts: [shop.example], paths: [/moved], pool: shop, cookies: {domain: shop.example, path: /v2}}
	`)
	for path, want := range map[string]string{
		"/":      "a=1; Domain=internal; Path=/app; SameSite=Strict\nb=2; Secure; HttpOnly",
		"/set":   "a=1; Domain=internal; Path=/app; SameSite=Lax; Secure; HttpOnly\nb=2; Secure; HttpOnly; SameSite=Lax",
		"/cut":   "a=1; Domain=internal; Path=/app\nb=2",
		"/none":  "a=1; Domain=internal; Path=/app; SameSite=None; Secure\nb=2; Secure; HttpOnly; SameSite=None",
		"/moved": "a=1; Domain=shop.example; Path=/v2; SameSite=Strict\nb=2; Secure; HttpOnly",
	} {
		if got := cookies(path); got != want {
			t.Errorf("%s: cookies\n got %s\nwant %s", path, got, want)
		}
	}
	w.refused(t, `
		pools: {shop: {servers: [{{shop}}]}}
		routes: {shop: {hosts: [shop.example], pool: shop, cookies: {sameSite: none}}}
	`, "routes.yaml:2:72: browsers refuse cookies with SameSite=None that are not secure (add secure: true)")
	w.refused(t, `
		pools: {shop: {servers: [{{shop}}]}}
		routes: {shop: {hosts: [shop.example], pool: shop, cookies: {sameSite: never}}}
	`, `"never" is not a SameSite attribute`)
	w.refused(t, `routes: {shop: {hosts: [shop.example], respond: 204, cookies: {secure: true}}}`, "cookies are those that a pool sets")
}

// crossed is what a browser's script on a page of origin would be told.
func crossed(origin, method string, more ...option) []option {
	options := []option{withHeader("Origin", origin)}
	if method != "" {
		options = append(options, withMethod("OPTIONS"), withHeader("Access-Control-Request-Method", method))
	}
	return append(options, more...)
}

const corsShop = `
pools: {shop: {servers: [{{shop}}]}}
routes:
  shop:
    hosts: [shop.example]
    pool: shop
    headers: {response: {set: {X-Frame-Options: DENY}}}
    cors:
      origins: ["https://app.example", "https://*.wild.example:8443", "http://plain.example:80"]
      methods: [GET, PUT]
      headers: [X-Token, content-type]
      expose: [X-Total]
      credentials: true
      maxAge: 10m
  anybody: {hosts: [any.example], pool: shop, cors: {origins: ["*"]}}
`

func corsPreflight(t *testing.T, w *wharf) {
	w.says("shop", "X-Total", "7", "Access-Control-Allow-Origin", "https://evil.example")
	w.serve(t, corsShop)
	for _, origin := range []string{"https://app.example", "https://a.wild.example:8443", "https://a.b.wild.example:8443", "http://plain.example"} {
		a := w.get(t, "http://shop.example/x", crossed(origin, "PUT", withHeader("Access-Control-Request-Headers", "x-token"))...)
		if a.Status != http.StatusNoContent || a.Body != "" {
			t.Errorf("%s: got %d with %q, want 204 without a body", origin, a.Status, a.Body)
		}
		for name, want := range map[string]string{
			"Access-Control-Allow-Origin": regexp.QuoteMeta(origin), "Access-Control-Allow-Methods": "GET, PUT",
			"Access-Control-Allow-Headers": "Content-Type, X-Token", "Access-Control-Allow-Credentials": "true",
			"Access-Control-Max-Age": "600", "Vary": "Origin", "X-Frame-Options": "DENY",
		} {
			only(t, origin, a.Header, name, want)
		}
	}
	for _, origin := range []string{"https://evil.example", "https://app.example.evil.example", "https://xapp.example", "http://app.example",
		"https://app.example:8443", "https://wild.example:8443", "https://.wild.example:8443", "https://a.wild.example", "https://a.wild.example:8443.evil.example",
		"https://evil.example/.wild.example:8443", "https://appXexample", "HTTPS://APP.EXAMPLE", "null", "*", "https://app.example https://evil.example"} {
		a := w.get(t, "http://shop.example/x", crossed(origin, "PUT")...)
		if a.Status != http.StatusNoContent {
			t.Errorf("%s: got %d, want 204", origin, a.Status)
		}
		for name := range a.Header {
			if strings.HasPrefix(name, "Access-Control-") {
				t.Errorf("%s: gets %s %q", origin, name, a.Header[name])
			}
		}
		only(t, origin, a.Header, "Vary", "Origin")
	}
	a := w.get(t, "http://any.example/", crossed("https://evil.example", "POST")...)
	if a.Status != http.StatusNoContent {
		t.Errorf("anybody: got %d, want 204", a.Status)
	}
	for name, want := range map[string]string{"Access-Control-Allow-Origin": `\*`, "Access-Control-Allow-Methods": "GET, HEAD, POST",
		"Access-Control-Allow-Headers": "", "Access-Control-Allow-Credentials": "", "Access-Control-Max-Age": "3600", "Vary": ""} {
		only(t, "anybody", a.Header, name, want)
	}
	if n := len(w.peers["http.shop"].saw); n != 0 {
		t.Errorf("the pool got %d preflights, want none", n)
	}
	// Without Origin or the method that is asked for it is no preflight.
	for name, options := range map[string][]option{
		"no origin": {withMethod("OPTIONS"), withHeader("Access-Control-Request-Method", "PUT")},
		"no method": {withMethod("OPTIONS"), withHeader("Origin", "https://app.example")},
		"GET":       {withHeader("Origin", "https://app.example"), withHeader("Access-Control-Request-Method", "PUT")},
	} {
		if a := w.get(t, "http://shop.example/"+strings.ReplaceAll(name, " ", "-"), options...); a.Status != http.StatusOK {
			t.Errorf("%s: got %d, want the pool's 200", name, a.Status)
		}
	}
	w.saw(t, "shop", 3)
}

func corsResponses(t *testing.T, w *wharf) {
	w.says("shop", "X-Total", "7", "Vary", "Accept", "Access-Control-Allow-Origin", "https://evil.example", "Access-Control-Allow-Credentials", "true",
		"Access-Control-Expose-Headers", "X-Secret", "Access-Control-Allow-Methods", "DELETE", "Access-Control-Max-Age", "1", "Access-Control-Allow-Headers", "X-Evil")
	w.serve(t, corsShop+`
  off: {hosts: [shop.example], paths: [/off], use: [open], cors: {origins: []}, pool: shop}
  opened: {hosts: [shop.example], paths: [/opened], use: [open], pool: shop}
  gone: {hosts: [shop.example], paths: [/gone], use: [open], respond: 410}
policies: {open: {cors: {origins: ["https://app.example"]}}}
`)
	for path, status := range map[string]int{"/": 200, "/fails": 500} {
		a := w.get(t, "http://shop.example"+path, crossed("https://app.example", "")...)
		if a.Status != status || !slices.Equal(a.Header.Values("Vary"), []string{"Accept", "Origin"}) {
			t.Errorf("%s: got %d and Vary %q, want %d, and Origin beside the pool's", path, a.Status, a.Header.Values("Vary"), status)
		}
		for name, want := range map[string]string{
			"Access-Control-Allow-Origin": "https://app.example", "Access-Control-Allow-Credentials": "true", "Access-Control-Expose-Headers": "X-Total",
			"Access-Control-Allow-Methods": "", "Access-Control-Max-Age": "", "Access-Control-Allow-Headers": "", "X-Total": "7",
		} {
			only(t, path, a.Header, name, want)
		}
	}
	foreign := func(who string, a answer, status int) {
		t.Helper()
		if a.Status != status {
			t.Errorf("%s: got %d, want %d", who, a.Status, status)
		}
		for name := range a.Header {
			if strings.HasPrefix(name, "Access-Control-") {
				t.Errorf("%s: gets %s %q", who, name, a.Header[name])
			}
		}
	}
	foreign("another origin", w.get(t, "http://shop.example/", crossed("https://evil.example", "")...), 200)
	foreign("no origin", w.get(t, "http://shop.example/"), 200)
	only(t, "a fixed answer", w.get(t, "http://shop.example/gone", crossed("https://app.example", "")...).Header, "Access-Control-Allow-Origin", "https://app.example")
	foreign("a fixed answer to another", w.get(t, "http://shop.example/gone", crossed("https://evil.example", "")...), 410)
	only(t, "by a policy", w.get(t, "http://shop.example/opened", crossed("https://app.example", "")...).Header, "Access-Control-Allow-Origin", "https://app.example")
	// Without CORS the pool speaks for itself.
	only(t, "put off", w.get(t, "http://shop.example/off", crossed("https://app.example", "")...).Header, "Access-Control-Allow-Origin", "https://evil.example")
	a := w.get(t, "http://any.example/")
	only(t, "anybody", a.Header, "Access-Control-Allow-Origin", `\*`)
	only(t, "anybody", a.Header, "Vary", "Accept")

	route := func(cors string) string {
		return `
		pools: {shop: {servers: [{{shop}}]}}
		routes: {shop: {hosts: [shop.example], pool: shop, cors: ` + cors + `}}`
	}
	for cors, want := range map[string]string{
		`{methods: [GET]}`:                                         "routes.yaml:2:58: cors lets nobody in",
		`{origins: ["*"], credentials: true}`:                      "routes.yaml:2:88: browsers send no credentials where any origin may read",
		`{origins: ["https://a.example", "*"], credentials: true}`: "browsers send no credentials where any origin may read",
		`{origins: [a.example]}`:                                   `"a.example" is not an origin`,
		`{origins: ["https://a.*.example"]}`:                       "is not an origin",
		`{origins: ["https://a.example/"]}`:                        "is not an origin",
		`{origins: ["null"]}`:                                      `"null" is not an origin`,
		`{origins: ["*"]}, headers: {response: {set: {Access-Control-Allow-Origin: x}}}`: "cors writes Access-Control-Allow-Origin itself",
	} {
		w.refused(t, route(cors), want)
	}
}

// Preflights carry neither cookies nor passwords (Fetch Standard), so they pass
// ahead of redirects and conditions of the route's own.
func corsAhead(t *testing.T, w *wharf) {
	w.serve(t, `
		pools: {shop: {servers: [{{shop}}]}, other: {servers: [{{other}}]}}
		routes:
		  shop:
		    hosts: [shop.example, www.shop.example]
		    canonical: www.shop.example
		    slash: add
		    split: {shop: 1, other: 1}
		    cors: {origins: ["https://app.example"]}
		  tight: {hosts: [tight.example], maxBody: 1, pool: shop, cors: {origins: ["https://app.example"]}}
		  when: {hosts: [when.example], when: {query: {v: "2"}}, pool: shop, cors: {origins: ["https://app.example"]}}
	`)
	for _, url := range []string{"http://shop.example/x", "http://tight.example/", "http://when.example/?v=2"} {
		a := w.get(t, url, crossed("https://app.example", "DELETE", withHeader("X", "1"))...)
		if a.Status != http.StatusNoContent {
			t.Errorf("%s: got %d, want 204", url, a.Status)
		}
		only(t, url, a.Header, "Access-Control-Allow-Origin", "https://app.example")
	}
	if a := w.get(t, "http://when.example/?v=1", crossed("https://app.example", "DELETE")...); a.Status != http.StatusNotFound {
		t.Errorf("a path that the route does not have: got %d, want 404", a.Status)
	}
	if a := w.get(t, "http://shop.example/x"); a.Status != http.StatusMovedPermanently {
		t.Errorf("a request: got %d, want the redirect", a.Status)
	}
	for _, name := range []string{"shop", "other"} {
		if p := w.peers["http."+name]; len(p.saw) != 0 {
			t.Errorf("pool %s got %d requests, want none", name, len(p.saw))
		}
	}
}

func seeingInfoHeaders(t *testing.T, w *wharf) {
	w.says("shop", "X-Proxy-Id", "evil")
	w.serve(t, `
		pools: {shop: {servers: [{{shop}}]}, echo: {servers: [{{echo}}]}}
		routes:
		  shop: {hosts: [shop.example], infoHeaders: true, pool: shop}
		  moved: {hosts: [moved.example], infoHeaders: true, redirect: /new}
		  plain: {hosts: [plain.example], pool: echo}
		  own: {hosts: [own.example], infoHeaders: true, pool: echo, headers: {response: {set: {x-server-info: mine}}}}
	`)
	address := regexp.QuoteMeta(w.address(t, "http.shop"))
	a := w.get(t, "http://shop.example/")
	for name, want := range map[string]string{
		"x-request-id": "[0-9a-f]{32}", "x-proxy-id": ".+", "x-server-info": `wharfinger/edge nginx/` + regexp.QuoteMeta(w.version) + `\.[0-9]+`,
		"x-upstream-addr": address, "x-upstream-response-time": `[0-9]+\.[0-9]{3}`,
	} {
		only(t, "info headers", a.Header, name, want)
	}
	if saw := w.saw(t, "shop", 1); saw[0].Header.Get("X-Request-Id") != a.Header.Get("X-Request-Id") {
		t.Errorf("the pool sees request %q, the client %q", saw[0].Header.Get("X-Request-Id"), a.Header.Get("X-Request-Id"))
	}
	if a.Header.Get("X-Proxy-Id") == "evil" {
		t.Error("the pool's own x-proxy-id came through")
	}
	only(t, "a redirect", w.get(t, "http://moved.example/").Header, "X-Upstream-Addr", "")
	only(t, "a redirect", w.get(t, "http://moved.example/").Header, "X-Request-Id", "[0-9a-f]{32}")
	only(t, "overruled", w.get(t, "http://own.example/").Header, "X-Server-Info", "mine")
	for name := range map[string]bool{"X-Request-Id": true, "X-Proxy-Id": true, "X-Upstream-Addr": true, "X-Server-Info": true} {
		only(t, "without info headers", w.get(t, "http://plain.example/").Header, name, "")
	}
	w.refused(t, `routes: {shop: {hosts: [shop.example], respond: 204, infoHeaders: "yes"}}`, `"yes" is not true or false`)
}
