package generator

import (
	"regexp"
	"slices"
	"strings"

	"github.com/wharfinger/wharfinger/route"
)

// enough earlier candidates are compared with one: where more of them share a
// place by their conditions, nobody looks further.
const enough = 500

// shadowed finds which candidates of a host never answer: for each of them, by its
// place in the order, the route that does instead. One of them is alive if in some
// location it is tried for a request that no earlier one there surely takes.
func (o order) shadowed() map[int]*route.Route {
	candidates, all := o.candidates, locations(o.candidates)
	matchers := make([]matcher, len(candidates))
	for i, c := range candidates {
		matchers[i] = matcherOf(c.path)
		for prefix := range prefixes(matchers[i].start) {
			if (prefix == "/" || o.prefixes[prefix] != nil) && strings.HasPrefix(matchers[i].start, beginning(prefix)) {
				matchers[i].home = prefix
			}
		}
	}
	alive, takers := make([]bool, len(candidates)), map[int]*route.Route{}
	for _, l := range all {
		here := o.at(l)
		takes := make([]*bool, len(here))
		takesAll := func(n int) bool {
			if takes[n] == nil {
				yes := matchers[here[n]].takes(l)
				takes[n] = &yes
			}
			return *takes[n]
		}
		var last *route.Route // nobody behind it is tried
		for n, i := range here {
			c := candidates[i]
			if !alive[i] && matchers[i].reaches(l) {
				taker := last
				for k := 0; taker == nil && k < min(n, enough); k++ {
					if e := candidates[here[k]]; c.route.When.Implies(e.route.When) && (e.path == c.path || takesAll(k)) {
						taker = e.route
					}
				}
				if alive[i] = taker == nil; !alive[i] && takers[i] == nil {
					takers[i] = taker
				}
			}
			if last == nil && c.route.When.Empty() && takesAll(n) {
				last = c.route
			}
		}
	}
	for i := range candidates {
		if alive[i] {
			delete(takers, i)
		}
	}
	return takers
}

// first is the candidate that comes first for a path, whatever its conditions.
func (o order) first(path string) (candidate, bool) {
	l := Location{Path: path, Exact: true}
	for _, i := range o.at(l) {
		if c := o.candidates[i]; matcherOf(c.path).takes(l) {
			return c, true
		}
	}
	return candidate{}, false
}

// matcher tells what a path does in a location that it covers. For all but regular
// expressions that is everything.
type matcher struct {
	regex *regexp.Regexp
	// start begins every path that the expression matches. home is the longest
	// location that has them all.
	start, home string
	// open says that what comes behind a match makes no difference.
	open bool
}

func matcherOf(p route.Path) matcher {
	if p.Kind != route.Regex {
		return matcher{}
	}
	m := matcher{regex: regexp.MustCompile(cased(p.Text, p.AnyCase))} // it was checked
	if behind, ok := strings.CutPrefix(p.Text, "^"); ok && !p.AnyCase && !strings.Contains(behind, "|") {
		if re, err := regexp.Compile(behind); err == nil {
			m.start, _ = re.LiteralPrefix()
		}
	}
	text := p.Text
	if short := strings.TrimSuffix(text, ".*$"); !strings.HasSuffix(short, `\`) { // paths have no line ends
		text = short
	}
	m.open = !slices.ContainsFunc([]string{"$", `\z`, `\b`, `\B`}, func(end string) bool { return strings.Contains(text, end) })
	return m
}

// reaches reports whether some path of a location can match.
func (m matcher) reaches(l Location) bool {
	switch {
	case m.regex == nil:
		return true
	case l.Exact:
		return m.regex.MatchString(l.Path)
	}
	return m.start == "" || l.Path == m.home || strings.HasPrefix(beginning(l.Path), m.start)
}

// takes reports whether every path of a location matches.
func (m matcher) takes(l Location) bool {
	switch {
	case m.regex == nil:
		return true
	case l.Exact:
		return m.regex.MatchString(l.Path)
	}
	return m.open && (m.start == "" || strings.HasPrefix(beginning(l.Path), m.start)) && m.regex.MatchString(beginning(l.Path))
}

// beginning is what every path below a prefix begins with.
func beginning(prefix string) string { return strings.TrimSuffix(prefix, "/") + "/" }
