package interlock

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// entry is a route: everybody who answers alike at a path of some hosts.
type entry struct {
	place // of its first host
	*seat
	hosts []string
	tls   tls
}

// tls is what a route says of the TLS of its hosts.
type tls struct {
	cert, key, plain string
	of               *wish // nil for nothing
}

// write writes the routes of the proxy's seats.
func (t *table) write() {
	var entries []*entry
	like := map[string]*entry{}
	var places []place
	for at := range t.seats {
		places = append(places, at)
	}
	slices.SortFunc(places, func(a, b place) int {
		return cmp.Or(t.seats[a].before(t.seats[b]), strings.Compare(a.path, b.path), strings.Compare(a.host, b.host))
	})
	for _, at := range places {
		s := t.seats[at]
		e := &entry{place: at, seat: s, hosts: []string{at.host}, tls: t.tlsAt(at, s)}
		key := fmt.Sprintf("%t %s %v", at.unopened, at.path, e.tls)
		for _, m := range s.members {
			key += fmt.Sprintf(" %s %s", m.service.Name, m.id)
		}
		if first := like[key]; first != nil && s.redirect == nil {
			first.hosts = append(first.hosts, at.host)
			continue
		}
		like[key] = e
		entries = append(entries, e)
	}
	use := ""
	for _, e := range entries {
		if use == "" && !e.unopened {
			use = t.policy()
		}
		if e.redirect != nil {
			t.writeRedirect(e, use)
		} else {
			t.writeRoute(e, use)
		}
	}
}

// before orders seats by who is on them.
func (s *seat) before(other *seat) int {
	key := func(s *seat) string {
		if s.redirect != nil {
			return s.of.service.Name + "\x00" + s.of.id + "\x01" + s.redirect.name()
		}
		out := ""
		for _, m := range s.members {
			out += m.service.Name + "\x00" + m.id + "\x00"
		}
		return out
	}
	return strings.Compare(key(s), key(other))
}

// tlsAt is what a route at a place says of TLS: what one of its wishes asked for, if
// that is what counts for the host.
func (t *table) tlsAt(at place, s *seat) tls {
	h := t.host(at.host)
	asked := s.of != nil && s.of.cert.given()
	for _, m := range s.members {
		asked = asked || m.cert.given()
	}
	if at.unopened || !asked || h.certOf == nil {
		return tls{}
	}
	out := tls{h.cert.value, h.key.value, "", h.certOf}
	defaults := t.proxy.Defaults.TLS
	switch {
	case h.toTLS:
		out.plain = "redirect"
	case !defaults.Plain.Given() && !defaults.Clients.CA.Given():
		out.plain = "serve" // as Interlock did
	}
	return out
}

// policy writes what Interlock did by itself, as far as the proxy's defaults say
// nothing else, and answers the policy's name or "".
func (t *table) policy() string {
	d := t.proxy.Defaults
	var lines []string
	if !d.InfoHeaders.Given() {
		lines = append(lines, "infoHeaders: true")
	}
	for _, wait := range []struct {
		name  string
		given bool
	}{{"send", d.Timeouts.Send.Given()}, {"read", d.Timeouts.Read.Given()}} {
		if !wait.given {
			if !slices.Contains(lines, "timeouts:") {
				lines = append(lines, "timeouts:")
			}
			lines = append(lines, "  "+wait.name+": 600s")
		}
	}
	if d.Retries.On == nil {
		lines = append(lines, "retries:", "  on: [error, timeout, invalid, 500, 502, 503, 504]")
	}
	if lines == nil {
		return ""
	}
	name := t.names["policies"].take("interlock")
	t.policies.add(1, plain(name)+":")
	for _, line := range lines {
		t.policies.add(2, line)
	}
	return name
}

