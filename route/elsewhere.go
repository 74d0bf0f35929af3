package route

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// elsewhere tells where a field stands that a map of this type and name does not
// have: in the nearest maps inside of it, or beside it. It is "" where no such map
// has it.
func elsewhere(text, name string, t reflect.Type) string {
	if t == reflect.TypeFor[document]() {
		return "" // things there have names of their own
	}
	if in := inside(text, t); in != nil {
		return fmt.Sprintf("%s stands in %s", text, strings.Join(in, " or "))
	}
	if beside(text, name, t, reflect.TypeFor[document](), map[reflect.Type]bool{}) {
		return fmt.Sprintf("%s stands beside %s, not in it", text, name)
	}
	return ""
}

// inside lists the ways to the nearest maps in a type that have a field.
func inside(text string, t reflect.Type) []string {
	type way struct {
		name string
		to   reflect.Type
	}
	seen := map[reflect.Type]bool{t: true}
	for level := []way{{"", t}}; len(level) > 0; {
		var next []way
		var found []string
		for _, at := range level {
			for _, f := range fieldsOf(at.to) {
				to, ok := mapIn(at.to.FieldByIndex(f.index).Type)
				if !ok || to == t {
					continue
				}
				if hasField(text, to) {
					found = append(found, at.name+f.name)
				}
				if !seen[to] {
					next = append(next, way{at.name + f.name + ".", to})
				}
			}
		}
		for _, w := range next {
			seen[w.to] = true
		}
		if found != nil {
			return found
		}
		level = next
	}
	return nil
}

// beside reports whether a map below from that has a field of this name and type
// has the other field, too.
func beside(text, name string, t, from reflect.Type, seen map[reflect.Type]bool) bool {
	if seen[from] {
		return false
	}
	seen[from] = true
	for _, f := range fieldsOf(from) {
		to := from.FieldByIndex(f.index).Type
		if to == t && f.name == name && hasField(text, from) {
			return true
		}
		if to.Kind() == reflect.Map {
			to = to.Elem()
		}
		if to, ok := mapIn(to); ok && beside(text, name, t, to, seen) {
			return true
		}
	}
	return false
}

func hasField(name string, t reflect.Type) bool {
	return slices.ContainsFunc(fieldsOf(t), func(f field) bool { return f.name == name })
}

// mapIn is the type that a map, or a list of maps, is read into.
func mapIn(t reflect.Type) (reflect.Type, bool) {
	for t.Kind() == reflect.Slice || t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t, t.Kind() == reflect.Struct && len(fieldsOf(t)) > 0
}
