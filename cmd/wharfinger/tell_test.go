package main

import (
	"strings"
	"testing"

	"github.com/wharfinger/wharfinger/route"
)

func TestTellOnTerminal(t *testing.T) {
	line := "routes: {demo: {hosts: [demo.local], pool: dmo}}"
	long := "  " + strings.Repeat("x", 200) + "!" + strings.Repeat("y", 200)
	rev := route.Revision{Files: []route.File{
		{Path: "a.yaml", Data: []byte("# first\r\n" + line + "\n" + long + "\n\tpool: \x1b[2J日本語: e\u0301: x\n")},
	}}
	for _, c := range []struct {
		name string
		p    route.Problem
		want string
	}{
		{"a line", route.Problem{Pos: route.Pos{File: "a.yaml", Line: 2, Col: 44}, Text: "there is no pool dmo", Hint: "did you mean demo?"},
			"a.yaml:2:44: there is no pool dmo\n" +
				"    2 | " + line + "\n" +
				"      | " + strings.Repeat(" ", 43) + "^\n" +
				"      = did you mean demo?\n"},
		{"a long line", route.Problem{Pos: route.Pos{File: "a.yaml", Line: 3, Col: 203}, Text: "this"},
			"a.yaml:3:203: this\n" +
				"    3 | …" + strings.Repeat("x", 33) + "!" + strings.Repeat("y", 16) + "…\n" +
				"      | " + strings.Repeat(" ", 34) + "^\n"},
		{"the start of a long line", route.Problem{Pos: route.Pos{File: "a.yaml", Line: 3, Col: 3}, Text: "this"},
			"a.yaml:3:3: this\n" +
				"    3 |   " + strings.Repeat("x", 48) + "…\n" +
				"      |   ^\n"},
		{"the end of a long line", route.Problem{Pos: route.Pos{File: "a.yaml", Line: 3, Col: 404}, Text: "this"},
			"a.yaml:3:404: this\n" +
				"    3 | …" + strings.Repeat("y", 33) + "\n" +
				"      | " + strings.Repeat(" ", 34) + "^\n"},
		{"what a terminal would obey, wide letters and accents", route.Problem{Pos: route.Pos{File: "a.yaml", Line: 4, Col: 20}, Text: "this"},
			"a.yaml:4:20: this\n" +
				"    4 |  pool: \uFFFD[2J日本語: e\u0301: x\n" +
				"      | " + strings.Repeat(" ", 21) + "^\n"},
		{"a file", route.Problem{Pos: route.Pos{File: "a.yaml"}, Text: "this", Hint: "do that"}, "a.yaml: this\n      = do that\n"},
		{"a file that is not there", route.Problem{Pos: route.Pos{File: "b.yaml", Line: 1, Col: 1}, Text: "this"}, "b.yaml:1:1: this\n"},
		{"a line that is not there", route.Problem{Pos: route.Pos{File: "a.yaml", Line: 9, Col: 1}, Text: "this"}, "a.yaml:9:1: this\n"},
		{"the cluster", route.Problem{Object: "node a", Text: "this", Hint: "do that"}, "node a: this\n      = do that\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out strings.Builder
			terminal{width: 60}.tell(&out, problem, c.p, rev)
			if got := out.String(); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
			for line := range strings.Lines(out.String()) {
				if n := cells(printable(strings.TrimSuffix(line, "\n"))...); n > 60 {
					t.Errorf("a line has %d columns, want 60 at most: %q", n, line)
				}
			}
		})
	}
}

func TestTellInColours(t *testing.T) {
	rev := route.Revision{Files: []route.File{{Path: "a.yaml", Data: []byte("pool: x")}}}
	var out strings.Builder
	terminal{80, true}.tell(&out, warning, route.Problem{Pos: route.Pos{File: "a.yaml", Line: 1, Col: 7}, Text: "odd", Hint: "mend it"}, rev)
	const want = "\x1b[1;33mwarning: \x1b[0m\x1b[1ma.yaml:1:7: \x1b[0modd\n" +
		"\x1b[36m    1 | \x1b[0mpool: x\n" +
		"\x1b[36m      | \x1b[0m      \x1b[1;33m^\x1b[0m\n" +
		"      \x1b[36m=\x1b[0m mend it\n"
	if got := out.String(); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}
