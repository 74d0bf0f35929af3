package dns

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/wharfinger/wharfinger/generator"
)

// asked is a server that runs, and how it is asked.
type asked struct {
	*Server
	t *testing.T
}

func newAsked(t *testing.T) asked { return newAskedAt(t, "127.0.0.1") }

func newAskedAt(t *testing.T, host string) asked {
	t.Helper()
	s := &Server{Address: freeAddress(t, host)}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	a := asked{s, t}
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		if conn, err := net.Dial("tcp", s.Address); err == nil {
			conn.Close()
			if _, _, err := new(dns.Client).Exchange(question("x.", dns.TypeA), s.Address); err == nil {
				return a
			}
		}
		if time.Now().After(end) {
			t.Fatal("it does not listen")
		}
	}
}

// freeAddress has a port that nobody has, below those that the system gives to
// connections.
func freeAddress(t *testing.T, host string) string {
	t.Helper()
	for range 100 {
		address := net.JoinHostPort(host, fmt.Sprint(20000+rand.IntN(10000)))
		l, err := net.Listen("tcp", address)
		if err != nil {
			continue
		}
		l.Close()
		if conn, err := net.ListenPacket("udp", address); err == nil {
			conn.Close()
			return address
		}
	}
	t.Fatal("no port is free")
	return ""
}

func question(name string, kind uint16) *dns.Msg { return new(dns.Msg).SetQuestion(name, kind) }

func (a asked) ask(network string, m *dns.Msg) *dns.Msg {
	a.t.Helper()
	client := dns.Client{Net: network, Timeout: 5 * time.Second, UDPSize: 4096}
	reply, _, err := client.Exchange(m, a.Address)
	if err != nil {
		a.t.Fatal(err)
	}
	return reply
}

// texts is a section of a reply, sorted.
func texts(rrs []dns.RR) []string {
	var out []string
	for _, rr := range rrs {
		if rr.Header().Rrtype != dns.TypeOPT {
			out = append(out, strings.Join(strings.Fields(rr.String()), " "))
		}
	}
	slices.Sort(out)
	return out
}

func peers(addresses ...string) []generator.Peer {
	var out []generator.Peer
	for _, a := range addresses {
		out = append(out, generator.Peer{Address: a, Weight: 1})
	}
	return out
}

