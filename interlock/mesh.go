package interlock

import (
	"fmt"
	"slices"
	"strings"
)

// meshRoutes reads the labels of the HTTP routing mesh.
func (set *labelSet) meshRoutes() []*wish {
	var out []*wish
	for _, s := range set.mesh {
		for i, fields := range set.meshFields(s) {
			w := &wish{service: set.service, label: s.label, id: fmt.Sprintf("%s %d", s.label, i)}
			if set.meshRoute(w, fields) {
				out = append(out, w)
			}
		}
	}
	return out
}

// meshFields takes a label's value apart. A second route in it begins another one.
func (set *labelSet) meshFields(s said) []map[string]string {
	var out []map[string]string
	items, _ := list(s.value, ";\r\n")
	for _, item := range items {
		key, value, ok := strings.Cut(item, "=")
		key, value = strings.ReplaceAll(lower(tidy(key)), "-", "_"), tidy(value)
		inner := map[string]string{key: value}
		switch {
		case !ok && strings.Contains(item, "://"):
			inner = map[string]string{externalRoute: item} // as UCP 2.0 had it
		case strings.Trim(key, "0123456789") == "" && strings.Contains(value, "://"):
			inner = map[string]string{externalRoute: value, internalPort: key}
		case !slices.Contains(meshKeys, key):
			hint := "it has " + strings.Join(meshKeys, ", ")
			if like, off := nearest(key, meshKeys); off <= 3 {
				hint = "did you mean " + like + "?"
			}
			set.problem(s.label, fmt.Sprintf("the HTTP routing mesh had no %s", quoted(key)), hint)
			continue
		}
		_, begins := inner[externalRoute]
		if len(out) == 0 || begins && out[len(out)-1][externalRoute] != "" {
			out = append(out, map[string]string{})
		}
		for key, value := range inner {
			out[len(out)-1][key] = value
		}
	}
	if len(out) == 0 {
		out = append(out, nil)
	}
	return out
}

// meshRoute fills the wish from the fields of one route.
func (set *labelSet) meshRoute(w *wish, fields map[string]string) bool {
	route, ok := fields[externalRoute]
	if !ok {
		set.problem(w.label, "it has no "+externalRoute+", so the route is left out", "write it like "+externalRoute+"=http://shop.example.org,"+internalPort+"=8080")
		return false
	}
	from := addressOf(route)
	sni := from.scheme == "sni" || from.scheme == "https"
	host := from.host
	switch {
	case from.scheme != "http" && !sni:
		set.problem(w.label, fmt.Sprintf("%s begins with neither http:// nor sni://, so the route is left out", quoted(route)), "write it like "+externalRoute+"=http://shop.example.org")
		return false
	case host == "" && sni:
		set.problem(w.label, "connections by TLS without a name are led nowhere, so the route is left out", "name the host, like "+externalRoute+"=sni://shop.example.org")
		return false
	case host == "":
		host = "*"
	}
	if from.scheme == "https" {
		set.problem(w.label, fmt.Sprintf("%s is read as sni://%s", quoted(route), host), "write it so")
	}
	if from.path != "" {
		w.paths = []said{{from.path, w.label}}
	}
	if target := fields[redirectTo]; target != "" {
		if sni {
			set.problem(w.label, "connections by TLS are handed on unopened and redirect nobody, so the route is left out", "write http:// in place of sni://")
			return false
		}
		r, ok := set.redirect(w.label, route, target, 301)
		w.redirects = []redirect{r}
		return ok && set.readShared(w)
	}
	w.hosts = []said{{host, w.label}}
	if cookie := fields[stickyCookie]; cookie != "" {
		w.hash = said{"cookie:" + cookie, w.label}
	}
	if sni {
		w.passthrough = said{"true", w.label}
		set.withoutOpening(w)
	}
	port := said{}
	if text := fields[internalPort]; text != "" {
		port = said{text, w.label}
	}
	return set.readPort(w, port, w.label, internalPort) && set.readShared(w)
}

// meshLeftOut tells which routes of the HTTP routing mesh are not among those of
// Interlock's labels. Interlock's set-up wrote its labels beside the older ones,
// which nobody read any more.
func (set *labelSet) meshLeftOut(wishes []*wish) {
	for _, s := range set.mesh {
		for _, fields := range set.meshFields(s) {
			host := addressOf(fields[externalRoute]).host
			known := func(w *wish) bool {
				return slices.ContainsFunc(w.hosts, func(h said) bool { return h.value == host }) ||
					slices.ContainsFunc(w.redirects, func(r redirect) bool { return r.host == host })
			}
			if host != "" && !slices.ContainsFunc(wishes, known) {
				set.problem(s.label, fmt.Sprintf("it is not read, for the service has %s; %s is not among its hosts", hosts, host), "add the host there")
			}
		}
	}
}
