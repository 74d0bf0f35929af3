package route

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// decoder fills the types of format.go from YAML nodes and collects what is
// wrong. The types are the format: a field's `yaml:` tag is its name, its `is:`
// tag its grammar.
type decoder struct {
	file     string
	problems Problems
}

// document is what one file may hold.
type document struct {
	Proxies map[string]*Proxy `yaml:"proxies" is:"proxy"`
	Pools   map[string]*Pool  `yaml:"pools" is:"pool"`
	Routes  map[string]*Route `yaml:"routes" is:"route"`
}

// read hands each document of the file to take.
func (d *decoder) read(data []byte, take func(document)) {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var root yaml.Node
		err := dec.Decode(&root)
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			d.syntax(err)
			return
		}
		var doc document
		if len(root.Content) == 0 || isNull(root.Content[0]) {
			continue // nothing but comments
		}
		d.value(root.Content[0], reflect.ValueOf(&doc).Elem(), "", "a route file")
		take(doc)
	}
}

var yamlLine = regexp.MustCompile(`^yaml: line (\d+): (.*)$`)

// syntax tells what the YAML parser said. It knows lines, but no columns.
func (d *decoder) syntax(err error) {
	pos, text := Pos{File: d.file, Line: 1, Col: 1}, strings.TrimPrefix(err.Error(), "yaml: ")
	if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
		pos.Line, _ = strconv.Atoi(m[1])
		text = m[2]
	}
	d.problem(pos, "this is not YAML: "+text, "look at the indentation, quotes and colons here and on the line before")
}

func (d *decoder) problem(pos Pos, text, hint string) {
	d.problems = append(d.problems, Problem{Pos: pos, Text: text, Hint: hint})
}

func (d *decoder) pos(n *yaml.Node) Pos {
	return Pos{File: d.file, Line: n.Line, Col: n.Column}
}

// value fills v from n. is names the grammar of the scalars in it, or what one
// entry of a map is called; name is what people call the field.
func (d *decoder) value(n *yaml.Node, v reflect.Value, is, name string) {
	if n.Kind == yaml.AliasNode || n.Anchor != "" {
		d.problem(d.pos(n), "anchors and aliases are not read", "write the value out")
		return
	}
	switch v.Kind() {
	case reflect.Map:
		d.section(n, v, is, name)
	case reflect.Slice:
		d.list(n, v, is, name)
	case reflect.Struct:
		if v.FieldByName("Value").IsValid() { // an At
			d.scalar(n, v, is, name)
			return
		}
		d.object(n, v, name)
	}
}

// section fills a map of named things, each of them a kind.
func (d *decoder) section(n *yaml.Node, v reflect.Value, kind, name string) {
	if n.Kind != yaml.MappingNode {
		d.wrongKind(n, name, "a map", fmt.Sprintf("write the name of a %s below it, and below that its fields", kind))
		return
	}
	v.Set(reflect.MakeMap(v.Type()))
	for i := 0; i < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		named, complaint, hint := readName(key.Value)
		if complaint != "" {
			d.problem(d.pos(key), complaint, hint)
			continue
		}
		if first := v.MapIndex(reflect.ValueOf(named)); first.IsValid() {
			d.twice(d.pos(key), kind, key.Value, first.Elem().FieldByName("Pos").Interface().(Pos))
			continue
		}
		item := reflect.New(v.Type().Elem().Elem())
		d.value(value, item.Elem(), "", kind+" "+key.Value)
		item.Elem().FieldByName("Name").SetString(key.Value)
		item.Elem().FieldByName("Pos").Set(reflect.ValueOf(d.pos(key)))
		v.SetMapIndex(reflect.ValueOf(named), item)
	}
}

func (d *decoder) twice(pos Pos, kind, name string, first Pos) {
	d.problem(pos, fmt.Sprintf("%s %s is defined already, at %s", kind, name, first), "leave one of them out, or give it another name")
}

