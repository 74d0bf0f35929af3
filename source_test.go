package wharfinger

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// source is one package of ours.
type source struct {
	fset  *token.FileSet
	funcs map[string][]*ast.FuncDecl // methods among them, by their names alone
	vars  map[string]ast.Expr
	errs  []string // what could not be understood
}

func readSource(t *testing.T, dir string) *source {
	t.Helper()
	src := &source{fset: token.NewFileSet(), funcs: map[string][]*ast.FuncDecl{}, vars: map[string]ast.Expr{}}
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(src.fset, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			switch decl := decl.(type) {
			case *ast.FuncDecl:
				src.funcs[decl.Name.Name] = append(src.funcs[decl.Name.Name], decl)
			case *ast.GenDecl:
				for _, spec := range decl.Specs {
					if spec, ok := spec.(*ast.ValueSpec); ok && len(spec.Values) == len(spec.Names) {
						for i, name := range spec.Names {
							src.vars[name.Name] = spec.Values[i]
						}
					}
				}
			}
		}
	}
	return src
}

// scope is a function, called in one way: what its parameters stand for. What they
// stand for where nobody has looked yet is noted in needs.
type scope struct {
	fn    *ast.FuncDecl
	bound map[string]argument
	needs map[string]bool
	depth int
	open  []string // names that are being looked at: some are made of themselves
	// loose says that what is looked at is a part of a text, which makes no other
	// Problem of it.
	loose bool
}

// argument is an expression where a function is called.
type argument struct {
	expr ast.Expr
	in   *scope
}

type call struct {
	node ast.Node
	in   *scope
}

// calls lists the places where a scope's function is called, if what it needs is
// not known.
func (s *source) calls(in *scope) []call {
	if len(in.needs) == 0 || in.depth > 3 {
		return nil
	}
	var out []call
	for _, callers := range s.funcs {
		for _, caller := range callers {
			ast.Inspect(caller, func(n ast.Node) bool {
				c, ok := n.(*ast.CallExpr)
				if !ok || caller == in.fn || calledName(c) != in.fn.Name.Name {
					return true
				}
				from := &scope{fn: caller, needs: map[string]bool{}, depth: in.depth + 1}
				bound := bind(in.fn, c.Args, from)
				if bound == nil {
					return true // another function of that name
				}
				// Who calls the caller may decide in its turn.
				for name := range in.needs {
					if a, ok := bound[name]; ok {
						s.eval(a.expr, a.in)
					}
				}
				if inner := s.calls(from); len(inner) > 0 {
					for _, i := range inner {
						out = append(out, call{i.node, &scope{fn: in.fn, bound: bind(in.fn, c.Args, i.in), needs: map[string]bool{}, depth: 9}})
					}
				} else {
					out = append(out, call{c, &scope{fn: in.fn, bound: bound, needs: map[string]bool{}, depth: 9}})
				}
				return true
			})
		}
	}
	return out
}

func calledName(c *ast.CallExpr) string {
	switch fun := c.Fun.(type) {
	case *ast.Ident:
		return fun.Name
	case *ast.SelectorExpr:
		return fun.Sel.Name
	}
	return ""
}

// bind gives parameters what a call gives them, or is nil where it cannot be a call
// of this function.
func bind(fn *ast.FuncDecl, args []ast.Expr, in *scope) map[string]argument {
	bound := map[string]argument{}
	i := 0
	for _, field := range fn.Type.Params.List {
		_, variadic := field.Type.(*ast.Ellipsis)
		if variadic {
			return bound
		}
		for _, name := range field.Names {
			if i == len(args) {
				return nil
			}
			bound[name.Name] = argument{args[i], in}
			i++
		}
	}
	if i < len(args) {
		return nil
	}
	return bound
}

// unfiltered is a text without the functions that only make what they are given fit
// to be shown.
func (s *source) unfiltered(e ast.Expr, fn *ast.FuncDecl) ast.Expr {
	switch e := e.(type) {
	case *ast.BinaryExpr:
		return &ast.BinaryExpr{X: s.unfiltered(e.X, fn), Op: e.Op, Y: s.unfiltered(e.Y, fn)}
	case *ast.CallExpr:
		if len(e.Args) == 1 && len(s.funcs[calledName(e)]) == 1 {
			if arg, ok := e.Args[0].(*ast.Ident); ok && slices.Contains(parameters(fn), arg.Name) {
				return arg
			}
		}
	}
	return e
}

var verb = regexp.MustCompile(`%(?:\\\.)?\d*[a-z]`)

// eval lists what a text can look like, as regular expressions.
func (s *source) eval(e ast.Expr, in *scope) []string {
	switch e := e.(type) {
	case *ast.ParenExpr:
		return s.eval(e.X, in)
	case *ast.BasicLit:
		text, _ := strconv.Unquote(e.Value)
		return []string{regexp.QuoteMeta(text)}
	case *ast.BinaryExpr:
		var out []string
		for _, x := range s.eval(e.X, in) {
			for _, y := range s.eval(e.Y, in) {
				out = append(out, x+y)
			}
		}
		return out
	case *ast.Ident:
		return s.named(e.Name, in)
	case *ast.IndexExpr:
		name, _ := e.X.(*ast.Ident)
		if lit, ok := s.vars[fmt.Sprint(name)].(*ast.CompositeLit); ok {
			var out []string
			for _, element := range lit.Elts {
				kv, ok := element.(*ast.KeyValueExpr)
				if !ok {
					continue
				}
				if key, ok := kv.Key.(*ast.Ident); ok && key.Name == fmt.Sprint(e.Index) {
					return s.eval(kv.Value, in)
				}
				out = append(out, s.eval(kv.Value, in)...)
			}
			return out
		}
	case *ast.CallExpr:
		return s.called(e, in)
	}
	return []string{anything}
}

