package nginx_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// shopWith is a repository with a route of some options to peers, which are
// written as in a list.
func shopWith(peers, options string) string {
	return strings.NewReplacer("PEERS", peers, "OPTIONS", options).Replace(`
		pools: {shop: {servers: [PEERS], maxFails: 0}}
		routes: {shop: {hosts: [shop.example], pool: shop, OPTIONS}}
	`)
}

// asked counts the requests that peers got.
func (w *wharf) asked(t *testing.T, peers ...string) int {
	t.Helper()
	n := 0
	for _, name := range peers {
		n += len(w.saw(t, name, 0))
	}
	return n
}

// failing makes peers that answer with a status.
func (w *wharf) failing(status int, names ...string) {
	for _, name := range names {
		w.peer(name, func(rw http.ResponseWriter, r *http.Request) { rw.WriteHeader(status) })
	}
}

// What counts as a failure is answered by the next peer, as often as it may.
func trafficRetriesOn(t *testing.T, w *wharf) {
	w.workers = 1
	for _, c := range []struct {
		options     string
		status, got int
		asked       int // peers that fail
	}{
		{"retries: {on: [503]}", 503, 503, 3},
		{"retries: {on: [error, 404], tries: 2}", 404, 404, 2},
		{"retries: {on: [429], tries: 10}", 429, 200, 4},
		{"retries: {on: [403, 500, 502, 504], tries: 5}", 500, 200, 4},
		{"retries: {on: [500]}", 503, 503, 1},
		{"retries: 4", 503, 503, 1},
		{"retries: {tries: 1}", 503, 503, 1},
	} {
		names := []string{"w", "x", "y", "z"}
		w.failing(c.status, names...)
		w.peers = map[string]*peer{}
		w.serve(t, shopWith(`{{w}}, {{x}}, {{y}}, {{z}}, {address: {{good}}, backup: true}`, c.options))
		a := w.get(t, "http://shop.example/")
		if n := w.asked(t, names...); a.Status != c.got || n != c.asked {
			t.Errorf("%s: peers answer %d: got %d after %d of them, want %d after %d", c.options, c.status, a.Status, n, c.got, c.asked)
		}
	}
	w.refused(t, shopWith("{{a}}", "retries: {on: []}"), "on lists nothing that counts as a failure")
	w.refused(t, shopWith("{{a}}", "retries: {on: [418]}"), `"418" is not a failure`)
	w.refused(t, shopWith("{{a}}", "retries: {on: [502, 502]}"), "502 is in this list already")
	w.refused(t, shopWith("{{a}}", "retries: 0"), `"0" is not a number of tries`)
	w.refused(t, shopWith("{{a}}", "retries: {tries: 1, on: [502]}"), "with one try there is no other one")
}

// What is not HTTP is a failure only where the route says so.
func trafficRetriesInvalid(t *testing.T, w *wharf) {
	w.peer("odd", func(rw http.ResponseWriter, r *http.Request) {
		if conn, _, err := rw.(http.Hijacker).Hijack(); err == nil {
			io.WriteString(conn, "HTTP/1.1 200 OK\r\nX-\x01Odd: yes\r\n\r\n")
			conn.Close()
		}
	})
	for options, want := range map[string]int{"retries: {on: [invalid]}": 200, "retries: {on: [error, timeout]}": 502, "retries: 2": 502} {
		w.serve(t, shopWith("{{odd}}, {address: {{good}}, backup: true}", options))
		before := w.asked(t, "good")
		if a := w.get(t, "http://shop.example/"); a.Status != want || w.asked(t, "good")-before != map[int]int{200: 1}[want] {
			t.Errorf("%s: a peer that does not speak HTTP: got %d, and the next peer saw %d requests; want %d", options, a.Status, w.asked(t, "good")-before, want)
		}
	}
	w.refused(t, shopWith("{{a}}", "retries: {on: [broken]}"), `"broken" is not a failure`)
}

// Dead peers are passed over, as many as there may be tries.
func trafficRetriesDead(t *testing.T, w *wharf) {
	for options, want := range map[string]int{"retries: 3": 200, "log: true": 200, "retries: 2": 502, "retries: 1": 502, "retries: {on: [timeout]}": 502} {
		w.serve(t, shopWith("{{dead.x}}, {{dead.y}}, {address: {{good}}, backup: true}", options))
		for _, method := range []string{"GET", "POST"} {
			if a := w.get(t, "http://shop.example/", withBody("x"), withMethod(method)); a.Status != want {
				t.Errorf("%s: two dead peers: %s gets %d, want %d", options, method, a.Status, want)
			}
		}
	}
}

