package route

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Pos is a place in a revision. Line and Col count from 1, Col in characters;
// a Pos without a Line means the file as a whole.
type Pos struct {
	File string
	Line int
	Col  int
}

// String writes the position as file:line:column, the form that editors and
// terminals turn into links.
func (p Pos) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Col)
}

// comparePos orders places as a reader meets them.
func comparePos(a, b Pos) int {
	return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col))
}

// Before reports whether a reader meets p before q.
func (p Pos) Before(q Pos) bool { return comparePos(p, q) < 0 }

// Problem is a mistake that a person can mend: where it is, what is wrong, and
// what to do. A warning has the same form.
type Problem struct {
	// Pos is the place in the repository. Problems of other things have none.
	Pos Pos
	// Object names the thing that has the problem where that is no place in a file,
	// as "service demo", "node lb-00" or "commit 0123456"; empty otherwise.
	Object string
	// Text says in one sentence what is wrong, without a full stop.
	Text string
	// Hint says in one sentence what to do, without a full stop.
	Hint string
}

// String writes the problem on one line, the hint in brackets behind it.
func (p Problem) String() string {
	where := p.Object
	if where == "" {
		where = p.Pos.String()
	}
	s := where + ": " + p.Text
	if p.Hint != "" {
		s += " (" + p.Hint + ")"
	}
	return s
}

// Problems is every mistake of one pass. As an error its text holds one line
// for each.
type Problems []Problem

// Error joins the problems' lines.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// Sorted returns the problems ordered by place and text, each one once.
func (ps Problems) Sorted() Problems {
	out := slices.Clone(ps)
	slices.SortFunc(out, func(a, b Problem) int {
		return cmp.Or(
			cmp.Compare(a.Object, b.Object),
			comparePos(a.Pos, b.Pos),
			cmp.Compare(a.Text, b.Text),
			cmp.Compare(a.Hint, b.Hint),
		)
	})
	return slices.Compact(out)
}
