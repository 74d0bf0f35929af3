package nginx_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// logShop has each way to a route: at once, by a condition, by a share, and none.
const logShop = `
proxies: {edge: {image: "nginx:{{version}}", listen: {http: {{http}}}, status: {port: {{status}}}, log: %s}}
pools: {shop: {servers: [{{dead}}, {{shop}}]}, other: {servers: [{{other}}]}, third: {servers: [{{third}}]}}
routes:
  shop: {hosts: [shop.example], paths: [/shop], pool: shop}
  canary: {hosts: [shop.example], paths: [/shop], when: {cookies: {canary: "1"}}, pool: other}
  shared: {hosts: [shop.example], paths: [/shared], split: {third: 1, other: 0}}
  halves: {hosts: [shop.example], paths: [/halves], split: {third: 5000, other: 5000}, splitBy: query:by}
  moved: {hosts: [shop.example], paths: [/moved], redirect: /new}
  quiet: {hosts: [shop.example], paths: [/quiet], log: false, pool: other}
  hushed: {hosts: [shop.example], paths: [/shop/hushed], when: {query: {quiet: "1"}}, log: false, pool: other}
  early: {hosts: [shop.example], paths: [/early], pool: other, cors: {origins: ["*"]}, canonical: shop.example}
`

// line is a line of the JSON log.
type line struct {
	Time, Client, Method, Scheme, Host, URI, Protocol string
	Status, Bytes                                     int
	Duration                                          float64
	Referer, Agent, Route, Pool, Upstream             string
	UpstreamStatus, UpstreamTime, ID                  string
}

// logs asks for a path, with a mark in the query, and returns the line of the
// access log about it.
func (w *wharf) logs(t *testing.T, url, mark string, options ...option) string {
	t.Helper()
	w.get(t, url+"?"+mark, options...)
	return w.access(t, "?"+mark)
}

// access waits for a line of the access log that contains want.
func (w *wharf) access(t *testing.T, want string) string {
	t.Helper()
	var found string
	await(t, fmt.Sprintf("nginx logs %q", want), func() bool {
		for text := range strings.Lines(w.log()) {
			request := strings.HasPrefix(text, "{") || strings.HasPrefix(text, "127.") // errors begin with a date
			if request && strings.HasSuffix(text, "\n") && strings.Contains(text, want) {
				found = strings.TrimSuffix(text, "\n")
			}
		}
		return found != ""
	})
	return found
}

// quiet holds that a request is not logged, although a later one is, by the one
// worker that there is.
func (w *wharf) quiet(t *testing.T, url, mark string) {
	t.Helper()
	if w.workers != 1 {
		t.Fatal("several workers write the log in any order")
	}
	w.get(t, url+"?"+mark)
	w.logs(t, "http://shop.example/moved", "after"+mark)
	if strings.Contains(w.log(), "?"+mark) {
		t.Errorf("%s?%s is logged", url, mark)
	}
}

