package generator_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/wharfinger/wharfinger/generator"
	"github.com/wharfinger/wharfinger/golden"
	"github.com/wharfinger/wharfinger/route"
)

// TestBadInputWarned holds what people are warned of. An example below
// examples/odd is a route repository that is legal; its golden file is what
// `wharfinger check` prints for it.
func TestBadInputWarned(t *testing.T) {
	var want []string
	for _, name := range golden.Examples(t, "odd", "") {
		want = append(want, "odd/"+name)
		t.Run(name, func(t *testing.T) {
			desired, problems := route.Parse(golden.Revision(t, "odd/"+name))
			if problems != nil {
				t.Fatal(problems)
			}
			var lines strings.Builder
			for _, w := range generator.Warnings(desired) {
				fmt.Fprintf(&lines, "warning: %s\n", w)
			}
			golden.Assert(t, "odd/"+name, []byte(lines.String()))
		})
	}
	if got := golden.Names(t, "odd"); !slices.Equal(got, want) {
		t.Errorf("golden files and examples differ:\ngot  %s\nwant %s", strings.Join(got, " "), strings.Join(want, " "))
	}
}

// TestExamplesAreNotOdd holds that what people copy warns of nothing.
func TestExamplesAreNotOdd(t *testing.T) {
	for _, example := range golden.Examples(t, "", "live.json") {
		desired, problems := route.Parse(golden.Revision(t, example), route.Snippets)
		if problems != nil {
			t.Fatal(problems)
		}
		if warnings := generator.Warnings(desired); warnings != nil {
			t.Errorf("examples/%s:\n%v", example, warnings)
		}
	}
}

// contender is a route with one path on the host that all of them want.
type contender struct {
	name, path, when string
	priority         int
	methods          []string
	header           string
}

// request is one that a client may make there.
type request struct{ path, method, header string }

func (c contender) fits(r request) bool {
	path := false
	switch mark, text, _ := strings.Cut(c.path, " "); mark {
	case "=":
		path = r.path == text
	case "~":
		path = regexp.MustCompile(text).MatchString(r.path)
	case "~*":
		path = regexp.MustCompile("(?i)" + text).MatchString(r.path)
	default:
		path = c.path == "/" || r.path == c.path || strings.HasPrefix(r.path, c.path+"/")
	}
	return path && (c.methods == nil || slices.Contains(c.methods, r.method)) &&
		c.team(r.header)
}

func (c contender) team(value string) bool {
	switch c.header {
	case "":
		return true
	case "*":
		return value != ""
	case "~^r*":
		return true
	case "~^r":
		return strings.HasPrefix(value, "r")
	}
	return c.header == value
}

// order is what docs/format.md says of who answers first.
func order(a, b contender) int {
	kind := func(c contender) int { return strings.Index("~=", c.path[:1]) }
	text := func(c contender) string { return c.path[strings.Index(c.path, " ")+1:] }
	conditions := func(c contender) int { return strings.Count(c.when, ":") }
	return cmp.Or(b.priority-a.priority, kind(b)-kind(a), len(text(b))-len(text(a)), conditions(b)-conditions(a), strings.Compare(a.name, b.name))
}

// TestShadowedNeverAnswer makes hosts at random and tries every request that tells
// their routes apart: a route that is said to be never reached answers none of
// them, and without regular expressions a route that answers none is said to be.
func TestShadowedNeverAnswer(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	plain := []string{"/", "/a", "/a/b", "/a/b/c", "/b", "= /a", "= /a/b", "= /a/", "= /"}
	regexes := []string{"~ ^/a/", "~ ^/a", "~ ^/a/.*$", "~ ^/a$", "~ b", "~* ^/A/", "~ ^/a/b/?$", "~ ^/(a|b)/", "~ /", "~ ^/a/b|/a/c"}
	var requests []request
	for _, path := range []string{"/", "/a", "/A/", "/a/", "/a/x", "/a/b", "/a/b/", "/a/b/x", "/a/b/c", "/a/b/c/x", "/b", "/b/", "/b/x", "/ax", "/c", "/b/a/c", "/xb"} {
		for _, method := range []string{"GET", "HEAD", "DELETE"} {
			for _, header := range []string{"", "red", "blue", "rot"} {
				requests = append(requests, request{path, method, header})
			}
		}
	}
	claims, silent := 0, 0
	for round := range 600 {
		paths, headers := plain, []string{"", "", "", "*", "red", "~^r"}
		if round%2 == 0 {
			paths, headers = append(slices.Clone(plain), regexes...), append(headers, "~^r*")
		}
		var all []contender
		taken := map[string]bool{}
		for i := range 2 + random.IntN(6) {
			c := contender{name: fmt.Sprintf("r%d", i), path: paths[random.IntN(len(paths))], priority: random.IntN(3) / 2}
			c.methods = [][]string{nil, nil, {"GET"}, {"GET", "HEAD"}}[random.IntN(4)]
			c.header = headers[random.IntN(len(headers))]
			if c.methods != nil {
				c.when = fmt.Sprintf("methods: [%s]", strings.Join(c.methods, ", "))
			}
			if c.header != "" {
				c.when = strings.TrimPrefix(c.when+fmt.Sprintf(", headers: {X-Team: %q}", c.header), ", ")
			}
			if place := fmt.Sprint(c.path, c.when, c.priority); !taken[place] {
				all, taken[place] = append(all, c), true
			}
		}
		slices.SortFunc(all, order)
		answers := map[string]bool{}
		for _, r := range requests {
			if i := slices.IndexFunc(all, func(c contender) bool { return c.fits(r) }); i >= 0 {
				answers[all[i].name] = true
			}
		}
		text := "proxies: {edge: {image: \"nginx:1.30\"}}\npools: {a: {service: a, port: 80}}\nroutes:\n"
		for _, c := range all {
			text += fmt.Sprintf("  %s: {hosts: [a.local], pool: a, paths: [%q], priority: %d", c.name, c.path, c.priority)
			if c.when != "" {
				text += ", when: {" + c.when + "}"
			}
			text += "}\n"
		}
		desired, problems := parse([]byte(text))
		if problems != nil {
			t.Fatalf("%v\n%s", problems, text)
		}
		told := generator.Warnings(desired).Error()
		for _, c := range all {
			claimed := strings.Contains(told, "route "+c.name+" is never reached")
			switch {
			case claimed && answers[c.name]:
				t.Errorf("route %s answers, but is said not to:\n%s%s", c.name, text, told)
			case !claimed && !answers[c.name] && round%2 == 1:
				t.Errorf("route %s never answers, and nobody says so:\n%s%s", c.name, text, told)
			case claimed:
				claims++
			case !answers[c.name]:
				silent++
			}
		}
	}
	if claims < 200 {
		t.Errorf("%d routes were never reached: does the test still make some?", claims)
	}
	t.Logf("%d routes said to be never reached, %d more that no request found", claims, silent)
}
