package route

import (
	"fmt"
	"strings"

	"github.com/wharfinger/wharfinger/directive"
)

// Permission is something that a revision may only have where those allow it who
// run Wharfinger. A revision cannot give it to itself.
type Permission int

const (
	// Snippets lets proxies and routes have a snippet.
	Snippets Permission = iota + 1
	// Binds lets proxies mount folders of their nodes. Who can push then has all that
	// lies there, which is as much as a login on those nodes.
	Binds
)

const maxSnippet = 64 << 10

// snippetSchema knows no directives.
var snippetSchema = having("[^ \\t\\r\\n]").upTo(maxSnippet)

// readSnippet takes text that begins and ends inside of the block that it is put
// into, and has none but allowed directives.
func readSnippet(in directive.Block) func(string) (any, string, string) {
	return func(s string) (any, string, string) {
		if len(s) > maxSnippet {
			return nil, fmt.Sprintf("this snippet has %d bytes", len(s)), "a snippet has up to 64 KiB"
		}
		if s = strings.TrimRight(s, " \t\r\n"); s == "" {
			return nil, "this snippet is empty", "write directives of nginx, or leave it out"
		}
		for _, c := range directive.Check(s, in) {
			return nil, fmt.Sprintf("line %d of the snippet: %s", c.Line, c.Text), c.Hint
		}
		return s, "", ""
	}
}

// snippet looks at a field that takes a permission.
func (c *checker) snippet(snippet At[string]) {
	if snippet.Given() && !c.snippets {
		c.problem(snippet.Pos, "snippets are not allowed here", "leave it out; only who runs Wharfinger can allow them, with --allow-snippets")
	}
}
