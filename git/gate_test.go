package git_test

import (
	"net"
	"sync"
	"testing"
	"time"
)

// gate is the listener of a real server, and what can go wrong on the way to it.
type gate struct {
	t        *testing.T
	address  string
	accepted chan net.Conn
	closed   chan struct{}
	close    sync.Once

	mu     sync.Mutex
	listen net.Listener
	held   []net.Conn
	silent bool
	cutAt  int           // a connection ends after so many bytes of the server; 0 means never
	drip   time.Duration // between two bytes of the server
}

func newGate(t *testing.T) *gate {
	t.Helper()
	g := &gate{t: t, address: "127.0.0.1:0", accepted: make(chan net.Conn), closed: make(chan struct{})}
	g.up()
	g.address = g.listen.Addr().String()
	t.Cleanup(func() { g.Close() })
	return g
}

// up listens, where it listened before if it did.
func (g *gate) up() {
	g.t.Helper()
	listen, err := net.Listen("tcp", g.address)
	if err != nil {
		g.t.Fatal(err)
	}
	g.mu.Lock()
	g.listen = listen
	g.mu.Unlock()
	go func() {
		for {
			conn, err := listen.Accept()
			if err != nil {
				return
			}
			g.mu.Lock()
			silent := g.silent
			g.held = append(g.held, conn)
			g.mu.Unlock()
			if silent {
				continue // nobody ever answers
			}
			select {
			case g.accepted <- &passed{Conn: conn, gate: g}:
			case <-g.closed:
			}
		}
	}()
}

// down refuses connections.
func (g *gate) down() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.listen.Close()
}

// set changes what goes wrong from now on.
func (g *gate) set(silent bool, cutAt int, drip time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.silent, g.cutAt, g.drip = silent, cutAt, drip
}

func (g *gate) Accept() (net.Conn, error) {
	select {
	case conn := <-g.accepted:
		return conn, nil
	case <-g.closed:
		return nil, net.ErrClosed
	}
}

func (g *gate) Close() error {
	g.close.Do(func() {
		close(g.closed)
		g.down()
		g.mu.Lock()
		defer g.mu.Unlock()
		for _, conn := range g.held {
			conn.Close()
		}
	})
	return nil
}

func (g *gate) Addr() net.Addr {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.listen.Addr()
}

// passed is a connection that went through the gate.
type passed struct {
	net.Conn
	gate *gate
	sent int
}

func (p *passed) Write(b []byte) (int, error) {
	p.gate.mu.Lock()
	cutAt, drip := p.gate.cutAt, p.gate.drip
	p.gate.mu.Unlock()
	if drip > 0 {
		for i := range b {
			if _, err := p.Conn.Write(b[i : i+1]); err != nil {
				return i, err
			}
			time.Sleep(drip)
		}
		return len(b), nil
	}
	cut := cutAt > 0 && p.sent+len(b) >= cutAt
	if cut {
		b = b[:max(0, cutAt-p.sent)]
	}
	n, err := p.Conn.Write(b)
	p.sent += n
	if cut && err == nil {
		p.Conn.Close()
		err = net.ErrClosed
	}
	return n, err
}
