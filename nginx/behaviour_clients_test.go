package nginx_test

import (
	"bufio"
	"cmp"
	"context"
	"crypto/tls"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// answer is what a client got.
type answer struct {
	Status  int
	Proto   string // as HTTP/1.1
	Header  http.Header
	Trailer http.Header
	Body    string
	TLS     *tls.ConnectionState
	// Saw is what an echoing peer saw, Peer its name; empty where something else
	// answered.
	Saw  seen
	Peer string
}

// request is what options change.
type request struct {
	*http.Request
	transport *http.Transport
	dialer    net.Dialer
	preamble  string
}

type option func(*request)

// withHeader adds a header.
func withHeader(name, value string) option {
	return func(r *request) { r.Header.Add(name, value) }
}

// withCookie adds a cookie.
func withCookie(name, value string) option {
	return func(r *request) { r.AddCookie(&http.Cookie{Name: name, Value: value}) }
}

// withMethod sends another method than GET.
func withMethod(method string) option {
	return func(r *request) { r.Method = method }
}

// withBody sends a body, its length announced. The method is POST unless
// withMethod comes later.
func withBody(body string) option {
	return func(r *request) {
		r.Method, r.Body, r.ContentLength = http.MethodPost, io.NopCloser(strings.NewReader(body)), int64(len(body))
	}
}

// withClientCert shows a certificate of the client's, as PEM.
func withClientCert(cert, key []byte) option {
	return func(r *request) {
		pair, err := tls.X509KeyPair(cert, key)
		if err != nil {
			panic(err) // both come from cert
		}
		// Whoever the server says that it trusts.
		r.transport.TLSClientConfig.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return &pair, nil
		}
	}
}

// withTLS changes the client's side of TLS, such as MaxVersion or ServerName.
func withTLS(change func(*tls.Config)) option {
	return func(r *request) { change(r.transport.TLSClientConfig) }
}

// withHTTP2 speaks HTTP/2 and nothing else; to http:// without having asked.
func withHTTP2() option {
	return func(r *request) {
		r.transport.Protocols = new(http.Protocols)
		r.transport.Protocols.SetHTTP2(true)
		r.transport.Protocols.SetUnencryptedHTTP2(r.URL.Scheme == "http")
	}
}

// from sends from another address of this machine, as 127.0.0.2.
func from(address string) option {
	return func(r *request) { r.dialer.LocalAddr = &net.TCPAddr{IP: net.ParseIP(address)} }
}

// withPreamble sends text ahead of everything, such as a PROXY protocol header.
func withPreamble(text string) option {
	return func(r *request) { r.preamble = text }
}

// via sends over another request's connections, which stay open between them.
// Options of the connection belong to the call of w.transport.
func via(transport *http.Transport) option {
	return func(r *request) { r.transport = transport }
}

// get sends a request to nginx, whatever the host in the URL: to {{http}} or
// {{https}}, or to the port that the URL names. Each has a connection of its own,
// trusts the test CA, and follows no redirect.
func (w *wharf) get(t *testing.T, url string, options ...option) answer {
	t.Helper()
	a, err := w.try(t, url, options...)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// try is get for requests that may fail, such as in the handshake.
func (w *wharf) try(t *testing.T, url string, options ...option) (answer, error) {
	t.Helper()
	resp, err := w.send(t, url, options...)
	if err != nil {
		return answer{}, err
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return answer{}, fmt.Errorf("%s answers %s, then: %w", url, resp.Status, err)
	}
	a := answer{Status: resp.StatusCode, Proto: resp.Proto, Header: resp.Header, Trailer: resp.Trailer, Body: string(body), TLS: resp.TLS}
	if resp.Header.Get("Content-Type") == "application/json" && json.Unmarshal(body, &a.Saw) == nil {
		a.Peer = a.Saw.Peer
	}
	a.Peer = cmp.Or(a.Peer, resp.Header.Get("Peer"))
	return a, nil
}

// send is try without waiting for the body.
func (w *wharf) send(t *testing.T, url string, options ...option) (*http.Response, error) {
	t.Helper()
	r := w.request(t, url, options...)
	resp, err := r.transport.RoundTrip(r.Request)
	if err == nil {
		t.Cleanup(func() { resp.Body.Close() })
	}
	return resp, err
}

// transport returns connections that stay open, for via. Of the options, those of
// the connection count. URL is any of the server's.
func (w *wharf) transport(t *testing.T, url string, options ...option) *http.Transport {
	t.Helper()
	transport := w.request(t, url, options...).transport
	transport.DisableKeepAlives = false
	t.Cleanup(transport.CloseIdleConnections)
	return transport
}

func (w *wharf) request(t *testing.T, target string, options ...option) *request {
	t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	t.Cleanup(cancel)
	plain, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		t.Fatal(err)
	}
	port := u.Port()
	if port == "" {
		port = fmt.Sprint(w.port(t, u.Scheme))
	}
	r := &request{Request: plain}
	r.transport = &http.Transport{
		DisableKeepAlives: true, DisableCompression: true,
		TLSClientConfig: &tls.Config{RootCAs: w.roots(t)},
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			conn, err := r.dialer.DialContext(ctx, "tcp", w.at(port))
			if err == nil {
				_, err = io.WriteString(conn, r.preamble)
			}
			return conn, err
		},
	}
	r.transport.Protocols = new(http.Protocols)
	r.transport.Protocols.SetHTTP1(true)
	for _, o := range options {
		o(r)
	}
	if r.Header.Get("User-Agent") == "" {
		r.Header.Set("User-Agent", "wharf")
	}
	return r
}