func (d *decoder) list(n *yaml.Node, v reflect.Value, is, name string) {
	if n.Kind != yaml.SequenceNode {
		hint := "write its entries below it, each after '- '"
		if n.Kind == yaml.ScalarNode && !isNull(n) {
			hint = fmt.Sprintf("put brackets around it: [%s]", n.Value)
		}
		d.wrongKind(n, name, "a list", hint)
		v.Set(reflect.MakeSlice(v.Type(), 1, 1)) // given, without a value
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
	for i, item := range n.Content {
		d.value(item, v.Index(i), is, fmt.Sprintf("%s[%d]", name, i))
	}
}

func (d *decoder) object(n *yaml.Node, v reflect.Value, name string) {
	if pos := v.FieldByName("Pos"); pos.IsValid() {
		pos.Set(reflect.ValueOf(d.pos(n)))
	}
	fields := fieldsOf(v.Type())
	if short, ok := v.Interface().(interface{ shorthand() string }); ok && n.Kind == yaml.ScalarNode {
		f := fields[slices.IndexFunc(fields, func(f field) bool { return f.name == short.shorthand() })]
		d.value(n, v.Field(f.index), f.is, f.name)
		return
	}
	if n.Kind != yaml.MappingNode {
		d.wrongKind(n, name, "a map", "write its fields below it, like "+fields[0].name+": …")
		return
	}
	seen := map[string]Pos{}
	for i := 0; i < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		at := slices.IndexFunc(fields, func(f field) bool { return f.name == key.Value })
		if at < 0 {
			names := make([]string, len(fields))
			for i, f := range fields {
				names[i] = f.name
			}
			d.problem(d.pos(key), fmt.Sprintf("%s has no field %s", name, quote(key.Value)), "its fields are "+strings.Join(names, ", "))
			continue
		}
		if first, ok := seen[key.Value]; ok {
			d.twice(d.pos(key), "field", key.Value, first)
			continue
		}
		seen[key.Value] = d.pos(key)
		d.value(value, v.Field(fields[at].index), fields[at].is, key.Value)
	}
}

// scalar fills an At.
func (d *decoder) scalar(n *yaml.Node, v reflect.Value, is, name string) {
	g, ok := grammars[is]
	if !ok {
		panic("route: no grammar " + is) // a type in format.go without its is: tag
	}
	v.FieldByName("Pos").Set(reflect.ValueOf(d.pos(n)))
	if n.Kind != yaml.ScalarNode || !slices.Contains(g.tags, n.Tag) {
		hint := "write " + g.want + ", or leave the field out"
		switch {
		case n.Kind != yaml.ScalarNode || isNull(n):
		case slices.Contains(g.tags, "!!str"):
			hint = fmt.Sprintf("put quotes around it: %q", n.Value)
		case n.Tag == "!!str" && slices.Contains(g.tags, "!!int"):
			hint = "write it as a number, without quotes"
		}
		d.wrongKind(n, name, g.want, hint)
		return
	}
	value, complaint, hint := g.read(n.Value)
	if complaint != "" {
		d.problem(d.pos(n), complaint, hint)
		return
	}
	v.FieldByName("Value").Set(reflect.ValueOf(value))
}

func (d *decoder) wrongKind(n *yaml.Node, name, want, hint string) {
	d.problem(d.pos(n), fmt.Sprintf("%s must be %s, not %s", name, want, kindOf(n)), hint)
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

// kindOf says in a person's words what n is.
func kindOf(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a map"
	case yaml.SequenceNode:
		return "a list"
	}
	switch n.Tag {
	case "!!null":
		return "nothing"
	case "!!bool":
		return "true or false"
	case "!!int", "!!float":
		return "a number"
	case "!!str":
		return "text"
	}
	return n.Tag
}

type field struct {
	name, is string
	index    int
}

// fieldsOf lists the fields that people can write, in the order of the type.
func fieldsOf(t reflect.Type) []field {
	var fields []field
	for i := range t.NumField() {
		if name := t.Field(i).Tag.Get("yaml"); name != "" {
			fields = append(fields, field{name, t.Field(i).Tag.Get("is"), i})
		}
	}
	return fields
}
