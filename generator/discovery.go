package generator

import (
	"maps"
	"slices"

	"github.com/wharfinger/wharfinger/route"
)

// Domain is below which DNS tells of pools: _http._tcp.POOL.Domain has records of SRV
// (RFC 2782), POOL.Domain the addresses of its nodes. The name is one that nobody
// else has (.internal is for private use).
const Domain = "wharfinger.internal"

// NginxService is the service whose records are for nginx alone: there is always one,
// be it one that refuses, and none may be kept.
const NginxService = "_nginx"

// discoveredZone is the memory in KiB of an upstream that follows DNS. It cannot
// grow with the number of its peers, for then each move of a task would be a roll:
// nginx 1.30 has room for some 400 in it.
const discoveredZone = 512

// Records are where the tasks of pools are, by RecordOf: those of the Model that
// Build makes of the same, for less.
func Records(d *route.Desired, l *Live) map[string][]Peer {
	_, records := newBuilder(l).everywhere(d)
	return records
}

// everywhere lists the peers of all pools, by the names of upstreams: as nginx's files
// have them, and those of services as DNS tells them.
func (b *builder) everywhere(d *route.Desired) (peers, records map[string][]Peer) {
	peers, records = map[string][]Peer{}, map[string][]Peer{}
	packets, only := poolsOfPackets(d)
	for _, name := range slices.Sorted(maps.Keys(d.Pools)) {
		p := d.Pools[name]
		for _, protocol := range []string{tcp, udp} {
			if protocol == tcp && only[name] || protocol == udp && !packets[name] {
				continue
			}
			found := b.reached(p, protocol)
			peers[RecordOf(name, protocol)] = followed(p, protocol, found)
			if p.Members() != nil {
				records[RecordOf(name, protocol)] = found
			}
		}
	}
	return peers, records
}

// reach is where the tasks of a pool are.
type reach struct {
	pool     *route.Pool
	peers    []Peer
	overlays []Network // that proxies need for it
}

// reached is peers, for nothing where it is known.
func (b *builder) reached(p *route.Pool, protocol string) []Peer {
	key := RecordOf(p.Name, protocol)
	if known, ok := b.known[key]; ok && known.pool == p {
		for _, n := range known.overlays {
			b.needs(p, n)
		}
		b.reach[key] = known
		return known.peers
	}
	before := len(b.problems)
	found := b.peers(p, protocol)
	if len(b.problems) == before {
		b.reach[key] = reach{p, found, b.overlays[p.Name]}
	}
	return found
}

// RecordOf names a pool's ports of a protocol, tcp or udp, in the Records of a Model:
// as its upstreams are called.
func RecordOf(pool, protocol string) string {
	if protocol == udp {
		return pool + packetsMark
	}
	return pool
}

// followed is what stands in nginx's files for the peers of a pool: the name by which
// nginx asks for them, if it is followed by DNS.
func followed(p *route.Pool, protocol string, peers []Peer) []Peer {
	if !p.ByDNS() {
		return peers
	}
	return []Peer{{Address: p.Name + "." + Domain, Service: NginxService + "._" + protocol, Weight: 1}}
}

// discovered makes an upstream follow DNS, if its peers are to be asked for.
func (u *Upstream) discovered(by *route.Proxy) {
	for _, p := range u.Peers {
		if p.Service != "" {
			u.Resolvers, u.Zone = route.Values(by.Resolvers), discoveredZone
		}
	}
}
