package route

import (
	"fmt"
	"maps"
	"regexp"
	"strings"
	"time"
)

// schema is a JSON Schema, or a part of one. Its regular expressions mean the
// same to RE2 and to ECMAScript, so they have no look-ahead: what a text must not
// be stands in but. errorMessage and doNotSuggest are words of VS Code's, which
// other editors know or pass over.
type schema map[string]any

// with is the schema with one keyword more.
func (s schema) with(keyword string, value any) schema {
	s = maps.Clone(s)
	s[keyword] = value
	return s
}

// but leaves some out.
func (s schema) but(not schema) schema { return s.with("not", not) }

// upTo bounds how long a text is. JSON Schema counts characters, so it is exact
// for ASCII alone.
func (s schema) upTo(length int) schema { return s.with("maxLength", length) }

// like gives examples, which editors show and propose.
func (s schema) like(examples ...any) schema { return s.with("examples", examples) }

// texts are those that a regular expression takes as a whole.
func texts(form string) schema { return schema{"pattern": "^(?:" + form + ")$"} }

// matching are those that a grammar's own regular expression takes.
func matching(form *regexp.Regexp) schema { return schema{"pattern": form.String()} }

// inner is a regular expression without its anchors.
func inner(form *regexp.Regexp) string {
	return strings.TrimSuffix(strings.TrimPrefix(form.String(), "^"), "$")
}

// having is a text in which a regular expression is found.
func having(form string) schema { return schema{"pattern": form} }

// these are some values and no others.
func these[T any](values ...T) schema { return schema{"enum": values} }

// some is one thing of several, or more.
func some(of ...schema) schema { return schema{"anyOf": of} }

// numbers are those from least to most.
func numbers(least, most int) schema { return schema{"minimum": least, "maximum": most} }

// orTexts are texts besides.
func (s schema) orTexts(form string) schema { return s.with("pattern", texts(form)["pattern"]) }

// digits is a regular expression for the numbers from least, which is not
// negative, to most.
func digits(least, most int64) string {
	var parts []string
	for from := least; from <= most; {
		// All numbers from here on that differ in their last places alone.
		places, step := 0, int64(1)
		for from >= step*10 && from%(step*10) == 0 && from+step*10-1 <= most {
			places, step = places+1, step*10
		}
		first := from / step
		last := min((most-step+1)/step, first-first%10+9)
		part := fmt.Sprintf("[%d-%d]", first%10, last%10)
		if first == last {
			part = fmt.Sprint(first % 10)
		}
		if first >= 10 {
			part = fmt.Sprint(first/10) + part
		}
		if places > 0 {
			part += "[0-9]"
		}
		if places > 1 {
			part += fmt.Sprintf("{%d}", places)
		}
		parts = append(parts, part)
		from = (last + 1) * step
	}
	return "(?:" + strings.Join(parts, "|") + ")"
}

// padded is digits with zeros in front, which do not count.
func padded(least, most int64) string { return "0*" + digits(least, most) }

// The rows of the table of grammars that are made of a few words or numbers.

func oneOf(what string, words ...string) grammar {
	return grammar{what, textual, readOneOf(what, words...), these(words...)}
}

func number(what string, least, most int) grammar {
	return grammar{"a number", numeric, readNumber(what, least, most), numbers(least, most)}
}

func duration(what string, least, most time.Duration) grammar {
	return grammar{"a duration", textual, readDuration(what, least, most), durations(least, most, time.Nanosecond)}
}

func sizeIn(least, most int64) grammar {
	return grammar{"a size", either, readSizeIn(least, most), sizes(least, most)}
}

// sizeOf is sizeIn with an example of its own.
func sizeOf(example string, least, most int64) grammar {
	g := sizeIn(least, most)
	g.schema = g.schema.like(example)
	return g
}
