package server

import (
	"context"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
)

func TestServe(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var ready atomic.Bool
	done := make(chan error, 1)
	site := siteOf(nil)
	site.Ready = ready.Load
	go func() { done <- serve(ctx, listener, site.handler(true)) }()

	get := func(path string) (int, string) {
		t.Helper()
		resp, err := http.Get("http://" + listener.Addr().String() + path)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, string(body)
	}
	want := func(path string, code int, text string) {
		t.Helper()
		if gotCode, gotText := get(path); gotCode != code || gotText != text {
			t.Errorf("GET %s: got %d %q, want %d %q", path, gotCode, gotText, code, text)
		}
	}
	want("/healthz", 200, "ok\n")
	want("/readyz", 503, "not every proxy has served its routes yet\n")
	ready.Store(true)
	want("/readyz", 200, "ready\n")
	for _, path := range []string{"/", "/hooks/github"} { // nobody asked for hooks
		if code, _ := get(path); code != 404 {
			t.Errorf("GET %s: got %d, want 404", path, code)
		}
	}

	stop()
	if err := <-done; err != nil {
		t.Errorf("after the end of its context: got %v, want nil", err)
	}
	if _, err := net.Dial("tcp", listener.Addr().String()); err == nil {
		t.Error("it still listens after its end")
	}
}

func TestPortTaken(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	if err := Serve(t.Context(), Site{Address: listener.Addr().String()}); err == nil {
		t.Error("on a port that is taken: got nil, want an error")
	}
}
