package route

import (
	"maps"
	"slices"
	"time"
)

// Parse reads a revision. It answers a Desired state that is whole and checked,
// or nil and every problem of the revision, sorted by place. What needs a
// permission that is not given is a problem.
func Parse(rev Revision, given ...Permission) (*Desired, Problems) {
	all := &Desired{
		Revision: rev.ID,
		source:   rev,
		given:    given,
		Proxies:  map[string]*Proxy{},
		Pools:    map[string]*Pool{},
		Routes:   map[string]*Route{},
		Streams:  map[string]*Stream{},
		Policies: map[string]*Policy{},
	}
	var problems Problems
	lost := newGaps()
	taken := uintptr(0)
	for _, f := range rev.Files {
		d := decoder{file: f.Path, gaps: newGaps(), before: len(problems), taken: taken}
		d.read(f.Data, func(doc document) {
			add(&d, "proxy", all.Proxies, doc.Proxies, func(p *Proxy) Pos { return p.Pos })
			add(&d, "pool", all.Pools, doc.Pools, func(p *Pool) Pos { return p.Pos })
			add(&d, "route", all.Routes, doc.Routes, func(r *Route) Pos { return r.Pos })
			add(&d, "stream", all.Streams, doc.Streams, func(s *Stream) Pos { return s.Pos })
			add(&d, "policy", all.Policies, doc.Policies, func(p *Policy) Pos { return p.Pos })
		})
		problems, taken = append(problems, d.problems...), d.taken
		if d.full() {
			return nil, append(problems.Sorted(), tooMuch(taken))
		}
		lost.names = lost.names || d.gaps.names
		maps.Copy(lost.fields, d.gaps.fields)
		maps.Copy(lost.objects, d.gaps.objects)
	}
	all.merge()
	c := checker{Desired: all, gaps: lost, snippets: slices.Contains(given, Snippets)}
	c.check()
	if problems = append(problems, c.problems...).Sorted(); len(problems) > mostProblems {
		return nil, append(problems[:mostProblems:mostProblems], tooMuch(taken))
	}
	if len(problems) == 0 && len(all.Routes)+len(all.Streams) == 0 && !all.readsLabels() {
		problems = Problems{{Pos: Pos{File: "."}, Text: "there is no route in any file", Hint: "add one below routes:, for an empty revision is taken for a mistake, never for an order to stop routing"}}
	}
	if len(problems) > 0 {
		return nil, problems
	}
	all.applyDefaults()
	return all, nil
}

// Source returns the revision that was read.
func (d *Desired) Source() Revision { return d.source }

// With reads the revision once more, with files beside its own and the same
// permissions. Of two things that clash, the one in the file whose path sorts
// later has the problem.
func (d *Desired) With(files ...File) (*Desired, Problems) {
	rev := d.source
	rev.Files = slices.Concat(rev.Files, files)
	return Parse(rev, d.given...)
}

// readsLabels reports whether routes may come from elsewhere.
func (d *Desired) readsLabels() bool {
	for _, p := range d.Proxies {
		if p.Labels.Read.Given() {
			return true
		}
	}
	return false
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
		setDefault(&p.Listen.HTTPS, defaultHTTPS)
		setDefault(&p.Status.Port, defaultStatus)
		setDefault(&p.Drain, defaultDrain)
		setDefault(&p.Drift, "repair")
		setDefault(&p.Connections, defaultConnections)
		setDefault(&p.OpenFiles, defaultOpenFiles)
		setDefault(&p.Profile, "intermediate")
		setDefault(&p.Log, "plain")
		setDefault(&p.Cache.Size, 1<<30)
		setDefault(&p.Cache.Memory, 10<<20)
	}
	for _, p := range d.Pools {
		setDefault(&p.Via, defaultVia)
		for i := range p.Services {
			setDefault(&p.Services[i].Via, defaultVia)
		}
		for i := range p.Servers {
			setDefault(&p.Servers[i].Weight, 1)
		}
		setDefault(&p.Protocol, "http")
		setDefault(&p.TLS.Verify, true)
		setDefault(&p.Balance, "round-robin")
		setDefault(&p.Keepalive, 64)
		setDefault(&p.MaxFails, 1) // this and the next are nginx's own
		setDefault(&p.FailTimeout, 10*time.Second)
	}
	for _, r := range d.Routes {
		r.Proxy.Value = d.proxyOf(r.Proxy)
		if len(r.Paths) == 0 {
			r.Paths = []At[Path]{{Value: Path{Text: "/"}}}
		}
		setDefault(&r.Redirect.Status, 302)
		setDefault(&r.Respond.Status, 200)
		setDefault(&r.Respond.Type, "text/plain")
		d.unstream(r)
		r.Options.applyDefaults()
	}
	for _, s := range d.Streams {
		s.Proxy.Value = d.proxyOf(s.Proxy)
		setDefault(&s.Timeouts.Connect, 5*time.Second)
		idle := 10 * time.Minute // nginx's own
		if s.Listen.Value.UDP {
			idle = 2 * time.Minute
		}
		setDefault(&s.Timeouts.Idle, idle)
	}
}

func (o *Options) applyDefaults() {
	setDefault(&o.TLS.Plain, defaultPlain)
	setDefault(&o.HSTS.MaxAge, 365*day)
	setDefault(&o.CORS.MaxAge, time.Hour)
	setDefault(&o.Access.Auth.Path, "/")
	setDefault(&o.MaxBody, 1<<20) // nginx's own
	setDefault(&o.Timeouts.Connect, 5*time.Second)
	setDefault(&o.Timeouts.Send, time.Minute) // this and the next are nginx's own
	setDefault(&o.Timeouts.Read, time.Minute)
	setDefault(&o.Timeouts.Idle, time.Hour)
	setDefault(&o.Timeouts.Client, time.Minute)
	setDefault(&o.Retries.Tries, 3)
	setDefault(&o.Buffering.Requests, true)
	setDefault(&o.Buffering.Responses, true)
	setDefault(&o.Limits.Burst, o.Limits.Rate.Value.Count-1)
	setDefault(&o.Compress.MinSize, 1<<10)
	setDefault(&o.Cache.Stale, true)
	for i := range o.Errors {
		setDefault(&o.Errors[i].Respond.Type, "text/plain")
	}
	setDefault(&o.Maintenance.Type, "text/html")
	setDefault(&o.Mirror.Share, 100)
	setDefault(&o.Mirror.Body, true)
	setDefault(&o.Log, true)
}

func setDefault[T any](a *At[T], value T) {
	if !a.Given() {
		a.Value = value
	}
}
