package generator_test

import (
	"maps"
	"math/rand/v2"
	"reflect"
	"regexp"
	"slices"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/wharfinger/wharfinger/route"
	"github.com/wharfinger/wharfinger/route/editor"
)

// ofRoutes are problems of routes, which are told of their proxy's defaults if those
// say it. The schema of defaults does not know of them: they may be for nobody.
var ofRoutes = regexp.MustCompile("rewrite|^regex and to belong together|^who is sent to sign in")

// TestSchemaOfFieldsTogether puts fields together at random, good and bad values in
// them, and holds the schema to what the parser says of what they have to do with
// each other.
func TestSchemaOfFieldsTogether(t *testing.T) {
	const tries = 1500 // for each kind of thing
	taken, refused := 0, 0
	for _, kind := range []struct {
		section string
		typ     reflect.Type
	}{
		{"proxies", reflect.TypeFor[route.Proxy]()}, {"pools", reflect.TypeFor[route.Pool]()}, {"routes", reflect.TypeFor[route.Route]()},
		{"streams", reflect.TypeFor[route.Stream]()}, {"policies", reflect.TypeFor[route.Policy]()},
	} {
		all := fieldsOfType(kind.typ, "")
		random := rand.New(rand.NewPCG(3, uint64(len(all))))
		for range tries {
			few := random.IntN(len(all)) // of them are there
			without := slices.DeleteFunc(slices.Clone(all), func(string) bool { return random.IntN(len(all)) < few })
			f := filler{t: t}
			tree := plainTree()
			thing := f.object(kind.typ, kind.section+".demo", without)
			if random.IntN(4) > 0 { // with what such a thing needs
				for key, value := range plain[kind.section] {
					if _, ok := thing[key]; !ok {
						thing[key] = value
					}
				}
			}
			tree[kind.section] = map[string]any{"demo": varied(thing, random)}
			data, err := yaml.Marshal(tree)
			if err != nil {
				t.Fatal(err)
			}
			rev := route.Revision{Files: []route.File{{Path: "a.yaml", Data: data}}}
			_, problems := route.Parse(rev, route.Snippets)
			marks, err := editor.Look(data)
			if err != nil {
				t.Fatal(err)
			}
			if problems == nil {
				taken++
				for _, m := range marks {
					t.Errorf("the schema refuses what the parser takes: %s, in\n%s", m, data)
				}
				continue
			}
			if len(marks) > 0 { // if at another of two fields that exclude each other
				refused++
				continue
			}
			for _, p := range problems {
				inherited := kind.section == "proxies" && ofRoutes.MatchString(p.Text)
				if editor.Beyond(p) == nil && !inherited {
					t.Errorf("the schema takes it, but the parser says %s, in\n%s", p, data)
				}
			}
			if t.Failed() {
				return
			}
		}
	}
	t.Logf("both take %d, and both refuse %d", taken, refused)
}

// fieldsOfType lists the fields of a type, and those inside of them with dots.
func fieldsOfType(typ reflect.Type, prefix string) []string {
	var out []string
	for _, f := range reflect.VisibleFields(typ) {
		name := f.Tag.Get("yaml")
		if name == "" {
			continue
		}
		out = append(out, prefix+name)
		inner := f.Type
		for inner.Kind() == reflect.Slice || inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		if inner.Kind() == reflect.Struct && f.Tag.Get("is") == "" && inner != typ {
			out = append(out, fieldsOfType(inner, prefix+name+".")...)
		}
	}
	return out
}

// varied is a tree with some of its values changed.
func varied(tree any, random *rand.Rand) any {
	others := []any{true, false, 0, 1, 204, 404, 413, 499, "demo", "*", "~ ^/x", "/x$1", "/a%20b", "53/udp", "Host", "nginx:latest", "nginx:1.20", "off", []any{}, map[string]any{}}
	if random.IntN(60) == 0 {
		return others[random.IntN(len(others))]
	}
	switch tree := tree.(type) {
	case bool:
		return tree != (random.IntN(3) == 0)
	case []any:
		out := make([]any, len(tree))
		for i, item := range tree {
			out[i] = varied(item, random)
		}
		return out
	case map[string]any:
		out := map[string]any{}
		for _, key := range slices.Sorted(maps.Keys(tree)) {
			out[key] = varied(tree[key], random)
		}
		return out
	}
	return tree
}
