package interlock

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/wharfinger/wharfinger/route"
)

// plan is what the labels ask for all together, but for what is left out.
type plan struct {
	desired  *route.Desired
	left     map[part]bool
	problems route.Problems
	// Of the file:
	policies, pools, routes text[cause]
	names                   map[string]names // by section
	poolNames               map[string]string
}

// planFor works out what the wishes make of a repository.
func planFor(d *route.Desired, wishes []*wish, left map[part]bool) *plan {
	p := &plan{desired: d, left: left, poolNames: map[string]string{}, names: map[string]names{"policies": {}, "pools": {}, "routes": {}}}
	for name := range d.Policies {
		p.names["policies"][name] = true
	}
	for name := range d.Pools {
		p.names["pools"][name] = true
	}
	for name := range d.Routes {
		p.names["routes"][name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(d.Proxies)) {
		proxy := d.Proxies[name]
		if !proxy.Labels.Read.Given() {
			continue
		}
		t := newTable(p, proxy)
		for _, w := range wishes {
			if takes(proxy, w) && !left[part{proxy: name, service: w.service.Name, wish: w.id}] {
				t.sit(w)
			}
		}
		t.settle()
		t.write()
	}
	return p
}

// takes reports whether a proxy serves the service cluster of a wish.
func takes(proxy *route.Proxy, w *wish) bool {
	return strings.EqualFold(proxy.Labels.Cluster.Value, w.cluster)
}

// data is the file, or nil where there is nothing in it, and the causes of each of
// its lines.
func (p *plan) data() ([]byte, [][]cause) {
	var b bytes.Buffer
	var causes [][]cause
	for _, section := range []struct {
		name string
		text *text[cause]
	}{{"policies", &p.policies}, {"pools", &p.pools}, {"routes", &p.routes}} {
		if section.text.causes == nil {
			continue
		}
		b.WriteString(section.name + ":\n")
		causes = append(causes, nil)
		b.WriteString(section.text.b.String())
		causes = append(causes, section.text.causes...)
	}
	return b.Bytes(), causes
}

// member is a wish in a pool, and the way to its tasks.
type member struct {
	*wish
	via, network string
	viaLabel     string // the one that chose the way
}

// reach finds the way from a proxy to the tasks of a wish. It answers nil, and the
// problem, where there is none or several.
func (t *table) reach(w *wish) *member {
	s, joins := w.service, t.proxy.Network.Value != "host"
	m := &member{wish: w, viaLabel: cmp.Or(w.vip.label, w.network.label, w.portLabel)}
	publish := fmt.Sprintf("docker service update --publish-add mode=host,target=%d %s", w.port, s.Name)
	switch {
	case w.vip.given() && !joins:
		t.problem(w, w.vip.label, fmt.Sprintf("proxy %s, in the host's network, reaches no virtual IP%s", t.proxy.Name, without[whole]),
			"leave the label out and publish the port, with "+publish+", or give the proxy network: published")
		return nil
	case !w.vip.given() && s.publishes(w.port) && !(joins && w.network.given()):
		m.via, m.viaLabel = "host", w.portLabel
		return m
	case !joins:
		t.problem(w, w.portLabel, fmt.Sprintf("no task publishes port %d on its node, and proxy %s, in the host's network, joins no overlay%s", w.port, t.proxy.Name, without[whole]),
			"publish it with "+publish+", or give the proxy network: published")
		return nil
	}
	m.via, m.network = "overlay", w.network.value
	if w.vip.given() {
		m.via = "vip"
	}
	switch {
	case m.network != "":
	case len(s.Networks) == 1:
		m.network = s.Networks[0]
	case len(s.Networks) == 0:
		t.problem(w, w.portLabel, fmt.Sprintf("no task publishes port %d on its node, and the service is on no overlay%s", w.port, without[whole]),
			"publish it with "+publish+", or put the service on an overlay with docker service update --network-add NETWORK "+s.Name)
		return nil
	case w.label != "" && isMesh(lower(w.label)) && slices.Contains(s.Networks, meshNetwork):
		m.network = meshNetwork
	default:
		t.problem(w, network, fmt.Sprintf("it is not there, but the service is on several overlays, %s%s", strings.Join(s.Networks, ", "), without[whole]),
			"name the one that the proxy shall join, like "+network+"="+s.Networks[0])
		return nil
	}
	return m
}

// meshNetwork is the one that UCP made for the HTTP routing mesh.
const meshNetwork = "ucp-hrm"

// options are what a pool has once, whoever of its members says it.
type options struct {
	hash, tls, maxFails, failTimeout said
	of                               map[string]*wish // who said it, by label
}

// optionsOf puts together what members say. That they do not contradict each other
// is known by then.
func (t *table) optionsOf(members []*member) options {
	o := options{of: map[string]*wish{}}
	for _, m := range members {
		for _, s := range []struct{ to, from *said }{{&o.hash, &m.hash}, {&o.tls, &m.tls}, {&o.maxFails, &m.maxFails}, {&o.failTimeout, &m.failTimeout}} {
			if !s.to.given() && s.from.given() && !t.left[t.part(m.wish, anOption, s.from.label)] {
				*s.to = *s.from
				o.of[s.from.label] = m.wish
			}
		}
	}
	if len(members) == 1 && members[0].via == "vip" && o.hash.given() {
		t.problem(members[0].wish, o.hash.label, "behind the virtual IP Swarm chooses the task"+without[anOption], "leave one of it and "+backendMode+" out")
		o.hash = said{}
	}
	return o
}

// pool writes the pool of some members, if it is not there yet, and answers its
// name.
func (t *table) pool(members []*member) string {
	o := t.optionsOf(members)
	key := fmt.Sprint(o.hash.value, "|", o.tls.value, "|", o.maxFails.value, "|", o.failTimeout.value)
	for _, m := range members {
		key += fmt.Sprintf("|%s %d %s %s", m.service.Name, m.port, m.via, m.network)
	}
	if name, ok := t.poolNames[key]; ok {
		return name
	}
	name := t.names["pools"].take(nameOf(members[0].service.Name))
	t.poolNames[key] = name
	out := &t.pools
	out.add(1, plain(name)+":", t.wholes(members)...)
	indent := 2
	if len(members) > 1 {
		out.add(2, "services:", t.wholes(members)...)
		indent = 4
	}
	for _, m := range members {
		all := t.cause(m.wish, whole, "", m.label)
		if len(members) > 1 {
			out.add(3, "-", all)
		}
		out.add(indent, "service: "+plain(m.service.Name), all)
		out.add(indent, fmt.Sprintf("port: %d", m.port), t.cause(m.wish, whole, "", m.portLabel))
		out.add(indent, "via: "+plain(m.via), t.cause(m.wish, whole, "", m.viaLabel))
		if m.network != "" {
			out.add(indent, "network: "+plain(m.network), t.cause(m.wish, whole, "", cmp.Or(m.wish.network.label, m.viaLabel)))
		}
	}
	by := func(s said) cause { return t.cause(o.of[s.label], anOption, s.label, s.label) }
	if o.tls.given() {
		out.add(2, "tls:", t.cause(o.of[o.tls.label], whole, "", o.tls.label))
		out.add(3, "verify: false", t.cause(o.of[o.tls.label], whole, "", o.tls.label))
	}
	if o.hash.given() {
		out.add(2, "hash: "+plain(o.hash.value), by(o.hash))
	}
	if o.maxFails.given() {
		out.add(2, "maxFails: "+o.maxFails.value, by(o.maxFails))
	}
	if o.failTimeout.given() {
		out.add(2, "failTimeout: "+plain(o.failTimeout.value), by(o.failTimeout))
	}
	return name
}

func (t *table) part(w *wish, kind, value string) part {
	return part{t.proxy.Name, w.service.Name, w.id, kind, value}
}

func (t *table) cause(w *wish, kind, value, label string) cause {
	return cause{t.part(w, kind, value), label}
}

// wholes are the causes of what stands for some members as a whole.
func (t *table) wholes(members []*member) []cause {
	var out []cause
	for _, m := range members {
		out = append(out, t.cause(m.wish, whole, "", m.label))
	}
	return out
}

func (t *table) problem(w *wish, label, text, hint string) {
	t.problems = append(t.problems, problemOf(w.service.Name, label, text, hint))
}
