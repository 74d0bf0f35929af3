package route

import (
	"maps"
	"reflect"
	"slices"
)

// merge gives every route what its policies and its proxy's defaults say. What
// is nearer to the route wins: the route itself, then its policies from the last
// one of `use` to the first, then the defaults. Of the routes that were checked in
// the last state, those stay as they are and are named that nothing was changed for.
func (d *Desired) merge(last *Desired) (checked map[string]bool) {
	checked = map[string]bool{}
	touched := d.touched(last)
	for name, r := range d.Routes {
		if !touched(r) {
			checked[name] = true
			continue
		}
		if r.merged {
			r = r.asWritten()
		}
		d.Routes[name] = r
		r.own, r.merged = r.Options, true
		for _, use := range slices.Backward(r.Use) {
			if p := d.Policies[use.Value]; p != nil {
				r.Options = over(r.Options, p.Options)
			}
		}
		if p := d.Proxies[d.proxyOf(r.Proxy)]; p != nil {
			r.Options = over(r.Options, p.Defaults)
			r.tlsByDefault = r.TLS == p.Defaults.TLS
		}
	}
	return checked
}

// asWritten is a route as it was before it was merged.
func (r *Route) asWritten() *Route {
	out := *r
	out.Options, out.merged, out.tlsByDefault, out.pools = r.own, false, false, nil
	if !out.Proxy.Given() {
		out.Proxy.Value = ""
	}
	if len(out.Paths) > 0 && !out.Paths[0].Given() {
		out.Paths = nil
	}
	return &out
}

// touched tells which routes are not as they were in the last state, in themselves
// or in what they use.
func (d *Desired) touched(last *Desired) func(*Route) bool {
	if last == nil || !slices.Equal(last.given, d.given) {
		return func(*Route) bool { return true }
	}
	policies, proxies, pools := changed(last.Policies, d.Policies), changed(last.Proxies, d.Proxies), changed(last.Pools, d.Pools)
	return func(r *Route) bool {
		proxy := r.Proxy
		if !proxy.Given() {
			proxy.Value = ""
		}
		if last.Routes[r.Name] != r || r.Proxy.Value != d.proxyOf(proxy) || proxies[r.Proxy.Value] {
			return true
		}
		if len(policies) > 0 && slices.ContainsFunc(r.Use, func(use At[string]) bool { return policies[use.Value] }) {
			return true
		}
		return len(pools) > 0 && slices.ContainsFunc(r.AllPools(), func(pool At[string]) bool { return pools[pool.Value] })
	}
}

// changed lists what is only in one of two states, or not the same in both.
func changed[T comparable](before, after map[string]T) map[string]bool {
	out := map[string]bool{}
	for name, is := range after {
		if was, ok := before[name]; !ok || was != is {
			out[name] = true
		}
	}
	for name := range before {
		if _, ok := after[name]; !ok {
			out[name] = true
		}
	}
	return out
}

// proxyOf is the name of the proxy that serves what says proxy, or "" where
// nobody knows.
func (d *Desired) proxyOf(proxy At[string]) string {
	if !proxy.Given() && len(d.Proxies) == 1 {
		for name := range d.Proxies {
			return name
		}
	}
	return proxy.Value
}

// over returns near with what it does not say taken from far: each field of
// each map by itself, lists as a whole, but for those of who may not come, which
// add up.
func over(near, far Options) Options {
	overlay(reflect.ValueOf(&near).Elem(), reflect.ValueOf(far))
	return near
}

func overlay(near, far reflect.Value) {
	switch {
	case far.IsZero(): // which most of it is
	case near.Type() == reflect.TypeFor[HeaderChange]():
		h := near.Addr().Interface().(*HeaderChange)
		*h = h.over(far.Interface().(HeaderChange))
	case isAt(near):
		if !near.FieldByName("Pos").FieldByName("Line").IsZero() {
			return
		}
		near.Set(far)
	case near.Kind() == reflect.Slice:
		if near.IsNil() {
			near.Set(far)
		}
	case near.Kind() == reflect.Struct:
		far = without(near.Interface(), far)
		if pos := near.FieldByName("Pos"); pos.IsValid() && pos.IsZero() || near.Type() == reflect.TypeFor[Rewrite]() {
			if pos.IsZero() {
				near.Set(far)
			}
			return // a rewrite is one thing: two halves of two make a third
		}
		if a, ok := near.Addr().Interface().(*Access); ok {
			a.Deny = slices.Concat(a.Deny, far.Interface().(Access).Deny)
		}
		for i := range near.NumField() {
			if near.Type().Field(i).Name != "Pos" {
				overlay(near.Field(i), far.Field(i))
			}
		}
	default:
		panic("route: no way to merge " + near.Type().String()) // a type in options.go that this does not know
	}
}

// without is far without what belongs to a value that near has replaced: a burst
// is meant for its rate, statuses for how long they are kept, and whoever names
// those who sign clients' certificates says whether one is needed.
func without(near any, far reflect.Value) reflect.Value {
	switch near := near.(type) {
	case Limits:
		if near.Rate.Given() {
			out := far.Interface().(Limits)
			out.Burst = At[int]{}
			return reflect.ValueOf(out)
		}
	case Clients:
		if near.CA.Given() {
			out := far.Interface().(Clients)
			out.Optional = At[bool]{}
			return reflect.ValueOf(out)
		}
	case Cache:
		if near.Valid.Given() {
			out := far.Interface().(Cache)
			out.Statuses = nil
			return reflect.ValueOf(out)
		}
	}
	return far
}

// over lets a header that is set here survive being removed there, and the other
// way round.
func (h HeaderChange) over(far HeaderChange) HeaderChange {
	out := HeaderChange{Set: maps.Clone(h.Set), Remove: slices.Clone(h.Remove)}
	removed := map[string]bool{}
	for _, name := range h.Remove {
		removed[name.Value] = true
	}
	for name, value := range far.Set {
		if _, ok := h.Set[name]; !ok && !removed[name] {
			if out.Set == nil {
				out.Set = map[string]At[string]{}
			}
			out.Set[name] = value
		}
	}
	for _, name := range far.Remove {
		if _, ok := h.Set[name.Value]; !ok && !removed[name.Value] {
			out.Remove = append(out.Remove, name)
		}
	}
	return out
}