// A request that may have changed something is not sent again, unless the route
// says so.
func trafficRetriesUnsafe(t *testing.T, w *wharf) {
	hang := func(rw http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		conn, _, err := rw.(http.Hijacker).Hijack()
		if err == nil {
			conn.Close() // without an answer
		}
	}
	for _, c := range []struct {
		options, method string
		status          int
	}{
		{"retries: 2", "POST", 502}, {"retries: 2", "PATCH", 502}, {"retries: 2", "GET", 200}, {"retries: 2", "PUT", 200},
		{"retries: {unsafe: true}", "POST", 200}, {"retries: {unsafe: true, on: [error]}", "PATCH", 200},
	} {
		w.peer("bad", hang)
		w.serve(t, shopWith("{{bad}}, {address: {{good}}, backup: true}", c.options))
		before := w.asked(t, "good")
		a := w.get(t, "http://shop.example/", withBody("order"), withMethod(c.method))
		if a.Status != c.status || (w.asked(t, "good") > before) != (c.status == 200) || c.status == 200 && a.Saw.Body != "order" {
			t.Errorf("%s: %s gets %d, and the next peer saw %q", c.options, c.method, a.Status, a.Saw.Body)
		}
	}
}

// Slow peers cost no more than the budget and the last try.
func trafficRetriesWithin(t *testing.T, w *wharf) {
	for _, name := range []string{"x", "y", "z"} {
		w.peer(name, func(rw http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	}
	for options, want := range map[string]int{
		"timeouts: {read: 500ms}, retries: {tries: 4, within: 800ms}": 504,
		"timeouts: {read: 500ms}, retries: {tries: 3, within: 10s}":   504,
		"timeouts: {read: 500ms}, retries: {tries: 4, within: 10s}":   200,
	} {
		w.peers = map[string]*peer{}
		w.serve(t, shopWith("{{x}}, {{y}}, {{z}}, {address: {{good}}, backup: true}", options))
		a := w.get(t, "http://shop.example/")
		asked := 3
		if strings.Contains(options, "800ms") {
			asked = 2
		}
		if n := w.asked(t, "x", "y", "z"); a.Status != want || n != asked {
			t.Errorf("%s: got %d after %d slow peers, want %d after %d", options, a.Status, n, want, asked)
		}
	}
	w.refused(t, shopWith("{{a}}", "retries: {within: soon}"), `"soon" is not a duration`)
}

func trafficTimeoutConnect(t *testing.T, w *wharf) {
	address := full(t)
	w.serve(t, shopWith(`"`+address+`"`, "timeouts: {connect: 500ms}, retries: 1"))
	begin := time.Now()
	if a := w.get(t, "http://shop.example/"); a.Status != http.StatusGatewayTimeout || time.Since(begin) < 400*time.Millisecond || time.Since(begin) > 4*time.Second {
		t.Errorf("nobody takes the connection: got %d after %s, want 504 after 500ms", a.Status, time.Since(begin))
	}
	w.serve(t, shopWith(`"`+address+`", {address: {{good}}, backup: true}`, "timeouts: {connect: 500ms}"))
	if a := w.get(t, "http://shop.example/", withBody("x")); a.Peer != "good" {
		t.Errorf("nobody takes the first connection: got %d from %q, want an answer from good", a.Status, a.Peer)
	}
	w.refused(t, shopWith("{{a}}", "timeouts: {connect: 25h}"), "it takes from 1ms to 24h")
}

// slow answers after as many milliseconds as the path says.
func slow(rw http.ResponseWriter, r *http.Request) {
	var ms int
	fmt.Sscanf(r.URL.Path, "/%d", &ms)
	rw.Header().Set("Peer", "slow")
	select {
	case <-time.After(time.Duration(ms) * time.Millisecond):
	case <-r.Context().Done():
	}
}

func trafficTimeoutRead(t *testing.T, w *wharf) {
	w.peer("slow", slow)
	w.serve(t, `
		pools: {shop: {servers: [{{slow}}]}}
		routes:
		  shop: {hosts: [shop.example], pool: shop, timeouts: {read: 600ms}, retries: 1}
		  poll: {hosts: [poll.example], pool: shop, timeouts: {read: 5s}}
	`)
	for _, c := range []struct {
		url  string
		want int
	}{
		{"http://shop.example/10", 200}, {"http://shop.example/1500", 504}, {"http://poll.example/1500", 200},
	} {
		if a := w.get(t, c.url); a.Status != c.want {
			t.Errorf("%s: got %d, want %d", c.url, a.Status, c.want)
		}
	}
	w.refused(t, shopWith("{{a}}", "timeouts: {read: 0s}"), "it takes from 1ms to 24h")
}

// A peer that does not take what is sent.
func trafficTimeoutSend(t *testing.T, w *wharf) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() }) // nobody accepts, so nobody reads
	w.serve(t, shopWith(`"`+l.Addr().String()+`"`, "timeouts: {send: 300ms}, retries: 1, maxBody: off"))
	begin := time.Now()
	a := w.get(t, "http://shop.example/", withBody(strings.Repeat("x", 32<<20)))
	if a.Status != http.StatusGatewayTimeout || time.Since(begin) > 8*time.Second {
		t.Errorf("a peer that reads nothing: got %d after %s, want 504 after 300ms", a.Status, time.Since(begin))
	}
}

