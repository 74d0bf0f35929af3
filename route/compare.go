package route

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// Compare says what is different between two revisions, as somebody would who
// reads them: by kind, and by name in each. What is meant the same, wherever and
// however it is written, is no difference.
//
// What a route does is its own word and what it inherits. A change that comes from
// a policy or from the defaults of a proxy is told there, with the routes that it
// reaches, and not again at each of them.
func Compare(old, now *Desired) []Change {
	c := comparison{old: old, now: now, reached: map[string]*reach{}}
	c.policies = details(old.Policies, now.Policies)
	c.proxies = details(old.Proxies, now.Proxies)
	routes := c.routes()
	return slices.Concat(
		routes,
		changes("stream", old.Streams, now.Streams, details(old.Streams, now.Streams), (*Stream).summary),
		changes("pool", old.Pools, now.Pools, details(old.Pools, now.Pools), nil),
		c.reaching(changes("policy", old.Policies, now.Policies, c.policies, nil), ""),
		c.reaching(changes("proxy", old.Proxies, now.Proxies, c.proxies, nil), "defaults."),
	)
}

// details compares what has a name in both.
func details[T any](old, now map[string]*T) map[string][]Detail {
	out := map[string][]Detail{}
	for name, is := range now {
		if was, ok := old[name]; ok {
			out[name] = differences(was, is)
		}
	}
	return out
}

// changes makes Changes of one kind: of things that are there on one side alone,
// and of those whose details changed.
func changes[T any](kind string, old, now map[string]*T, changed map[string][]Detail, summary func(*T) string) []Change {
	var out []Change
	was := renames(kind, old, now)
	old = maps.Clone(old)
	for _, from := range was {
		delete(old, from)
	}
	one := func(name string, what What, thing *T, details []Detail) Change {
		c := Change{Kind: kind, Name: name, What: what, Details: details}
		if summary != nil {
			c.Summary = summary(thing)
		}
		return c
	}
	for _, name := range slices.Sorted(maps.Keys(union(old, now))) {
		before, after := old[name], now[name]
		switch {
		case was[name] != "":
			if kind != "policy" { // whose name nobody but the repository knows
				out = append(out, Change{Kind: kind, Name: name, What: Renamed, Was: was[name]})
			}
		case before == nil:
			out = append(out, one(name, New, after, whole(new(T), asWritten(after))))
		case after == nil:
			out = append(out, one(name, Gone, before, whole(asWritten(before), new(T))))
		case len(changed[name]) > 0:
			out = append(out, Change{Kind: kind, Name: name, What: Changed, Details: changed[name]})
		}
	}
	return out
}

// asWritten is a thing without what it inherits.
func asWritten[T any](thing *T) *T {
	if r, ok := any(thing).(*Route); ok {
		out := *r
		out.Options = r.own
		return any(&out).(*T)
	}
	return thing
}

// renames pairs, by the new name, what came with what went and is the same but
// for its name. A proxy is not: its name is that of its service.
func renames[T any](kind string, old, now map[string]*T) map[string]string {
	was := map[string]string{}
	if kind == "proxy" {
		return was
	}
	form := func(thing *T) string { return fmt.Sprintf("%q", whole(new(T), asWritten(thing))) }
	went := map[string][]string{}
	for _, name := range slices.Sorted(maps.Keys(old)) {
		if now[name] == nil {
			went[form(old[name])] = append(went[form(old[name])], name)
		}
	}
	if len(went) == 0 {
		return was
	}
	for _, name := range slices.Sorted(maps.Keys(now)) {
		if old[name] != nil {
			continue
		}
		if is := form(now[name]); len(went[is]) > 0 {
			was[name], went[is] = went[is][0], went[is][1:]
		}
	}
	return was
}

// targets are the fields of which a route has one: who answers.
var targets = map[string]bool{"pool": true, "split": true, "redirect": true, "respond": true, "passthrough": true}

// answers is the one of targets that the route has.
func (r *Route) answers() string {
	switch {
	case r.Redirect.Pos.Line > 0:
		return "redirect"
	case r.Respond.Pos.Line > 0:
		return "respond"
	case len(r.Split) > 0:
		return "split"
	case r.Passthrough.Value:
		return "passthrough"
	}
	return "pool"
}

type comparison struct {
	old, now *Desired
	// What changed in those that routes inherit from, by name.
	policies, proxies map[string][]Detail
	// reached is what a change of those reaches, by kind and name.
	reached map[string]*reach
}

// reach is the routes that a change reaches, and what it does there, by field.
type reach struct {
	routes  []string
	effects map[string][]Detail
}

// routes compares what routes do, and notes which of it they only inherit.
func (c *comparison) routes() []Change {
	changed := map[string][]Detail{}
	for _, name := range slices.Sorted(maps.Keys(c.now.Routes)) {
		is := c.now.Routes[name]
		if was := c.old.Routes[name]; was != nil {
			changed[name] = c.own(was, is)
		}
	}
	return changes("route", c.old.Routes, c.now.Routes, changed, (*Route).summary)
}

