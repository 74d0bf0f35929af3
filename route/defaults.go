package route

import (
	"slices"
	"time"
)

// What applyDefaults fills in was left out.

func (p *Proxy) applyDefaults() {
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

func (p *Pool) applyDefaults() {
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

// settle gives a route its defaults. Only what was checked comes here, so nothing
// can fail.
func (d *Desired) settle(r *Route) {
	r.Proxy.Value = d.proxyOf(r.Proxy)
	if len(r.Paths) == 0 {
		r.Paths = []At[Path]{{Value: Path{Text: "/"}}}
	}
	setDefault(&r.Redirect.Status, 302)
	setDefault(&r.Respond.Status, 200)
	setDefault(&r.Respond.Type, "text/plain")
	d.unstream(r)
	r.Options.applyDefaults()
	r.pools = slices.Clip(r.AllPools())
}

func (s *Stream) applyDefaults() {
	setDefault(&s.Timeouts.Connect, 5*time.Second)
	idle := 10 * time.Minute // nginx's own
	if s.Listen.Value.UDP {
		idle = 2 * time.Minute
	}
	setDefault(&s.Timeouts.Idle, idle)
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
	o.Errors = slices.Clone(o.Errors) // they may be a policy's
	for i := range o.Errors {
		setDefault(&o.Errors[i].Respond.Type, "text/plain")
	}
	setDefault(&o.Maintenance.Type, "text/html")
	setDefault(&o.Mirror.Share, 100)
	setDefault(&o.Mirror.Body, true)
	setDefault(&o.Log, true)
}
