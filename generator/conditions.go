package generator

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/wharfinger/wharfinger/route"
)

// conditions turns the conditions of one route into maps of nginx, each of which
// sets a variable to 1 or 0.
type conditions struct {
	route string
	maps  []Map
}

// variableName is a name as part of a variable of nginx, whose names have
// letters, digits and underscores, all of one case. No two names are the same
// there.
var variableName = strings.NewReplacer("-", "__", ".", "_d", "_", "_u")

func variable(kind, name string) string { return kind + "_" + variableName.Replace(name) }

// headerVariable is the name of a header as nginx's variables have it.
func headerVariable(name string) string { return strings.ReplaceAll(strings.ToLower(name), "-", "_") }

// add defines a variable and returns it.
func (c *conditions) add(m Map) string {
	m.Variable = variable(fmt.Sprintf("if%d", len(c.maps)+1), c.route)
	c.maps = append(c.maps, m)
	return m.Variable
}

const (
	yes = "1"
	no  = "0"
)

// matches is 1 where a value matches a regular expression. nginx tries none on an
// empty value, so that one is looked at here.
func (c *conditions) matches(source, regex string) string {
	m := Map{Source: source, Entries: []MapEntry{{regex, yes}}, Default: Text{Plain: no}}
	if empty, err := regexp.MatchString(regex, ""); err == nil && empty {
		m.Entries, m.Default = append(m.Entries, MapEntry{"(?s).", no}), Text{Plain: yes}
	}
	return c.add(m)
}

// all is 1 where all of some variables are.
func (c *conditions) all(variables []string) string {
	return c.joined(variables, "^1+$")
}

// joined is 1 where some variables, behind each other, match a regular expression
// that parts of them match as well.
func (c *conditions) joined(variables []string, regex string) string {
	if len(variables) == 1 {
		return variables[0]
	}
	if groups := shorter(variables); len(groups) > 1 {
		variables = nil
		for _, some := range groups {
			variables = append(variables, c.joined(some, regex))
		}
	}
	return c.matches("$"+strings.Join(variables, "$"), regex)
}

// when returns the variable for conditions, or "" where there are none.
func (c *conditions) when(w route.When) string {
	var parts []string
	if len(w.Methods) > 0 {
		parts = append(parts, c.matches("$request_method", "^("+strings.Join(sorted(w.Methods), "|")+")$"))
	}
	for _, values := range []struct {
		of string
		by map[string]route.At[route.Match]
	}{{"header", w.Headers}, {"cookie", w.Cookies}, {"query", w.Query}} {
		for _, name := range slices.Sorted(maps.Keys(values.by)) {
			source := c.valueOf(route.Key{Of: values.of, Name: name})
			parts = append(parts, c.matches(source, regexOf(values.by[name].Value)))
		}
	}
	for _, inner := range w.All {
		parts = append(parts, c.when(inner))
	}
	if len(w.Any) > 0 {
		var any []string
		for _, inner := range w.Any {
			any = append(any, c.when(inner))
		}
		parts = append(parts, c.joined(any, "1"))
	}
	if w.Not != nil {
		parts = append(parts, c.matches("$"+c.when(*w.Not), "^0$"))
	}
	if len(parts) == 0 {
		return ""
	}
	return c.all(parts)
}

// regexOf is a match as a regular expression: nginx compares plain text in maps
// without regard to case.
func regexOf(m route.Match) string {
	switch m.Kind {
	case route.Equal:
		return "^" + regexp.QuoteMeta(m.Text) + `\z`
	case route.Present:
		return "(?s)."
	}
	return cased(m.Text, m.AnyCase)
}

// cased is a regular expression that may not look at case.
func cased(regex string, anyCase bool) string {
	if anyCase {
		return "(?i)" + regex
	}
	return regex
}

// simpleName is what nginx reads behind $cookie_ and $arg_.
var simpleName = regexp.MustCompile(`^[A-Za-z0-9_]+$`)

// valueOf is a property of a request in nginx's words. Names that no variable of
// nginx can have need a map.
func (c *conditions) valueOf(key route.Key) string {
	source, maps := valueOf(key, func() string { return variable(fmt.Sprintf("if%d", len(c.maps)+1), c.route) })
	c.maps = append(c.maps, maps...)
	return source
}

// valueOf is a property of a request in nginx's words, and the map that it may
// need, whose variable takes the name that name returns.
func valueOf(key route.Key, name func() string) (source string, maps []Map) {
	cut := func(source, regex string) (string, []Map) {
		m := Map{Source: source, Variable: name(), Entries: []MapEntry{{regex, "$1"}}}
		return "$" + m.Variable, []Map{m}
	}
	switch key.Of {
	case "client":
		return "$remote_addr", nil
	case "host":
		return "$host", nil
	case "path":
		return "$request_path", nil
	case "uri":
		return "$request_uri", nil
	case "header":
		return "$http_" + headerVariable(key.Name), nil
	case "cookie":
		if simpleName.MatchString(key.Name) {
			return "$cookie_" + key.Name, nil
		}
		return cut("$http_cookie", `(?i:(?:^|;) *`+regexp.QuoteMeta(key.Name)+`)=([^;]*)`)
	case "query":
		if simpleName.MatchString(key.Name) {
			return "$arg_" + key.Name, nil
		}
		return cut("$args", `(?i:(?:^|&)`+regexp.QuoteMeta(key.Name)+`)=([^&]*)`)
	}
	panic("generator: no property " + key.Of) // a key of route's that this does not know
}
