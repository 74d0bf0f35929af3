package route

import (
	"regexp"
	"regexp/syntax"
	"strings"
)

// nginx reads regular expressions with PCRE2, which differs from Go in a few
// places, has groups only so deep (PARENS_NEST_LIMIT, 250) and what it compiles
// only so large (LINK_SIZE 2, 64 KiB).
const (
	deepestGroups  = 100
	largestPattern = 60000
)

// unlike says what to do about a regular expression of ASCII that Go takes, but
// PCRE2 takes for another one or not at all.
func unlike(s string) (advice string, odd bool) {
	const leaveOut = `leave out \p, \x{…}, \C, \Q, \v, \1 and the like, [. and [= in classes, which nginx reads in another way`
	depth, class := 0, false
	empty := false // what stands before takes no character
	for i := 0; i < len(s); i++ {
		rest := s[i:]
		if !class && empty && (strings.IndexByte("*+?", s[i]) >= 0 || count.MatchString(rest)) {
			return `repeat nothing that takes no character, as ^, $ and \b do`, true
		}
		flags := flagsAlone.FindString(rest)
		empty = !class && (s[i] == '^' || s[i] == '$' || flags != "" || assertion.MatchString(rest))
		switch c := s[i]; {
		case flags != "" && !class:
			i += len(flags) - 1
		case c == '\\':
			i++
			switch {
			case strings.IndexByte("pPCQv123456789", s[i]) >= 0, strings.HasPrefix(rest, `\x{`):
				return leaveOut, true
			case class && strings.IndexByte("dDsSwW", s[i]) >= 0 && begins(s[i+1:]):
				return setsHaveNoRange, true
			}
		case class && strings.HasPrefix(rest, "[:") && strings.Contains(rest, ":]"):
			i += strings.Index(rest, ":]") + 1
			if begins(s[i+1:]) {
				return setsHaveNoRange, true
			}
		case class && (strings.HasPrefix(rest, "[.") || strings.HasPrefix(rest, "[=")):
			return leaveOut, true
		case class:
			class = c != ']'
		case c == '[':
			if end := strings.IndexByte(rest, ']'); end > 2 && strings.IndexByte(":.=", rest[1]) >= 0 && rest[end-1] == rest[1] {
				return "a class like [:alpha:] stands in brackets: [[:alpha:]]", true
			}
			class = true
			for _, first := range "^]" { // a bracket that comes first is a character
				if i+1 < len(s) && s[i+1] == byte(first) {
					i++
				}
			}
		case c == '(':
			if depth++; depth > deepestGroups {
				return "put fewer groups into each other", true
			}
		case c == ')':
			depth--
		case c == '{' && wideCount.MatchString(rest) && !count.MatchString(rest):
			return `write it like {0,5}, or \{ for a brace: nginx and RE2 differ here`, true
		}
	}
	return "", false
}

const setsHaveNoRange = `put the - at the end of the class: behind a set like \w it is no range`

// begins reports whether what follows a set in a class makes a range of it.
func begins(rest string) bool { return strings.HasPrefix(rest, "-") && !strings.HasPrefix(rest, "-]") }

var (
	flagsAlone = regexp.MustCompile(`^\(\?[a-zA-Z-]+\)`)
	assertion  = regexp.MustCompile(`^\\[bBAz]`)
)

// What counts repetitions in Go, and in PCRE2 since 10.43.
var (
	count     = regexp.MustCompile(`^\{[0-9]+(,[0-9]*)?\}`)
	wideCount = regexp.MustCompile(`^\{[ \t]*([0-9]+[ \t]*(,[ \t]*[0-9]*)?|,[ \t]*[0-9]+)[ \t]*\}`)
)

// patternSize is about how many bytes PCRE2 makes of a regular expression. It
// writes out groups that are repeated.
func patternSize(re *syntax.Regexp) int {
	size := 0
	for _, sub := range re.Sub {
		size = min(size+patternSize(sub), 2*largestPattern)
	}
	switch re.Op {
	case syntax.OpLiteral:
		return 2 * len(re.Rune)
	case syntax.OpCharClass:
		return 40
	case syntax.OpRepeat:
		return 8 + size*max(1, re.Min, re.Max)
	}
	return 8 + size
}
