package nginx_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// chunked is untilClose with an answer in chunks, as most servers send events.
func chunked(n int, more <-chan bool) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Type", "text/event-stream")
		rw.WriteHeader(200)
		rw.(http.Flusher).Flush()
		for i := range n {
			select {
			case <-more:
			case <-r.Context().Done():
				return
			}
			fmt.Fprintf(rw, "data: %d\n\n", i)
			rw.(http.Flusher).Flush()
		}
	}
}

// trafficEvents holds that each event arrives before the next one is sent, on every way
// to a pool.
func trafficEvents(t *testing.T, w *wharf) {
	for _, way := range []string{"chunked", "until-close"} {
		more := make(chan bool)
		w.peer("shop", chunked(4, more))
		if way == "until-close" {
			w.peer("shop", untilClose("text/event-stream", 4, more))
		}
		w.peers = map[string]*peer{}
		w.serve(t, `
			pools: {shop: {servers: [{{shop}}]}, other: {servers: [{{shop}}], host: shop.internal}}
			routes:
			  shop: {hosts: [shop.example], pool: shop}
			  split: {hosts: [shop.example], paths: [/split], split: {shop: 1, other: 1}}
			  when: {hosts: [shop.example], paths: [/when], when: {methods: [GET]}, pool: shop}
			  strip: {hosts: [shop.example], paths: [/strip], rewrite: {strip: true}, pool: other}
			  exact: {hosts: [shop.example], paths: [= /exact], pool: shop}
		`)
		for _, accept := range []string{"text/event-stream", "application/json, text/event-stream", "Text/Event-Stream;q=0.9"} {
			for path, want := range map[string]string{"/a%2Fb?c=d": "/a%2Fb", "/split/x": "/split/x", "/when": "/when", "/strip/x": "/x", "/exact": "/exact"} {
				resp, err := w.send(t, "http://shop.example"+path, withHeader("Accept", accept))
				if err != nil {
					t.Fatal(err)
				}
				body := bufio.NewReader(resp.Body)
				for i := range 4 {
					more <- true
					line, err := body.ReadString('\n')
					if line != fmt.Sprintf("data: %d\n", i) || err != nil {
						t.Fatalf("%s, Accept: %s, %s: event %d arrives as %q, %v", way, accept, path, i, line, err)
					}
					body.ReadString('\n')
				}
				resp.Body.Close()
				saw := w.saw(t, "shop", 1)
				if got := saw[len(saw)-1].Path; got != want {
					t.Errorf("%s: the peer sees %s, want %s", path, got, want)
				}
			}
		}
	}
}

// Events may be further apart than a peer may take for an answer.
func trafficEventsIdle(t *testing.T, w *wharf) {
	w.peer("shop", func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Type", "text/event-stream")
		io.WriteString(rw, "data: 0\n\n")
		rw.(http.Flusher).Flush()
		select {
		case <-time.After(900 * time.Millisecond):
			io.WriteString(rw, "data: 1\n\n")
		case <-r.Context().Done():
		}
	})
	w.serve(t, `
		pools: {shop: {servers: [{{shop}}]}}
		routes:
		  shop: {hosts: [shop.example], pool: shop, timeouts: {read: 300ms}, buffering: {responses: false}}
		  short: {hosts: [short.example], pool: shop, timeouts: {idle: 300ms}}
	`)
	read := func(url, accept string) int {
		resp, err := w.send(t, url, withHeader("Accept", accept))
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		return strings.Count(string(body), "data:")
	}
	for _, c := range []struct {
		url, accept string
		want        int
	}{
		{"http://shop.example/", "text/event-stream", 2},
		{"http://shop.example/", "*/*", 1},
		{"http://short.example/", "text/event-stream", 1},
		{"http://short.example/", "*/*", 2},
	} {
		if got := read(c.url, c.accept); got != c.want {
			t.Errorf("%s, Accept: %s: got %d events of 2, want %d", c.url, c.accept, got, c.want)
		}
	}
	w.refused(t, shopWith("{{a}}", "timeouts: {idle: 0ms}"), "it takes from 1ms to 24h")
}

func trafficWebsocketIdle(t *testing.T, w *wharf) {
	w.serve(t, `
		pools: {shop: {servers: [{{shop}}]}}
		routes:
		  shop: {hosts: [shop.example], pool: shop, timeouts: {read: 300ms}}
		  short: {hosts: [short.example], pool: shop, timeouts: {idle: 300ms}}
	`)
	for host, alive := range map[string]bool{"shop.example": true, "short.example": false} {
		conn, in, resp := w.open(t, "", "GET /chat?x=%2F HTTP/1.1", "Host: "+host, "Connection: Upgrade", "Upgrade: websocket")
		if resp.StatusCode != http.StatusSwitchingProtocols {
			t.Fatalf("%s: got %d, want 101", host, resp.StatusCode)
		}
		time.Sleep(900 * time.Millisecond)
		io.WriteString(conn, "ahoy")
		echo := make([]byte, 4)
		if _, err := io.ReadFull(in, echo); (err == nil) != alive {
			t.Errorf("%s: after 900ms of silence: got %q, %v, want it open: %t", host, echo, err, alive)
		}
		conn.Close()
	}
	if s := w.saw(t, "shop", 2)[0]; s.Path != "/chat" || s.Query != "x=%2F" || s.Header.Get("Upgrade") != "websocket" {
		t.Errorf("the peer sees %s?%s with Upgrade %q", s.Path, s.Query, s.Header.Get("Upgrade"))
	}
}

// Calls of gRPC may be silent as well, on both sides.
func trafficGRPCIdle(t *testing.T, w *wharf) {
	w.peer("echo", func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Type", "application/grpc")
		rw.Header().Set("Trailer", "Grpc-Status")
		rw.WriteHeader(200)
		rw.(http.Flusher).Flush()
		select {
		case <-time.After(900 * time.Millisecond):
			rw.Header().Set("Grpc-Status", "0")
		case <-r.Context().Done():
		}
	})
	w.serve(t, `
		pools: {echo: {servers: [{{grpc.echo}}], protocol: grpc}}
		routes:
		  long: {hosts: [long.example], pool: echo}
		  read: {hosts: [read.example], pool: echo, timeouts: {read: 300ms}, retries: 1}
		  idle: {hosts: [idle.example], pool: echo, timeouts: {idle: 300ms}, retries: 1}
	`)
	for host, ends := range map[string]bool{"long.example": true, "read.example": false, "idle.example": false} {
		resp, err := w.send(t, "http://"+host+"/echo.Echo/Watch", withHTTP2(), withBody(""), withHeader("Content-Type", "application/grpc"), withHeader("TE", "trailers"))
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, resp.Body)
		if got := resp.Trailer.Get("Grpc-Status"); (got == "0") != ends {
			t.Errorf("%s: a call that is silent for 900ms ends with Grpc-Status %q, want it to end well: %t", host, got, ends)
		}
	}
}
