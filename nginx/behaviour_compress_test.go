package nginx_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"testing"
)

// typed answers with as many bytes as the query says, of the media type that the
// path says.
func typed(rw http.ResponseWriter, r *http.Request) {
	rw.Header().Set("Content-Type", strings.TrimPrefix(r.URL.Path, "/"))
	if encoding := r.URL.Query().Get("encoding"); encoding != "" {
		rw.Header().Set("Content-Encoding", encoding)
	}
	size := map[string]int{"": 2000, "short": 1000, "shorter": 100}[r.URL.Query().Get("size")]
	rw.Write([]byte(strings.Repeat("x", size)))
}

// zipped reports whether an answer came compressed, and holds that it is whole.
func zipped(t *testing.T, a answer) bool {
	t.Helper()
	if a.Header.Get("Content-Encoding") != "gzip" {
		return false
	}
	r, err := gzip.NewReader(bytes.NewReader([]byte(a.Body)))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(r)
	if err != nil || strings.Trim(string(plain), "x") != "" {
		t.Errorf("the answer is %q, %v", plain, err)
	}
	return true
}

func (w *wharf) compressed(t *testing.T, cases map[string]bool, options ...option) {
	t.Helper()
	for url, want := range cases {
		a := w.get(t, url, options...)
		if a.Status != http.StatusOK {
			t.Fatalf("%s: got %d", url, a.Status)
		}
		if got := zipped(t, a); got != want {
			t.Errorf("%s: compressed %v, want %v: %v", url, got, want, a.Header)
		}
	}
}

func compressOn(t *testing.T, w *wharf) {
	w.peer("shop", typed)
	w.serve(t, `
		pools: {shop: {servers: [{{shop}}]}}
		policies: {small: {compress: true}}
		routes:
		  policy: {hosts: [policy.example], pool: shop, use: [small]}
		  not: {hosts: [not.example], pool: shop, use: [small], compress: false}
		  map: {hosts: [map.example], pool: shop, use: [small], compress: {on: false}}
		  shop: {hosts: [shop.example], pool: shop, compress: true}
		  plain: {hosts: [plain.example], pool: shop}
		  off: {hosts: [off.example], pool: shop, compress: false}
		  fixed: {hosts: [fixed.example], compress: true, respond: {body: "`+strings.Repeat("x", 2000)+`"}}
	`)
	gzip := withHeader("Accept-Encoding", "br, gzip")
	w.compressed(t, map[string]bool{
		"http://shop.example/text/html": true, "http://shop.example/text/css": true, "http://shop.example/application/json": true,
		"http://shop.example/image/svg+xml": true, "http://shop.example/image/png": false, "http://shop.example/application/octet-stream": false,
		"http://shop.example/text/css?size=short": false, "http://plain.example/text/css": false, "http://off.example/text/html": false,
		"http://fixed.example/":          true,
		"http://policy.example/text/css": true, "http://not.example/text/css": false, "http://map.example/text/css": false,
	}, gzip, withHeader("Via", "1.1 cdn"))
	w.compressed(t, map[string]bool{"http://shop.example/text/css": false, "http://fixed.example/": false})
	w.compressed(t, map[string]bool{"http://shop.example/text/css": false}, withHeader("Accept-Encoding", "br, gzip;q=0"))
	for _, options := range [][]option{{gzip}, nil} {
		if a := w.get(t, "http://shop.example/text/css", options...); a.Header.Get("Vary") != "Accept-Encoding" {
			t.Errorf("Vary: got %q, want Accept-Encoding", a.Header.Get("Vary"))
		}
	}
	if a := w.get(t, "http://shop.example/text/css?encoding=br", gzip); a.Header.Get("Content-Encoding") != "br" || len(a.Body) != 2000 {
		t.Errorf("what a peer has compressed: got %q with %d bytes", a.Header.Get("Content-Encoding"), len(a.Body))
	}
	w.refused(t, `routes: {shop: {hosts: [shop.example], respond: 200, compress: {types: ["text/*"]}}}`, "is not a media type")
}

func compressChoice(t *testing.T, w *wharf) {
	w.peer("shop", typed)
	w.serve(t, `
		pools: {shop: {servers: [{{shop}}]}}
		routes:
		  types: {hosts: [types.example], pool: shop, compress: {types: [application/x-own, text/css]}}
		  html: {hosts: [html.example], pool: shop, compress: {types: [text/html]}}
		  small: {hosts: [small.example], pool: shop, compress: {minSize: 500}}
	`)
	w.compressed(t, map[string]bool{
		"http://types.example/application/x-own": true, "http://types.example/text/css": true, "http://types.example/text/html": true,
		"http://types.example/application/json": false, "http://types.example/text/css?size=short": false,
		"http://html.example/text/html": true, "http://html.example/text/css": false,
		"http://small.example/text/css?size=short": true, "http://small.example/text/css?size=shorter": false,
	}, withHeader("Accept-Encoding", "gzip"))
	if log := w.log(); strings.Contains(log, "[warn]") {
		t.Errorf("nginx warns of the types:\n%s", log)
	}
	w.refused(t, `routes: {shop: {hosts: [shop.example], respond: 200, compress: {types: []}}}`, "there is an empty list of types")
}
