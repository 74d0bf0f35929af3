package route

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

// TestWrittenIsRead holds that a value that was read from an example and written
// again is read back as the same value.
func TestWrittenIsRead(t *testing.T) {
	values, grammarsSeen := 0, map[string]bool{}
	var visit func(v reflect.Value, is string)
	visit = func(v reflect.Value, is string) {
		switch {
		case v.Kind() == reflect.Pointer && !v.IsNil():
			visit(v.Elem(), is)
		case v.Kind() == reflect.Slice:
			for i := range v.Len() {
				visit(v.Index(i), is)
			}
		case v.Kind() == reflect.Map:
			for _, key := range v.MapKeys() {
				visit(v.MapIndex(key), is)
			}
		case isAt(v):
			if !isGiven(v) {
				return
			}
			values++
			grammarsSeen[is] = true
			want := v.FieldByName("Value").Interface()
			text := written(want, is)
			if got, complaint, _ := grammars[is].read(text); complaint != "" || got != want {
				t.Errorf("%v of grammar %q is written as %q, which is read as %v (%s)", want, is, text, got, complaint)
			}
		case v.Kind() == reflect.Struct:
			for _, f := range fieldsOf(v.Type()) {
				visit(v.FieldByIndex(f.index), f.is)
			}
		}
	}
	for _, example := range []string{"everything", "snippets"} {
		files, err := filepath.Glob("../examples/" + example + "/*.yaml")
		if err != nil {
			t.Fatal(err)
		}
		more, err := filepath.Glob("../examples/" + example + "/*/*.yaml")
		if err != nil {
			t.Fatal(err)
		}
		var rev Revision
		for _, file := range append(files, more...) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			rev.Files = append(rev.Files, File{Path: file, Data: data})
		}
		desired, problems := Parse(rev, Snippets)
		if problems != nil {
			t.Fatal(problems)
		}
		for _, section := range []any{desired.Proxies, desired.Pools, desired.Routes, desired.Streams, desired.Policies} {
			visit(reflect.ValueOf(section), "")
		}
	}
	for is := range grammars {
		if !grammarsSeen[is] && is != "header" && is != "label" && is != "cookie" && is != "query" {
			t.Errorf("no example has a value of the grammar %q", is)
		}
	}
	t.Logf("%d values of %d grammars", values, len(grammarsSeen))
}
