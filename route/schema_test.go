package route_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/wharfinger/wharfinger/golden"
	"github.com/wharfinger/wharfinger/route"
	"github.com/wharfinger/wharfinger/route/editor"
)

// TestSchemaTakesExamples holds that an editor marks nothing in what is right.
func TestSchemaTakesExamples(t *testing.T) {
	for _, name := range golden.Examples(t, "", "live.json") {
		for _, file := range golden.Revision(t, name).Files {
			marks, err := editor.Look(file.Data)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range marks {
				t.Errorf("%s/%s: %s", name, file.Path, m)
			}
		}
	}
}

// TestSchemaAndBadInput holds that an editor marks each problem that a schema can
// know, and nothing else.
func TestSchemaAndBadInput(t *testing.T) {
	total, without := 0, 0
	needed := map[string]bool{}
	for _, name := range golden.Examples(t, "bad", "") {
		rev := golden.Revision(t, "bad/"+name)
		_, problems := route.Parse(rev)
		unfounded, unmarked := editor.Compare(rev, problems)
		for _, m := range unfounded {
			t.Errorf("bad/%s: the schema refuses what the parser takes: %s", name, m)
		}
		for _, p := range unmarked {
			kinds := editor.Beyond(p)
			if kinds == nil {
				t.Errorf("bad/%s: the schema takes what it could know: %s", name, p)
			}
			for _, kind := range kinds {
				needed[kind] = true
			}
		}
		total, without = total+len(problems), without+len(unmarked)
	}
	for _, kind := range editor.Kinds() {
		if !needed[kind] {
			t.Errorf("an editor marks each problem like %q: it is not beyond a schema", kind)
		}
	}
	t.Logf("of %d problems an editor marks %d; the others are of %d kinds", total, total-without, len(needed))
}

// walkSchema calls do for each map in the schema.
func walkSchema(t *testing.T, do func(path string, s map[string]any)) {
	t.Helper()
	var root any
	if err := json.Unmarshal(route.Schema(), &root); err != nil {
		t.Fatal(err)
	}
	var walk func(string, any)
	walk = func(path string, v any) {
		switch v := v.(type) {
		case map[string]any:
			do(path, v)
			for _, key := range slices.Sorted(maps.Keys(v)) {
				walk(path+"/"+key, v[key])
			}
		case []any:
			for i, item := range v {
				walk(fmt.Sprintf("%s/%d", path, i), item)
			}
		}
	}
	walk("", root)
}

// TestSchemaDescribesEveryField holds that each field of the format, and each thing
// that has a name, is explained.
func TestSchemaDescribesEveryField(t *testing.T) {
	found := 0
	field := regexp.MustCompile(`^(/definitions/[A-Z]\w*(/anyOf/1)?)?/properties/\w+$`)
	walkSchema(t, func(path string, s map[string]any) {
		if !field.MatchString(path) {
			return
		}
		found++
		if text, _ := s["description"].(string); len(text) < 10 {
			t.Errorf("%s has the description %q: has it a comment?", path, text)
		}
	})
	if found < 150 {
		t.Errorf("found %d fields, want at least 150: does the test still understand the schema?", found)
	}
}

// Things of regular expressions that RE2 and ECMAScript, with its flag u, read
// alike.
var (
	portableEscape = regexp.MustCompile(`^\\(?:[\^$.*+?()\[\]{}|/\\-]|x[0-9a-f]{2}|[tnrw])`)
	portableClass  = regexp.MustCompile(`^\[(?:[^\\\[\]]|\\.)*\]`)
	portableGroup  = regexp.MustCompile(`^\((?:\?:|[^?])`)
	portableRepeat = regexp.MustCompile(`^\{[0-9]+(?:,[0-9]*)?\}`)
)

// TestPatternsArePortable holds that editors read the regular expressions as these
// tests do.
func TestPatternsArePortable(t *testing.T) {
	found := map[string]bool{}
	walkSchema(t, func(path string, s map[string]any) {
		pattern, ok := s["pattern"].(string)
		if !ok || found[pattern] {
			return
		}
		found[pattern] = true
		odd := ""
		for rest := pattern; rest != "" && odd == ""; {
			n := 1
			switch rest[0] {
			case '\\':
				n = len(portableEscape.FindString(rest))
			case '[':
				class := portableClass.FindString(rest)
				n = len(class)
				for inside := class; strings.Contains(inside, `\`); inside = inside[2:] {
					inside = inside[strings.Index(inside, `\`):]
					if !portableEscape.MatchString(inside) {
						odd = inside
					}
				}
			case '(':
				if !portableGroup.MatchString(rest) {
					n = 0
				}
			case '{':
				n = len(portableRepeat.FindString(rest))
			case ']', '}':
				n = 0
			}
			if n == 0 {
				odd = rest
			}
			rest = rest[n:]
		}
		if odd != "" {
			t.Errorf("%s: %.60s in the pattern %s means different things", path, odd, pattern)
		}
	})
	if len(found) < 40 {
		t.Errorf("found %d patterns, want at least 40", len(found))
	}
}