// grpc sends messages in one call, by HTTP/2 to http:// or https://, and returns
// the answer with the messages that came back. Their call ended well if
// answer.Trailer's Grpc-Status is 0; a failure may stand in answer.Header.
func (w *wharf) grpc(t *testing.T, url string, messages []string, options ...option) (answer, []string) {
	t.Helper()
	var body []byte
	for _, m := range messages {
		body = append(body, 0) // not compressed
		body = binary.BigEndian.AppendUint32(body, uint32(len(m)))
		body = append(body, m...)
	}
	a := w.get(t, url, slices.Concat([]option{withHTTP2(), withBody(string(body)),
		withHeader("Content-Type", "application/grpc"), withHeader("TE", "trailers")}, options)...)
	var back []string
	for rest := []byte(a.Body); len(rest) >= 5; {
		n := 5 + int(binary.BigEndian.Uint32(rest[1:]))
		if n > len(rest) {
			t.Fatalf("a gRPC message of %d bytes ends after %d", n, len(rest))
		}
		back, rest = append(back, string(rest[5:n])), rest[n:]
	}
	return a, back
}

// dial opens a connection to one of nginx's ports.
func (w *wharf) dial(t *testing.T, port int) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", w.at(fmt.Sprint(port)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(2 * patience))
	return conn
}

// tls opens a connection with TLS, which may fail. Without RootCAs the test CA is
// trusted.
func (w *wharf) tls(t *testing.T, port int, config *tls.Config) (*tls.Conn, error) {
	t.Helper()
	if config.RootCAs == nil {
		config.RootCAs = w.roots(t)
	}
	conn := tls.Client(w.dial(t, port), config)
	return conn, conn.Handshake()
}

// talk sends lines and returns those that came until the last one is echoed or
// the connection is closed: of a TCP peer its name, and then the lines.
func talk(t *testing.T, conn net.Conn, lines ...string) []string {
	t.Helper()
	var last string
	for _, line := range lines {
		last = line
		io.WriteString(conn, line+"\n") // who has closed may have said something before
	}
	var got []string
	for in := bufio.NewReader(conn); ; {
		line, err := in.ReadString('\n')
		if errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("got %q, then neither more nor an end", got)
		}
		if err != nil {
			return got
		}
		line = strings.TrimRight(line, "\r\n")
		got = append(got, line)
		if lines == nil || len(got) > 1 && line == last {
			return got
		}
	}
}

// tcp is talk on a new connection.
func (w *wharf) tcp(t *testing.T, port int, lines ...string) []string {
	t.Helper()
	conn := w.dial(t, port)
	defer conn.Close()
	return talk(t, conn, lines...)
}

// udp sends a datagram and returns the answer, of a UDP peer its name and the
// datagram. Nothing within the time is an empty answer.
func (w *wharf) udp(t *testing.T, port int, text string, wait time.Duration) string {
	t.Helper()
	conn, err := net.Dial("udp", w.at(fmt.Sprint(port)))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(wait))
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 1<<16)
	n, err := conn.Read(buf)
	if err != nil {
		return ""
	}
	return string(buf[:n])
}

// speak writes an HTTP/1.1 request, whose lines are given, on a connection, and
// reads the head of the response.
func speak(t *testing.T, conn net.Conn, body string, lines ...string) (*bufio.Reader, *http.Response) {
	t.Helper()
	if _, err := io.WriteString(conn, strings.Join(lines, "\r\n")+"\r\n\r\n"+body); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(conn)
	resp, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatalf("%s: %v", lines[0], err)
	}
	return in, resp
}

// open is speak on a new connection to {{http}}.
func (w *wharf) open(t *testing.T, body string, lines ...string) (net.Conn, *bufio.Reader, *http.Response) {
	t.Helper()
	conn := w.dial(t, w.port(t, "http"))
	in, resp := speak(t, conn, body, lines...)
	return conn, in, resp
}

// ask sends the lines of a request to {{http}} as they are, and returns the
// status and, where it is 200, what the peer saw.
func (w *wharf) ask(t *testing.T, lines ...string) (int, seen) {
	t.Helper()
	conn, _, resp := w.open(t, "", lines...)
	defer conn.Close()
	var s seen
	if resp.StatusCode == http.StatusOK {
		if err := json.NewDecoder(resp.Body).Decode(&s); err != nil {
			t.Fatal(err)
		}
	}
	return resp.StatusCode, s
}
