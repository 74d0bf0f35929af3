package nginx_test

import (
	"crypto/tls"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"
)

// dialFrom opens a connection from another address of this machine, as 127.0.0.2.
func (w *wharf) dialFrom(t *testing.T, address string, port int) net.Conn {
	t.Helper()
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
	conn, err := dialer.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(2 * patience))
	return conn
}

// greets holds that a TCP peer called name is at the other end.
func greets(t *testing.T, got []string, name string) {
	t.Helper()
	if len(got) < 2 || got[0] != name {
		t.Errorf("got %q, want the greeting of %s and an echo", got, name)
	}
}

// closed holds that nobody is at the other end.
func closed(t *testing.T, got []string, why string) {
	t.Helper()
	if got != nil {
		t.Errorf("%s: got %q, want a connection that is closed", why, got)
	}
}

func streamsTCP(t *testing.T, w *wharf) {
	w.serve(t, `
		pools: {raw: {servers: [{{tcp.raw}}]}, other: {servers: [{{tcp.other}}]}}
		streams:
		  raw: {listen: {{port.raw}}, pool: raw}
		  other: {listen: {{port.other}}, pool: other}
	`)
	if got := w.tcp(t, w.port(t, "raw"), "ahoy", "bye"); !slices.Equal(got, []string{"raw", "ahoy", "bye"}) {
		t.Errorf("got %q, want raw, ahoy and bye", got)
	}
	greets(t, w.tcp(t, w.port(t, "other"), "ahoy"), "other")
	line := w.logged(t, "stream=raw")
	if !strings.HasPrefix(line, "127.0.0.1 - [") || !strings.Contains(line, `upstream="`+w.address(t, "tcp.raw")) {
		t.Errorf("the connection is logged as %q", line)
	}
	w.refused(t, `
		pools: {raw: {servers: [{{tcp.raw}}]}}
		streams: {raw: {listen: {{http}}, pool: raw}}
	`, "is taken already, by plain HTTP")
	w.refused(t, `
		pools: {raw: {servers: [{{tcp.raw}}]}}
		streams: {raw: {listen: {{port.raw}}, pool: raw}, other: {listen: {{port.raw}}, pool: raw}}
	`, "is taken already, by stream raw")
	w.refused(t, `
		pools: {raw: {servers: [{{tcp.raw}}], sticky: peer}}
		streams: {raw: {listen: {{port.raw}}, pool: raw}}
	`, "pool raw chooses peers by a cookie, which connections do not show")
}

// A port of TCP and the same of UDP are two.
func streamsUDP(t *testing.T, w *wharf) {
	w.serve(t, `
		pools: {dns: {servers: [{{udp.dns}}]}, raw: {servers: [{{tcp.raw}}]}}
		streams:
		  dns: {listen: {{port.dns}}/udp, pool: dns}
		  raw: {listen: {{port.dns}}, pool: raw}
	`)
	if got := w.udp(t, w.port(t, "dns"), "ahoy", patience); got != "dns ahoy" {
		t.Errorf("got %q, want dns ahoy", got)
	}
	greets(t, w.tcp(t, w.port(t, "dns"), "ahoy"), "raw")
	w.refused(t, `
		pools: {dns: {servers: [{{udp.dns}}]}}
		streams: {dns: {listen: {{port.dns}}/udp, pool: dns, tls: {cert: c, key: k}}}
	`, "stream dns takes UDP packets, which have no TLS")
}

// An exchange is over, and logged, when the packets that answer are counted.
func streamsResponses(t *testing.T, w *wharf) {
	w.serve(t, `
		pools: {dns: {servers: [{{udp.dns}}]}}
		streams:
		  one: {listen: {{port.one}}/udp, pool: dns, responses: 1}
		  none: {listen: {{port.none}}/udp, pool: dns, responses: 0}
		  any: {listen: {{port.any}}/udp, pool: dns}
	`)
	for _, c := range []struct{ port, want string }{{"any", "dns ahoy"}, {"one", "dns ahoy"}, {"none", ""}} {
		wait := patience
		if c.want == "" {
			wait = 300 * time.Millisecond
		}
		if got := w.udp(t, w.port(t, c.port), "ahoy", wait); got != c.want {
			t.Errorf("%s: got %q, want %q", c.port, got, c.want)
		}
	}
	w.logged(t, "stream=one")
	w.logged(t, "stream=none")
	if strings.Contains(w.log(), "stream=any") {
		t.Error("an exchange whose answers nobody counts is over at once")
	}
	w.refused(t, `
		pools: {raw: {servers: [{{tcp.raw}}]}}
		streams: {raw: {listen: {{port.raw}}, pool: raw, responses: 1}}
	`, "TCP has connections, and no packets to count")
}

