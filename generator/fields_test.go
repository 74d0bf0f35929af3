package generator_test

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/wharfinger/wharfinger/route"
)

// leaf is a place in a repository where a value stands.
type leaf struct {
	name, is string
	harmless any
	// whole is a repository with every field that goes with this one. small has as
	// little besides it as the harmless value can do with.
	whole, small around
}

// around is a repository in YAML, with mark where a value goes.
type around string

// mark is so long that YAML gives a key that is one a line of its own, as the
// longest of the hostile values need it.
var mark = strings.Repeat("mark", 50)

// aroundOf writes a tree with mark in it as a repository.
func aroundOf(t *testing.T, tree map[string]any) around {
	t.Helper()
	text, err := yaml.Marshal(tree)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), mark) {
		t.Fatalf("there is no place for a value in\n%s", text)
	}
	return around(text)
}

// with is the repository with a value in its place. Go's quotes are YAML's, too.
func (a around) with(value any) []byte {
	text := fmt.Sprint(value)
	if s, ok := value.(string); ok {
		text = strconv.QuoteToASCII(s)
	}
	return []byte(strings.ReplaceAll(string(a), mark, text))
}

// leaves finds the fields by reflection over route.Desired: its maps are the
// sections, their types' yaml: and is: tags the fields. The names of things
// are leaves too.
func leaves(t *testing.T) []leaf {
	t.Helper()
	var out []leaf
	desired := reflect.TypeFor[route.Desired]()
	sections := map[string]reflect.Type{}
	for i := range desired.NumField() {
		if f := desired.Field(i); f.Type.Kind() == reflect.Map {
			sections[strings.ToLower(f.Name)] = f.Type.Elem().Elem()
		}
	}
	for _, section := range slices.Sorted(maps.Keys(sections)) {
		if section == "policies" {
			sections[section] = reflect.TypeFor[struct{}]() // its fields are those of routes
		}
		typ := sections[section]
		tried := map[string]bool{} // in an earlier variant
		variants := apart[typ.Name()]
		if variants == nil {
			variants = [][]string{nil}
		}
		for _, without := range variants {
			all := filler{t: t}
			all.object(typ, section+".demo", without)
			for _, p := range all.places {
				if tried[p.name] {
					continue
				}
				tried[p.name] = true
				out = append(out, leafAt(t, p, section, typ, without))
			}
		}
		named := aroundOf(t, renamed(plainTree(), section, mark))
		out = append(out, leaf{"the name of " + section, "name", "demo", named, named})
	}
	if len(out) < 20 {
		t.Fatalf("found %d fields; does the test still understand the format?", len(out))
	}
	return out
}

// leafAt makes the repositories for one place. The small one has the way to the
// place alone or, where that will not do, all of the option that it belongs to.
func leafAt(t *testing.T, p place, section string, typ reflect.Type, without []string) leaf {
	t.Helper()
	within := func(only string) map[string]any {
		f := filler{t: t, at: p.name, only: only}
		thing := f.object(typ, section+".demo", without)
		if only != "" {
			for key, value := range plain[section] {
				if _, ok := thing[key]; !ok && !slices.Contains(without, key) {
					thing[key] = value
				}
			}
		}
		tree := plainTree()
		tree[section] = map[string]any{"demo": thing}
		if thing["hash"] != nil || thing["sticky"] != nil {
			delete(tree, "streams") // which take less from a pool
		}
		if section == "streams" && slices.Contains(without, "tls") {
			thing["listen"] = "53/udp"
		}
		return tree
	}
	whole := within("")
	l := leaf{p.name, p.is, p.harmless, aroundOf(t, whole), ""}
	suffices := func(tree map[string]any) bool {
		l.small = aroundOf(t, tree)
		_, problems := parse(l.small.with(l.harmless))
		return problems == nil
	}
	option := strings.Join(strings.SplitN(p.name, ".", 4)[:3], ".")
	small := whole
	for _, only := range []string{p.name, option} {
		if tree := within(only); suffices(tree) {
			small = tree
			break
		}
	}
	for _, other := range slices.Sorted(maps.Keys(plain)) {
		less := maps.Clone(small)
		if delete(less, other); other != section && suffices(less) {
			small = less
		}
	}
	l.small = aroundOf(t, small)
	return l
}

// filler makes YAML trees from types.
type filler struct {
	t      *testing.T
	at     string // the name of the place that gets mark
	only   string // the name of the only thing that is filled, or "" for all
	places []place
}

// place is where a value stands.
type place struct {
	name, is string
	harmless any
}

// fills reports whether the thing of that name is filled, or leads to what is.
func (f *filler) fills(name string) bool {
	below := func(a, b string) bool { // whether a is b or in it
		rest, ok := strings.CutPrefix(a, b)
		return ok && (rest == "" || strings.IndexByte(".[ ", rest[0]) >= 0)
	}
	return f.only == "" || below(name, f.only) || below(f.only, name)
}

func (f *filler) object(typ reflect.Type, name string, without []string) map[string]any {
	out := map[string]any{}
	for _, field := range reflect.VisibleFields(typ) {
		key := field.Tag.Get("yaml")
		if key == "" || slices.Contains(without, key) || !f.fills(name+"."+key) {
			continue
		}
		var inside []string
		for _, path := range without {
			if rest, ok := strings.CutPrefix(path, key+"."); ok {
				inside = append(inside, rest)
			}
		}
		if value := f.any(field.Type, field.Tag, name+"."+key, inside); value != nil {
			out[key] = value
		}
	}
	return out
}

func (f *filler) any(typ reflect.Type, tag reflect.StructTag, name string, without []string) any {
	is := tag.Get("is")
	switch {
	case typ.Kind() == reflect.Pointer:
		typ = typ.Elem()
	case typ.Kind() == reflect.Slice:
		item := f.any(typ.Elem(), tag, name+"[]", without)
		if item == nil {
			return nil
		}
		return []any{item}
	case typ.Kind() == reflect.Map && tag.Get("key") != "":
		key := f.scalar(tag.Get("key"), name+" key")
		return map[string]any{fmt.Sprint(key): f.scalar(is, name+".demo")}
	case typ.Kind() == reflect.Map:
		return map[string]any{"demo": f.any(typ.Elem(), tag, name+".demo", without)}
	}
	if typ.Kind() == reflect.Struct && is == "" {
		if typ == reflect.TypeFor[route.When]() && strings.Contains(name, "when.") {
			return nil // conditions hold conditions, without end; they are read alike
		}
		return f.object(typ, name, without)
	}
	return f.scalar(is, name)
}

func (f *filler) scalar(is, name string) any {
	value, ok := harmless[is]
	if !ok {
		f.t.Fatalf("%s: the grammar %q has no harmless value in this test", name, is)
	}
	if own, ok := special[name]; ok {
		value = own
	}
	f.places = append(f.places, place{name, is, value})
	if name == f.at {
		return mark
	}
	return value
}
