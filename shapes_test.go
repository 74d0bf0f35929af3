package wharfinger

import (
	"fmt"
	"go/ast"
	"go/token"
	"slices"
	"strings"
)

// shape is one Problem that the source can make.
type shape struct {
	pos  token.Position
	form string // of the line that people are told, behind the place
}

// anything is what the source does not tell: a name, a number, an error's text.
const anything = ".*"

// shapes lists what a package says in Problems. A Problem is made where one is
// written out, or a complaint with its hint is returned. Where a function says what
// it was given, each place that calls it is looked at.
func (s *source) shapes() []shape {
	var out []shape
	for _, fns := range s.funcs {
		for _, fn := range fns {
			ast.Inspect(fn, func(n ast.Node) bool {
				if text, hint := made(n, fn); text != nil {
					out = append(out, s.shapesAt(n, text, hint, &scope{fn: fn, needs: map[string]bool{}})...)
				}
				return true
			})
		}
	}
	slices.SortFunc(out, func(a, b shape) int { return strings.Compare(a.pos.String()+a.form, b.pos.String()+b.form) })
	return slices.Compact(out)
}

// made returns the text and the hint of a Problem that a node makes, or nil.
func made(n ast.Node, fn *ast.FuncDecl) (text, hint ast.Expr) {
	empty := &ast.BasicLit{Kind: token.STRING, Value: `""`}
	switch n := n.(type) {
	case *ast.CompositeLit:
		kind := ""
		switch typ := n.Type.(type) {
		case *ast.Ident:
			kind = typ.Name
		case *ast.SelectorExpr:
			kind = typ.Sel.Name
		}
		if n.Type != nil && kind != "Problem" && kind != "Complaint" { // which is directive's
			return nil, nil
		}
		hint = empty
		if _, keyed := firstOf(n.Elts).(*ast.KeyValueExpr); !keyed && n.Type != nil && len(n.Elts) == 4 {
			return n.Elts[2], n.Elts[3] // of both types
		}
		for _, e := range n.Elts {
			if kv, ok := e.(*ast.KeyValueExpr); ok && fmt.Sprint(kv.Key) == "Text" {
				text = kv.Value
			} else if ok && fmt.Sprint(kv.Key) == "Hint" {
				hint = kv.Value
			}
		}
		return text, hint
	case *ast.AssignStmt:
		for i, left := range n.Lhs {
			if field, ok := left.(*ast.SelectorExpr); ok && field.Sel.Name == "Text" && len(n.Lhs) == len(n.Rhs) {
				unknown := &ast.Ident{Name: "_"}
				if text, ok := n.Rhs[i].(*ast.CallExpr); ok && calledName(text) == "Sprintf" {
					return text, unknown
				} else if text, ok := n.Rhs[i].(*ast.BasicLit); ok {
					return text, unknown
				}
			}
		}
	case *ast.ReturnStmt:
		if len(n.Results) < 2 || !complains(fn, n) {
			return nil, nil
		}
		text, hint = n.Results[len(n.Results)-2], n.Results[len(n.Results)-1]
		if lit, ok := text.(*ast.BasicLit); ok && lit.Value == `""` {
			return nil, nil // all is well
		}
		return text, hint
	}
	return nil, nil
}

func firstOf(list []ast.Expr) ast.Expr {
	if len(list) == 0 {
		return nil
	}
	return list[0]
}

// complains reports whether the function around a node answers a complaint and a
// hint, as grammars do.
func complains(fn *ast.FuncDecl, at ast.Node) bool {
	typ := fn.Type
	ast.Inspect(fn, func(n ast.Node) bool {
		if lit, ok := n.(*ast.FuncLit); ok && lit.Pos() < at.Pos() && at.End() <= lit.End() {
			typ = lit.Type
		}
		return true
	})
	if typ.Results == nil {
		return false
	}
	var results []string
	for _, field := range typ.Results.List {
		for range max(1, len(field.Names)) {
			results = append(results, fmt.Sprint(field.Type))
		}
		for _, name := range field.Names {
			if name.Name == "hint" {
				return true
			}
		}
	}
	return slices.Equal(results, []string{"any", "string", "string"})
}

// shapesAt lists what a Problem can say in a scope, and where that depends on the
// caller, in each that there is. Each text that there can be is one shape, whatever
// its hint, and each hint that there can be is one.
func (s *source) shapesAt(n ast.Node, text, hint ast.Expr, in *scope) []shape {
	text, hint = s.unfiltered(text, in.fn), s.unfiltered(hint, in.fn)
	texts, hints := s.eval(text, in), s.eval(hint, in)
	if calls := s.calls(in); len(calls) > 0 {
		var out []shape
		for _, call := range calls {
			out = append(out, s.shapesAt(call.node, text, hint, call.in)...)
		}
		return out
	}
	var out []shape
	note := func(texts, hints []string) {
		switch {
		case letters(texts)+letters(hints) >= 8:
			out = append(out, shape{s.fset.Position(n.Pos()), ": " + oneOf(texts) + behind(hints)})
		case !s.handsOn(text, in):
			err := fmt.Sprintf("%s: nobody can tell from the source what this Problem says", s.fset.Position(n.Pos()))
			if !slices.Contains(s.errs, err) {
				s.errs = append(s.errs, err)
			}
		}
	}
	for _, text := range texts {
		note([]string{text}, hints)
	}
	for _, hint := range hints {
		note(texts, []string{hint})
	}
	return out
}

func oneOf(forms []string) string { return "(?:" + strings.Join(forms, "|") + ")" }

// behind is a hint as it stands behind a text.
func behind(hints []string) string {
	switch {
	case slices.Contains(hints, ""):
		return "$"
	case slices.Contains(hints, anything):
		return `(?: \(.*\))?$`
	}
	return ` \(` + oneOf(hints) + `\)$`
}

// letters counts those that the source tells in each of some forms.
func letters(forms []string) int {
	fewest := len(forms[0])
	for _, form := range forms {
		fewest = min(fewest, len(strings.ReplaceAll(form, anything, "")))
	}
	return fewest
}