func streamsTLSIn(t *testing.T, w *wharf) {
	cert, key := w.cert(t, "raw.example")
	w.secret("raw-cert", cert)
	w.secret("raw-key", key)
	const text = `
		proxies: {edge: {image: "nginx:{{version}}", profile: %s, listen: {http: {{http}}}, status: {port: {{status}}}}}
		pools: {raw: {servers: [{{tcp.raw}}]}}
		streams:
		  raw: {listen: {{port.raw}}, pool: raw, tls: {cert: raw-cert, key: raw-key}}
	`
	for _, c := range []struct {
		profile string
		version uint16
		ok      bool
	}{{"intermediate", tls.VersionTLS12, true}, {"intermediate", tls.VersionTLS11, false}, {"modern", tls.VersionTLS13, true}, {"modern", tls.VersionTLS12, false}} {
		w.serve(t, fmt.Sprintf(text, c.profile))
		conn, err := w.tls(t, w.port(t, "raw"), &tls.Config{ServerName: "raw.example", MinVersion: tls.VersionTLS10, MaxVersion: c.version})
		if (err == nil) != c.ok {
			t.Errorf("%s and TLS %x: got error %v", c.profile, c.version, err)
		}
		if err == nil {
			greets(t, talk(t, conn, "ahoy"), "raw")
		}
	}
	if got := w.tcp(t, w.port(t, "raw"), "ahoy"); len(got) > 0 && got[0] == "raw" {
		t.Error("the peer answers a client without TLS")
	}
	w.refused(t, `
		pools: {raw: {servers: [{{tcp.raw}}]}}
		streams: {raw: {listen: {{port.raw}}, pool: raw, tls: {cert: raw-cert}}}
	`, "stream raw has a certificate without its key")
}

func streamsTLSClients(t *testing.T, w *wharf) {
	cert, key := w.cert(t, "raw.example")
	w.secret("raw-cert", cert)
	w.secret("raw-key", key)
	w.secret("staff-ca", w.ca(t))
	w.serve(t, `
		pools: {raw: {servers: [{{tcp.raw}}]}}
		streams:
		  must: {listen: {{port.must}}, pool: raw, tls: {cert: raw-cert, key: raw-key, clients: staff-ca}}
		  may: {listen: {{port.may}}, pool: raw, tls: {cert: raw-cert, key: raw-key, clients: {ca: staff-ca, optional: true}}}
	`)
	pair := func(cert, key []byte) []tls.Certificate {
		p, err := tls.X509KeyPair(cert, key)
		if err != nil {
			t.Fatal(err)
		}
		return []tls.Certificate{p}
	}
	anna, mallory := pair(w.cert(t, "anna")), pair(w.strangeCert(t, "mallory"))
	for _, c := range []struct {
		name, port string
		shows      []tls.Certificate
		ok         bool
	}{
		{"of the CA", "must", anna, true}, {"none", "must", nil, false}, {"a stranger's", "must", mallory, false},
		{"of the CA", "may", anna, true}, {"none", "may", nil, true}, {"a stranger's", "may", mallory, false},
	} {
		t.Run(c.port+" show one, "+c.name, func(t *testing.T) {
			config := &tls.Config{ServerName: "raw.example"}
			config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
				if c.shows == nil {
					return &tls.Certificate{}, nil
				}
				return &c.shows[0], nil
			}
			conn, err := w.tls(t, w.port(t, c.port), config)
			if err != nil {
				t.Fatal(err)
			}
			if got := talk(t, conn, "ahoy"); (len(got) > 0) != c.ok {
				t.Errorf("got %q, want an answer to be %v", got, c.ok)
			}
		})
	}
	w.refused(t, `
		pools: {raw: {servers: [{{tcp.raw}}]}}
		streams: {raw: {listen: {{port.raw}}, pool: raw, tls: {cert: raw-cert, key: raw-key, clients: {optional: true}}}}
	`, "nothing says who signs the certificates of the clients of stream raw")
}

