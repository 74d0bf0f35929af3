package dns

import (
	"net/netip"
	"slices"
	"strings"
	"sync"

	"github.com/miekg/dns"

	"github.com/wharfinger/wharfinger/generator"
)

const (
	// ttl is how long, in seconds, an answer about a pool may be kept.
	ttl = 1
	// nginxTTL is the same of what nginx asks. It asks again a second after what it was
	// told is over, so with a second it would be two.
	nginxTTL = 0
	// nodeTTL is the same of a node's name, which is its address in other words.
	nodeTTL = 3600
)

const (
	zoneName  = generator.Domain + "."
	nodesName = "node." + zoneName
	// nowhere is where nginx finds a pool without tasks: at a port of its own loopback
	// that nobody has (RFC 1078's), which refuses at once. Of a name without records
	// nginx asks again only after ten seconds (ngx_resolver.c).
	nowhere     = "nowhere." + zoneName
	nowherePort = 1
)

// zone is all answers at one moment.
type zone struct {
	sets map[string]set // by name, in lower case and with the dot at its end

	mu sync.RWMutex
	// replies are those that were given, by the question but for its number: nginx asks
	// the same all the time.
	replies map[string][]byte
}

// mostKept bounds the replies that are kept: who asks may write a name in many ways.
const mostKept = 20_000

func (z *zone) keep(query, reply []byte) {
	if z == nil {
		return
	}
	z.mu.Lock()
	defer z.mu.Unlock()
	if len(z.replies) < mostKept {
		z.replies[string(query[2:])] = reply
	}
}

func (z *zone) given(query []byte) []byte {
	if z == nil {
		return nil
	}
	z.mu.RLock()
	defer z.mu.RUnlock()
	return z.replies[string(query[2:])]
}

// set is what there is of a name, by type. One without records exists all the same.
type set map[uint16][]dns.RR

// newZone makes the records of pools.
func newZone(records map[string][]generator.Peer) *zone {
	z := &zone{sets: map[string]set{}, replies: map[string][]byte{}}
	z.set(zoneName)[dns.TypeSOA] = []dns.RR{&dns.SOA{
		Hdr: header(zoneName, dns.TypeSOA, ttl), Ns: "ns." + zoneName, Mbox: "hostmaster." + zoneName,
		Serial: 1, Refresh: 3600, Retry: 600, Expire: 86400, Minttl: ttl,
	}}
	for name, peers := range records {
		pool, protocol := generator.PoolOf(name), "tcp"
		if pool != name {
			protocol = "udp"
		}
		host := pool + "." + zoneName
		z.set(host)
		service := "_" + protocol + "." + host // below which any service is the same
		for _, p := range peers {
			if addr, err := netip.ParseAddrPort(p.Address); err == nil {
				z.add(host, service, addr)
			}
		}
		z.set(service)
		z.forNginx(service)
	}
	z.set(nowhere)[dns.TypeA] = []dns.RR{address(nowhere, nodeTTL, netip.AddrFrom4([4]byte{127, 0, 0, 1}))}
	return z
}

// forNginx adds what nginx asks: the same records in its own way.
func (z *zone) forNginx(service string) {
	name := generator.NginxService + "." + service
	s := z.set(name)
	for _, rr := range z.set(service)[dns.TypeSRV] {
		rr = dns.Copy(rr)
		rr.Header().Name, rr.Header().Ttl = name, nginxTTL
		s[dns.TypeSRV] = append(s[dns.TypeSRV], rr)
	}
	if s[dns.TypeSRV] == nil {
		s[dns.TypeSRV] = []dns.RR{&dns.SRV{Hdr: header(name, dns.TypeSRV, nginxTTL), Weight: 1, Port: nowherePort, Target: nowhere}}
	}
}

func (z *zone) set(name string) set {
	s := z.sets[name]
	if s == nil {
		s = set{}
		z.sets[name] = s
	}
	return s
}

