package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"

	"golang.org/x/term"

	"github.com/wharfinger/wharfinger/route"
)

// kind is how bad something is.
type kind struct {
	label  string // before it on a line
	colour string // of its mark
}

var (
	problem = kind{"", red}
	warning = kind{"warning: ", yellow}
)

// ANSI's escapes (ECMA-48, select graphic rendition).
const (
	plain  = "\x1b[0m"
	bold   = "\x1b[1m"
	red    = "\x1b[1;31m"
	green  = "\x1b[1;32m"
	yellow = "\x1b[1;33m"
	cyan   = "\x1b[36m"
)

// terminal is what is known of the other end of a writer.
type terminal struct {
	width   int // in columns; 0 where it is no terminal
	colours bool
}

// terminalOf looks at a writer. Colours are for terminals, unless NO_COLOR is set
// (no-color.org) or the terminal has none.
func terminalOf(w io.Writer) terminal {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return terminal{}
	}
	columns, _, err := term.GetSize(int(f.Fd()))
	if err != nil || columns <= 0 {
		columns = 80
	}
	return terminal{columns, os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"}
}

// tell writes each problem on a line, and for a terminal what stands at its place
// and the hint on lines of their own.
func tell(w io.Writer, k kind, problems route.Problems, rev route.Revision) {
	t := terminalOf(w)
	for _, p := range problems {
		if t.width == 0 {
			fmt.Fprintf(w, "%s%s\n", k.label, p)
			continue
		}
		t.tell(w, k, p, rev)
	}
}

func (t terminal) tell(w io.Writer, k kind, p route.Problem, rev route.Revision) {
	hint := p.Hint
	p.Hint = ""
	where := strings.TrimSuffix(p.String(), p.Text)
	fmt.Fprintf(w, "%s%s%s\n", t.coloured(k.colour, k.label), t.coloured(bold, where), p.Text)
	if line, ok := rev.Line(p.Pos); ok {
		number := fmt.Sprintf("%5d | ", p.Pos.Line)
		shown, column := cutAround(printable(line), p.Pos.Col-1, t.width-len(number))
		fmt.Fprintf(w, "%s%s\n", t.coloured(cyan, number), shown)
		fmt.Fprintf(w, "%s%s%s\n", t.coloured(cyan, "      | "), strings.Repeat(" ", column), t.coloured(k.colour, "^"))
	}
	if hint != "" {
		fmt.Fprintf(w, "      %s %s\n", t.coloured(cyan, "="), hint)
	}
}

func (t terminal) coloured(colour, text string) string {
	if !t.colours || text == "" {
		return text
	}
	return colour + text + plain
}

// printable is a line without what a terminal would obey, character by character.
func printable(line string) []rune {
	runes := []rune(line)
	for i, r := range runes {
		switch {
		case r == '\t':
			runes[i] = ' '
		case !unicode.IsPrint(r):
			runes[i] = unicode.ReplacementChar
		}
	}
	return runes
}

// cutAround shows as much of a line as columns can hold, with the i-th character
// in it, and says in which column that stands, from 0.
func cutAround(line []rune, i, columns int) (shown string, column int) {
	i = min(max(i, 0), len(line))
	if cells(line...) <= columns {
		return string(line), cells(line[:i]...)
	}
	room := max(columns-2, 1) // for marks at both ends
	from := i
	for from > 0 && column+cells(line[from-1]) <= room*2/3 {
		from--
		column += cells(line[from])
	}
	to := i
	for taken := column; to < len(line) && taken+cells(line[to]) <= room; to++ {
		taken += cells(line[to])
	}
	shown = string(line[from:to])
	if from > 0 {
		shown = "…" + shown
		column++
	}
	if to < len(line) {
		shown += "…"
	}
	return shown, column
}

// cells counts the columns that characters take, as far as scripts tell.
func cells(line ...rune) int {
	n := 0
	for _, r := range line {
		switch {
		case unicode.In(r, unicode.Mn, unicode.Me): // on top of the one before
		case unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul):
			n += 2
		default:
			n++
		}
	}
	return n
}
