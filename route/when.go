package route

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Count is how many single conditions there are; the more, the closer a route
// is looked at before others.
func (w When) Count() int {
	n := len(w.Headers) + len(w.Cookies) + len(w.Query)
	if len(w.Methods) > 0 {
		n++
	}
	for _, inner := range slices.Concat(w.All, w.Any) {
		n += inner.Count()
	}
	if w.Not != nil {
		n += w.Not.Count()
	}
	return n
}

// Implies reports whether v surely holds wherever w does. It is false, too, where
// nobody can tell.
func (w When) Implies(v When) bool {
	has := Values(w.Methods)
	if len(v.Methods) > 0 && (len(has) == 0 || slices.ContainsFunc(has, func(method string) bool { return !slices.Contains(Values(v.Methods), method) })) {
		return false
	}
	for _, values := range []struct{ has, wants map[string]At[Match] }{{w.Headers, v.Headers}, {w.Cookies, v.Cookies}, {w.Query, v.Query}} {
		for name, want := range values.wants {
			if has, ok := values.has[name]; !ok || !has.Value.implies(want.Value) {
				return false
			}
		}
	}
	for _, inner := range v.All {
		if !w.Implies(inner) && !slices.ContainsFunc(w.All, inner.same) {
			return false
		}
	}
	if len(v.Any) > 0 && !slices.ContainsFunc(v.Any, w.Implies) && !(When{Any: v.Any}).same(When{Any: w.Any}) {
		return false
	}
	return v.Not == nil || w.Not != nil && v.Not.same(*w.Not)
}

func (w When) same(v When) bool { return w.form() == v.form() }

// implies reports whether every value that is m surely is want, too.
func (m Match) implies(want Match) bool {
	switch {
	case m == want:
		return true
	case m.Kind == Equal && want.Kind == Like:
		return like(want, m.Text)
	case want.Kind == Present:
		return m.Kind == Equal || !like(m, "") // an empty text is nothing that people can write
	}
	return m.Kind == Like && want.Kind == Like && m.Text == want.Text && want.AnyCase
}

// like reports whether a text matches a regular expression.
func like(m Match, text string) bool {
	regex := m.Text
	if m.AnyCase {
		regex = "(?i)" + regex
	}
	found, err := regexp.MatchString(regex, text)
	return err == nil && found
}

// form is the same text for the same conditions, wherever they are written.
func (w When) form() string {
	var b strings.Builder
	methods := Values(w.Methods)
	slices.Sort(methods)
	fmt.Fprint(&b, methods)
	for _, values := range []map[string]At[Match]{w.Headers, w.Cookies, w.Query} {
		for _, name := range slices.Sorted(maps.Keys(values)) {
			m := values[name].Value
			fmt.Fprintf(&b, " %q:%d%q%t", name, m.Kind, m.Text, m.AnyCase)
		}
		b.WriteString(";")
	}
	for _, inners := range [][]When{w.All, w.Any} {
		for _, inner := range inners {
			b.WriteString("(" + inner.form() + ")")
		}
		b.WriteString(";")
	}
	if w.Not != nil {
		b.WriteString("!" + w.Not.form())
	}
	return b.String()
}

// lostIn reports whether something of the conditions was refused.
func (g gaps) lostIn(w When) bool {
	if g.objects[w.Pos] || slices.ContainsFunc(w.Methods, func(m At[string]) bool { return m.Value == "" }) {
		return true
	}
	for _, values := range []map[string]At[Match]{w.Headers, w.Cookies, w.Query} {
		if _, ok := values[lost]; ok {
			return true
		}
	}
	if slices.ContainsFunc(slices.Concat(w.All, w.Any), func(w When) bool { return w.Empty() || g.lostIn(w) }) {
		return true
	}
	return w.Not != nil && g.lostIn(*w.Not)
}

// when looks at conditions and those inside of them.
// mostMethods is more than there are (IANA's registry has 40), and still one word of
// nginx.
const mostMethods = 100

func (c *checker) when(w When) {
	if c.gaps.objects[w.Pos] {
		return
	}
	given := w.Count() > 0 || w.Methods != nil || w.All != nil || w.Any != nil || w.Not != nil
	if w.Pos.Line > 0 && !given {
		c.problem(w.Pos, "there is no condition here", "add one, like methods: [GET] or headers: {X-Canary: \"yes\"}, or leave it out")
	}
	if len(w.Methods) > mostMethods {
		c.problem(w.Methods[mostMethods].Pos, "these are too many methods", fmt.Sprintf("name %d at most, or say with not which ones are not meant", mostMethods))
	}
	for _, inner := range slices.Concat(w.All, w.Any) {
		c.when(inner)
	}
	if w.Not != nil {
		c.when(*w.Not)
	}
}