func TestDiscoveryAnswers(t *testing.T) {
	a := newAsked(t)
	if got := a.ask("udp", question("shop.wharfinger.internal.", dns.TypeA)); got.Rcode != dns.RcodeServerFailure {
		t.Errorf("before anything is known: %s, want SERVFAIL", dns.RcodeToString[got.Rcode])
	}
	a.Publish(map[string][]generator.Peer{
		"shop":                               peers("10.0.0.5:32768", "10.0.0.5:32769", "10.0.0.6:32768"),
		"six":                                peers("[fd00::5]:8080"),
		"idle":                               nil,
		"a.b":                                peers("10.0.0.7:80"),
		generator.RecordOf("resolve", "udp"): peers("10.0.0.5:5353"),
	})
	const zone = ".wharfinger.internal. "
	nodes := []string{"10-0-0-5.node" + zone + "3600 IN A 10.0.0.5", "10-0-0-6.node" + zone + "3600 IN A 10.0.0.6"}
	soa := []string{"wharfinger.internal. 1 IN SOA ns.wharfinger.internal. hostmaster.wharfinger.internal. 1 3600 600 86400 1"}
	for _, c := range []struct {
		name          string
		kind          uint16
		code          string
		answer, extra []string
	}{
		{"_http._tcp.shop", dns.TypeSRV, "NOERROR", []string{
			"_http._tcp.shop" + zone + "1 IN SRV 0 1 32768 10-0-0-5.node.wharfinger.internal.",
			"_http._tcp.shop" + zone + "1 IN SRV 0 1 32768 10-0-0-6.node.wharfinger.internal.",
			"_http._tcp.shop" + zone + "1 IN SRV 0 1 32769 10-0-0-5.node.wharfinger.internal."}, nodes},
		{"_ANY._tcp.Shop", dns.TypeSRV, "NOERROR", []string{
			"_ANY._tcp.Shop" + zone + "1 IN SRV 0 1 32768 10-0-0-5.node.wharfinger.internal.",
			"_ANY._tcp.Shop" + zone + "1 IN SRV 0 1 32768 10-0-0-6.node.wharfinger.internal.",
			"_ANY._tcp.Shop" + zone + "1 IN SRV 0 1 32769 10-0-0-5.node.wharfinger.internal."}, nodes},
		{"_nginx._tcp.a.b", dns.TypeSRV, "NOERROR", []string{"_nginx._tcp.a.b" + zone + "0 IN SRV 0 1 80 10-0-0-7.node.wharfinger.internal."}, nil},
		{"_nginx._tcp.idle", dns.TypeSRV, "NOERROR", []string{"_nginx._tcp.idle" + zone + "0 IN SRV 0 1 1 nowhere.wharfinger.internal."}, nil},
		{"_nginx._tcp.gone", dns.TypeSRV, "NXDOMAIN", nil, nil},
		{"_tcp.a.b", dns.TypeSRV, "NOERROR", []string{"_tcp.a.b" + zone + "1 IN SRV 0 1 80 10-0-0-7.node.wharfinger.internal."}, []string{"10-0-0-7.node" + zone + "3600 IN A 10.0.0.7"}},
		{"_dns._udp.resolve", dns.TypeSRV, "NOERROR", []string{"_dns._udp.resolve" + zone + "1 IN SRV 0 1 5353 10-0-0-5.node.wharfinger.internal."}, nodes[:1]},
		{"_dns._tcp.resolve", dns.TypeSRV, "NXDOMAIN", nil, nil},
		{"shop", dns.TypeA, "NOERROR", []string{"shop" + zone + "1 IN A 10.0.0.5", "shop" + zone + "1 IN A 10.0.0.6"}, nil},
		{"shop", dns.TypeAAAA, "NOERROR", nil, nil},
		{"shop", dns.TypeTXT, "NOERROR", nil, nil},
		{"six", dns.TypeAAAA, "NOERROR", []string{"six" + zone + "1 IN AAAA fd00::5"}, nil},
		{"_http._tcp.six", dns.TypeSRV, "NOERROR", []string{"_http._tcp.six" + zone + "1 IN SRV 0 1 8080 fd00--5.node.wharfinger.internal."}, []string{"fd00--5.node" + zone + "3600 IN AAAA fd00::5"}},
		{"10-0-0-6.node", dns.TypeA, "NOERROR", nodes[1:], nil},
		{"10-0-0-9.node", dns.TypeA, "NXDOMAIN", nil, nil},
		{"idle", dns.TypeA, "NOERROR", nil, nil},
		{"_http._tcp.idle", dns.TypeSRV, "NOERROR", nil, nil},
		{"gone", dns.TypeA, "NXDOMAIN", nil, nil},
		{"_http._tcp.gone", dns.TypeSRV, "NXDOMAIN", nil, nil},
	} {
		for _, network := range []string{"udp", "tcp"} {
			got := a.ask(network, question(c.name+strings.TrimSpace(zone), c.kind))
			if code := dns.RcodeToString[got.Rcode]; code != c.code || !slices.Equal(texts(got.Answer), c.answer) || !slices.Equal(texts(got.Extra), c.extra) || !got.Authoritative {
				t.Errorf("%s %s by %s: %s %q %q, want %s %q %q", c.name, dns.TypeToString[c.kind], network, code, texts(got.Answer), texts(got.Extra), c.code, c.answer, c.extra)
			}
			if c.answer == nil && !slices.Equal(texts(got.Ns), soa) {
				t.Errorf("%s: authority %q, want %q", c.name, texts(got.Ns), soa)
			}
		}
	}
	for _, name := range []string{"example.org.", ".", "internal.", "xwharfinger.internal."} {
		if got := a.ask("udp", question(name, dns.TypeA)); got.Rcode != dns.RcodeRefused || len(got.Answer) > 0 {
			t.Errorf("%s: %s, want REFUSED", name, dns.RcodeToString[got.Rcode])
		}
	}
	t.Log("a task that is gone is in no answer")
	a.Publish(map[string][]generator.Peer{"shop": peers("10.0.0.6:32768")})
	if got := texts(a.ask("udp", question("_http._tcp.shop.wharfinger.internal.", dns.TypeSRV)).Answer); len(got) != 1 || !strings.HasSuffix(got[0], "32768 10-0-0-6.node.wharfinger.internal.") {
		t.Errorf("got %q", got)
	}
}

