package generator_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// walk reads a file as nginx does (ngx_conf_read_token) and tells of its
// directives by name, number of words and end, and of its closing braces.
func walk(t *testing.T, data []byte, see func(directive string)) {
	t.Helper()
	first, words, depth := "", 0, 0
	entries := 0 // the depth at which lines are entries of a map
	for i := 0; i < len(data); {
		switch c := data[i]; {
		case c == ' ' || c == '\t' || c == '\r' || c == '\n':
			i++
		case c == '#':
			for i < len(data) && data[i] != '\n' {
				i++
			}
		case c == ';' || c == '{':
			if words == 0 {
				t.Errorf("%q without a directive in\n%s", c, data)
			}
			if entries > 0 && first != "default" {
				first = "entry"
			}
			see(fmt.Sprintf("%s %d %c", first, words, c))
			words = 0
			if c == '{' {
				depth++
				if slices.Contains([]string{"map", "geo", "split_clients"}, first) {
					entries = depth
				}
			}
			i++
		case c == '}':
			if depth--; depth < 0 || words > 0 {
				t.Errorf("a brace closes nothing in\n%s", data)
			}
			if depth < entries {
				entries = 0
			}
			see("}")
			i++
		default:
			word, rest := token(data[i:])
			if rest < 0 {
				t.Errorf("a quote is not closed in\n%s", data)
				return
			}
			if words++; words == 1 {
				first = word
			}
			i += rest
		}
	}
	if depth != 0 || words != 0 {
		t.Errorf("the file ends inside a block or directive:\n%s", data)
	}
}

// token returns the word that data starts with and its length, or -1 if its
// quote is not closed.
func token(data []byte) (string, int) {
	quote := data[0]
	if quote != '"' && quote != '\'' {
		quote = 0
	}
	for i := 0; i < len(data); i++ {
		c := data[i]
		switch {
		case c == '\\':
			i++
		case quote != 0:
			if i > 0 && c == quote {
				return string(data[1:i]), i + 1
			}
		case c == '$' && i+1 < len(data) && data[i+1] == '{':
			i++ // a variable's brace is part of the word
		case strings.IndexByte(" \t\r\n;{", c) >= 0:
			return string(data[:i]), i
		}
	}
	return string(data), -1
}
