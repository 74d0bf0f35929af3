package generator

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/wharfinger/wharfinger/directive"
	"github.com/wharfinger/wharfinger/route"
)

// A complaint is about what it puts into quotes, and about the directives that it
// names, which have underscores.
var (
	quoted     = regexp.MustCompile(`"((?:[^"\\]|\\.)*)"`)
	directives = regexp.MustCompile(`\b[a-z0-9]+(?:_[a-z0-9]+)+\b`)
)

// place puts a problem where a snippet has what it is about or, if there is none,
// where the longest value stands that it or the line of the file names. Without
// either that is the first of the things.
func place(p *route.Problem, things []origin, line string) {
	var about []string
	for _, m := range quoted.FindAllStringSubmatch(p.Text, -1) {
		about = append(about, m[1])
	}
	names := append(slices.Clone(about), directives.FindAllString(p.Text, -1)...)
	found := 0
	for _, made := range things {
		n := mentions(made.snippet.Value, names)
		switch {
		case n > 0 && found == 0:
			p.Pos, p.Text = made.snippet.Pos, inSnippet(n, p.Text)
			found++
		case n > 0:
			p.Hint = strings.TrimPrefix(p.Hint+fmt.Sprintf("; the snippet at %s has it, too", made.snippet.Pos), "; ")
		}
	}
	if found > 0 {
		return
	}
	if len(things) > 0 {
		p.Pos = things[0].pos
	}
	for _, text := range []string{strings.Join(about, "\n"), line} {
		best := 0
		see := func(at route.Pos, value string) {
			if len(value) > best && has(text, value) {
				best, p.Pos = len(value), at
			}
		}
		for _, made := range things {
			see(made.pos, made.name)
		}
		for _, made := range things {
			eachValue(reflect.ValueOf(made.values), see)
		}
		if best > 0 {
			return
		}
	}
}

// mentions returns the line of a snippet that has one of some names, or 0.
func mentions(snippet string, names []string) int {
	for d, err := range directive.All(snippet) {
		for _, word := range d.Words {
			if err == nil && slices.ContainsFunc(names, func(name string) bool { return len(name) > 2 && has(word, name) }) {
				return d.Line
			}
		}
	}
	return 0
}

// has reports whether a text has a value, as it is or escaped, and not as a part
// of a longer word.
func has(text, value string) bool {
	part := func(c byte) bool {
		return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c == '_' || c == '-' || c == '.'
	}
	for _, form := range []string{value, escapes.Replace(value)} {
		for at := 0; form != ""; at++ {
			i := strings.Index(text[at:], form)
			if i < 0 {
				break
			}
			at += i
			before := at == 0 || !part(text[at-1]) || !part(form[0])
			if end := at + len(form); before && (end == len(text) || !part(text[end]) || !part(form[len(form)-1])) {
				return true
			}
		}
	}
	return false
}

// eachValue tells of every value in a struct that somebody has written, as nginx's
// files have it.
func eachValue(v reflect.Value, see func(route.Pos, string)) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			eachValue(v.Elem(), see)
		}
	case reflect.Slice:
		for i := range v.Len() {
			eachValue(v.Index(i), see)
		}
	case reflect.Map:
		for _, key := range slices.SortedFunc(slices.Values(v.MapKeys()), func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) }) {
			if at := v.MapIndex(key).FieldByName("Pos"); at.IsValid() {
				see(at.Interface().(route.Pos), key.String())
			}
			eachValue(v.MapIndex(key), see)
		}
	case reflect.Struct:
		pos, value := v.FieldByName("Pos"), v.FieldByName("Value")
		if pos.IsValid() && value.IsValid() {
			at := pos.Interface().(route.Pos)
			if at.Line == 0 {
				return
			}
			for _, part := range []string{"Text", "Name", "Host", "Path", "Port"} {
				if value.Kind() == reflect.Struct && value.FieldByName(part).IsValid() {
					see(at, fmt.Sprint(value.FieldByName(part).Interface()))
				}
			}
			see(at, fmt.Sprint(value.Interface()))
			return
		}
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() {
				eachValue(v.Field(i), see)
			}
		}
	}
}
