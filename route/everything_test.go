package route_test

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/wharfinger/wharfinger/golden"
	"github.com/wharfinger/wharfinger/route"
)

// TestEverythingUsesEveryField holds that no field is without an example that is
// rendered, tested and served. Snippets, which are an operator's to allow, have
// one of their own.
func TestEverythingUsesEveryField(t *testing.T) {
	desired, problems := route.Parse(golden.Revision(t, "everything"))
	if problems != nil {
		t.Fatal(problems)
	}
	if n := len(desired.Routes); n < 50 {
		t.Errorf("it has %d routes, want at least 50", n)
	}
	fields, used := map[string]bool{}, map[string]bool{}
	lookForFields(reflect.TypeFor[route.Desired](), fields)
	lookForUse(reflect.ValueOf(*desired), used)
	if len(fields) < 100 {
		t.Errorf("found %d fields, want at least 100: does the test still understand the format?", len(fields))
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if !used[name] && !strings.HasSuffix(name, ".snippet") {
			t.Errorf("no use of %s", name)
		}
	}
}

func lookForFields(typ reflect.Type, fields map[string]bool) {
	for typ.Kind() == reflect.Map || typ.Kind() == reflect.Slice || typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	if typ.Kind() != reflect.Struct {
		return
	}
	for i := range typ.NumField() {
		f := typ.Field(i)
		if name := f.Tag.Get("yaml"); name != "" {
			if fields[typ.Name()+"."+name] {
				return
			}
			fields[typ.Name()+"."+name] = true
		}
		if f.IsExported() {
			lookForFields(f.Type, fields)
		}
	}
}

func lookForUse(v reflect.Value, used map[string]bool) {
	switch v.Kind() {
	case reflect.Map:
		for _, key := range v.MapKeys() {
			lookForUse(v.MapIndex(key), used)
		}
	case reflect.Slice:
		for i := range v.Len() {
			lookForUse(v.Index(i), used)
		}
	case reflect.Pointer:
		if !v.IsNil() {
			lookForUse(v.Elem(), used)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if !f.IsExported() {
				continue
			}
			if name := f.Tag.Get("yaml"); name != "" && given(v.Field(i)) {
				used[v.Type().Name()+"."+name] = true
			}
			lookForUse(v.Field(i), used)
		}
	}
}

// given reports whether somebody wrote a field, or one in it.
func given(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Struct:
		if pos := v.FieldByName("Pos"); pos.IsValid() {
			return !pos.IsZero()
		}
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() && given(v.Field(i)) {
				return true
			}
		}
		return false
	case reflect.Slice, reflect.Map, reflect.Pointer:
		return !v.IsNil()
	}
	return false
}
