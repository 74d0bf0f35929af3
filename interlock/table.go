package interlock

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/wharfinger/wharfinger/route"
)

// table is one proxy's: whose is which host and path.
type table struct {
	*plan
	proxy *route.Proxy
	hosts map[string]*host
	// members are the wishes in the order of their services.
	members []*member
	seats   map[place]*seat
	away    map[part]bool // hosts that a clash keeps a wish from
}

// host is what a name has once, whoever says it.
type host struct {
	// openedBy says who opens TLS, and with what; handedTo who gets it unopened.
	openedBy, handedTo string
	byDefault          bool // opened with the proxy's defaults alone
	cert, key          said
	certOf             *wish // nil for the repository's
	plain              string
	toTLS              bool // plain HTTP is led there
}

// place is where the requests of two services can be the same.
type place struct {
	unopened   bool
	host, path string
}

// seat is who answers at a place: members, who share it, or a redirect.
type seat struct {
	members  []*member
	redirect *redirect
	of       *wish // whose redirect
}

func (s *seat) service() string {
	if s.redirect != nil {
		return s.of.service.Name
	}
	return s.members[0].service.Name
}

func newTable(p *plan, proxy *route.Proxy) *table {
	t := &table{plan: p, proxy: proxy, hosts: map[string]*host{}, seats: map[place]*seat{}, away: map[part]bool{}}
	for _, name := range slices.Sorted(maps.Keys(p.desired.Routes)) {
		r := p.desired.Routes[name]
		if r.Proxy.Value != proxy.Name {
			continue
		}
		for _, h := range r.Hosts {
			h, by := t.host(h.Value), fmt.Sprintf("route %s at %s", name, r.Pos)
			switch {
			case r.Passthrough.Value:
				h.handedTo = by
			case r.TLS.Cert.Given() && !r.TLSByDefault():
				h.openedBy, h.plain = by, r.TLS.Plain.Value
				h.cert.value, h.key.value = r.TLS.Cert.Value, r.TLS.Key.Value
			}
		}
	}
	return t
}

func (t *table) host(name string) *host {
	if t.hosts[name] == nil {
		h := &host{}
		if defaults := t.proxy.Defaults.TLS; defaults.Cert.Given() {
			h.byDefault, h.plain = true, cmp.Or(defaults.Plain.Value, "redirect")
		}
		t.hosts[name] = h
	}
	return t.hosts[name]
}

// sit notes a wish, and what it says of the TLS of its hosts.
func (t *table) sit(w *wish) {
	m := &member{wish: w}
	if len(w.hosts) > 0 {
		if m = t.reach(w); m == nil {
			return
		}
	}
	t.members = append(t.members, m)
	for _, h := range w.hosts {
		if t.left[t.part(w, atHost, h.value)] {
			continue
		}
		if w.passthrough.given() {
			t.handOn(w, h)
		} else {
			t.open(w, h)
		}
	}
	for _, r := range w.redirects {
		if !t.left[t.part(w, aRedirect, r.name())] && !r.toTLS() {
			t.open(w, said{r.host, r.label})
		}
	}
}

// open notes that a wish opens the TLS of a host.
func (t *table) open(w *wish, at said) {
	if !w.cert.given() {
		return
	}
	h := t.host(at.value)
	switch {
	case h.handedTo != "":
		t.away[t.part(w, atHost, at.value)] = true
		t.problem(w, w.cert.label, fmt.Sprintf("the TLS connections of %s are handed on unopened, for %s%s", at.value, h.handedTo, without[atHost]),
			"give the service a host of its own")
	case h.openedBy == "":
		h.openedBy, h.certOf, h.cert, h.key = "service "+w.service.Name, w, w.cert, w.key
	case h.cert.value != w.cert.value || h.key.value != w.key.value:
		t.problem(w, w.cert.label, fmt.Sprintf("%s has another certificate already, by %s, which counts", at.value, h.openedBy), "a host has one certificate: name the same one")
	}
}

// handOn notes that a wish gets the TLS of a host unopened.
func (t *table) handOn(w *wish, at said) {
	h := t.host(at.value)
	if h.openedBy != "" {
		t.away[t.part(w, atHost, at.value)] = true
		t.problem(w, w.passthrough.label, fmt.Sprintf("the TLS connections of %s are opened, for %s%s", at.value, h.openedBy, without[atHost]),
			"give the service a host of its own")
		return
	}
	if h.handedTo == "" {
		h.handedTo = "service " + w.service.Name
	}
}

// settle gives everybody a place, when all is known of the hosts.
func (t *table) settle() {
	for _, m := range t.members {
		for i := range m.redirects {
			if m.named(m.redirects[i].host) {
				t.lead(m.wish, &m.redirects[i])
			}
		}
		if m.onlyTLS.given() {
			for _, h := range m.hosts {
				t.lead(m.wish, &redirect{label: m.onlyTLS.label, host: h.value, to: address{scheme: "https", host: h.value}, status: 302, mild: true})
			}
		}
		for _, h := range m.hosts {
			if at := t.part(m.wish, atHost, h.value); t.left[at] || t.away[at] {
				continue
			}
			if m.passthrough.given() {
				t.share(place{true, h.value, ""}, m, h)
				continue
			}
			paths := m.paths
			if len(paths) == 0 {
				paths = []said{{"/", h.label}}
			}
			for _, path := range paths {
				if !t.left[t.part(m.wish, atPath, path.value)] {
					t.share(place{false, h.value, path.value}, m, h)
				}
			}
		}
	}
	for _, m := range t.members {
		for i := range m.redirects {
			if !m.named(m.redirects[i].host) { // and gives way to who has
				t.lead(m.wish, &m.redirects[i])
			}
		}
	}
}

