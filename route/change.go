package route

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Change is one thing that is not the same in two states: of what is written
// (Compare), or of what proxies carry.
type Change struct {
	// Kind is what people call such a thing, as route or pool.
	Kind string
	Name string
	What What
	// Was is the name before, of what was renamed.
	Was string
	// Summary says in words what comes or goes, as "shop.example.org -> pool shop".
	Summary string
	// Words say what has no fields of its own.
	Words []string
	// Details are all fields that what comes or goes has, or those that changed.
	Details []Detail
	// Routes are those that do something else because of the change. Nil where
	// nothing is handed down to routes.
	Routes []string
}

// What became of a thing.
type What string

// What can become of a thing.
const (
	New     What = "new"
	Gone    What = "gone"
	Changed What = "changed"
	Renamed What = "renamed"
)

// Detail is one field of a Change. A value has Old, New or both, a list Added,
// Removed or both.
type Detail struct {
	// Field is the way to it, as timeouts.read. What can be written as a bare value
	// has the name of its map. It is "answer" where a route is answered in another
	// way than before, as by a redirect and no pool: then Old and New are words.
	Field string
	// Old and New are as people write them, and empty where there is no value.
	Old     string
	New     string
	Added   []string
	Removed []string
}

// Answer is the Field of who answers.
const Answer = "answer"

// String writes the change on one line.
func (c Change) String() string {
	return strings.TrimSpace(c.Kind+" "+c.Name) + ": " + strings.Join(c.Lines(), "; ")
}

// Lines says in words what became of the thing, without its kind and name. What
// cannot be printed is left out.
func (c Change) Lines() []string {
	lines := c.lines()
	for i := range lines {
		lines[i] = strings.Map(func(r rune) rune {
			if unicode.IsPrint(r) {
				return r
			}
			return -1
		}, lines[i])
	}
	return lines
}

func (c Change) lines() []string {
	lines := c.own()
	switch {
	case len(c.Routes) > 0:
		lines = append(lines, "changes "+Named("route", c.Routes))
	case c.Routes != nil:
		lines = append(lines, "changes no route")
	}
	return lines
}

// own says what became of the thing itself.
func (c Change) own() []string {
	var said []Detail
	for _, d := range c.Details {
		if c.Summary == "" || !summed[c.Kind][topField(d.Field)] {
			said = append(said, d)
		}
	}
	const most = 16
	switch {
	case c.What == Renamed:
		return []string{"renamed from " + c.Was}
	case c.What == Gone:
		return []string{strings.TrimSuffix("gone, was "+cmp.Or(c.Summary, join(hadFields(said), 8, "; ")), ", was ")}
	case c.What == New && c.Summary == "":
		return []string{strings.TrimSuffix("new, "+join(hasFields(said), most, "; "), ", ")}
	case c.What == New:
		return slices.DeleteFunc([]string{"new, " + c.Summary, join(hasFields(said), most, "; ")}, func(line string) bool { return line == "" })
	}
	lines := append(slices.Clone(c.Words), sayAll(said, Detail.String)...)
	if rest := len(lines) - most; rest > 1 {
		lines = append(lines[:most:most], fmt.Sprintf("and %d more", rest))
	}
	return lines
}

// summed is what the Summary of a kind tells already.
var summed = map[string]map[string]bool{
	"route":  {"hosts": true, "paths": true, "when": true, "pool": true, "split": true, "redirect": true, "respond": true, "passthrough": true},
	"stream": {"listen": true, "pool": true},
}

// topField is the field of the thing itself that a way begins with.
func topField(field string) string {
	if end := strings.IndexAny(field, ".["); end >= 0 {
		return field[:end]
	}
	return field
}

// Named lists the names of things of a kind, or the first of them.
func Named(kind string, names []string) string {
	if len(names) != 1 {
		kind += "s"
	}
	return kind + " " + List(names, 8)
}

// List joins so many of the words at most.
func List(words []string, most int) string { return join(words, most, ", ") }

func join(words []string, most int, with string) string {
	if rest := len(words) - most; rest > 1 {
		return strings.Join(words[:most], with) + fmt.Sprintf(" and %d more", rest)
	}
	return strings.Join(words, with)
}

func sayAll(details []Detail, say func(Detail) string) []string {
	var out []string
	for _, d := range details {
		out = append(out, say(d))
	}
	return out
}

// hasFields tells what is, and hadFields what was, of what came or went as a whole.
func hasFields(details []Detail) []string {
	return sayAll(details, func(d Detail) string { return d.Field + " " + values(append([]string{d.New}, d.Added...)) })
}

func hadFields(details []Detail) []string {
	return sayAll(details, func(d Detail) string { return d.Field + " " + values(append([]string{d.Old}, d.Removed...)) })
}

// values lists those that there are.
func values(all []string) string {
	all = slices.DeleteFunc(all, func(s string) bool { return s == "" })
	for i := range all {
		all[i] = showValue(all[i], 0)
	}
	return List(all, 8)
}

// String writes the detail as a person would say it, and not too much of it.
func (d Detail) String() string {
	switch {
	case d.Field == Answer:
		return d.Old + " -> " + d.New
	case d.Old != "" && d.New != "":
		at := differ(d.Old, d.New)
		return fmt.Sprintf("%s %s -> %s", d.Field, showValue(d.Old, at), showValue(d.New, at))
	case d.New != "":
		return "add " + d.Field + " " + showValue(d.New, 0)
	case d.Old != "":
		return "remove " + d.Field + " " + showValue(d.Old, 0)
	}
	var parts []string
	if len(d.Added) > 0 {
		parts = append(parts, "add "+d.Field+" "+values(slices.Clone(d.Added)))
	}
	if len(d.Removed) > 0 {
		parts = append(parts, "remove "+d.Field+" "+values(slices.Clone(d.Removed)))
	}
	return strings.Join(parts, ", ")
}

// Short makes one entry for another, in a list, a change from Old to New.
func (d Detail) Short() Detail {
	if len(d.Added) == 1 && len(d.Removed) == 1 {
		return Detail{Field: d.Field, Old: d.Removed[0], New: d.Added[0]}
	}
	return d
}

// differ is the first character that two texts do not share.
func differ(a, b string) int {
	x, y := []rune(a), []rune(b)
	i := 0
	for i < len(x) && i < len(y) && x[i] == y[i] {
		i++
	}
	return i
}

// showValue writes a value on one line. Of a long one it is the part around the
// character at.
func showValue(s string, at int) string {
	const most, before = 60, 20
	runes := []rune(s)
	from, to := 0, len(runes)
	if len(runes) > most {
		if at > most-before {
			from = min(at-before, len(runes)-most)
		}
		to = min(from+most, len(runes))
	}
	s = string(runes[from:to])
	if from > 0 {
		s = "..." + s
	}
	if to < len(runes) {
		s += "..."
	}
	return word(s)
}

// noText is how a text that is given and empty is written.
const noText = `""`

// word puts a value in quotes where it could be taken for more than one, or holds
// what cannot be printed. Lists and maps have marks of their own.
func word(s string) string {
	odd := s == "" || strings.TrimSpace(s) != s || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
	flow := strings.HasPrefix(s, "{") || strings.HasPrefix(s, "[")
	if s != noText && (odd || !flow && strings.ContainsAny(s, ",;\"`")) {
		return strconv.Quote(s)
	}
	return s
}