func seeingLogJSON(t *testing.T, w *wharf) {
	w.workers = 1
	w.serve(t, fmt.Sprintf(logShop, "json"))
	read := func(text string) line {
		t.Helper()
		var l line
		in := json.NewDecoder(strings.NewReader(text))
		in.DisallowUnknownFields()
		if err := in.Decode(&l); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		return l
	}
	text := w.logs(t, "http://shop.example/shop/x", "first", withHeader("Referer", `http://a/"`), withHeader("User-Agent", `b"\c`))
	l := read(text)
	saw := w.saw(t, "shop", 1)[0]
	alike := map[string]string{
		l.Time: `\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d`, l.UpstreamTime: `\d+\.\d{3}(, \d+\.\d{3})*`,
		l.UpstreamStatus: "(502, )?200", l.Upstream: "(" + regexp.QuoteMeta(w.address(t, "dead.")) + ", )?" + regexp.QuoteMeta(w.address(t, "http.shop")),
	}
	for got, want := range alike {
		if !regexp.MustCompile("^" + want + "$").MatchString(got) {
			t.Errorf("got %q, want it to match %s, in %s", got, want, text)
		}
	}
	if l.Duration < 0 || l.Duration > 10 || l.Bytes < 100 || l.ID != saw.Header.Get("X-Request-Id") {
		t.Errorf("got %s, want the duration in seconds, bytes of the body, and request %s", text, saw.Header.Get("X-Request-Id"))
	}
	l.Time, l.UpstreamTime, l.UpstreamStatus, l.Upstream, l.ID, l.Duration, l.Bytes = "", "", "", "", "", 0, 0
	want := line{Client: "127.0.0.1", Method: "GET", Scheme: "http", Host: "shop.example", URI: "/shop/x?first", Protocol: "HTTP/1.1", Status: 200,
		Referer: `http://a/"`, Agent: `b"\c`, Route: "shop", Pool: "shop"}
	if l != want {
		t.Errorf("got %+v, want %+v", l, want)
	}
	var fields map[string]any
	if err := json.Unmarshal([]byte(text), &fields); err != nil || len(fields) != reflect.TypeFor[line]().NumField() {
		t.Errorf("got %d fields, %v, want each of %d", len(fields), err, reflect.TypeFor[line]().NumField())
	}
	cases := []struct {
		url, mark, route, pool string
		status                 int
		options                []option
	}{
		{"http://shop.example/shop", "canary", "canary", "other", 200, []option{withCookie("canary", "1")}},
		{"http://shop.example/shared", "shared", "shared", "third", 200, nil},
		{"http://shop.example/moved", "moved", "moved", "", 302, nil},
		{"http://shop.example/none", "none", "", "", 404, nil},
		{"http://unknown.example/", "unknown", "", "", 503, nil},
		{"http://shop.example/early", "preflight", "early", "other", 204, crossed("https://a.example", "PUT")},
	}
	for _, c := range cases { // and then look: the log comes a second late
		w.get(t, c.url+"?"+c.mark, c.options...)
	}
	for _, c := range cases {
		l := read(w.access(t, "?"+c.mark))
		if l.Route != c.route || l.Pool != c.pool || l.Status != c.status {
			t.Errorf("%s?%s: logged as %d by route %q, pool %q, want %d by %q, %q", c.url, c.mark, l.Status, l.Route, l.Pool, c.status, c.route, c.pool)
		}
	}
	met := map[string]string{} // the pool that answers, by the query
	for i := range 20 {
		by := fmt.Sprintf("by=%d", i)
		met[by] = w.get(t, "http://shop.example/halves?"+by).Peer
	}
	pools := map[string]bool{}
	for by, pool := range met {
		if l := read(w.access(t, "?"+by+`"`)); l.Route != "halves" || l.Pool != pool {
			t.Errorf("%s: logged as route %q, pool %q, want halves and %q", by, l.Route, l.Pool, pool)
		}
		pools[pool] = true
	}
	if len(pools) != 2 {
		t.Errorf("twenty requests met the pools %v, want both", pools)
	}
	// What is no request is a line of JSON all the same.
	conn := w.dial(t, w.port(t, "http"))
	fmt.Fprint(conn, "NO \x01\"\\ REQUEST\r\n\r\n")
	if l := read(w.access(t, `"status":400`)); l.Route != "" {
		t.Errorf("no request: logged as route %q", l.Route)
	}
	w.quiet(t, "http://shop.example/quiet", "silence")
	w.quiet(t, "http://shop.example/shop/hushed", "quiet=1")
	if strings.Contains(w.log(), "uninitialized") {
		t.Error("nginx meets variables without a value")
	}
	w.refused(t, fmt.Sprintf(logShop, "xml"), `"xml" is not a form of log (it is one of plain, json, combined)`)
}