// The peers speak HTTPS, for these tell what they saw of TLS.
func streamsTLSOut(t *testing.T, w *wharf) {
	cert, key := w.cert(t, "edge.example")
	stranger, err := newAuthority("stranger")
	if err != nil {
		t.Fatal(err)
	}
	w.secret("edge-cert", cert)
	w.secret("edge-key", key)
	w.secret("ca", w.ca(t))
	w.secret("other-ca", stranger.pem)
	w.serve(t, `
		pools:
		  right: {servers: [{{tls.shop}}], tls: {ca: ca, name: shop.internal, cert: edge-cert, key: edge-key}}
		  name: {servers: [{{tls.shop}}], tls: {ca: ca, name: other.internal}}
		  stranger: {servers: [{{tls.shop}}], tls: {ca: other-ca, name: shop.internal}}
		  unverified: {servers: [{{tls.shop}}], tls: {verify: false}}
		streams:
		  right: {listen: {{port.right}}, pool: right}
		  name: {listen: {{port.name}}, pool: name}
		  stranger: {listen: {{port.stranger}}, pool: stranger}
		  unverified: {listen: {{port.unverified}}, pool: unverified}
	`)
	url := func(port string) string { return fmt.Sprintf("http://any.example:%d/", w.port(t, port)) }
	if a := w.get(t, url("right")); a.Peer != "shop" || a.Saw.SNI != "shop.internal" || a.Saw.Client != "edge.example" {
		t.Errorf("the peer saw the name %q and the certificate of %q, want shop.internal and edge.example", a.Saw.SNI, a.Saw.Client)
	}
	if a := w.get(t, url("unverified")); a.Peer != "shop" || a.Saw.SNI != "" || a.Saw.Client != "" {
		t.Errorf("unverified: got %+v", a)
	}
	for port, why := range map[string]string{"name": "certificate does not match", "stranger": "certificate verify error"} {
		if a, err := w.try(t, url(port)); err == nil {
			t.Errorf("%s: got %d from %q, want no answer", port, a.Status, a.Peer)
		}
		w.logged(t, why)
	}
	w.refused(t, `
		pools: {raw: {servers: [{{tcps.raw}}], tls: {ca: ca}}}
		streams: {raw: {listen: {{port.raw}}, pool: raw}}
	`, "nothing says who the certificates of pool raw are for")
}

// A secret that is not there closes the one stream that needs it.
func streamsNoSecret(t *testing.T, w *wharf) {
	w.serve(t, `
		pools: {raw: {servers: [{{tcp.raw}}]}}
		streams:
		  raw: {listen: {{port.raw}}, pool: raw}
		  sealed: {listen: {{port.sealed}}, pool: raw, tls: {cert: gone, key: gone}}
	`)
	greets(t, w.tcp(t, w.port(t, "raw"), "ahoy"), "raw")
	closed(t, w.tcp(t, w.port(t, "sealed"), "ahoy"), "a stream without its certificate")
	if len(w.problems) != 2 || !strings.Contains(w.problems[0].String(), "there is no secret gone in the Swarm, so stream sealed closes its connections") {
		t.Errorf("got the problems %v, want that there is no secret gone", w.problems)
	}
}

func streamsNoPeers(t *testing.T, w *wharf) {
	w.serve(t, `
		pools: {nobody: {service: nobody, port: 5432}, dns: {service: nobody, port: 53}}
		streams:
		  nobody: {listen: {{port.nobody}}, pool: nobody}
		  dns: {listen: {{port.nobody}}/udp, pool: dns}
	`)
	closed(t, w.tcp(t, w.port(t, "nobody"), "ahoy"), "a pool without peers")
	if got := w.udp(t, w.port(t, "nobody"), "ahoy", 200*time.Millisecond); got != "" {
		t.Errorf("UDP to a pool without peers: got %q", got)
	}
}

const proxyHeader = "PROXY TCP4 192.0.2.1 192.0.2.2 4711 25\r"

func streamsProxyProtocolIn(t *testing.T, w *wharf) {
	w.serve(t, `
		proxies: {edge: {image: "nginx:{{version}}", trusted: [127.0.0.1], listen: {http: {{http}}}, status: {port: {{status}}}}}
		pools: {raw: {servers: [{{tcp.raw}}]}}
		streams: {raw: {listen: {{port.raw}}, pool: raw, proxyProtocol: {accept: true}, allow: [192.0.2.0/24]}}
	`)
	greets(t, w.tcp(t, w.port(t, "raw"), proxyHeader, "ahoy"), "raw")
	closed(t, w.tcp(t, w.port(t, "raw"), "PROXY TCP4 198.51.100.1 192.0.2.2 4711 25\r", "ahoy"), "a client that is not allowed")
	closed(t, w.tcp(t, w.port(t, "raw"), "ahoy"), "a client without the protocol")
	stranger := w.dialFrom(t, "127.0.0.2", w.port(t, "raw"))
	closed(t, talk(t, stranger, proxyHeader, "ahoy"), "a stranger who claims to be somebody else")
	if line := w.logged(t, "192.0.2.1 - "); !strings.Contains(line, "stream=raw") {
		t.Errorf("the connection is logged as %q", line)
	}
	w.refused(t, `
		pools: {raw: {servers: [{{tcp.raw}}]}}
		streams: {raw: {listen: {{port.raw}}, pool: raw, proxyProtocol: {accept: true}}}
	`, "proxy edge trusts nobody to tell a client's address")
}

