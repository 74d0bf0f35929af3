package route

import (
	"fmt"
	"maps"
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
func (c *checker) when(w When) {
	if c.gaps.objects[w.Pos] {
		return
	}
	given := w.Count() > 0 || w.Methods != nil || w.All != nil || w.Any != nil || w.Not != nil
	if w.Pos.Line > 0 && !given {
		c.problem(w.Pos, "there is no condition here", "add one, like methods: [GET] or headers: {X-Canary: \"yes\"}, or leave it out")
	}
	for _, inner := range slices.Concat(w.All, w.Any) {
		c.when(inner)
	}
	if w.Not != nil {
		c.when(*w.Not)
	}
}
