package wharfinger

import (
	"maps"
	"os"
	"regexp"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/wharfinger/wharfinger/route"
)

var (
	tableRow = regexp.MustCompile(`(?m)^\|(.*)\|$`)
	codeSpan = regexp.MustCompile("`([^`]+)`")
)

// things is where a piece of docs/coming-from.md can stand: each section with
// what a thing of it has otherwise.
var things = []struct {
	section string
	thing   map[string]any
}{
	{"routes", map[string]any{"hosts": []string{"shop.example.org"}, "pool": "shop"}},
	{"routes", map[string]any{"hosts": []string{"shop.example.org"}, "pool": "shop", "tls": map[string]string{"cert": "shop.cert", "key": "shop.key"}}},
	{"routes", map[string]any{"hosts": []string{"shop.example.org"}}},
	{"pools", map[string]any{"service": "shop", "port": 8080}},
	{"pools", map[string]any{}},
	{"proxies", map[string]any{"image": "nginx:1.30"}},
	{"streams", map[string]any{"listen": 5432, "pool": "shop"}},
}

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
		for _, span := range codeSpan.FindAllStringSubmatch(cells[1], -1) {
			read++
			if problems := refused(t, span[1]); problems != nil {
				t.Errorf("docs/coming-from.md: %s is refused everywhere, in a route because\n%v", span[1], problems)
			}
		}
	}
	if read < 100 {
		t.Errorf("read %d pieces, want at least 100: is the pattern right?", read)
	}
}

// refused puts a piece wherever it may stand. It answers nil where one of the
// places takes it, or else the first one's problems.
func refused(t *testing.T, piece string) route.Problems {
	t.Helper()
	var fields map[string]any
	if err := yaml.Unmarshal([]byte("{"+piece+"}"), &fields); err != nil {
		t.Errorf("%s: %v", piece, err)
		return nil
	}
	var first route.Problems
	for _, place := range things {
		thing := maps.Clone(place.thing)
		maps.Copy(thing, fields)
		tree := map[string]any{
			"proxies":  map[string]any{"edge": things[5].thing},
			"pools":    map[string]any{"shop": things[3].thing, "shop-next": things[3].thing},
			"policies": map[string]any{"secure": map[string]any{"hsts": true}},
			"routes":   map[string]any{"rest": map[string]any{"hosts": []string{"rest.example.org"}, "pool": "shop"}},
		}
		section, ok := tree[place.section].(map[string]any)
		if !ok {
			section = map[string]any{}
			tree[place.section] = section
		}
		name := "own"
		if place.section == "proxies" {
			name = "edge"
		}
		section[name] = thing
		data, err := yaml.Marshal(tree)
		if err != nil {
			t.Fatal(err)
		}
		_, problems := route.Parse(route.Revision{Files: []route.File{{Path: "a.yaml", Data: data}}})
		if problems == nil {
			return nil
		}
		if first == nil {
			first = problems
		}
	}
	return first
}
