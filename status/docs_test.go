package status

import (
	"os"
	"reflect"
	"strings"
	"testing"
)

// Every field and every state stands in docs/operations.md.
func TestOperateStatusIsDocumented(t *testing.T) {
	data, err := os.ReadFile("../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(data), "## What is live")
	text, _, _ = strings.Cut(text, "### ")
	want := func(word, of string) {
		if !strings.Contains(text, "`"+word+"`") {
			t.Errorf("docs/operations.md does not tell of `%s` (%s)", word, of)
		}
	}
	found := 0
	var walk func(reflect.Type)
	walk = func(typ reflect.Type) {
		for typ.Kind() == reflect.Slice || typ.Kind() == reflect.Pointer {
			typ = typ.Elem()
		}
		if typ.Kind() != reflect.Struct || typ.PkgPath() != reflect.TypeFor[Status]().PkgPath() {
			return
		}
		for i := range typ.NumField() {
			f := typ.Field(i)
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			want(name, typ.Name())
			walk(f.Type)
			found++
		}
	}
	walk(reflect.TypeFor[Status]())
	for _, state := range States() {
		want(string(state), "a state")
	}
	if found < 30 {
		t.Errorf("found %d fields, want at least 30", found)
	}
}
