package generator

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Text is what people wrote and nobody reads variables in. nginx reads words of
// up to 4096 bytes (NGX_CONF_BUFFER), so long text stands in variables, piece by
// piece.
type Text struct {
	Plain     string
	Variables []string // without dollar signs; then Plain is empty
}

// expandable is text without dollar signs for places where nginx's variables are
// meant.
func (t Text) expandable() string {
	if t.Variables != nil {
		return "$" + strings.Join(t.Variables, "$")
	}
	return t.Plain
}

// piece is how many bytes a piece has at most. Quoting makes it up to nine times
// as long, where all of it is dollar signs.
const piece = 450

// text makes a Text of what people wrote, with variables of this route where it
// is long.
func (a *answered) text(kind, s string) Text {
	if len(s) <= piece {
		return Text{Plain: s}
	}
	var t Text
	for s != "" {
		end := min(piece, len(s))
		for end < len(s) && !utf8.RuneStart(s[end]) {
			end--
		}
		name := variable(fmt.Sprintf("%s%d", kind, len(t.Variables)+1), a.Route)
		a.definitions.Maps = append(a.definitions.Maps, Map{Variable: name, Default: Text{Plain: s[:end]}})
		t.Variables = append(t.Variables, name)
		s = s[end:]
	}
	for n := 1; !oneWord(t.Variables); n++ {
		var fewer []string
		for i, some := range shorter(t.Variables) {
			name := variable(fmt.Sprintf("%s%d_%d", kind, n, i+1), a.Route)
			a.definitions.Maps = append(a.definitions.Maps, Map{Variable: name, Default: Text{Variables: some}})
			fewer = append(fewer, name)
		}
		t.Variables = fewer
	}
	return t
}

// oneWord reports whether variables behind each other are a word that nginx reads.
func oneWord(variables []string) bool {
	length := 0
	for _, name := range variables {
		length += 1 + len(name)
	}
	return length <= 3000
}

// shorter are variables in groups, each of which is a word that nginx reads.
func shorter(variables []string) [][]string {
	if len(variables) == 1 || oneWord(variables) {
		return [][]string{variables}
	}
	half := len(variables) / 2
	return append(shorter(variables[:half]), shorter(variables[half:])...)
}