// A client that does not send what it announced.
func trafficTimeoutClient(t *testing.T, w *wharf) {
	w.serve(t, shopWith("{{shop}}", "timeouts: {client: 300ms}"))
	begin := time.Now()
	conn := w.dial(t, w.port(t, "http"))
	io.WriteString(conn, "POST / HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 8\r\n\r\nfour")
	if got, err := io.ReadAll(conn); len(got) > 0 || err != nil || time.Since(begin) > 8*time.Second {
		t.Errorf("a client that sends half a body: got %q, %v after %s, want nothing after 300ms", got, err, time.Since(begin))
	}
	w.logged(t, `"POST / HTTP/1.1" 408 `)
	if n := w.asked(t, "shop"); n > 0 {
		t.Errorf("the peer saw %d requests, want none", n)
	}
	// And one that does not read what it asked for.
	const size = 64 << 20 // more than the kernel keeps
	w.peer("large", func(rw http.ResponseWriter, r *http.Request) { io.CopyN(rw, zeros{}, size) })
	w.serve(t, shopWith("{{large}}", "timeouts: {client: 300ms}"))
	conn = w.dial(t, w.port(t, "http"))
	io.WriteString(conn, "GET /large HTTP/1.1\r\nHost: shop.example\r\n\r\n")
	line := w.logged(t, `"GET /large HTTP/1.1" 200 `) // while the connection is open on this side
	_, rest, _ := strings.Cut(line, `" 200 `)
	var sent int
	if _, err := fmt.Sscan(rest, &sent); err != nil || sent >= size {
		t.Errorf("a client that reads nothing is logged as %q, want less than %d bytes", line, size)
	}
	w.refused(t, shopWith("{{a}}", "timeouts: {client: 0s}"), "it takes from 1ms to 24h")
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// arrivals has a peer tell what comes of a body, and when.
func arrivals(parts chan<- string) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		parts <- "head"
		buf := make([]byte, 4)
		for {
			if _, err := io.ReadFull(r.Body, buf); err != nil {
				return
			}
			parts <- string(buf)
		}
	}
}

func trafficBufferingRequests(t *testing.T, w *wharf) {
	parts := make(chan string, 10)
	w.peer("shop", arrivals(parts))
	next := func(wait time.Duration) string {
		select {
		case part := <-parts:
			return part
		case <-time.After(wait):
			return ""
		}
	}
	for options, direct := range map[string]bool{"buffering: {requests: false}": true, "buffering: {requests: true}": false, "log: true": false} {
		w.serve(t, shopWith("{{shop}}", options))
		conn := w.dial(t, w.port(t, "http"))
		io.WriteString(conn, "POST / HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 8\r\n\r\nfour")
		switch {
		case direct:
			if head, half := next(patience), next(patience); head != "head" || half != "four" {
				t.Errorf("%s: of half a body the peer gets %q and %q", options, head, half)
			}
		default:
			if got := next(300 * time.Millisecond); got != "" {
				t.Errorf("%s: of half a body the peer gets %q, want nothing", options, got)
			}
		}
		io.WriteString(conn, "more")
		if !direct && (next(patience) != "head" || next(patience) != "four") || next(patience) != "more" {
			t.Errorf("%s: the peer does not get the whole body", options)
		}
		if resp, err := http.ReadResponse(bufio.NewReader(conn), nil); err != nil || resp.StatusCode != 200 {
			t.Errorf("%s: got %v, %v", options, resp, err)
		}
	}
}

// untilClose is a peer whose answer ends with the connection, which nginx
// collects until its buffer is full; in it are n lines, the next of which is sent
// when somebody says so.
func untilClose(contentType string, n int, more <-chan bool) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		conn, _, err := rw.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nConnection: close\r\n\r\n", contentType)
		for i := range n {
			if !<-more {
				return
			}
			fmt.Fprintf(conn, "data: %d\n\n", i)
		}
	}
}

func trafficBufferingResponses(t *testing.T, w *wharf) {
	for options, direct := range map[string]bool{"buffering: {responses: false}": true, "buffering: {responses: true}": false, "log: true": false} {
		more := make(chan bool, 2)
		w.peer("shop", untilClose("text/plain", 2, more))
		w.peers = map[string]*peer{}
		w.serve(t, shopWith("{{shop}}", options))
		first := make(chan string, 1)
		go func() { // nginx collects the head as well
			resp, err := w.send(t, "http://shop.example/")
			if err != nil {
				first <- err.Error()
				return
			}
			line, _ := bufio.NewReader(resp.Body).ReadString('\n')
			first <- line
		}()
		more <- true
		wait := patience
		if !direct {
			wait = 300 * time.Millisecond
		}
		select {
		case line := <-first:
			if !direct || line != "data: 0\n" {
				t.Errorf("%s: the first line arrives alone: %q", options, line)
			}
		case <-time.After(wait):
			if direct {
				t.Errorf("%s: the first line does not arrive", options)
			}
		}
		more <- true
		if !direct {
			if line := <-first; line != "data: 0\n" {
				t.Errorf("%s: in the end the first line is %q", options, line)
			}
		}
	}
}
