package interlock

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// kind is what a key may be set to. read answers the setting in one form, whichever
// of its own it has, and reports whether it has any.
type kind struct {
	want  string // for the sentence "… must be WANT, not …"
	read  func(*setting) (any, bool)
	holds bool // texts, in a list or a table
}

// Kinds of settings, and what write gets for each.
var (
	aText    = kind{want: "a text", read: asText}                                                          // string
	words    = kind{want: "a text", read: asWords}                                                         // string, also of a number
	number   = kind{want: "a whole number", read: asNumber}                                                // string of digits, or what stands in their place
	yesNo    = kind{want: "true or false", read: asTruth}                                                  // string, true or false
	wait     = kind{want: `seconds, or a duration like "5s"`, read: asWait}                                // string in the format's own form
	size     = kind{want: `a size like "10m"`, read: asSize}                                               // string in the format's own form
	texts    = kind{want: "a list of texts", read: asTexts, holds: true}                                   // []*setting with strings
	pairs    = kind{want: "a table of texts", read: asPairs, holds: true}                                  // []*setting with strings
	aSection = kind{want: aTable, read: func(s *setting) (any, bool) { return s.value, s.kind == aTable }} // *section
)

func asText(s *setting) (any, bool) {
	text, ok := s.value.(string)
	return strings.TrimSpace(text), ok
}

func asWords(s *setting) (any, bool) {
	switch v := s.value.(type) {
	case string:
		return strings.Join(strings.Fields(v), " "), true
	case int64:
		return strconv.FormatInt(v, 10), true
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), true
	}
	return nil, false
}

func asNumber(s *setting) (any, bool) {
	switch v := s.value.(type) {
	case int64:
		return strconv.FormatInt(v, 10), true
	case string:
		text := strings.TrimSpace(v)
		return text, text == "" || numbers.MatchString(text)
	}
	return nil, false
}

// numbers are those that YAML takes for one.
var numbers = regexp.MustCompile(`^(?:0|-?[1-9][0-9]*)$`)

func asTruth(s *setting) (any, bool) {
	switch v := s.value.(type) {
	case bool:
		return strconv.FormatBool(v), true
	case string:
		if yes, ok := truth(tidy(v)); ok {
			return strconv.FormatBool(yes), true
		}
		return "", strings.TrimSpace(v) == ""
	}
	return nil, false
}

// nanoseconds from this many on are what is meant by a bare number: as seconds it
// would be eleven days, and as Go writes a duration down it is a millisecond.
const nanoseconds = 1_000_000

func asWait(s *setting) (any, bool) {
	switch v := s.value.(type) {
	case int64:
		if v >= nanoseconds {
			return duration(time.Duration(v)), true
		}
		return fmt.Sprintf("%ds", v), true
	case float64:
		if v >= 0 && v < nanoseconds {
			return duration(time.Duration(v * float64(time.Second))), true
		}
	case string:
		text := lower(strings.Join(strings.Fields(v), ""))
		if bareNumber.MatchString(text) {
			return text + "s", true
		}
		if ourDuration.MatchString(text) {
			return text, true
		}
		if d, err := time.ParseDuration(text); err == nil && d%time.Millisecond == 0 {
			return duration(d), true
		}
		return v, true // which is told
	}
	return nil, false
}

var (
	bareNumber  = regexp.MustCompile(`^[0-9]{1,9}$`)
	ourDuration = regexp.MustCompile(`^[0-9]{1,9}(?:ms|s|m|h|d)$`)
)

// duration writes one as the format has it, but for one that has parts of a
// millisecond.
func duration(d time.Duration) string {
	for _, unit := range []struct {
		name string
		of   time.Duration
	}{{"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}, {"ms", time.Millisecond}} {
		if d%unit.of == 0 && d > 0 {
			return fmt.Sprintf("%d%s", d/unit.of, unit.name)
		}
	}
	return d.String()
}

func asSize(s *setting) (any, bool) {
	text, ok := asNumber(s)
	if word, isText := s.value.(string); isText {
		text, ok = lower(strings.TrimSpace(word)), true
		if !ourSize.MatchString(text.(string)) {
			return word, true // which is told, where it is anything
		}
	}
	if ok && strings.Trim(text.(string), "0kmg") == "" {
		return "off", true // as nginx has it
	}
	return text, ok
}

var ourSize = regexp.MustCompile(`^[0-9]+[kmg]?$`)

func asTexts(s *setting) (any, bool) {
	items, ok := s.value.([]*setting)
	if s.kind == aWord {
		items, ok = []*setting{s}, true
	}
	out := []*setting{}
	for _, item := range items {
		text, fits := asItem(item)
		if !fits {
			return nil, false
		}
		if text = strings.TrimSpace(text); text != "" {
			out = append(out, &setting{key: s.key, value: text, at: item.at})
		}
	}
	return out, ok
}

func asPairs(s *setting) (any, bool) {
	items, isList := s.value.([]*setting) // of NAME=VALUE, as for docker service create
	inside, isTable := s.value.(*section)
	if isTable {
		items = inside.settings
	}
	out := []*setting{}
	for _, item := range items {
		text, fits := asItem(item)
		if !fits {
			return nil, false
		}
		name := item.key
		if isList {
			name, text, _ = strings.Cut(text, "=")
		}
		out = append(out, &setting{key: name, value: text, at: item.at})
	}
	return out, isList || isTable
}

// asItem is what may stand in a list or a table of texts.
func asItem(s *setting) (text string, ok bool) {
	switch v := s.value.(type) {
	case string:
		return v, true
	case int64:
		return strconv.FormatInt(v, 10), true
	}
	return "", false
}

// oddOne finds what may not.
func oddOne(s *setting) *setting {
	list, _ := s.value.([]*setting)
	if inside, ok := s.value.(*section); ok {
		list = inside.settings
	}
	for _, one := range list {
		if _, ok := asItem(one); !ok {
			return one
		}
	}
	return nil
}

// empty reports whether a setting in its one form says nothing.
func empty(value any) bool {
	switch v := value.(type) {
	case string:
		return v == ""
	case []*setting:
		return len(v) == 0
	}
	return false
}

// shown is what a setting in its one form says, for people.
func (s *setting) shown() string {
	switch v := s.value.(type) {
	case string:
		if s.kind == aNumber || s.kind == aTruth {
			return v
		}
		return quoted(v)
	case []*setting:
		var parts []string
		for _, item := range v {
			part := fmt.Sprint(item.value)
			if item.key != s.key {
				part = item.key + "=" + part
			}
			parts = append(parts, part)
		}
		return quoted(strings.Join(parts, ", "))
	}
	return ""
}
