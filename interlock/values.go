package interlock

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// tidy takes off what people leave around a value: blanks, and the quotes of a
// file that was read as text.
func tidy(value string) string {
	value = strings.TrimSpace(value)
	for _, q := range []string{`"`, "'"} {
		if len(value) >= 2 && strings.HasPrefix(value, q) && strings.HasSuffix(value, q) {
			value = strings.TrimSpace(value[1 : len(value)-1])
		}
	}
	return value
}

// quoted shows what somebody wrote, on one line and not too much of it.
func quoted(s string) string {
	if runes := []rune(s); len(runes) > 60 {
		s = string(runes[:57]) + "..."
	}
	return strconv.Quote(s)
}

// printable is a sentence that may have other people's words in it, on one line.
func printable(s string) string {
	const most = 600 // characters
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
	if runes := []rune(s); len(runes) > most {
		return string(runes[:most]) + "..."
	}
	return s
}

// oneLine is the name of a label or of a service as it can be shown.
func oneLine(s string) string {
	if q := quoted(s); q[1:len(q)-1] != s {
		return q
	}
	return s
}

// lower leaves what is not ASCII as it is: a Kelvin sign is no k.
func lower(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}, s)
}

// truth reads what people write for yes and no.
func truth(value string) (yes, ok bool) {
	switch lower(value) {
	case "true", "1", "t", "yes", "y", "on":
		return true, true
	case "false", "0", "f", "no", "n", "off", "none":
		return false, true
	}
	return false, false
}

// commas lists numbers as people do.
func commas(numbers []int) string {
	return strings.ReplaceAll(strings.Trim(fmt.Sprint(numbers), "[]"), " ", ", ")
}

// list splits a value at commas and at other separators, and leaves out what is
// empty. odd says that commas alone would have left something together.
func list(value, others string) (items []string, odd bool) {
	for part := range strings.SplitSeq(value, ",") {
		before := len(items)
		for _, item := range strings.FieldsFunc(part, func(r rune) bool { return strings.ContainsRune(others, r) }) {
			if item = tidy(item); item != "" {
				items = append(items, item)
			}
		}
		odd = odd || len(items) > before+1
	}
	return items, odd
}

// address is what people write for a place on the web.
type address struct {
	scheme, host, port, path string
}

// addressOf takes an address apart, whatever is missing in it.
func addressOf(text string) address {
	var a address
	rest := text
	if scheme, behind, ok := strings.Cut(text, "://"); ok {
		a.scheme, rest = lower(strings.TrimSpace(scheme)), behind
	}
	if at := strings.IndexAny(rest, "/?#"); at >= 0 {
		rest, a.path = rest[:at], rest[at:]
	}
	a.host, a.port, _ = strings.Cut(rest, ":")
	a.host = lower(strings.TrimSuffix(strings.TrimSpace(a.host), "."))
	a.path = strings.TrimRight(a.path, "/")
	return a
}

// inStack finds a name among those that there are, with or without the stack's
// name in front, as people write it in a stack's file.
func inStack(name, stack string, all []string) (found string, ok bool) {
	var forms []string
	forms = append(forms, name)
	if stack != "" {
		forms = append(forms, stack+"_"+name, strings.TrimPrefix(name, stack+"_"))
	}
	for _, form := range forms {
		for _, one := range all {
			if one == form {
				return one, true
			}
		}
	}
	return "", false
}
