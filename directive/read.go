package directive

import (
	"fmt"
	"iter"
	"strings"
)

// Directive is one directive, up to its end.
type Directive struct {
	// Line is where it starts, counted from 1.
	Line int
	// Words are the name and the arguments, as nginx sees them: without quotes
	// and escapes. The end of a block has none.
	Words []string
	// End is what it ends with: ';', '{' where it opens a block, or '}' for the
	// end of a block.
	End byte
}

// syntaxError is a place where nginx stops reading.
type syntaxError string

func (e syntaxError) Error() string { return string(e) }

func unexpected(c byte) error { return syntaxError(fmt.Sprintf(`unexpected "%c"`, c)) }

// All reads a text into directives, exactly as nginx does
// (ngx_conf_read_token). It does not match braces, for what a brace does depends
// on the block around it. At a place where nginx would stop it yields an error,
// with a Directive that has the line alone, and ends.
func All(text string) iter.Seq2[Directive, error] {
	return func(yield func(Directive, error) bool) {
		r := reader{text: text, line: 1}
		for {
			d, err := r.next()
			if err != nil {
				yield(Directive{Line: d.Line}, err)
				return
			}
			if d.End == 0 || !yield(d, nil) {
				return
			}
		}
	}
}

type reader struct {
	text string
	at   int // of the next byte
	line int // of that byte
}

// next returns a directive without an End at the end of the text.
func (r *reader) next() (Directive, error) {
	d := Directive{Line: r.line}
	quoted := false // the word before was, so that not everything may follow
	for r.at < len(r.text) {
		c := r.text[r.at]
		blank := c == ' ' || c == '\t' || c == '\r' || c == '\n'
		if quoted && !blank && c != ';' && c != '{' && c != ')' {
			return Directive{Line: r.line}, unexpected(c)
		}
		quoted = false
		switch {
		case blank:
			r.skip(1)
			continue
		case c == '#':
			if end := strings.IndexByte(r.text[r.at:], '\n'); end >= 0 {
				r.skip(end)
			} else {
				r.skip(len(r.text) - r.at)
			}
			continue
		}
		if len(d.Words) == 0 {
			d.Line = r.line
		}
		switch {
		case c == ';' || c == '{' || c == '}':
			if (len(d.Words) == 0) != (c == '}') {
				return Directive{Line: r.line}, unexpected(c)
			}
			r.skip(1)
			d.End = c
			return d, nil
		default:
			line := r.line
			word, err := r.word()
			if err != nil {
				return Directive{Line: line}, err
			}
			d.Words = append(d.Words, word)
			quoted = c == '"' || c == '\''
		}
	}
	if len(d.Words) > 0 {
		return d, syntaxError(`unexpected end, expecting ";" or "{"`)
	}
	return Directive{Line: r.line}, nil
}

func (r *reader) skip(n int) {
	r.line += strings.Count(r.text[r.at:r.at+n], "\n")
	r.at += n
}

// word reads the word that starts here. A quote means something at its start
// alone, and a brace behind a dollar sign is part of it, quoted or not.
func (r *reader) word() (string, error) {
	rest := r.text[r.at:]
	quote, start := rest[0], 1
	if quote != '"' && quote != '\'' {
		quote, start = 0, 0
	}
	variable, escapes := false, false
	for i := start; i < len(rest); i++ {
		c := rest[i]
		if c == 0 {
			// nginx takes it, but hands the word on to what ends at it.
			return "", syntaxError("unexpected NUL")
		}
		if c == '{' && variable {
			continue
		}
		variable = c == '$'
		switch {
		case c == '\\':
			if i++; i < len(rest) && rest[i] == 0 {
				return "", syntaxError("unexpected NUL")
			}
			escapes = true
		case quote != 0 && c == quote:
			r.skip(i + 1)
			return unescape(rest[start:i], escapes), nil
		case quote == 0 && i > 0 && strings.IndexByte(" \t\r\n;{", c) >= 0:
			r.skip(i)
			return unescape(rest[:i], escapes), nil
		}
	}
	if quote != 0 {
		return "", syntaxError(fmt.Sprintf("the quote %c is not closed", quote))
	}
	return "", syntaxError(`unexpected end, expecting ";" or "{"`)
}

// unescape is what nginx makes of a word: an escape that it does not know
// stays, backslash and all.
func unescape(s string, needed bool) string {
	if !needed {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '\\' && i+1 < len(s) {
			switch next := s[i+1]; next {
			case '"', '\'', '\\':
				c = next
				i++
			case 't':
				c = '\t'
				i++
			case 'r':
				c = '\r'
				i++
			case 'n':
				c = '\n'
				i++
			}
		}
		b.WriteByte(c)
	}
	return b.String()
}
