package generator

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/wharfinger/wharfinger/route"
)

// ErrorPage says where a request goes that failed (nginx: error_page). What
// fails there is told as it is: nginx looks at no second one.
type ErrorPage struct {
	On []int
	// Status is empty where the status stays the one that failed, "=" where that
	// of To counts, and "=410" for another one.
	Status string
	To     string // a named location
}

// bare is the answer without what decides who answers: for the locations that a
// request comes to when that was decided otherwise.
func (a Answer) bare() Answer {
	a.Maintenance, a.Canonical, a.Slash, a.Split, a.Streams, a.Rewrite = nil, "", "", nil, nil, nil
	a.Access, a.ErrorPages, a.Intercept, a.Mirror = nil, nil, false, nil
	a.Redirect, a.Respond, a.After, a.Snippet = nil, nil, "", nil
	// A request is counted once, and only what its own pool answers is kept.
	a.Traffic.Cache = nil
	if l := a.Traffic.Limits; l != nil {
		a.Traffic.Limits = &Limits{Bandwidth: l.Bandwidth}
	}
	return a
}

// guard is for all that can keep a request from what the route answers with. It
// comes last: the locations that it makes take over everything else.
func (a *answered) guard(b *proxyBuilder, r *route.Route) {
	if a.maintenance(r.Maintenance) {
		return
	}
	a.access(b, r)
	a.errors(r.Errors)
	a.mirror(r)
	if a.Access != nil && (a.Redirect != nil || a.Respond != nil) {
		// nginx obeys return before it asks who comes.
		after := a.bare()
		after.Redirect, after.Respond, after.ErrorPages, after.Snippet = a.Redirect, a.Respond, a.ErrorPages, a.Snippet
		a.Redirect, a.Respond, a.After = nil, nil, "@"+a.Route
		a.aside = append(a.aside, Location{Path: a.After, Answer: &after})
	}
}

func (a *answered) onError(name string, page ErrorPage, answer Answer) {
	page.To = "@" + a.Route + "+" + name
	a.ErrorPages = append(a.ErrorPages, page)
	a.aside = append(a.aside, Location{Path: page.To, Answer: &answer})
}

func (a *answered) errors(rules []route.ErrorRule) {
	a.Intercept = len(rules) > 0
	rules = byStatus(rules)
	pages := make([]Answer, len(rules))
	for i, rule := range rules {
		pages[i] = a.page(rule)
	}
	for i, rule := range rules {
		var on, refused []int
		for _, status := range rule.On {
			// These two are what access control says. A pool that answers them is
			// for people who were not let in. All other fallback pools are behind the
			// same doors as the first one: a server that fails to say who may come
			// must not open them.
			if a.Access != nil && rule.Pool.Given() && (status.Value == 401 || status.Value == 403) {
				refused = append(refused, status.Value)
				continue
			}
			on = append(on, status.Value)
		}
		status := "="
		if rule.Respond.Pos.Line > 0 {
			status = ""
			if rule.Respond.Status.Given() {
				status = fmt.Sprintf("=%d", rule.Respond.Status.Value)
			}
		}
		name := fmt.Sprintf("error%d", i+1)
		if refused != nil {
			a.onError(name+"-refused", ErrorPage{On: refused, Status: status}, pages[i])
		}
		if on != nil {
			if rule.Pool.Given() {
				pages[i].Access = a.Access
			}
			a.onError(name, ErrorPage{On: on, Status: status}, pages[i])
		}
	}
}

// byStatus puts rules and their statuses in order: no two rules share one, so
// the order in which they are written means nothing.
func byStatus(rules []route.ErrorRule) []route.ErrorRule {
	status := func(a, b route.At[int]) int { return cmp.Compare(a.Value, b.Value) }
	out := slices.Clone(rules)
	for i := range out {
		out[i].On = slices.SortedFunc(slices.Values(out[i].On), status)
	}
	slices.SortFunc(out, func(a, b route.ErrorRule) int { return slices.CompareFunc(a.On, b.On, status) })
	return out
}

// page is what a rule answers with.
func (a *answered) page(rule route.ErrorRule) Answer {
	switch {
	case rule.Pool.Given():
		page := a.at(rule.Pool.Value).bare()
		if a.Rewrite == nil && (a.Snippet == nil || !a.Snippet.Rewrites) { // otherwise the path is the new one by now
			page.URI = "$request_uri"
		}
		return page
	case rule.Redirect.Given():
		page := a.bare()
		page.Upstream = ""
		page.Redirect = &Redirect{Status: 302, Origin: originOf(rule.Redirect.Value), Path: pathOf(rule.Redirect.Value)}
		return page
	}
	page := a.bare()
	page.Upstream = ""
	page.Respond = &Respond{Status: 200, Type: rule.Respond.Type.Value, Body: a.text(fmt.Sprintf("error%d_", rule.On[0].Value), rule.Respond.Body.Value)}
	if s := rule.Respond.Status; s.Given() {
		page.Respond.Status = s.Value
	}
	return page
}

// maintenancePage is answered unless people write their own.
const maintenancePage = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Down for maintenance</title>
<style>body { font: 1.1em/1.5 system-ui, sans-serif; max-width: 32em; margin: 20vh auto; padding: 0 1em }</style>
<h1>Down for maintenance</h1>
<p>We are working on this site. Please come again a little later.</p>
</html>
`

// maintenance answers in place of the route, and reports whether it does so for
// everybody.
func (a *answered) maintenance(m route.Maintenance) bool {
	if m.Pos.Line == 0 || m.On.Given() && !m.On.Value {
		return false
	}
	respond := &Respond{Status: 503, Type: m.Type.Value, RetryAfter: int(m.RetryAfter.Value / time.Second)}
	body := m.Body.Value
	if !m.Body.Given() {
		body, respond.Type = maintenancePage, "text/html"
	}
	respond.Body = a.text("maintenance", body)
	page := a.bare()
	page.Respond, page.Pool, page.Upstream = respond, "", ""
	if len(m.Except) == 0 {
		page.Canonical, page.Slash = a.Canonical, a.Slash
		a.Answer = page
		return true
	}
	g := Geo{Variable: variable("maintenance", a.Route), Inside: no, Outside: yes, Networks: sortedNetworks(m.Except)}
	a.definitions.Geos = append(a.definitions.Geos, g)
	a.Maintenance = &Try{Variable: g.Variable, To: a.Route + "~maintenance"}
	page.Inner = a.Maintenance.To
	a.inner = append(a.inner, Location{Path: page.Inner, Answer: &page})
	return false
}