// named reports whether a wish has a host among its own. Those of the HTTP routing
// mesh have no others.
func (w *wish) named(host string) bool {
	return len(w.hosts) == 0 || slices.ContainsFunc(w.hosts, func(h said) bool { return h.value == host })
}

// lead gives a redirect its place, or a host's plain HTTP the way to TLS.
func (t *table) lead(w *wish, r *redirect) {
	if t.left[t.part(w, aRedirect, r.name())] {
		return
	}
	h := t.host(r.host)
	if r.toTLS() {
		const add = "add " + sslCert + " and " + sslKey
		opened, https := h.openedBy != "" || h.byDefault, t.proxy.Listen.HTTPS.Value
		switch {
		case h.handedTo == "" && opened && r.port != 0 && r.port != 443 && r.port != https:
			t.problem(w, r.label, fmt.Sprintf("clients of %s are led to port %d, but proxy %s listens for TLS on %d%s", r.host, r.port, t.proxy.Name, https, without[aRedirect]),
				"leave the port out; they are led to the proxy's own")
			return
		case h.certOf != nil:
			h.toTLS = true
			return
		case h.handedTo != "":
		case opened && h.plain != "redirect":
			t.problem(w, r.label, fmt.Sprintf("%s says that plain HTTP gets %s on %s%s", cmp.Or(h.openedBy, "proxy "+t.proxy.Name),
				map[string]string{"serve": "the same as TLS", "refuse": "nothing"}[h.plain], r.host, without[aRedirect]), "say it in the repository, with tls: {plain: redirect}")
			return
		case opened:
			return
		case r.mild:
			t.problem(w, r.label, fmt.Sprintf("there is no certificate for %s%s", r.host, without[anOption]), add)
			return
		default:
			t.problem(w, r.label, fmt.Sprintf("clients of %s are led to TLS, for which no service has a certificate", r.host), add+", or leave the redirect out")
		}
	}
	at := place{false, r.host, cmp.Or(r.path, "/")}
	if s := t.seats[at]; s != nil {
		by := "answered"
		if s.redirect != nil {
			by = "redirected"
		}
		t.problem(w, r.label, fmt.Sprintf("%s is %s already, by service %s%s", shown(at), by, s.service(), without[aRedirect]), "leave it out in one of the two services")
		return
	}
	t.seats[at] = &seat{redirect: r, of: w}
}

func shown(at place) string {
	if strings.HasPrefix(at.path, "/") || at.path == "" {
		return at.host + at.path
	}
	return at.host + " " + at.path
}

// share seats a member at a place, beside those who are there if they agree.
func (t *table) share(at place, m *member, h said) {
	s := t.seats[at]
	if s == nil {
		t.seats[at] = &seat{members: []*member{m}}
		return
	}
	if s.redirect != nil {
		if s.of != m.wish { // who redirects its own host means it so
			t.problem(m.wish, h.label, fmt.Sprintf("%s is redirected, by service %s%s", shown(at), s.service(), without[atHost]), "leave the host out of one of the two services")
		}
		return
	}
	if at.host == "*" {
		t.problem(m.wish, h.label, fmt.Sprintf("requests to unknown hosts are answered by service %s already%s", s.service(), without[atHost]), "leave the label out of one of the two services")
		return
	}
	for _, other := range s.members {
		if other.service.Name == m.service.Name && other.port == m.port {
			return // said twice
		}
		if label, what := apart(other.wish, m.wish); what != "" {
			t.problem(m.wish, cmp.Or(label, h.label), fmt.Sprintf("%s is shared with service %s, which has %s%s", shown(at), other.service.Name, what, without[atHost]),
				"say the same in both services, or give them hosts of their own")
			return
		}
	}
	s.members = append(s.members, m)
}

// apart tells what the later of two services that share a place has to have as
// well, and the label of its own that says otherwise. What only one of them says
// counts for both, but for what its tasks would not understand.
func apart(first, later *wish) (label, what string) {
	for _, s := range []struct {
		name         string
		first, later said
		needed       bool
	}{
		{rewrite, first.rewrite, later.rewrite, true},
		{sslBackend, first.tls, later.tls, true},
		{sticky, first.hash, later.hash, false},
		{maxFails, first.maxFails, later.maxFails, false},
		{failTimeout, first.failTimeout, later.failTimeout, false},
	} {
		a, b := s.first, s.later
		if s.needed && a.given() != b.given() {
			return b.label, map[bool]string{true: s.name, false: "no " + s.name}[a.given()]
		}
		if !s.needed && a.given() && b.given() && a.value != b.value {
			return b.label, fmt.Sprintf("%s (%s)", a.label, strings.TrimPrefix(a.value, "cookie:"))
		}
	}
	return "", ""
}