// own is what changed in a route, without what comes from a policy or from
// defaults that it had before, too.
func (c *comparison) own(was, is *Route) []Detail {
	said := map[string]bool{}
	for _, d := range differences(&was.own, &is.own) {
		said[d.Field] = true
	}
	var out []Detail
	otherwise := was.answers() != is.answers()
	if otherwise {
		out = append(out, Detail{Field: Answer, Old: was.target(), New: is.target()})
	}
	use, used := Detail{}, false
	for _, d := range differences(c.old.effective(was), c.now.effective(is)) {
		switch {
		case otherwise && targets[topField(d.Field)]:
		case d.Field == "use":
			use = d
		case !optional[topField(d.Field)] || said[d.Field]:
			out = append(out, d)
		case c.old.idle(was)[topField(d.Field)] && c.now.idle(is)[topField(d.Field)]:
			// What is inherited and of no use is passed over.
		case !c.inherited(was, is, d):
			out, used = append(out, d), true
			c.byUse(was, is, d)
		}
	}
	if used && use.Field != "" {
		out = slices.Insert(out, 0, use)
	}
	return out
}

// The options that do nothing in some routes, which can inherit them all the same.
var (
	idleWithoutPool = map[string]bool{"rewrite": true, "cookies": true, "limits": true, "maxBody": true, "timeouts": true, "retries": true, "buffering": true, "cache": true, "mirror": true}
	idleInRedirects = union(idleWithoutPool, map[string]bool{"compress": true})
	idleInGRPC      = map[string]bool{"cookies": true, "buffering": true, "cache": true}
)

// idle is the options that do nothing in a route.
func (d *Desired) idle(r *Route) map[string]bool {
	asked := *r
	asked.Mirror, asked.pools = Mirror{}, nil // who is never asked gets no copies
	switch pools := asked.AllPools(); {
	case len(pools) == 0 && r.Redirect.Pos.Line > 0:
		return idleInRedirects
	case len(pools) == 0:
		return idleWithoutPool
	case len(pools) == 1 && d.streamed(r) != nil:
		return idleInGRPC
	}
	return nil
}

// byUse notes that a route is reached by a policy that it uses now, or used before.
func (c *comparison) byUse(was, is *Route, effect Detail) {
	for _, side := range []struct {
		uses, others []At[string]
		policies     map[string]*Policy
	}{{is.Use, was.Use, c.now.Policies}, {was.Use, is.Use, c.old.Policies}} {
		for _, name := range Values(side.uses) {
			if !slices.Contains(Values(side.others), name) {
				c.note("policy "+name, "", is.Name, effect, whole(new(Policy), side.policies[name]))
			}
		}
	}
}

// note notes that a route is reached, if the effect is one of what changed. It
// reports whether that is so.
func (c *comparison) note(source, prefix, route string, effect Detail, changed []Detail) bool {
	field := prefix + effect.Field
	if !slices.ContainsFunc(changed, func(d Detail) bool { return d.Field == field }) {
		return false
	}
	r := c.reached[source]
	if r == nil {
		r = &reach{effects: map[string][]Detail{}}
		c.reached[source] = r
	}
	if n := len(r.routes); n == 0 || r.routes[n-1] != route { // they come one after the other
		r.routes = append(r.routes, route)
	}
	r.effects[field] = append(r.effects[field], effect)
	return true
}

// inherited reports whether a field changed where the route inherits from, and
// notes that the route is reached.
func (c *comparison) inherited(was, is *Route, effect Detail) bool {
	found := false
	for _, name := range Values(is.Use) {
		if slices.Contains(Values(was.Use), name) {
			found = c.note("policy "+name, "", is.Name, effect, c.policies[name]) || found
		}
	}
	if name := is.Proxy.Value; name == was.Proxy.Value {
		found = c.note("proxy "+name, "defaults.", is.Name, effect, c.proxies[name]) || found
	}
	return found
}

// reaching adds to the changes of what hands something down which routes they
// reach. prefix is before the fields that are handed down.
func (c *comparison) reaching(all []Change, prefix string) []Change {
	for i, change := range all {
		handsDown := func(d Detail) bool { return strings.HasPrefix(d.Field, prefix) }
		if change.Kind == "proxy" && change.What != Changed || !slices.ContainsFunc(change.Details, handsDown) {
			continue
		}
		all[i].Routes = []string{}
		if r := c.reached[change.Kind+" "+change.Name]; r != nil {
			all[i].Routes = r.routes
			for j, d := range change.Details {
				if change.What == Changed {
					all[i].Details[j] = r.effect(d)
				}
			}
		}
	}
	return all
}

// effect is what a detail comes to where all routes that it reaches say the same:
// what a policy says no longer was not nothing before, but there is a default.
func (r *reach) effect(d Detail) Detail {
	effects := r.effects[d.Field]
	if len(effects) == 0 || d.Old != "" && d.New != "" {
		return d
	}
	for _, e := range effects {
		if e.Old != effects[0].Old || e.New != effects[0].New || e.Old == "" || e.New == "" {
			return d
		}
	}
	return Detail{Field: d.Field, Old: effects[0].Old, New: effects[0].New}
}

// optional is the fields of Options.
var optional = func() map[string]bool {
	out := map[string]bool{}
	for _, f := range fieldsOf(reflect.TypeFor[Options]()) {
		out[f.name] = true
	}
	return out
}()

// effective is the route with the defaults that depend on what its pools speak:
// any call of gRPC may be a stream.
func (d *Desired) effective(r *Route) *Route {
	if d.streamed(r) == nil {
		return r
	}
	out := *r
	setDefault(&out.MaxBody, 0)
	setDefault(&out.Timeouts.Read, out.Timeouts.Idle.Value)
	setDefault(&out.Timeouts.Client, out.Timeouts.Idle.Value)
	return &out
}
