package route_test

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

	"github.com/wharfinger/wharfinger/golden"
	"github.com/wharfinger/wharfinger/route"
)

// TestEveryProblemHasAnExample reads this package's source for everything that
// makes a Problem, and looks for each in what the bad examples are told. A new
// Problem without a bad example fails here.
func TestEveryProblemHasAnExample(t *testing.T) {
	src := readSource(t)
	shapes := src.shapes()
	if len(shapes) < 40 {
		t.Fatalf("found %d places that make a Problem; does the scan still understand the source?", len(shapes))
	}
	var told []string
	for _, name := range golden.Examples(t, "bad", "") {
		_, problems := route.Parse(golden.Revision(t, "bad/"+name))
		for _, p := range problems {
			told = append(told, p.Text+"\n"+p.Hint)
		}
	}
	missing := 0
	for _, s := range shapes {
		form := regexp.MustCompile(`(?s)^` + s.text + "\n" + s.hint + `$`)
		if !slices.ContainsFunc(told, form.MatchString) {
			missing++
			t.Errorf("%s: no example in examples/bad is told this:\n\ttext %s\n\thint %s", s.pos, s.text, s.hint)
		}
	}
	t.Logf("%d of %d shapes of problems have an example", len(shapes)-missing, len(shapes))
}

// shape is one Problem that the source can make, as regular expressions.
type shape struct {
	pos        token.Position
	text, hint string
}

const anything = ".*"

type source struct {
	fset  *token.FileSet
	funcs map[string]*ast.FuncDecl
	vars  map[string]ast.Expr
}

func readSource(t *testing.T) *source {
	src := &source{token.NewFileSet(), map[string]*ast.FuncDecl{}, map[string]ast.Expr{}}
	for _, name := range sourceFiles(t) {
		file, err := parser.ParseFile(src.fset, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			switch decl := decl.(type) {
			case *ast.FuncDecl:
				name := decl.Name.Name
				if decl.Recv != nil {
					name = fmt.Sprint(decl.Pos(), name) // methods are not looked up
				}
				src.funcs[name] = decl
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

func (s *source) shapes() []shape {
	var out []shape
	for _, fn := range s.funcs {
		add := func(n ast.Node, texts, hints []string) {
			for _, text := range texts {
				for _, hint := range hints {
					if strings.Trim(text, "()") != anything { // else it only hands on what others made
						out = append(out, shape{s.fset.Position(n.Pos()), text, hint})
					}
				}
			}
		}
		ast.Inspect(fn, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				sel, ok := n.Fun.(*ast.SelectorExpr)
				switch {
				case ok && sel.Sel.Name == "problem":
					add(n, s.eval(n.Args[1], fn), s.eval(n.Args[2], fn))
				case ok && sel.Sel.Name == "wrongKind":
					add(n, []string{".* must be .*, not .*"}, s.eval(n.Args[len(n.Args)-1], fn))
				}
			case *ast.ReturnStmt: // of a grammar
				if strings.HasPrefix(fn.Name.Name, "read") && len(n.Results) == 3 && isNil(n.Results[0]) {
					add(n, s.eval(n.Results[1], fn), s.eval(n.Results[2], fn))
				}
			case *ast.CompositeLit:
				if typ, ok := n.Type.(*ast.Ident); ok && typ.Name != "Problem" {
					break
				}
				texts, hints := []string(nil), []string{""}
				for _, e := range n.Elts {
					kv, ok := e.(*ast.KeyValueExpr)
					if !ok {
						continue
					}
					switch fmt.Sprint(kv.Key) {
					case "Text":
						texts = s.eval(kv.Value, fn)
					case "Hint":
						hints = s.eval(kv.Value, fn)
					}
				}
				add(n, texts, hints)
			}
			return true
		})
	}
	slices.SortFunc(out, func(a, b shape) int {
		return strings.Compare(a.pos.String()+a.text+a.hint, b.pos.String()+b.text+b.hint)
	})
	return slices.Compact(out)
}

var verb = regexp.MustCompile(`%[a-z]`)

// eval lists what a string can look like, as far as fn and the package tell.
func (s *source) eval(e ast.Expr, fn *ast.FuncDecl) []string {
	switch e := e.(type) {
	case *ast.BasicLit:
		text, _ := strconv.Unquote(e.Value)
		return []string{regexp.QuoteMeta(text)}
	case *ast.BinaryExpr:
		var out []string
		for _, x := range s.eval(e.X, fn) {
			for _, y := range s.eval(e.Y, fn) {
				out = append(out, x+y)
			}
		}
		return out
	case *ast.Ident:
		return s.assigned(e.Name, fn)
	case *ast.IndexExpr:
		name, _ := e.X.(*ast.Ident)
		if lit, ok := s.vars[fmt.Sprint(name)].(*ast.CompositeLit); ok {
			var out []string
			for _, e := range lit.Elts {
				out = append(out, s.eval(e.(*ast.KeyValueExpr).Value, fn)...)
			}
			return out
		}
	case *ast.CallExpr:
		if sel, ok := e.Fun.(*ast.SelectorExpr); ok && sel.Sel.Name == "Sprintf" {
			if lit, ok := e.Args[0].(*ast.BasicLit); ok {
				return []string{verb.ReplaceAllString(s.eval(lit, fn)[0], anything)}
			}
		}
		if name, ok := e.Fun.(*ast.Ident); ok && s.funcs[name.Name] != nil {
			callee := s.funcs[name.Name]
			var out []string // any of them will do
			ast.Inspect(callee, func(n ast.Node) bool {
				if ret, ok := n.(*ast.ReturnStmt); ok && len(ret.Results) == 1 {
					out = append(out, s.eval(ret.Results[0], callee)...)
				}
				return true
			})
			return []string{"(" + strings.Join(out, "|") + ")"}
		}
	}
	return []string{anything}
}

// assigned lists what a variable of fn is ever set to.
func (s *source) assigned(name string, fn *ast.FuncDecl) []string {
	var out []string
	ast.Inspect(fn, func(n ast.Node) bool {
		set, ok := n.(*ast.AssignStmt)
		if !ok {
			return true
		}
		for i, left := range set.Lhs {
			switch {
			case fmt.Sprint(left) != name:
			case i < len(set.Rhs) && (i == 0 || len(set.Rhs) == len(set.Lhs)):
				out = append(out, s.eval(set.Rhs[i], fn)...)
			default:
				out = append(out, anything)
			}
		}
		return true
	})
	if out == nil {
		return []string{anything}
	}
	return out
}

func isNil(e ast.Expr) bool {
	name, ok := e.(*ast.Ident)
	return ok && name.Name == "nil"
}

func sourceFiles(t *testing.T) []string {
	t.Helper()
	all, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(all, func(name string) bool { return strings.HasSuffix(name, "_test.go") })
}
