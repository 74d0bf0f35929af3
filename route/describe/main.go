// Describe reads the doc comments of the types that make the format, and writes
// them as what an editor tells of their fields. go generate runs it in route/.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// file is what is written, for package route to embed.
const file = "descriptions.json"

func main() {
	text, err := describe(".")
	if err == nil {
		err = os.WriteFile(file, text, 0o666)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "describe: %v\n", err)
		os.Exit(1)
	}
}

// describe returns the descriptions of the package in dir as JSON: by the name of a
// type those of its fields, by the names that people write, and under "" that of
// the type.
func describe(dir string) ([]byte, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	all := map[string]map[string]string{}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			return nil, err
		}
		for _, decl := range f.Decls {
			decl, ok := decl.(*ast.GenDecl)
			if !ok || decl.Tok != token.TYPE {
				continue
			}
			for _, spec := range decl.Specs {
				spec := spec.(*ast.TypeSpec)
				typ, ok := spec.Type.(*ast.StructType)
				if !ok || !spec.Name.IsExported() {
					continue
				}
				fields := fieldsOf(typ)
				if described := describeFields(typ, fields); len(fields) > 0 || isMadeOf(typ) {
					described[""] = describeType(spec.Name.Name, decl.Doc.Text(), fields)
					all[spec.Name.Name] = described
				}
			}
		}
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err = e.Encode(all)
	return b.Bytes(), err
}

// field is one that people can write.
type field struct{ code, written string }

func fieldsOf(typ *ast.StructType) []field {
	var all []field
	for _, f := range typ.Fields.List {
		if written := tagOf(f); written != "" {
			all = append(all, field{f.Names[0].Name, written})
		}
	}
	return all
}

// isMadeOf reports whether a type has the fields of another one.
func isMadeOf(typ *ast.StructType) bool {
	return slices.ContainsFunc(typ.Fields.List, func(f *ast.Field) bool { return len(f.Names) == 0 })
}

func tagOf(f *ast.Field) string {
	if f.Tag == nil || len(f.Names) == 0 {
		return ""
	}
	tag, err := strconv.Unquote(f.Tag.Value)
	if err != nil {
		return "" // the compiler has told
	}
	return reflect.StructTag(tag).Get("yaml")
}

// describeFields returns the comments of a type's fields. A comment above several
// is for the first and for those that it names.
func describeFields(typ *ast.StructType, all []field) map[string]string {
	described := map[string]string{}
	above := ""
	for _, f := range typ.Fields.List {
		written := tagOf(f)
		if written == "" {
			continue
		}
		if f.Doc != nil {
			above = onOneLine(f.Doc.Text())
		}
		if subject := subjects.FindString(above); f.Doc != nil || word(f.Names[0].Name).MatchString(subject) {
			described[written] = inTheirWords(subject, all, true) + inTheirWords(above[len(subject):], all, false)
		}
	}
	return described
}

func word(name string) *regexp.Regexp { return regexp.MustCompile(`\b` + name + `\b`) }

// subjects is what a comment is about: one or more fields at its start.
var subjects = regexp.MustCompile(`^[A-Z]\w*(?:, [A-Z]\w*)*(?: and [A-Z]\w*)?`)

// sentence is where a word has a capital like any other.
var sentence = regexp.MustCompile(`[.:] $`)

// inTheirWords is a text with the names of fields as people write them. What is
// in capitals is a name in the subject alone: TLS is a word, too.
func inTheirWords(text string, fields []field, subject bool) string {
	for _, f := range fields {
		if !subject && strings.ToUpper(f.code) == f.code {
			continue
		}
		out, last := "", 0
		for _, at := range word(f.code).FindAllStringIndex(text, -1) {
			before := text[:at[0]]
			inCode := strings.Count(before, "`")%2 == 1
			if inCode || sentence.MatchString(before) || strings.HasSuffix(before, "-") {
				continue
			}
			out += text[last:at[0]] + "`" + f.written + "`"
			last = at[1]
		}
		text = out + text[last:]
	}
	return text
}

func onOneLine(comment string) string { return strings.Join(strings.Fields(comment), " ") }

// place is what the comment of a type says of where it stands.
var place = regexp.MustCompile("^(?:one entry of )?`\\w+:`(?: (?:of|below) (?:a \\w+|`\\w+:`))*[.,:]? ?")

// describeType is the comment of a type without its name and its place.
func describeType(name, comment string, fields []field) string {
	comment = inTheirWords(onOneLine(comment), fields, false)
	for _, verb := range []string{" is ", " are ", " "} {
		if rest, ok := strings.CutPrefix(comment, name+verb); ok {
			comment = rest[len(place.FindString(rest)):]
			break
		}
	}
	if comment == "" {
		return ""
	}
	return strings.ToUpper(comment[:1]) + comment[1:]
}