// add adds a peer: the record of SRV, and the address of its node under both names.
func (z *zone) add(host, service string, at netip.AddrPort) {
	node := nodeOf(at.Addr())
	srv := &dns.SRV{Hdr: header(service, dns.TypeSRV, ttl), Weight: 1, Port: at.Port(), Target: node}
	s := z.set(service)
	s[dns.TypeSRV] = append(s[dns.TypeSRV], srv)
	kind := dns.TypeA
	if at.Addr().Is6() {
		kind = dns.TypeAAAA
	}
	if of := z.set(host); !slices.ContainsFunc(of[kind], func(rr dns.RR) bool { return addressOf(rr) == at.Addr() }) {
		of[kind] = append(of[kind], address(host, ttl, at.Addr()))
	}
	if of := z.set(node); of[kind] == nil {
		of[kind] = []dns.RR{address(node, nodeTTL, at.Addr())}
	}
}

func header(name string, kind uint16, ttl uint32) dns.RR_Header {
	return dns.RR_Header{Name: name, Rrtype: kind, Class: dns.ClassINET, Ttl: ttl}
}

// nodeOf is the name of a node, as 10-0-0-5.node and, of IPv6, fd00--5.node. A name
// that is made of the address alone may be kept for long.
func nodeOf(addr netip.Addr) string {
	return strings.Trim(strings.NewReplacer(".", "-", ":", "-").Replace(addr.Unmap().WithZone("").String()), "-") + "." + nodesName
}

func address(name string, ttl uint32, addr netip.Addr) dns.RR {
	if addr.Is6() {
		return &dns.AAAA{Hdr: header(name, dns.TypeAAAA, ttl), AAAA: addr.AsSlice()}
	}
	return &dns.A{Hdr: header(name, dns.TypeA, ttl), A: addr.AsSlice()}
}

func addressOf(rr dns.RR) netip.Addr {
	var ip []byte
	switch rr := rr.(type) {
	case *dns.A:
		ip = rr.A
	case *dns.AAAA:
		ip = rr.AAAA
	}
	addr, _ := netip.AddrFromSlice(ip)
	return addr.Unmap()
}

// find looks a name up. One that begins with two underscored labels, as
// _http._tcp.shop, is the same for every first of them but nginx's.
func (z *zone) find(name string) (set, bool) {
	name = strings.ToLower(name)
	if s, ok := z.sets[name]; ok {
		return s, true
	}
	if first, rest, ok := strings.Cut(name, "."); ok && strings.HasPrefix(first, "_") && strings.HasPrefix(rest, "_") {
		name = rest
	}
	s, ok := z.sets[name]
	return s, ok
}

// answer fills in the reply to a question. nil is a zone of which nothing is known
// yet.
func (z *zone) answer(reply *dns.Msg, q dns.Question) {
	switch {
	case q.Qclass != dns.ClassINET && q.Qclass != dns.ClassANY, !dns.IsSubDomain(zoneName, strings.ToLower(q.Name)):
		reply.Rcode = dns.RcodeRefused
		return
	case z == nil:
		reply.Rcode = dns.RcodeServerFailure
		return
	}
	reply.Authoritative = true
	found, ok := z.find(q.Name)
	if !ok {
		reply.Rcode = dns.RcodeNameError
	}
	for _, rr := range found[q.Qtype] {
		if rr.Header().Name != q.Name { // another service's name, or another case
			rr = dns.Copy(rr)
			rr.Header().Name = q.Name
		}
		reply.Answer = append(reply.Answer, rr)
	}
	if len(reply.Answer) == 0 {
		reply.Ns = z.sets[zoneName][dns.TypeSOA] // RFC 2308
		return
	}
	if q.Qtype != dns.TypeSRV || isNginx(q.Name) {
		return
	}
	told := map[string]bool{}
	for _, rr := range found[q.Qtype] { // RFC 2782: to save a question
		target := rr.(*dns.SRV).Target
		if told[target] {
			continue
		}
		told[target] = true
		for _, of := range z.sets[target] {
			reply.Extra = append(reply.Extra, of...)
		}
	}
}
