package route

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// summary says which requests come to the route and who answers them, as
// "shop.example.org/v2 with cookie beta=1 -> pool legacy".
func (r *Route) summary() string {
	s := r.where()
	if with := r.When.words(); with != "" {
		s += " with " + with
	}
	return s + " -> " + r.target()
}

func (r *Route) where() string {
	var hosts, paths []string
	for _, host := range Values(r.Hosts) {
		if host == "*" {
			host = "any other host"
		}
		hosts = append(hosts, host)
	}
	for _, path := range Values(r.Paths) {
		paths = append(paths, path.String())
	}
	s := List(hosts, 8)
	switch {
	case len(paths) == 1 && paths[0] == "/":
		return s
	case len(hosts) == 1 && len(paths) == 1 && r.Paths[0].Value.Kind == Prefix && r.Hosts[0].Value != "*":
		return s + paths[0]
	}
	return s + " at " + List(quoted(paths), 8)
}

// target says who answers.
func (r *Route) target() string {
	switch r.answers() {
	case "redirect":
		return r.Redirect.words()
	case "respond":
		return fmt.Sprintf("answer %d", r.Respond.Status.Value)
	case "split":
		var shares []string
		for _, name := range slices.Sorted(maps.Keys(r.Split)) {
			shares = append(shares, fmt.Sprintf("%s %d", name, r.Split[name].Value))
		}
		return "split " + List(shares, 8)
	case "passthrough":
		return "pool " + r.Pool.Value + ", TLS unopened"
	}
	return "pool " + r.Pool.Value
}

func (r Redirect) words() string {
	s := fmt.Sprintf("redirect %d to ", r.Status.Value)
	if r.To.Given() {
		return s + r.To.Value.String()
	}
	if r.Scheme.Given() || r.Host.Given() || r.Port.Given() {
		s += cmp.Or(r.Scheme.Value, "the same scheme") + "://" + cmp.Or(r.Host.Value, "the same host")
		if r.Port.Given() {
			s += fmt.Sprintf(":%d", r.Port.Value)
		}
	}
	return s + r.Path.Value
}

// words joins the conditions, those inside of others in brackets.
func (w When) words() string {
	var parts []string
	if len(w.Methods) > 0 {
		parts = append(parts, "method "+strings.Join(Values(w.Methods), " or "))
	}
	for _, kind := range []struct {
		name   string
		values map[string]At[Match]
	}{{"header", w.Headers}, {"cookie", w.Cookies}, {"query", w.Query}} {
		for _, name := range slices.Sorted(maps.Keys(kind.values)) {
			parts = append(parts, kind.name+" "+name+kind.values[name].Value.words())
		}
	}
	for _, inner := range w.All {
		parts = append(parts, inner.words())
	}
	if len(w.Any) > 0 {
		var some []string
		for _, inner := range w.Any {
			one := inner.words()
			if inner.Count() > 1 {
				one = "(" + one + ")"
			}
			some = append(some, one)
		}
		parts = append(parts, "("+strings.Join(some, " or ")+")")
	}
	if w.Not != nil {
		parts = append(parts, "not ("+w.Not.words()+")")
	}
	return strings.Join(parts, " and ")
}

// words is what stands behind a name: its value, or nothing where any will do.
func (m Match) words() string {
	switch m.Kind {
	case Present:
		return ""
	case Like:
		return " " + m.String()
	}
	return "=" + word(m.Text)
}

// summary says where the stream listens and who answers.
func (s *Stream) summary() string {
	return s.Listen.Value.String() + " -> pool " + s.Pool.Value
}
