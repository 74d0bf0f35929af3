package generator

import (
	"slices"
	"strings"

	"github.com/wharfinger/wharfinger/directive"
)

// Snippet is text of nginx's own language for a location. It was checked: it
// begins and ends inside of the block that it is put into, if only what follows
// begins on a line of its own.
type Snippet struct {
	Text string
	// Rewrites says that it may change the path on its way to the pool.
	Rewrites bool
	// headers are those that it sets on the way to peers, by name.
	headers []string
	// sets holds the directives in it that stand in no block of its own.
	sets []string
}

// indented is the text of a snippet, moved to the right. Where a word goes over
// lines it stays as it is, for blanks would mean something there.
func indented(text, by string) string {
	for d, err := range directive.All(text) {
		if err != nil || slices.ContainsFunc(d.Words, func(word string) bool { return strings.Contains(word, "\n") }) {
			return text
		}
	}
	var out strings.Builder
	for line := range strings.Lines(text) {
		if strings.TrimSpace(line) != "" {
			out.WriteString(by)
		}
		out.WriteString(line)
	}
	return out.String()
}

// snippetOf looks at what the templates must know of a snippet; it answers nil
// where there is none.
func snippetOf(text string) *Snippet {
	if text == "" {
		return nil
	}
	s := &Snippet{Text: indented(text, "        ")}
	depth := 0
	for d, err := range directive.All(text) {
		if err != nil {
			break // it was checked
		}
		switch {
		case d.End == '}':
			depth--
			continue
		case d.Words[0] == "rewrite":
			s.Rewrites = true
		case depth == 0 && len(d.Words) > 1 && (d.Words[0] == "proxy_set_header" || d.Words[0] == "grpc_set_header"):
			s.headers = append(s.headers, d.Words[1])
		}
		if depth == 0 {
			s.sets = append(s.sets, d.Words[0])
		}
		if d.End == '{' {
			depth++
		}
	}
	return s
}

// has reports whether the snippet has a directive, which nginx takes but once.
func (s *Snippet) has(directive string) bool { return s != nil && slices.Contains(s.sets, directive) }

// beside is the headers of a location that has a snippet. As soon as the snippet
// sets one, nginx inherits none, so all others have to be there; and one that is
// there twice is sent twice.
func (s *Snippet) beside(common, own []Header) []Header {
	if s == nil || s.headers == nil {
		return own
	}
	if own == nil {
		own = slices.Clone(common)
	}
	return slices.DeleteFunc(own, func(h Header) bool {
		return slices.ContainsFunc(s.headers, func(name string) bool { return strings.EqualFold(name, h.Name) })
	})
}