func seeingLogPlain(t *testing.T, w *wharf) {
	w.workers = 1
	w.serve(t, fmt.Sprintf(logShop, "plain"))
	cases := map[string]struct {
		url, want string
		options   []option
	}{
		"a": {"http://shop.example/shop", `"GET /shop\?a HTTP/1\.1" 200 \d+ host="shop\.example" route=shop pool=shop upstream="(127\.0\.0\.1:\d+, )?127\.0\.0\.1:\d+" ` +
			`upstream_status="(502, )?200" time=\d+\.\d+ upstream_time="[0-9., ]+" id=[0-9a-f]{32}`, nil},
		"b": {"http://shop.example/shop", `.* route=canary pool=other .*`, []option{withCookie("canary", "1")}},
		"c": {"http://shop.example/moved", `.* 302 .* route=moved pool=- upstream="-" upstream_status="-" time=.* upstream_time="-" id=.*`, nil},
		"d": {"http://unknown.example/", `.* 503 .* route=- pool=- .*`, nil},
	}
	for mark, c := range cases {
		w.get(t, c.url+"?"+mark, c.options...)
	}
	for mark, c := range cases {
		text := w.access(t, "?"+mark+" ")
		if want := `^127\.0\.0\.1 - \[[0-9T:+-]+\] ` + c.want + "$"; !regexp.MustCompile(want).MatchString(text) {
			t.Errorf("got  %s\nwant %s", text, want)
		}
	}
	w.quiet(t, "http://shop.example/quiet", "silence")
	if strings.Contains(w.log(), "uninitialized") {
		t.Error("nginx meets variables without a value")
	}
}

func seeingLogCombined(t *testing.T, w *wharf) {
	w.workers = 1
	w.serve(t, fmt.Sprintf(logShop, "combined"))
	text := w.logs(t, "http://shop.example/shop", "a", withHeader("Referer", "http://a/"))
	want := `^127\.0\.0\.1 - - \[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] "GET /shop\?a HTTP/1\.1" 200 \d+ "http://a/" "wharf"$`
	if !regexp.MustCompile(want).MatchString(text) {
		t.Errorf("got  %s\nwant %s", text, want)
	}
	w.quiet(t, "http://shop.example/quiet", "silence")
}

// digest is of the files that nginx serves.
func (w *wharf) digest(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(w.dir, "status.conf"))
	m := regexp.MustCompile(`"/digest/([0-9a-f]{32})"`).FindSubmatch(text)
	if err != nil || m == nil {
		t.Fatalf("no digest in status.conf: %v", err)
	}
	return string(m[1])
}

// The status listener has a port of its own. It tells nothing to who does not
// know the answer, serves no route and is not logged; and no route's port knows
// it.
func seeingStatus(t *testing.T, w *wharf) {
	w.workers = 1
	w.serve(t, fmt.Sprintf(logShop, "plain"))
	status := fmt.Sprintf("http://shop.example:%d", w.port(t, "status"))
	for _, path := range []string{"/", "/shop", "/digest/", "/digest/" + strings.Repeat("0", 32), "/status", "/nginx_status"} {
		a := w.get(t, status+path+"?probe")
		if a.Status != http.StatusNotFound || a.Peer != "" {
			t.Errorf("%s on the status port: got %d from %q, want 404 from nobody", path, a.Status, a.Peer)
		}
	}
	digest := w.digest(t)
	for host, want := range map[string]int{"shop.example": 404, "unknown.example": 503} {
		if a := w.get(t, "http://"+host+"/digest/"+digest); a.Status != want {
			t.Errorf("the digest on the port of %s: got %d, want %d", host, a.Status, want)
		}
	}
	if a := w.get(t, status+"/digest/"+digest+"?probe"); a.Status != http.StatusNoContent || a.Body != "" {
		t.Errorf("the digest on the status port: got %d with %q, want 204 without a body", a.Status, a.Body)
	}
	w.logs(t, "http://shop.example/moved", "last")
	if strings.Contains(w.log(), "probe") {
		t.Error("the status listener is logged")
	}
	w.refused(t, `
		proxies: {edge: {image: "nginx:{{version}}", listen: {http: 8080}, status: {port: 8080}}}
		routes: {gone: {hosts: [shop.example], respond: 410}}
	`, "port 8080 serves clients and the status of proxy edge")
}