// head writes what all routes have.
func (t *table) head(e *entry, name, path, use string, all []cause, at func(host string) []cause) {
	out := &t.routes
	out.add(1, plain(t.names["routes"].take(name))+":", all...)
	out.add(2, "proxy: "+plain(t.proxy.Name), all...)
	out.add(2, "hosts:", all...)
	for _, host := range e.hosts {
		out.add(3, "- "+plain(host), at(host)...)
	}
	if path != "/" && !e.unopened {
		out.add(2, "paths:", all...)
		var causes []cause
		for _, m := range e.members {
			causes = append(causes, t.cause(m.wish, atPath, path, m.label))
			for _, p := range m.paths {
				if p.value == path {
					causes[len(causes)-1].label = p.label
				}
			}
		}
		if causes == nil {
			causes = all
		}
		out.add(3, "- "+plain(path), causes...)
	}
	if use != "" && !e.unopened {
		out.add(2, "use:", all...)
		out.add(3, "- "+plain(use), all...)
	}
	if e.tls.of != nil {
		because := func(label string) cause { return t.cause(e.tls.of, whole, "", label) }
		out.add(2, "tls:", because(e.tls.of.cert.label))
		out.add(3, "cert: "+plain(e.tls.cert), because(e.tls.of.cert.label))
		out.add(3, "key: "+plain(e.tls.key), because(e.tls.of.key.label))
		if e.tls.plain != "" {
			out.add(3, "plain: "+plain(e.tls.plain), because(e.tls.of.cert.label))
		}
	}
}

func (t *table) writeRoute(e *entry, use string) {
	all := t.wholes(e.members)
	hostCauses := func(host string) []cause {
		var out []cause
		for _, m := range e.members {
			at := slices.IndexFunc(m.hosts, func(h said) bool { return h.value == host })
			out = append(out, t.cause(m.wish, atHost, host, m.hosts[at].label))
		}
		return out
	}
	name := nameOf(e.members[0].service.Name)
	t.head(e, name, e.path, use, all, hostCauses)
	out := &t.routes
	strip := e.members[0].rewrite
	strips := strip.given() && e.path != "/"
	if strips {
		out.add(2, "rewrite:", t.cause(e.members[0].wish, anOption, strip.label, strip.label))
		out.add(3, "strip: true", t.cause(e.members[0].wish, anOption, strip.label, strip.label))
	}
	if e.unopened {
		out.add(2, "passthrough: true", all...)
	}
	out.add(2, "pool: "+plain(t.pool(e.members)), all...)
	if strips && strings.HasPrefix(e.path, "/") && !t.left[t.part(e.members[0].wish, aSlash, e.path)] {
		t.writeSlash(e, name, use)
	}
}

// writeSlash leads /app to /app/, whose links go on from there.
func (t *table) writeSlash(e *entry, name, use string) {
	var all []cause
	for _, m := range e.members {
		all = append(all, t.cause(m.wish, aSlash, e.path, m.rewrite.label))
	}
	bare := *e
	bare.tls, bare.seat = tls{}, &seat{}
	t.head(&bare, name+".slash", "= "+e.path, use, all, func(string) []cause { return all })
	t.routes.add(2, "redirect:", all...)
	t.routes.add(3, "path: "+plain(e.path+"/"), all...)
	t.routes.add(3, "status: 301", all...)
}

func (t *table) writeRedirect(e *entry, use string) {
	r := e.redirect
	all := []cause{t.cause(e.of, aRedirect, r.name(), r.label)}
	t.head(e, nameOf(e.of.service.Name)+".redirect", e.path, use, all, func(string) []cause { return all })
	out := &t.routes
	out.add(2, "redirect:", all...)
	switch {
	case r.to.path != "":
		out.add(3, "scheme: "+plain(r.to.scheme), all...)
		out.add(3, "host: "+plain(r.to.host), all...)
		if r.port != 0 {
			out.add(3, fmt.Sprintf("port: %d", r.port), all...)
		}
		out.add(3, "regex: "+plain("^"+regexp.QuoteMeta(r.path)+"(.*)$"), all...)
		out.add(3, "path: "+plain(r.to.path+"$1"), all...)
	default:
		to := r.to.scheme + "://" + r.to.host
		if r.port != 0 {
			to += fmt.Sprintf(":%d", r.port)
		}
		out.add(3, "to: "+plain(to), all...)
	}
	out.add(3, fmt.Sprintf("status: %d", r.status), all...)
}
