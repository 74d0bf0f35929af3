package wharfinger

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestBadInputCoversEveryProblem reads the source of every package for what it can
// say in Problems and warnings, and looks for each in the lines that people are
// told: those of golden/*/*.golden, and those that tests named TestBadInput… hold.
// A new Problem without an example fails here.
func TestBadInputCoversEveryProblem(t *testing.T) {
	lines := toldLines(t)
	all, missing := 0, 0
	for _, dir := range packages(t) {
		src := readSource(t, dir)
		shapes := src.shapes()
		for _, err := range src.errs {
			t.Error(err)
		}
		without := 0
		for _, s := range shapes {
			if !slices.ContainsFunc(lines, regexp.MustCompile(s.form).MatchString) {
				without++
				t.Errorf("%s: no example is told this:\n%s", s.pos, s.form)
			}
		}
		if len(shapes) > 0 {
			t.Logf("%s: %d of %d shapes of problems have an example", dir, len(shapes)-without, len(shapes))
		}
		all, missing = all+len(shapes), missing+without
	}
	t.Logf("%d of %d shapes of problems have an example, in %d lines", all-missing, all, len(lines))
	if all < 250 {
		t.Errorf("found %d shapes of problems, want 250 at least: does the scan still understand the source?", all)
	}
}

// packages lists the folders that hold Go code of ours.
func packages(t *testing.T) []string {
	t.Helper()
	seen := map[string]bool{}
	eachFile(t, func(path, dir string) { seen[dir] = true })
	var out []string
	for dir := range seen {
		if dir != "." {
			out = append(out, dir)
		}
	}
	slices.Sort(out)
	return out
}

// toldLines lists what tests hold that people are told.
func toldLines(t *testing.T) []string {
	t.Helper()
	var lines []string
	files, err := filepath.Glob("golden/*/*.golden")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")...)
	}
	eachFile(t, func(path, _ string) {
		if !strings.HasSuffix(path, "_test.go") {
			return
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok && strings.HasPrefix(fn.Name.Name, "TestBadInput") {
				ast.Inspect(fn, func(n ast.Node) bool {
					if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
						text, _ := strconv.Unquote(lit.Value)
						lines = append(lines, strings.Split(text, "\n")...)
					}
					return true
				})
			}
		}
	})
	return lines
}