func streamsProxyProtocolOut(t *testing.T, w *wharf) {
	w.serve(t, `
		proxies: {edge: {image: "nginx:{{version}}", trusted: [127.0.0.1], listen: {http: {{http}}}, status: {port: {{status}}}}}
		pools: {raw: {servers: [{{tcp.raw}}]}}
		streams:
		  raw: {listen: {{port.raw}}, pool: raw, proxyProtocol: {send: true}}
		  both: {listen: {{port.both}}, pool: raw, proxyProtocol: {accept: true, send: true}}
		  quiet: {listen: {{port.quiet}}, pool: raw}
	`)
	if got := w.tcp(t, w.port(t, "raw"), "ahoy"); len(got) != 3 || !strings.HasPrefix(got[1], "PROXY TCP4 127.0.0.1 127.0.0.1 ") {
		t.Errorf("the peer saw %q, want a line of the PROXY protocol first", got)
	}
	if got := w.tcp(t, w.port(t, "both"), proxyHeader, "ahoy"); len(got) != 3 || !strings.HasPrefix(got[1], "PROXY TCP4 192.0.2.1 ") {
		t.Errorf("the peer saw %q, want the client's own address", got)
	}
	if got := w.tcp(t, w.port(t, "quiet"), "ahoy"); len(got) != 2 {
		t.Errorf("the peer saw %q, want what the client sent and nothing else", got)
	}
	w.refused(t, `
		pools: {raw: {servers: [{{udp.raw}}]}}
		streams: {raw: {listen: {{port.raw}}/udp, pool: raw, proxyProtocol: {send: true}}}
	`, "the PROXY protocol's version 1 knows TCP alone")
}

func streamsAccess(t *testing.T, w *wharf) {
	w.serve(t, `
		pools: {raw: {servers: [{{tcp.raw}}]}, dns: {servers: [{{udp.dns}}]}}
		streams:
		  allow: {listen: {{port.allow}}, pool: raw, allow: [127.0.0.0/30]}
		  deny: {listen: {{port.deny}}, pool: raw, deny: [127.0.0.2]}
		  both: {listen: {{port.both}}, pool: raw, allow: [127.0.0.0/8], deny: [127.0.0.2]}
		  dns: {listen: {{port.dns}}/udp, pool: dns, deny: [127.0.0.0/8]}
	`)
	for _, c := range []struct {
		port, from string
		ok         bool
	}{
		{"allow", "127.0.0.2", true}, {"allow", "127.0.0.9", false},
		{"deny", "127.0.0.1", true}, {"deny", "127.0.0.2", false},
		{"both", "127.0.0.9", true}, {"both", "127.0.0.2", false},
	} {
		if got := talk(t, w.dialFrom(t, c.from, w.port(t, c.port)), "ahoy"); (got != nil) != c.ok {
			t.Errorf("%s from %s: got %q, want an answer to be %v", c.port, c.from, got, c.ok)
		}
	}
	if got := w.udp(t, w.port(t, "dns"), "ahoy", 200*time.Millisecond); got != "" {
		t.Errorf("UDP, denied: got %q", got)
	}
	w.refused(t, `
		pools: {raw: {servers: [{{tcp.raw}}]}}
		streams: {raw: {listen: {{port.raw}}, pool: raw, allow: []}}
	`, "stream raw allows nobody")
}

func streamsConnections(t *testing.T, w *wharf) {
	w.serve(t, `
		pools: {raw: {servers: [{{tcp.raw}}]}}
		streams: {raw: {listen: {{port.raw}}, pool: raw, connections: 2}}
	`)
	port := w.port(t, "raw")
	var open []net.Conn
	for range 2 {
		conn := w.dial(t, port)
		greets(t, talk(t, conn, "ahoy"), "raw")
		open = append(open, conn)
	}
	closed(t, w.tcp(t, port, "ahoy"), "a third connection")
	greets(t, talk(t, w.dialFrom(t, "127.0.0.2", port), "ahoy"), "raw")
	open[0].Close()
	await(t, "a connection is free again", func() bool { return w.tcp(t, port, "ahoy") != nil })
	w.refused(t, `
		pools: {raw: {servers: [{{tcp.raw}}]}}
		streams: {raw: {listen: {{port.raw}}, pool: raw, connections: 0}}
	`, `"0" is not a number of connections`)
}
