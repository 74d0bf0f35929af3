package e2e_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// A load is clients that ask all proxies without a pause. They stand directly
// on connections: Go's own client repeats a request by itself when a connection
// that it reuses turns out to be closed, and would hide the failure.
type load struct {
	w       *world
	service string // that must answer
	kinds   []*kind
	over    atomic.Bool
	group   sync.WaitGroup
}

// A kind is one way to ask.
type kind struct {
	name    string
	request []byte
	tls     *tls.Config   // nil is plain HTTP
	keep    bool          // the connection, until the server wants it closed
	pause   time.Duration // at most, between two requests
	clients int           // for each proxy

	requests, failed  atomic.Int64
	dialled, released atomic.Int64 // connections: made; closed as the server asked for
	mu                sync.Mutex
	errors            []string // the first ones
}

type sums struct{ requests, failed, dialled, released int64 }

func (k *kind) sum() sums {
	return sums{k.requests.Load(), k.failed.Load(), k.dialled.Load(), k.released.Load()}
}

// text is a request.
func text(method, host, connection, body string) []byte {
	return fmt.Appendf(nil, "%s / HTTP/1.1\r\nHost: %s\r\nConnection: %s\r\nContent-Length: %d\r\n\r\n%s", method, host, connection, len(body), body)
}

// load starts one. It ends with the test at the latest.
func (w *world) load(service string, kinds ...*kind) *load {
	l := &load{w: w, service: service, kinds: kinds}
	w.Cleanup(l.stop)
	for _, k := range l.kinds {
		for _, node := range w.asked {
			for range k.clients {
				l.group.Go(func() { l.client(k, node) })
			}
		}
	}
	return l
}

func (l *load) stop() {
	l.over.Store(true)
	l.group.Wait()
}

func (l *load) client(k *kind, node string) {
	address := l.w.lab.Node(node).Address
	var c *connection
	defer func() {
		if c != nil {
			c.Close()
		}
	}()
	for !l.over.Load() {
		if c == nil {
			var err error
			k.dialled.Add(1)
			if c, err = dial(address, k.tls); err != nil {
				k.count(node, "dial", err)
				continue
			}
		}
		closing, err := c.ask(k.request, l.service)
		k.count(node, fmt.Sprintf("request %d on its connection", c.asked), err)
		if k.keep && closing && err == nil {
			k.released.Add(1)
		}
		if !k.keep || closing || err != nil {
			c.Close()
			c = nil
		}
		if k.pause > 0 {
			time.Sleep(rand.N(k.pause))
		}
	}
}

func (k *kind) count(node, where string, err error) {
	k.requests.Add(1)
	if err == nil {
		return
	}
	k.failed.Add(1)
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.errors) < 10 {
		k.errors = append(k.errors, fmt.Sprintf("%s %s, %s: %v", time.Now().Format("15:04:05.000"), node, where, err))
	}
}

func (l *load) sum() (all sums) {
	for _, k := range l.kinds {
		s := k.sum()
		all.requests += s.requests
		all.failed += s.failed
		all.dialled += s.dialled
		all.released += s.released
	}
	return all
}

func (l *load) table() string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n  %-25s %9s %7s %12s %24s\n", "kind", "requests", "failed", "connections", "released by the server")
	row := func(name string, s sums) {
		fmt.Fprintf(&b, "  %-25s %9d %7d %12d %16d (%3.0f %%)\n", name, s.requests, s.failed, s.dialled, s.released,
			100*float64(s.released)/float64(max(1, s.dialled)))
	}
	for _, k := range l.kinds {
		row(k.name, k.sum())
	}
	row("all", l.sum())
	for _, k := range l.kinds {
		for _, text := range k.errors {
			fmt.Fprintf(&b, "  %s: %s\n", k.name, text)
		}
	}
	return b.String()
}

type connection struct {
	net.Conn
	in    *bufio.Reader
	asked int
}

// dial connects to port 80, or to port 443 and shakes hands.
func dial(address string, secure *tls.Config) (*connection, error) {
	dialer := &net.Dialer{Timeout: 10 * time.Second}
	var conn net.Conn
	var err error
	if secure == nil {
		conn, err = dialer.Dial("tcp", address+":80")
	} else {
		conn, err = tls.DialWithDialer(dialer, "tcp", address+":443", secure)
	}
	if err != nil {
		return nil, err
	}
	return &connection{Conn: conn, in: bufio.NewReader(conn)}, nil
}

// ask makes one request and checks the whole answer. closing says that the
// server wants the connection closed, which is its right.
func (c *connection) ask(request []byte, service string) (closing bool, err error) {
	c.asked++
	if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return false, err
	}
	if _, err := c.Write(request); err != nil {
		return false, err
	}
	method, _, _ := bytes.Cut(request, []byte(" "))
	resp, err := http.ReadResponse(c.in, &http.Request{Method: string(method)})
	if err != nil {
		return false, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return false, fmt.Errorf("after %d bytes of the body: %w", len(body), err)
	}
	if resp.StatusCode != http.StatusOK {
		return false, errors.New(resp.Status)
	}
	var a answer
	if err := json.Unmarshal(body, &a); err != nil || a.Service != service {
		return false, fmt.Errorf("the body is %q", body)
	}
	return resp.Close, nil
}