// called lists what a call can answer.
func (s *source) called(e *ast.CallExpr, in *scope) []string {
	name := calledName(e)
	switch {
	case name == "Sprintf":
		if !complains(in.fn, e) {
			defer func(before bool) { in.loose = before }(in.loose)
			in.loose = true
		}
		var out []string
		for _, format := range s.eval(e.Args[0], in) {
			rest := e.Args[1:]
			out = append(out, verb.ReplaceAllStringFunc(strings.ReplaceAll(format, "%%", "%"), func(verb string) string {
				arg := rest[0]
				rest = rest[1:]
				if verb != "%s" {
					return anything
				}
				if forms := s.eval(arg, in); len(forms) == 1 {
					return forms[0]
				}
				return anything // any of them will do
			}))
		}
		return out
	case name == "Or": // cmp's: what is empty gives way
		var out []string
		for _, arg := range e.Args {
			out = append(out, slices.DeleteFunc(s.eval(arg, in), func(form string) bool { return form == "" })...)
		}
		return out
	case len(s.funcs[name]) == 1 && in.depth < 20:
		fn := s.funcs[name][0]
		defer func(before bool) { in.loose = before }(in.loose)
		in.loose = true
		inside := &scope{fn: fn, bound: bind(fn, e.Args, in), needs: map[string]bool{}, depth: in.depth + 10}
		if fn.Type.Results == nil || len(fn.Type.Results.List) != 1 || inside.bound == nil {
			break
		}
		var out []string
		ast.Inspect(fn.Body, func(n ast.Node) bool {
			if _, ok := n.(*ast.FuncLit); ok {
				return false
			}
			if ret, ok := n.(*ast.ReturnStmt); ok && len(ret.Results) == 1 {
				out = append(out, s.eval(ret.Results[0], inside)...)
			}
			return true
		})
		return out
	}
	return []string{anything}
}

// named lists what a name can stand for: a parameter, a variable of the function or
// one of the package.
func (s *source) named(name string, in *scope) []string {
	if slices.Contains(in.open, name) {
		return []string{anything}
	}
	in.open = append(in.open, name)
	defer func() { in.open = in.open[:len(in.open)-1] }()
	var out []string
	if slices.Contains(parameters(in.fn), name) {
		switch a, ok := in.bound[name]; {
		case ok:
			out = append(out, s.eval(a.expr, a.in)...)
		default:
			if !in.loose {
				in.needs[name] = true
			}
			out = append(out, anything)
		}
	}
	for _, set := range assignments(in.fn, name) {
		if set == nil {
			out = append(out, anything)
			continue
		}
		out = append(out, s.eval(set, in)...)
	}
	if lit, ok := s.vars[name]; ok && out == nil {
		return s.eval(lit, in)
	}
	if out == nil {
		return []string{anything}
	}
	slices.Sort(out)
	out = slices.Compact(out)
	if len(out) > 1 { // a variable that starts empty is filled before it is used
		out = slices.DeleteFunc(out, func(form string) bool { return form == "" })
	}
	return out
}

func parameters(fn *ast.FuncDecl) []string {
	var names []string
	for _, field := range fn.Type.Params.List {
		for _, name := range field.Names {
			names = append(names, name.Name)
		}
	}
	return names
}

// assignments lists what a variable of a function is ever set to; nil is one of
// several values of a call, or an element of something.
func assignments(fn *ast.FuncDecl, name string) []ast.Expr {
	var out []ast.Expr
	note := func(left []ast.Expr, right []ast.Expr) {
		for i, l := range left {
			if id, ok := l.(*ast.Ident); !ok || id.Name != name {
				continue
			}
			if len(left) == len(right) {
				out = append(out, right[i])
			} else {
				out = append(out, nil)
			}
		}
	}
	ast.Inspect(fn, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			if n.Tok == token.ADD_ASSIGN {
				note(n.Lhs, []ast.Expr{&ast.BinaryExpr{X: n.Lhs[0], Op: token.ADD, Y: n.Rhs[0]}})
			} else {
				note(n.Lhs, n.Rhs)
			}
		case *ast.RangeStmt:
			note([]ast.Expr{n.Key, n.Value}, nil)
		case *ast.ValueSpec:
			for i, id := range n.Names {
				if id.Name == name && i < len(n.Values) {
					out = append(out, n.Values[i])
				}
			}
		}
		return true
	})
	return out
}

// handsOn reports whether a text is that of another Problem, of a complaint or of
// an error, which are made, and looked for, elsewhere.
func (s *source) handsOn(text ast.Expr, in *scope) bool {
	any := func(list ...ast.Expr) bool {
		return slices.ContainsFunc(list, func(e ast.Expr) bool { return s.handsOn(e, in) })
	}
	switch e := text.(type) {
	case *ast.SelectorExpr:
		return e.Sel.Name == "Text"
	case *ast.BinaryExpr:
		return any(e.X, e.Y)
	case *ast.CallExpr:
		return calledName(e) == "Error" || any(e.Args...)
	case *ast.Ident:
		found := false
		ast.Inspect(in.fn, func(n ast.Node) bool {
			if set, ok := n.(*ast.AssignStmt); ok && len(set.Rhs) == 1 && len(set.Lhs) > 1 {
				_, call := set.Rhs[0].(*ast.CallExpr)
				found = found || call && slices.ContainsFunc(set.Lhs, func(l ast.Expr) bool { return fmt.Sprint(l) == e.Name })
			}
			return true
		})
		if a, ok := in.bound[e.Name]; ok && !found {
			return s.handsOn(a.expr, a.in)
		}
		return found
	}
	return false
}