func TestDiscoveryByIPv6(t *testing.T) {
	a := newAskedAt(t, "::1")
	a.Publish(map[string][]generator.Peer{"shop": peers("10.0.0.5:80")})
	for _, network := range []string{"udp", "tcp"} {
		if got := a.ask(network, question("shop.wharfinger.internal.", dns.TypeA)); len(got.Answer) != 1 {
			t.Errorf("by %s: %s", network, got)
		}
	}
}

// An nginx that asks for a thousand pools before it reads the first answer gets them,
// but for the few that UDP may lose. A client that a busy machine keeps waiting for
// some milliseconds while it reads loses more, so one of ten has to get them: sent at
// once, nine of ten answers never reach any.
func TestDiscoveryBurst(t *testing.T) {
	a := newAsked(t)
	records := map[string][]generator.Peer{}
	var twenty []string
	for i := range 20 {
		twenty = append(twenty, fmt.Sprintf("10.123.211.%d:32768", 200+i))
	}
	const pools = 1000
	for i := range pools {
		records[fmt.Sprintf("pool-%d", i)] = peers(twenty...)
	}
	a.Publish(records)
	most := 0
	for range 10 {
		if most = max(most, a.burst(pools)); most >= pools*95/100 {
			return
		}
	}
	t.Errorf("%d of %d answers came", most, pools)
}

// burst asks for so many pools before it reads, and returns how many answers came.
func (a asked) burst(pools int) int {
	conn, err := net.Dial("udp", a.Address)
	if err != nil {
		a.t.Fatal(err)
	}
	defer conn.Close()
	for i := range pools {
		packed, _ := question(fmt.Sprintf("_nginx._tcp.pool-%d.wharfinger.internal.", i), dns.TypeSRV).Pack()
		if _, err := conn.Write(packed); err != nil {
			a.t.Fatal(err)
		}
	}
	time.Sleep(20 * time.Millisecond) // an nginx that asks has other work, too
	buffer := make([]byte, 4096)
	for got := range pools {
		conn.SetReadDeadline(time.Now().Add(time.Second))
		if _, err := conn.Read(buffer); err != nil {
			return got
		}
	}
	return pools
}

// A pool of 200 tasks does not fit into a packet: whoever asks comes again by TCP.
func TestDiscoveryLargePool(t *testing.T) {
	a := newAsked(t)
	var many []string
	for i := range 200 {
		many = append(many, fmt.Sprintf("10.0.%d.%d:%d", i/100, i%100+1, 32768+i))
	}
	a.Publish(map[string][]generator.Peer{"big": peers(many...)})
	q := question("_http._tcp.big.wharfinger.internal.", dns.TypeSRV)
	for _, size := range []uint16{0, 512, 1232, 4096, 65535} {
		m := q.Copy()
		if size > 0 {
			m.SetEdns0(size, false)
		}
		packed, _ := m.Pack()
		raw := a.raw(packed)
		reply := new(dns.Msg)
		if err := reply.Unpack(raw); err != nil || !reply.Truncated || len(raw) > max(512, min(int(size), mostByUDP)) {
			t.Errorf("by UDP, of %d bytes: %d bytes, truncated is %t, %v", size, len(raw), reply.Truncated, err)
		}
	}
	var twenty []string
	for i := range 20 {
		twenty = append(twenty, fmt.Sprintf("10.123.211.%d:32768", 200+i))
	}
	a.Publish(map[string][]generator.Peer{"some": peers(twenty...), "big": peers(many...)})
	if got := a.ask("udp", question("_nginx._tcp.some.wharfinger.internal.", dns.TypeSRV)); got.Truncated || len(got.Answer) != 20 {
		t.Errorf("nginx gets %d records of 20, truncated is %t", len(got.Answer), got.Truncated)
	}
	reply := a.ask("tcp", q)
	if reply.Truncated || len(reply.Answer) != 200 || len(reply.Extra) != 200 {
		t.Errorf("by TCP: %d records and %d addresses, truncated is %t; want 200 of each", len(reply.Answer), len(reply.Extra), reply.Truncated)
	}
}

