package route

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Parse reads a revision. It answers a Desired state that is whole and checked,
// or nil and every problem of the revision, sorted by place.
func Parse(rev Revision) (*Desired, Problems) {
	all := &Desired{
		Revision: rev.ID,
		Proxies:  map[string]*Proxy{},
		Pools:    map[string]*Pool{},
		Routes:   map[string]*Route{},
	}
	var problems Problems
	lost := gaps{fields: map[any]bool{}}
	for _, f := range rev.Files {
		d := decoder{file: f.Path}
		d.read(f.Data, func(doc document) {
			add(&d, "proxy", all.Proxies, doc.Proxies, func(p *Proxy) Pos { return p.Pos })
			add(&d, "pool", all.Pools, doc.Pools, func(p *Pool) Pos { return p.Pos })
			add(&d, "route", all.Routes, doc.Routes, func(r *Route) Pos { return r.Pos })
		})
		problems = append(problems, d.problems...)
		lost.names = lost.names || d.gaps.names
		maps.Copy(lost.fields, d.gaps.fields)
	}
	c := checker{Desired: all, gaps: lost}
	c.check()
	problems = append(problems, c.problems...).Sorted()
	if len(problems) == 0 && len(all.Routes) == 0 {
		problems = Problems{{Pos: Pos{File: "."}, Text: "there is no route in any file", Hint: "add one below routes:, for an empty revision is taken for a mistake, never for an order to stop routing"}}
	}
	if len(problems) > 0 {
		return nil, problems
	}
	all.applyDefaults()
	return all, nil
}

func add[T any](d *decoder, kind string, all, more map[string]T, pos func(T) Pos) {
	for _, name := range slices.Sorted(maps.Keys(more)) {
		if first, ok := all[name]; ok {
			d.twice(pos(more[name]), kind, name, pos(first))
			continue
		}
		all[name] = more[name]
	}
}

// applyDefaults fills in what was left out. Only what Parse has checked is
// given defaults, so nothing here can fail.
func (d *Desired) applyDefaults() {
	for _, p := range d.Proxies {
		if !p.Nginx.Given() {
			text, _ := imageVersion(p.Image.Value)
			p.Nginx.Value, _ = parseVersion(text)
		}
		setDefault(&p.Network, defaultNetwork)
		setDefault(&p.Listen.HTTP, defaultHTTP)
		setDefault(&p.Status.Port, defaultStatus)
		setDefault(&p.Drain, defaultDrain)
	}
	for _, p := range d.Pools {
		for i := range p.Servers {
			setDefault(&p.Servers[i].Weight, 1)
		}
	}
	for _, r := range d.Routes {
		if !r.Proxy.Given() {
			for name := range d.Proxies { // there is exactly one: checked
				r.Proxy.Value = name
			}
		}
		if len(r.Paths) == 0 {
			r.Paths = []At[string]{{Value: "/"}}
		}
		setDefault(&r.MaxBody, defaultMaxBody)
	}
}

func setDefault[T any](a *At[T], value T) {
	if !a.Given() {
		a.Value = value
	}
}

// names lists what there is, or the first of it.
func names[T any](m map[string]T) string {
	const most = 8
	list := slices.Sorted(maps.Keys(m))
	if rest := len(list) - most; rest > 0 {
		return strings.Join(list[:most], ", ") + fmt.Sprintf(" and %d more", rest)
	}
	return strings.Join(list, ", ")
}
