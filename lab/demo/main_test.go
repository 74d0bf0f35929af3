package main

import (
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

func TestAnswers(t *testing.T) {
	for _, test := range []struct {
		name, metadata, method, target, id, want string
	}{
		{"without metadata", "", "GET", "/ping", "d64", `^{"instance":"h","version":"0.1","request_id":"d64"}\n$`},
		{"with metadata", "demo", "GET", "/ping", "e41", `^{"instance":"h","version":"0.1","metadata":"demo","request_id":"e41"}\n$`},
		{"an id of its own", "", "GET", "/", "", `"request_id":"[0-9a-f]{32}"}\n$`},
		{"post", "", "POST", "/any/path", "1", `"request_id":"1"}\n$`},
		{"slow", "", "GET", "/slow?for=1ms", "1", `"request_id":"1"}\n$`},
		{"slow without a time", "", "GET", "/slow", "1", `want \?for=`},
	} {
		t.Run(test.name, func(t *testing.T) {
			req := httptest.NewRequest(test.method, test.target, strings.NewReader("body"))
			if test.id != "" {
				req.Header.Set("X-Request-Id", test.id)
			}
			rec := httptest.NewRecorder()
			handler("h", test.metadata).ServeHTTP(rec, req)
			if got := rec.Body.String(); !regexp.MustCompile(test.want).MatchString(got) {
				t.Errorf("got %q, want %s", got, test.want)
			}
		})
	}
	rec := httptest.NewRecorder()
	handler("h", "").ServeHTTP(rec, httptest.NewRequest("GET", "/ping", nil))
	want := regexp.MustCompile(`^session=\d+; Path=/; Expires=.*; Max-Age=86400$`)
	if got := rec.Header().Get("Set-Cookie"); !want.MatchString(got) {
		t.Errorf("cookie: got %q, want %s", got, want)
	}
}
