package wharfinger

import (
	"maps"
	"os"
	"regexp"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/wharfinger/wharfinger/generator"
	"github.com/wharfinger/wharfinger/route"
)

var (
	tableRow = regexp.MustCompile(`(?m)^\|(.*)\|$`)
	codeSpan = regexp.MustCompile("`([^`]+)`")
)

// places is where a piece of docs/coming-from.md can stand, by the third column's
// "Of a …": the section, and what a thing of it may have otherwise.
var places = map[string]struct {
	section string
	rests   []map[string]any
}{
	"route": {"routes", []map[string]any{
		{"hosts": []string{"shop.example.org"}, "pool": "shop"},
		{"hosts": []string{"shop.example.org"}, "pool": "shop", "tls": map[string]string{"cert": "shop.cert", "key": "shop.key"}},
		{"hosts": []string{"shop.example.org"}},
	}},
	"pool":   {"pools", []map[string]any{shop, {}}},
	"proxy":  {"proxies", []map[string]any{edge}},
	"stream": {"streams", []map[string]any{{"listen": 5432, "pool": "shop"}}},
}

var (
	shop    = map[string]any{"service": "shop", "port": 8080}
	edge    = map[string]any{"image": "nginx:1.30", "network": "published"} // for overlays
	ofThing = regexp.MustCompile(`^ Of a (route|pool|proxy|stream)\b`)
)

// TestComingFromIsRead holds that what the tables say is what the format has.
func TestComingFromIsRead(t *testing.T) {
	text, err := os.ReadFile("docs/coming-from.md")
	if err != nil {
		t.Fatal(err)
	}
	read := 0
	for _, row := range tableRow.FindAllStringSubmatch(string(text), -1) {
		cells := strings.Split(strings.ReplaceAll(row[1], `\|`, "or"), "|")
		if len(cells) != 3 {
			t.Errorf("%d cells, want 3: %s", len(cells), row[0])
			continue
		}
		of := "route"
		if m := ofThing.FindStringSubmatch(cells[2]); m != nil {
			of = m[1]
		}
		for _, span := range codeSpan.FindAllStringSubmatch(cells[1], -1) {
			read++
			if problems := refused(t, of, span[1]); problems != nil {
				t.Errorf("docs/coming-from.md: of a %s, %s is refused, because\n%v", of, span[1], problems)
			}
		}
	}
	if read < 100 {
		t.Errorf("read %d pieces, want at least 100: is the pattern right?", read)
	}
}

// refused puts a piece into a thing, and renders what it gives. It answers nil
// where the thing takes the piece with one of the rests, or else the problems with
// the first.
func refused(t *testing.T, of, piece string) route.Problems {
	t.Helper()
	var fields map[string]any
	if err := yaml.Unmarshal([]byte("{"+piece+"}"), &fields); err != nil {
		t.Errorf("%s: %v", piece, err)
		return nil
	}
	var first route.Problems
	for _, rest := range places[of].rests {
		thing := maps.Clone(rest)
		maps.Copy(thing, fields)
		tree := map[string]map[string]any{
			"proxies":  {"edge": edge},
			"pools":    {"shop": shop, "shop-next": shop},
			"policies": {"secure": map[string]any{"hsts": true}},
			"routes":   {"rest": map[string]any{"hosts": []string{"rest.example.org"}, "pool": "shop"}},
			"streams":  {},
		}
		name := "own"
		if of == "proxy" {
			name = "edge"
		}
		tree[places[of].section][name] = thing
		if of == "pool" { // one that nobody leads to is not rendered
			tree["routes"]["own"] = map[string]any{"hosts": []string{"own.example.org"}, "pool": "own"}
		}
		data, err := yaml.Marshal(tree)
		if err != nil {
			t.Fatal(err)
		}
		desired, problems := route.Parse(route.Revision{Files: []route.File{{Path: "a.yaml", Data: data}}})
		if problems == nil {
			unmarked(t, "docs/coming-from.md", string(data))
			rendered(t, desired)
			return nil
		}
		if first == nil {
			first = problems
		}
	}
	return first
}

// rendered holds that the proxies of a repository can be written.
func rendered(t *testing.T, desired *route.Desired) {
	t.Helper()
	model, _ := generator.Build(desired, &generator.Live{})
	if len(model.Proxies) == 0 {
		t.Error("a repository without proxies")
	}
	for _, p := range model.Proxies {
		if _, err := generator.Render(p); err != nil {
			t.Errorf("%s is not rendered: %v", p.Name, err)
		}
	}
}
