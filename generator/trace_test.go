package generator_test

import (
	"strings"
	"testing"

	"github.com/wharfinger/wharfinger/generator"
	"github.com/wharfinger/wharfinger/golden"
	"github.com/wharfinger/wharfinger/route"
)

// TestEveryLineIsTraced complains about every line that the examples become. Each
// leads somewhere in the repository, and one that names its route to that route.
func TestEveryLineIsTraced(t *testing.T) {
	lines, named := 0, 0
	for _, example := range golden.Examples(t, "", "live.json") {
		desired, problems := route.Parse(golden.Revision(t, example), route.Snippets)
		if problems != nil {
			t.Fatal(problems)
		}
		model, _ := build(t, example)
		for _, p := range model.Proxies {
			files, _ := render(t, p)
			for _, f := range files.All {
				for i, line := range strings.Split(strings.TrimSuffix(string(f.Data), "\n"), "\n") {
					lines++
					got := generator.Trace(desired, p.Name, files.All, []generator.Complaint{{Path: f.Path, Line: i + 1, Text: "hm"}})
					if len(got) != 1 || got[0].Text == "" || got[0].Object != "" || got[0].Pos.Line == 0 {
						t.Errorf("%s/%s:%d, %s: got %v", example, f.Path, i+1, line, got)
						continue
					}
					name, ok := strings.CutPrefix(strings.TrimSpace(line), `set $route "`)
					if r := desired.Routes[strings.TrimSuffix(name, `";`)]; ok && r != nil {
						if named++; got[0].Pos != r.Pos {
							t.Errorf("%s/%s:%d, %s: got %v, want the route at %s", example, f.Path, i+1, line, got, r.Pos)
						}
					}
				}
			}
		}
	}
	if lines < 5000 || named < 100 {
		t.Errorf("looked at %d lines, %d of them with a route: too few to mean anything", lines, named)
	}
	t.Logf("%d lines, %d of them with a route", lines, named)
}

// TestTracedWithoutPlace tries complaints that name no place, or one that nobody
// knows.
func TestTracedWithoutPlace(t *testing.T) {
	desired, problems := route.Parse(route.Revision{Files: []route.File{{Path: "a.yaml", Data: []byte(`proxies: {edge: {image: "nginx:1.30", constraints: [node.role == worker]}, far: {image: "nginx:1.30", constraints: [node.role == manager]}}
pools: {shop: {servers: ["192.0.2.1:80"]}, other: {servers: ["192.0.2.1:80"]}}
routes:
  one: {proxy: edge, hosts: [a.example], pool: shop, tls: {cert: a.cert, key: a.key}}
  two: {proxy: far, hosts: [b.example], pool: other, tls: {cert: b.cert, key: b.key}}
`)}}})
	if problems != nil {
		t.Fatal(problems)
	}
	for _, c := range []struct {
		proxy string
		about generator.Complaint
		want  string
	}{
		{"edge", generator.Complaint{Text: "hm"}, "a.yaml:1:11: hm"},
		{"far", generator.Complaint{Text: "hm", Hint: "mend it"}, "a.yaml:1:76: hm (mend it)"},
		{"edge", generator.Complaint{Path: "routes/nowhere.conf", Line: 7, Text: "hm"}, "a.yaml:1:11: hm"},
		{"edge", generator.Complaint{Text: `cannot load certificate "/run/secrets/a.cert"`}, `a.yaml:4:66: cannot load certificate "/run/secrets/a.cert"`},
		{"edge", generator.Complaint{Text: `cannot load certificate "/run/secrets/b.cert"`}, `a.yaml:1:11: cannot load certificate "/run/secrets/b.cert"`}, // another proxy's
		{"far", generator.Complaint{Text: `no memory in upstream zone "other"`}, `a.yaml:2:44: no memory in upstream zone "other"`},
		{"gone", generator.Complaint{Text: "hm"}, "proxy gone: hm"},
	} {
		if got := generator.Trace(desired, c.proxy, nil, []generator.Complaint{c.about}); len(got) != 1 || got[0].String() != c.want {
			t.Errorf("%s, %+v: got %v\nwant %s", c.proxy, c.about, got, c.want)
		}
	}
}
