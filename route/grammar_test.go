package route

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestExamplesAreGood holds that what editors propose is taken.
func TestExamplesAreGood(t *testing.T) {
	for _, is := range slices.Sorted(maps.Keys(grammars)) {
		text, err := json.Marshal(grammars[is].schema)
		if err != nil {
			t.Fatal(err)
		}
		var s struct {
			Examples, Enum []any
			AnyOf          []struct{ Enum []any }
		}
		if err := json.Unmarshal(text, &s); err != nil {
			t.Fatal(err)
		}
		values := slices.Concat(s.Examples, s.Enum)
		for _, way := range s.AnyOf {
			values = append(values, way.Enum...)
		}
		for _, value := range values {
			if _, complaint, _ := grammars[is].read(fmt.Sprint(value)); complaint != "" {
				t.Errorf("%s: %v is proposed, but %s", is, value, complaint)
			}
		}
	}
}

func TestDigits(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 60 {
		least := random.Int64N(3000)
		most := least + random.Int64N(3000)
		form := regexp.MustCompile("^" + digits(least, most) + "$")
		for n := range int64(7000) {
			if got, want := form.MatchString(strconv.FormatInt(n, 10)), n >= least && n <= most; got != want {
				t.Fatalf("%s for %d to %d: got %t for %d, want %t", form, least, most, got, n, want)
			}
		}
	}
}

// toldDefault finds a default in a description.
var toldDefault = regexp.MustCompile("[Dd]efault (?:is )?`?([^\\s`,;]+)|`([^`]+)`, the default|by default, `([^`]+)`|is (\\S+) by default")

// TestDefaultsAreTold holds that the comments, which editors show, tell the
// defaults that Parse fills in.
func TestDefaultsAreTold(t *testing.T) {
	var described map[string]map[string]string
	if err := json.Unmarshal(descriptions, &described); err != nil {
		t.Fatal(err)
	}
	d := &Desired{
		Proxies: map[string]*Proxy{"a": {}, "b": {}},
		Pools:   map[string]*Pool{"a": {Servers: []Server{{}}}},
		Routes:  map[string]*Route{"a": {Options: Options{Errors: []ErrorRule{{}}}}},
		Streams: map[string]*Stream{"a": {}},
	}
	for _, p := range d.Proxies {
		p.applyDefaults()
	}
	d.Pools["a"].applyDefaults()
	d.settle(d.Routes["a"])
	d.Streams["a"].applyDefaults()
	found := 0
	var walk func(reflect.Value)
	walk = func(v reflect.Value) {
		switch {
		case v.Kind() == reflect.Slice:
			for i := range v.Len() {
				walk(v.Index(i))
			}
			return
		case v.Kind() != reflect.Struct || isAt(v):
			return
		}
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if !f.IsExported() {
				continue
			}
			walk(v.Field(i))
			is := f.Tag.Get("is")
			if is == "" || !isAt(v.Field(i)) || v.Field(i).FieldByName("Value").IsZero() {
				continue
			}
			value := v.Field(i).FieldByName("Value").Interface()
			if value == -1 {
				continue // burst, of no rate
			}
			found++
			text := described[v.Type().Name()][f.Tag.Get("yaml")]
			told := ""
			if m := toldDefault.FindStringSubmatch(text); m != nil {
				told = strings.TrimRight(strings.Join(m[1:], ""), ".")
			}
			if got, _, _ := grammars[is].read(told); got != value {
				t.Errorf("the default of %s.%s is %v, but its comment says %q: %s", v.Type().Name(), f.Name, value, told, text)
			}
		}
	}
	walk(reflect.ValueOf(d.Proxies["a"]).Elem())
	walk(reflect.ValueOf(d.Pools["a"]).Elem())
	walk(reflect.ValueOf(d.Routes["a"]).Elem())
	walk(reflect.ValueOf(d.Streams["a"]).Elem())
	if found < 30 {
		t.Errorf("found %d defaults, want at least 30: does the test still understand the types?", found)
	}
}
