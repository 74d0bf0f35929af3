package dns

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"slices"
	"syscall"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"
)

const (
	// batch is how many packets are read and written by one system call.
	batch = 64
	// received is how many bytes of questions the kernel keeps, with all that they take.
	received = 8 << 20
	// headerSize is that of a message (RFC 1035, 4.1.1).
	headerSize = 12
)

// reusePort lets a socket for each processor have the same port: the kernel spreads
// clients over them, and keeps what they ask.
func reusePort(_, _ string, c syscall.RawConn) error {
	var err error
	e := c.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
		// For bursts of questions; with less power it is what net.core.rmem_max allows.
		if unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, received) != nil {
			unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, received)
		}
	})
	return errors.Join(e, err)
}

// What a client's socket takes at once: some 90 packets of 1,300 bytes go into one of
// Linux' default size, and an nginx with 1,000 pools asks for all of them before it
// reads the first answer. So who wants more than that at once waits, first until it
// will be reading, and then never gets more than it can read.
const (
	atOnce  = 32 // replies in a moment
	moment  = 2 * time.Millisecond
	reading = 50 * time.Millisecond
	waiting = 16384 // replies at most; more are lost, and asked for again
)

// pacer spreads the replies to each client.
type pacer struct {
	now     time.Time
	until   time.Time // the end of this moment
	clients map[netip.AddrPort]*client
	later   []reply
}

type client struct {
	sent  int       // in this moment
	from  time.Time // when it will be reading; zero while it has not had more than atOnce
	quiet int       // moments without a reply
}

type reply struct {
	to   net.Addr
	data []byte
}

// begin ends the last moment, if it is over, and returns what has waited for that.
func (p *pacer) begin(now time.Time) []reply {
	if p.now = now; now.Before(p.until) {
		return nil
	}
	p.until = now.Add(moment)
	for at, c := range p.clients {
		if c.quiet++; c.sent > 0 {
			c.quiet = 0
		}
		if c.sent = 0; c.quiet > int(reading/moment) && now.After(c.from) {
			delete(p.clients, at)
		}
	}
	before := p.later
	p.later = nil
	var due []reply
	for _, r := range before {
		if p.allows(r) {
			due = append(due, r)
		}
	}
	return due
}

// allows reports whether a reply can go now; otherwise it waits.
func (p *pacer) allows(r reply) bool {
	udp, ok := r.to.(*net.UDPAddr)
	if !ok {
		return true
	}
	at := udp.AddrPort()
	c := p.clients[at]
	if c == nil {
		c = &client{}
		p.clients[at] = c
	}
	switch {
	case c.sent < atOnce && !p.now.Before(c.from):
		c.sent++
		return true
	case c.from.IsZero():
		c.from = p.now.Add(reading)
	}
	if len(p.later) < waiting {
		p.later = append(p.later, reply{r.to, slices.Clone(r.data)})
	}
	return false
}

// serveUDP answers until reading fails.
func (s *Server) serveUDP(conn net.PacketConn) error {
	packets := ipv4.NewPacketConn(conn) // reads and writes IPv6 as well
	in, out := make([]ipv4.Message, batch), make([]ipv4.Message, 0, batch)
	for i := range in {
		in[i].Buffers = [][]byte{make([]byte, mostByUDP)}
	}
	pace := pacer{clients: map[netip.AddrPort]*client{}}
	replies := make([][]byte, batch) // whose memory is used again
	limited := false
	for {
		if waits := len(pace.later) > 0; waits || limited {
			limited = waits
			deadline := time.Time{}
			if waits {
				deadline = pace.until
			}
			if err := conn.SetReadDeadline(deadline); err != nil {
				return err
			}
		}
		n, err := packets.ReadBatch(in, 0)
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			return err
		}
		out = out[:0]
		add := func(r reply) { out = append(out, ipv4.Message{Buffers: [][]byte{r.data}, Addr: r.to}) }
		for _, r := range pace.begin(time.Now()) {
			add(r)
		}
		for i, m := range in[:max(n, 0)] {
			replies[i] = s.packet(replies[i][:0], m.Buffers[0][:m.N])
			if r := (reply{m.Addr, replies[i]}); len(r.data) > 0 && pace.allows(r) {
				add(r)
			}
		}
		for sent := 0; sent < len(out); {
			n, _ := packets.WriteBatch(out[sent:], 0)
			sent += max(n, 1) // whom nothing can be sent to asks again
		}
	}
}

// packet appends the reply to a packet, or nothing if it is none that has one.
func (s *Server) packet(to, query []byte) []byte {
	const response = 0x80
	if len(query) < headerSize || query[2]&response != 0 {
		return to
	}
	zone := s.zone.Load()
	reply, code := zone.given(query), byte(0)
	if reply == nil {
		reply, code = s.reply(zone, query)
	}
	if s.Answered != nil {
		s.Answered(dns.RcodeToString[int(code)])
	}
	to = append(to, reply...)
	copy(to, query[:2]) // the number of the question
	return to
}

// reply makes a reply, and keeps it if the same question may come again.
func (s *Server) reply(zone *zone, query []byte) (reply []byte, code byte) {
	m := new(dns.Msg)
	if m.Unpack(query) != nil || len(m.Question) != 1 && m.Opcode == dns.OpcodeQuery {
		header := make([]byte, headerSize)
		header[2] = 0x80 | query[2]&0x79 // a response, with the same opcode and RD
		header[3] = dns.RcodeFormatError
		return header, dns.RcodeFormatError
	}
	size := dns.MinMsgSize
	if edns := m.IsEdns0(); edns != nil {
		size = min(max(int(edns.UDPSize()), size), mostByUDP)
	}
	if len(m.Question) == 1 && isNginx(m.Question[0].Name) {
		size = max(size, mostForNginx)
	}
	answered := answer(zone, m, size)
	reply, err := answered.Pack()
	if err != nil {
		return nil, dns.RcodeServerFailure
	}
	if answered.Rcode == dns.RcodeSuccess {
		zone.keep(query, reply)
	}
	return reply, byte(answered.Rcode)
}
