package nginx_test

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// peer is a server behind nginx.
type peer struct {
	name    string
	address string
	kill    func() // of HTTP peers: nobody listens any more
	mu      sync.Mutex
	saw     []seen
}

// seen is what a peer saw of a request, and what the echoing one answers.
type seen struct {
	Peer, Proto, Method, Host string
	Path, Query               string // as they came, up to the ? and after it
	Header                    http.Header
	Size                      int64  // of the body, in bytes
	Body                      string // its first 1024 bytes
	Remote                    string // address:port of nginx's side
	SNI                       string // the name that nginx asked for, with TLS
	Client                    string // the name in nginx's own certificate, with TLS
}

// peer lets the HTTP peers called name, with TLS, gRPC or neither, answer in a
// way of their own.
func (w *wharf) peer(name string, h http.HandlerFunc) { w.own[name] = h }

// certify gives the TLS peers called name a certificate for these hosts instead
// of NAME.internal.
func (w *wharf) certify(name string, hosts ...string) { w.names[name] = hosts }

// address returns 127.0.0.1:PORT of the peer that a text calls {{KIND.NAME}},
// and starts it if it does not run. {{NAME}} is of kind http.
func (w *wharf) address(t *testing.T, kindAndName string) string {
	t.Helper()
	if p := w.peers[kindAndName]; p != nil {
		return p.address
	}
	kind, name, _ := strings.Cut(kindAndName, ".")
	p := &peer{name: name}
	switch kind {
	case "http", "tls", "grpc":
		p.address = w.startHTTP(t, kind, p)
	case "tcp", "tcps":
		p.address = w.startTCP(t, kind, p)
	case "udp":
		p.address = startUDP(t, p)
	case "dead":
		p.address = fmt.Sprintf("127.0.0.1:%d", w.port(t, kindAndName))
	default:
		t.Fatalf("there is no kind of peer %q", kind)
	}
	w.peers[kindAndName] = p
	return p.address
}

// kill ends an HTTP peer, as {{NAME}}: its connections are closed, and nobody
// listens any more.
func (w *wharf) kill(t *testing.T, name string) {
	t.Helper()
	p := w.peers["http."+name]
	if p == nil {
		t.Fatalf("there is no peer %s", name)
	}
	p.kill()
}

// saw waits for the HTTP peers called name to have got n requests or more in all,
// and returns what they saw, oldest first. Of bodies only the echoing ones tell.
func (w *wharf) saw(t *testing.T, name string, n int) []seen {
	t.Helper()
	var all []seen
	await(t, fmt.Sprintf("%s gets %d requests", name, n), func() bool {
		all = nil
		for _, kind := range []string{"http", "tls", "grpc"} {
			if p := w.peers[kind+"."+name]; p != nil {
				p.mu.Lock()
				all = append(all, p.saw...)
				p.mu.Unlock()
			}
		}
		return len(all) >= n
	})
	return all
}

func (p *peer) look(r *http.Request) seen {
	s := seen{Peer: p.name, Proto: r.Proto, Method: r.Method, Host: r.Host, Header: r.Header.Clone(), Remote: r.RemoteAddr}
	s.Path, s.Query, _ = strings.Cut(r.RequestURI, "?")
	if r.TLS != nil {
		s.SNI = r.TLS.ServerName
		if len(r.TLS.PeerCertificates) > 0 {
			s.Client = r.TLS.PeerCertificates[0].Subject.CommonName
		}
	}
	return s
}

func (p *peer) note(s seen) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.saw = append(p.saw, s)
}

// echo answers with what it sees. It echoes what comes after an upgrade, and the
// messages of gRPC.
func (p *peer) echo(rw http.ResponseWriter, r *http.Request) {
	s := p.look(r)
	switch upgrade := r.Header.Get("Upgrade"); {
	case upgrade != "" && strings.EqualFold(r.Header.Get("Connection"), "upgrade"):
		p.note(s)
		conn, buffered, err := rw.(http.Hijacker).Hijack()
		if err != nil {
			panic(err) // an HTTP/1.1 server's connections can be taken
		}
		defer conn.Close()
		fmt.Fprintf(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: %s\r\nConnection: upgrade\r\n\r\n", upgrade)
		io.Copy(conn, buffered)
	case strings.HasPrefix(r.Header.Get("Content-Type"), "application/grpc"):
		p.note(s)
		rw.Header().Set("Content-Type", "application/grpc")
		rw.Header().Set("Peer", p.name)
		rw.Header().Set("Trailer", "Grpc-Status")
		buf := make([]byte, 4096)
		for {
			n, err := r.Body.Read(buf)
			rw.Write(buf[:n])
			rw.(http.Flusher).Flush()
			if err != nil {
				break
			}
		}
		rw.Header().Set("Grpc-Status", "0")
	default:
		start, _ := io.ReadAll(io.LimitReader(r.Body, 1024))
		rest, _ := io.Copy(io.Discard, r.Body)
		s.Body, s.Size = string(start), int64(len(start))+rest
		p.note(s)
		rw.Header().Set("Content-Type", "application/json")
		json.NewEncoder(rw).Encode(s)
	}
}

func (w *wharf) startHTTP(t *testing.T, kind string, p *peer) string {
	t.Helper()
	handler := http.HandlerFunc(p.echo)
	if own := w.own[p.name]; own != nil {
		handler = func(rw http.ResponseWriter, r *http.Request) {
			p.note(p.look(r))
			own(rw, r)
		}
	}
	s := httptest.NewUnstartedServer(handler)
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // handshakes that are meant to fail
	switch kind {
	case "tls":
		s.EnableHTTP2 = true
		s.TLS = w.peerTLS(t, p.name)
		s.StartTLS()
	case "grpc":
		s.Config.Protocols = new(http.Protocols)
		s.Config.Protocols.SetUnencryptedHTTP2(true)
		s.Start()
	default:
		s.Start()
	}
	p.kill = sync.OnceFunc(func() {
		s.Listener.Close()
		s.CloseClientConnections()
	})
	t.Cleanup(func() {
		p.kill()
		s.Close()
	})
	return s.Listener.Addr().String()
}

// peerTLS asks nginx for a certificate and is content without.
func (w *wharf) peerTLS(t *testing.T, name string) *tls.Config {
	t.Helper()
	hosts := w.names[name]
	if hosts == nil {
		hosts = []string{name + ".internal"}
	}
	pair, err := tls.X509KeyPair(w.cert(t, hosts...))
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequestClientCert}
}

func (w *wharf) startTCP(t *testing.T, kind string, p *peer) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if kind == "tcps" {
		l = tls.NewListener(l, w.peerTLS(t, p.name))
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				fmt.Fprintf(conn, "%s\n", p.name)
				io.Copy(conn, bufio.NewReader(conn))
			}()
		}
	}()
	return l.Addr().String()
}

func startUDP(t *testing.T, p *peer) string {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	go func() {
		buf := make([]byte, 1<<16)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			conn.WriteTo(fmt.Appendf(nil, "%s %s", p.name, buf[:n]), from)
		}
	}()
	return conn.LocalAddr().String()
}
