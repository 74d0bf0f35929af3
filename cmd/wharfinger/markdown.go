package main

import (
	"fmt"
	"io"
	"strings"
	"unicode"
)

// Forges refuse long comments, GitHub those of more than 65,536 characters. So
// there are so many bytes of rows, and so many altogether.
const (
	mostRows    = 40_000
	mostComment = 60_000
)

// markdown writes a comment for a merge request: a line, a table, and the nginx
// lines folded away. Whatever somebody else may have written, the names of files
// and branches included, stands in code, where it is neither markup nor a mention.
func (d difference) markdown(out, _ io.Writer) error {
	var b strings.Builder
	switch {
	case d.broken():
		d.markdownProblems(&b)
	case !d.different():
		fmt.Fprintf(&b, "**No difference** compared with %s.\n", d.base.code())
	default:
		fmt.Fprintf(&b, "**%s** compared with %s.\n", d.counts(), d.base.code())
		d.markdownTable(&b)
		d.markdownLines(&b)
	}
	_, err := io.WriteString(out, b.String())
	return err
}

func (s side) code() string {
	if id := s.revision.ID; id != "" && s.String() != s.name {
		return fmt.Sprintf("%s (%s)", code(s.name), code(fmt.Sprintf("%.7s", id)))
	}
	return code(s.name)
}

func (d difference) markdownProblems(b *strings.Builder) {
	of := d.base
	if len(d.now.problems) > 0 {
		of = d.now
		fmt.Fprintf(b, "**%s** in %s, so there is nothing to compare:\n\n", count(len(of.problems), "problem"), of.code())
	} else {
		fmt.Fprintf(b, "**%s** in %s, which is refused, so there is nothing to compare with:\n\n", count(len(of.problems), "problem"), of.code())
	}
	for i, p := range of.problems {
		if b.Len() > mostRows {
			fmt.Fprintf(b, "- and %d more\n", len(of.problems)-i)
			return
		}
		fmt.Fprintf(b, "- %s\n", code(p.String()))
	}
}

func (d difference) markdownTable(b *strings.Builder) {
	proxy, table := "", false
	for i, c := range d.changes {
		if b.Len() > mostRows {
			fmt.Fprintf(b, "\nAnd %d more.\n", len(d.changes)-i)
			return
		}
		if c.proxy != proxy {
			proxy, table = c.proxy, false
			fmt.Fprintf(b, "\nProxy %s:\n", code(proxy))
		}
		if !table {
			table = true
			fmt.Fprint(b, "\n| change | of | in words |\n|---|---|---|\n")
		}
		what := c.Kind
		if c.Name != "" {
			what += " " + code(c.Name)
		}
		var lines []string
		for _, line := range c.Lines() {
			line = strings.TrimPrefix(strings.TrimPrefix(line, string(c.What)), ", ")
			if line = strings.TrimPrefix(strings.TrimSpace(line), "was "); line != "" {
				lines = append(lines, code(line))
			}
		}
		fmt.Fprintf(b, "| %s | %s | %s |\n", c.What, what, strings.Join(lines, "<br>"))
	}
}

func (d difference) markdownLines(b *strings.Builder) {
	if len(d.lines) == 0 {
		return
	}
	fmt.Fprintf(b, "\n<details><summary>nginx lines of %s</summary>\n", count(len(d.lines), "file"))
	for i, f := range d.lines {
		fence := strings.Repeat("`", max(3, longest(f.lines, '`')+1))
		block := fmt.Sprintf("\n%sdiff\n%s%s\n", fence, f.lines, fence)
		if b.Len()+len(block) > mostComment {
			fmt.Fprintf(b, "\nAnd %s more.\n", count(len(d.lines)-i, "file"))
			break
		}
		b.WriteString(block)
	}
	fmt.Fprint(b, "\n</details>\n")
}

// longest is the length of the longest run of a character.
func longest(s string, c byte) int {
	most, run := 0, 0
	for i := range len(s) {
		if run++; s[i] != c {
			run = 0
		}
		most = max(most, run)
	}
	return most
}

// code writes a text on one line so that it shows as it is, in a table, too. What
// could end a span of code or a cell is written as HTML, with every mark that
// means something to Markdown, HTML or a forge as a number.
func code(s string) string {
	s = strings.Join(strings.Fields(string(printable(s))), " ")
	if s != "" && !strings.ContainsAny(s, "`|") {
		return "`" + s + "`"
	}
	var b strings.Builder
	for _, r := range s {
		if r < 128 && unicode.IsPrint(r) && !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune(" ,;()+?%", r) {
			fmt.Fprintf(&b, "&#%d;", r)
			continue
		}
		b.WriteRune(r)
	}
	return "<code>" + b.String() + "</code>"
}
