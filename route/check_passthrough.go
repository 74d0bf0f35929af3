package route

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// unopened looks at a route that hands TLS connections on as they come.
func (c *checker) unopened(r *Route) {
	if !r.Pool.Given() {
		c.problem(r.Pos, fmt.Sprintf("route %s has no pool to hand TLS to", r.Name), "add one, like pool: shop")
	}
	c.poolThere(r.Pool)
	c.chosenUnopened(r.Pool)
	if name, pos := r.needsOpening(); name != "" {
		c.problem(pos, fmt.Sprintf("route %s hands TLS on unopened, so %s can have no effect", r.Name, name),
			"leave it out, or open TLS here with tls: {cert: …, key: …} in place of passthrough")
	}
	for _, host := range r.Hosts {
		if host.Value == "*" {
			c.problem(host.Pos, "passthrough looks for names, and * is none", "write the hosts, like shop.example.org or *.shop.example.org")
		}
	}
}

// withoutOpening are the fields of a route that make sense for connections that
// nobody opens.
var withoutOpening = []string{"proxy", "hosts", "pool", "passthrough"}

// needsOpening is what a route itself says first that takes opened connections,
// or "".
func (r *Route) needsOpening() (name string, pos Pos) {
	said := *r
	said.Options = r.own
	v := reflect.ValueOf(said)
	for _, f := range fieldsOf(v.Type()) {
		if slices.Contains(withoutOpening, f.name) {
			continue
		}
		if at := firstPos(v.FieldByIndex(f.index)); at.Line > 0 && (name == "" || comparePos(at, pos) < 0) {
			name, pos = f.name, at
		}
	}
	return name, pos
}

// firstPos is the first place in a value that somebody wrote.
func firstPos(v reflect.Value) Pos {
	first := Pos{}
	note := func(p Pos) {
		if p.Line > 0 && (first.Line == 0 || comparePos(p, first) < 0) {
			first = p
		}
	}
	switch v.Kind() {
	case reflect.Slice:
		for i := range v.Len() {
			note(firstPos(v.Index(i)))
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			note(firstPos(v.MapIndex(key)))
		}
	case reflect.Pointer:
		if !v.IsNil() {
			note(firstPos(v.Elem()))
		}
	case reflect.Struct:
		if pos := v.FieldByName("Pos"); pos.IsValid() {
			note(pos.Interface().(Pos))
		}
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() && !strings.HasPrefix(f.Name, "Pos") && f.Tag.Get("yaml") != "" {
				note(firstPos(v.Field(i)))
			}
		}
	}
	return first
}

// handedOn tells when two routes want the TLS connections of one host.
func (c *checker) handedOn(routes []*Route) {
	type place struct{ proxy, host string }
	opened := map[place]*Route{}
	for _, r := range routes {
		// What all hosts of a proxy have is not said of one that is handed on.
		if r.terminates() && !r.tlsByDefault && !c.gaps.fields[r] {
			for _, host := range r.Hosts {
				opened[place{c.proxyOf(r.Proxy), host.Value}] = r
			}
		}
	}
	taken := map[place]claim{}
	for _, r := range routes {
		proxy := c.proxyOf(r.Proxy)
		if !r.Passthrough.Value || proxy == "" || c.gaps.fields[r] {
			continue
		}
		for _, host := range r.Hosts {
			here := place{proxy, host.Value}
			if by := opened[here]; by != nil && host.Value != "" {
				c.problem(host.Pos, fmt.Sprintf("the TLS connections of %s are opened for route %s, at %s", host.Value, by.Name, by.Pos),
					"a host is either opened or handed on: give the two routes hosts of their own")
			}
			first, ok := taken[here]
			if ok && host.Value != "" {
				c.problem(host.Pos, fmt.Sprintf("the TLS connections of %s are handed on already, by route %s at %s", host.Value, first.route, first.host),
					"leave the host out of one of the two")
				continue
			}
			taken[here] = claim{route: r.Name, host: host.Pos}
		}
	}
}

// addresses tells when nobody could say who a client is. X-Forwarded-For would
// have to be believed of everybody who comes through the socket behind which TLS
// is opened.
func (c *checker) addresses(p *Proxy) {
	if len(p.Trusted) == 0 || p.Listen.ProxyProtocol.Value || !c.serves(p, unopened) || !c.serves(p, (*Route).terminates) {
		return
	}
	c.problem(p.Trusted[0].Pos, fmt.Sprintf("proxy %s hands on some TLS unopened, so it cannot take clients' addresses from X-Forwarded-For", p.Name),
		"let who is in front speak the PROXY protocol, with listen: {proxyProtocol: true}, or give passthrough a proxy of its own")
}

// serves reports whether one of a proxy's routes is of a kind.
func (c *checker) serves(p *Proxy, kind func(*Route) bool) bool {
	for _, r := range c.Routes {
		if kind(r) && c.proxyOf(r.Proxy) == p.Name {
			return true
		}
	}
	return false
}

func unopened(r *Route) bool { return r.Passthrough.Value }

// listensForTLS reports whether a proxy takes TLS connections: as soon as there
// is a route for them.
func (c *checker) listensForTLS(p *Proxy) bool {
	return c.serves(p, unopened) || c.serves(p, (*Route).terminates)
}