// raw sends bytes by UDP and returns those that come back, nil for none.
func (a asked) raw(query []byte) []byte {
	a.t.Helper()
	conn, err := net.Dial("udp", a.Address)
	if err != nil {
		a.t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(500 * time.Millisecond))
	if _, err := conn.Write(query); err != nil {
		a.t.Fatal(err)
	}
	buffer := make([]byte, 65536)
	n, err := conn.Read(buffer)
	if err != nil {
		return nil
	}
	return buffer[:n]
}

// What is no question gets a FORMERR or no answer, and the next question its own.
func TestDiscoveryMalformed(t *testing.T) {
	a := newAsked(t)
	a.Publish(map[string][]generator.Peer{"shop": peers("10.0.0.5:80")})
	good, _ := question("shop.wharfinger.internal.", dns.TypeA).Pack()
	changed := func(at int, b byte) []byte {
		out := slices.Clone(good)
		out[at] = b
		return out
	}
	for name, c := range map[string]struct {
		query []byte
		code  int // -1 for no answer
	}{
		"cut within the question":  {good[:20], dns.RcodeFormatError},
		"a label that is too long": {changed(12, 63), dns.RcodeFormatError},
		"a pointer to itself":      {append(slices.Clone(good[:12]), 0xc0, 12, 0, 1, 0, 1), dns.RcodeFormatError},
		"no question":              {changed(5, 0), dns.RcodeFormatError},
		"two questions":            {changed(5, 2), dns.RcodeFormatError},
		"an update":                {changed(2, 5<<3), dns.RcodeNotImplemented},
		"a reply":                  {changed(2, 0x80), -1},
		"less than a header":       {good[:11], -1},
		"nothing":                  {nil, -1},
	} {
		code := -1
		if raw := a.raw(c.query); len(raw) >= 12 {
			code = int(raw[3] & 0xf)
		}
		if code != c.code {
			t.Errorf("%s: code %d, want %d", name, code, c.code)
		}
	}
	if got := a.ask("udp", question("shop.wharfinger.internal.", dns.TypeA)); len(got.Answer) != 1 {
		t.Errorf("afterwards: %s", got)
	}
}

// FuzzDiscoveryQuery holds that nothing breaks the server, and that no answer is larger than a
// client can take.
func FuzzDiscoveryQuery(f *testing.F) {
	s := &Server{}
	s.Publish(map[string][]generator.Peer{"shop": peers("10.0.0.5:80", "[fd00::5]:80"), "idle": nil})
	for _, name := range []string{"_http._tcp.shop.wharfinger.internal.", "shop.wharfinger.internal.", "idle.wharfinger.internal.", "x."} {
		for _, kind := range []uint16{dns.TypeSRV, dns.TypeA, dns.TypeANY} {
			packed, _ := question(name, kind).Pack()
			f.Add(packed)
		}
	}
	f.Fuzz(func(t *testing.T, query []byte) {
		reply, again := s.packet(nil, query), s.packet(nil, query)
		if len(reply) == 0 {
			return
		}
		if m := new(dns.Msg); m.Unpack(reply) != nil || len(reply) > mostForNginx || !bytes.Equal(reply[:2], query[:2]) || !bytes.Equal(reply, again) {
			t.Errorf("%x: %x, and then %x", query, reply, again)
		}
	})
}
