package dns

import (
	"context"
	"fmt"
	"net"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/sync/errgroup"

	"github.com/wharfinger/wharfinger/generator"
)

// Server answers by UDP and TCP.
type Server struct {
	// Address is where, as 10.0.0.11:8053.
	Address string
	// Answered, if not nil, is told the outcome of each question: its code, as
	// NOERROR. It is called from several goroutines.
	Answered func(code string)

	zone atomic.Pointer[zone]
}

// Publish has all answers from now on be those of records, as a generator.Model has
// them.
func (s *Server) Publish(records map[string][]generator.Peer) { s.zone.Store(newZone(records)) }

// mostByUDP is how many bytes a reply by UDP has at most, whatever the client can
// take: more would be cut to pieces on the way (DNS flag day 2020).
const mostByUDP = 1232

// mostForNginx is the same where nginx asks, which does so from the Swarm's own
// network: the 1450 bytes that an overlay carries, and a little less.
const mostForNginx = 1400

// isNginx reports whether nginx asks for a name. It takes 4096 bytes without saying so
// (NGX_RESOLVER_UDP_SIZE), and asks for addresses by itself.
func isNginx(name string) bool { return strings.HasPrefix(name, generator.NginxService+".") }

// ServeDNS is dns.Handler's, for questions by TCP.
func (s *Server) ServeDNS(w dns.ResponseWriter, query *dns.Msg) {
	reply := answer(s.zone.Load(), query, dns.MaxMsgSize)
	if s.Answered != nil {
		s.Answered(dns.RcodeToString[reply.Rcode])
	}
	w.WriteMsg(reply) // whoever asked is gone, or asks again
}

// answer makes a reply of at most so many bytes.
func answer(z *zone, query *dns.Msg, size int) *dns.Msg {
	reply := new(dns.Msg)
	reply.SetReply(query)
	if query.IsEdns0() != nil {
		reply.SetEdns0(mostByUDP, false)
	}
	switch {
	case query.Opcode != dns.OpcodeQuery:
		reply.Rcode = dns.RcodeNotImplemented
	case len(query.Question) != 1:
		reply.Rcode = dns.RcodeFormatError
	default:
		z.answer(reply, query.Question[0])
	}
	if reply.Len() > size {
		edns := reply.IsEdns0()
		if reply.Extra = nil; edns != nil { // what was added to save a question goes first
			reply.Extra = []dns.RR{edns}
		}
	}
	reply.Truncate(size)
	reply.Compress = true
	return reply
}

// Run answers until the context ends, and then returns nil.
func (s *Server) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	listen := net.ListenConfig{Control: reusePort}
	for range runtime.GOMAXPROCS(0) {
		conn, err := listen.ListenPacket(ctx, "udp", s.Address)
		if err != nil {
			return fmt.Errorf("answer DNS: %w", err)
		}
		stop := context.AfterFunc(ctx, func() { conn.Close() })
		defer stop()
		defer conn.Close()
		group.Go(func() error {
			if err := s.serveUDP(conn); ctx.Err() == nil {
				return fmt.Errorf("answer DNS by UDP: %w", err)
			}
			return nil
		})
	}
	listener, err := listen.Listen(ctx, "tcp", s.Address)
	if err != nil {
		return fmt.Errorf("answer DNS: %w", err)
	}
	server := &dns.Server{Listener: listener, Handler: s, ReadTimeout: 5 * time.Second, WriteTimeout: 5 * time.Second}
	context.AfterFunc(ctx, func() { listener.Close() })
	group.Go(func() error {
		if err := server.ActivateAndServe(); ctx.Err() == nil {
			return fmt.Errorf("answer DNS by TCP: %w", err)
		}
		return nil
	})
	return group.Wait()
}
