package route

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// nodes hands each YAML document that is more than comments to take.
func (d *decoder) nodes(data []byte, take func(*yaml.Node)) {
	if i := firstNot(data, func(r rune, size int) bool { return r != utf8.RuneError || size > 1 }); i < len(data) {
		d.problem(d.at(data, i), "this is not UTF-8", "save the file in UTF-8")
		d.gaps.names = true
		return
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	for !d.full() {
		var root yaml.Node
		err := dec.Decode(&root)
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			d.syntax(data, err)
			d.gaps.names = true
			return
		}
		if len(root.Content) > 0 && !isNull(root.Content[0]) {
			take(root.Content[0])
		}
	}
}

var (
	yamlLine = regexp.MustCompile(`^yaml: line (\d+): (.*)$`)
	// yaml.v3 counts lines from 0 in the errors of its parser and from 1 in those
	// of its scanner. These are the parser's.
	yamlFromZero = regexp.MustCompile(`^did not find expected (key|node|'-'|',|<)|^found (undefined tag|duplicate|incompatible)`)
)

// yamlHints says what to do about the YAML parser's commonest complaints.
var yamlHints = map[string]string{
	"found character that cannot start any token":           "indent with blanks, never with tabs; text that starts with @, % or ` needs quotes",
	"did not find expected alphabetic or numeric character": `text that starts with * or & needs quotes, like "*.example.org"`,
	"found unexpected end of stream":                        "close the quote that opens here or before",
	"mapping values are not allowed in this context":        "put the inner field on a line of its own, or quotes around text with a colon",
	"control characters are not allowed":                    "take the character out",
}

// syntax tells what the YAML parser said. It knows lines, but no columns, and
// of a list or map that is broken only where it starts.
func (d *decoder) syntax(data []byte, err error) {
	pos, text := Pos{File: d.path, Line: 1, Col: 1}, strings.TrimPrefix(err.Error(), "yaml: ")
	if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
		pos.Line, _ = strconv.Atoi(m[1])
		text = m[2]
		if yamlFromZero.MatchString(text) {
			pos.Line++
		}
		// An error at the end is told one line behind it.
		pos.Line = min(pos.Line, d.at(data, len(bytes.TrimRight(data, "\r\n"))).Line)
	} else if i := firstNot(data, inYAML); i < len(data) {
		pos = d.at(data, i)
	}
	hint, ok := yamlHints[text]
	if !ok {
		hint = "look at the indentation, quotes, brackets and colons from here on"
	}
	d.problem(pos, "this is not YAML: "+text, hint)
}

// inYAML reports whether YAML's reader takes a character; where it stopped, it
// does not say.
func inYAML(r rune, _ int) bool {
	return r >= ' ' && r < 0x7f || r == '\t' || r == '\n' || r == '\r' || r == 0x85 || r >= 0xa0
}

// firstNot returns where the first character is that is not good, or the end.
func firstNot(data []byte, good func(r rune, size int) bool) int {
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		if !good(r, size) {
			return i
		}
		i += size
	}
	return len(data)
}

// lineEnds are all that YAML 1.1 has, as one.
var lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u0085", "\n", "\u2028", "\n", "\u2029", "\n")

// at is the place of the i-th byte.
func (d *decoder) at(data []byte, i int) Pos {
	before := lineEnds.Replace(string(data[:i]))
	return Pos{File: d.path, Line: 1 + strings.Count(before, "\n"), Col: 1 + utf8.RuneCountInString(before[strings.LastIndex(before, "\n")+1:])}
}
