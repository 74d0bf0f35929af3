package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
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
		{"slow without a time", "", "GET", "/slow", "1", `slow: want \?for=`},
		{"fail without a time", "", "GET", "/fail?for=ever", "1", `fail: want \?for=`},
		{"echo", "", "POST", "/a/../b%2F/echo?c=%20", "1", `^{"instance":"h",.*"method":"POST","target":"/a/../b%2F/echo\?c=%20","host":"example.com","port":"","tls":false,"headers":{"X-Request-Id":"1"}}\n$`},
	} {
		t.Run(test.name, func(t *testing.T) {
			req := httptest.NewRequest(test.method, test.target, strings.NewReader("body"))
			if test.id != "" {
				req.Header.Set("X-Request-Id", test.id)
			}
			rec := httptest.NewRecorder()
			(&application{instance: "h", metadata: test.metadata}).ServeHTTP(rec, req)
			if got := rec.Body.String(); !regexp.MustCompile(test.want).MatchString(got) {
				t.Errorf("got %q, want %s", got, test.want)
			}
		})
	}
	rec := httptest.NewRecorder()
	(&application{instance: "h"}).ServeHTTP(rec, httptest.NewRequest("GET", "/ping", nil))
	want := regexp.MustCompile(`^session=\d+; Path=/; Expires=.*; Max-Age=86400$`)
	if got := rec.Header().Get("Set-Cookie"); !want.MatchString(got) {
		t.Errorf("cookie: got %q, want %s", got, want)
	}
}

func TestEchoTellsItsListener(t *testing.T) {
	server := httptest.NewTLSServer(&application{instance: "h"})
	defer server.Close()
	resp, err := server.Client().Get(server.URL + "/echo")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var got echo
	if err := json.NewDecoder(resp.Body).Decode(&got); err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(server.URL, ":"+got.Port) || !got.TLS {
		t.Errorf("got port %q, TLS %t of %s", got.Port, got.TLS, server.URL)
	}
}

func TestFails(t *testing.T) {
	server := httptest.NewServer(&application{instance: "h"})
	defer server.Close()
	ask := func(path string) error {
		resp, err := http.Get(server.URL + path)
		if err == nil {
			_, err = io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		}
		return err
	}
	if err := ask("/fail?for=300ms"); err != nil {
		t.Fatal(err)
	}
	if err := ask("/ping"); err == nil {
		t.Error("an instance that fails has answered")
	}
	time.Sleep(350 * time.Millisecond)
	if err := ask("/ping"); err != nil {
		t.Errorf("after its time it still fails: %v", err)
	}
}

func TestWebsocket(t *testing.T) {
	server := httptest.NewServer(&application{instance: "h", metadata: "demo"})
	defer server.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, server.URL+"/any/path", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	_, text, err := conn.Read(ctx)
	if got := string(text); err != nil || !strings.HasPrefix(got, `{"instance":"h","version":"0.1","metadata":"demo",`) {
		t.Errorf("it is greeted with %q, %v", got, err)
	}
	for _, want := range []string{"one", "two"} {
		if err := conn.Write(ctx, websocket.MessageText, []byte(want)); err != nil {
			t.Fatal(err)
		}
		if _, text, err := conn.Read(ctx); err != nil || string(text) != want {
			t.Errorf("got %q, %v back, want %q", text, err, want)
		}
	}
	if err := conn.Close(websocket.StatusNormalClosure, ""); err != nil {
		t.Error(err)
	}
}
