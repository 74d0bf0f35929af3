package route

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"

	"gopkg.in/yaml.v3"
)

// decoder fills the types of format.go from YAML nodes and collects what is
// wrong. The types are the format: a field's `yaml:` tag is its name, its `is:`
// tag its grammar.
type decoder struct {
	path     string
	problems Problems
	gaps
	before int     // problems of the files before
	taken  uintptr // bytes of memory, those of the files before among them
}

// gaps is what was written but refused, so that nobody is told that it is
// missing as well.
type gaps struct {
	// names says that a name was lost: one that leads nowhere may be right.
	names bool
	// fields holds the named things that may have lost fields.
	fields map[any]bool
	// objects holds where maps inside of those stand that may have lost fields.
	objects map[Pos]bool
}

func newGaps() gaps { return gaps{fields: map[any]bool{}, objects: map[Pos]bool{}} }

// document is what one file may hold.
type document struct {
	Proxies  map[string]*Proxy  `yaml:"proxies" is:"proxy"`
	Pools    map[string]*Pool   `yaml:"pools" is:"pool"`
	Routes   map[string]*Route  `yaml:"routes" is:"route"`
	Streams  map[string]*Stream `yaml:"streams" is:"stream"`
	Policies map[string]*Policy `yaml:"policies" is:"policy"`
}

// read hands each document of the file to take.
func (d *decoder) read(data []byte, take func(document)) {
	d.nodes(data, func(n *yaml.Node) {
		var doc document
		d.value(n, reflect.ValueOf(&doc).Elem(), field{}, "a route file")
		take(doc)
	})
}

func (d *decoder) problem(pos Pos, text, hint string) {
	if d.full() {
		return
	}
	d.problems = append(d.problems, Problem{Pos: pos, Text: text, Hint: hint})
}

func (d *decoder) pos(n *yaml.Node) Pos {
	return Pos{File: d.path, Line: n.Line, Col: n.Column}
}

// value fills v from n. f tells the grammars of what is in it; name is what people
// call the field.
func (d *decoder) value(n *yaml.Node, v reflect.Value, f field, name string) {
	if n.Kind == yaml.AliasNode || n.Anchor != "" {
		d.anchored(n)
		d.refuse(n, v)
		return
	}
	switch v.Kind() {
	case reflect.Map:
		if f.key != "" {
			d.values(n, v, f, name)
			return
		}
		d.section(n, v, f.is, name)
	case reflect.Slice:
		d.list(n, v, f, name)
	case reflect.Pointer:
		if !d.take(1, v.Type().Elem()) {
			return
		}
		v.Set(reflect.New(v.Type().Elem()))
		d.object(n, v.Elem(), name)
	case reflect.Struct:
		if isAt(v) {
			d.scalar(n, v, f.is, name)
			return
		}
		d.object(n, v, name)
	}
}

func isAt(v reflect.Value) bool {
	return v.Kind() == reflect.Struct && v.FieldByName("Value").IsValid()
}

func (d *decoder) anchored(n *yaml.Node) {
	d.problem(d.pos(n), "anchors and aliases are not read", "write the value out")
}

// lost is the key in a map of scalars that stands for what was refused.
const lost = ""

// refuse leaves v given, but without a value.
func (d *decoder) refuse(n *yaml.Node, v reflect.Value) {
	switch {
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.refuse(n, v.Elem())
	case v.Kind() == reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
	case v.Kind() == reflect.Map && isAt(reflect.New(v.Type().Elem()).Elem()):
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(reflect.ValueOf(lost), reflect.New(v.Type().Elem()).Elem())
	case v.Kind() == reflect.Map || v.Type() == reflect.TypeFor[document]():
		d.gaps.names = true
	case isAt(v):
		v.FieldByName("Pos").Set(reflect.ValueOf(d.pos(n)))
	case v.FieldByName("Name").IsValid() && v.FieldByName("Pos").IsValid():
		d.gaps.fields[v.Addr().Interface()] = true
	case v.FieldByName("Pos").IsValid():
		v.FieldByName("Pos").Set(reflect.ValueOf(d.pos(n)))
		d.gaps.objects[d.pos(n)] = true
	}
}

// key reads what stands before a colon.
func (d *decoder) key(n *yaml.Node) (string, bool) {
	switch {
	case n.Kind == yaml.AliasNode || n.Anchor != "" || n.Tag == "!!merge":
		d.anchored(n)
	case n.Kind != yaml.ScalarNode:
		d.problem(d.pos(n), fmt.Sprintf("before a colon stands text, not %s", kindOf(n)), "write a name or a field there")
	default:
		return n.Value, true
	}
	return "", false
}

// section fills a map of named things, each of them a kind.
func (d *decoder) section(n *yaml.Node, v reflect.Value, kind, name string) {
	if n.Kind != yaml.MappingNode {
		d.wrongKind(n, v, name, "a map", fmt.Sprintf("write the name of a %s below it, and below that its fields", kind))
		return
	}
	v.Set(reflect.MakeMap(v.Type()))
	for i := 0; i < len(n.Content) && !d.full(); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		text, ok := d.key(key)
		if !ok {
			d.refuse(n, v)
			continue
		}
		named, complaint, hint := readName(text)
		if complaint != "" {
			d.problem(d.pos(key), complaint, hint)
			d.refuse(n, v)
			continue
		}
		if first := v.MapIndex(reflect.ValueOf(named)); first.IsValid() {
			d.twice(d.pos(key), kind, text, first.Elem().FieldByName("Pos").Interface().(Pos))
			continue
		}
		if !d.take(1, v.Type().Elem().Elem()) {
			return
		}
		item := reflect.New(v.Type().Elem().Elem())
		d.value(value, item.Elem(), field{}, kind+" "+text)
		item.Elem().FieldByName("Name").SetString(text)
		item.Elem().FieldByName("Pos").Set(reflect.ValueOf(d.pos(key)))
		if d.gaps.objects[d.pos(value)] {
			d.gaps.objects[d.pos(key)] = true
		}
		v.SetMapIndex(reflect.ValueOf(named), item)
	}
}

func (d *decoder) twice(pos Pos, kind, name string, first Pos) {
	d.problem(pos, fmt.Sprintf("%s %s is defined already, at %s", kind, name, first), "leave one of them out, or give it another name")
}

// values fills a map of scalars, whose keys have a grammar of their own.
func (d *decoder) values(n *yaml.Node, v reflect.Value, f field, name string) {
	if n.Kind != yaml.MappingNode {
		d.wrongKind(n, v, name, "a map", "write lines of a name and a value below it")
		return
	}
	v.Set(reflect.MakeMap(v.Type()))
	seen := map[any]Pos{}
	for i := 0; i < len(n.Content) && !d.full(); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		text, ok := d.key(key)
		if !ok {
			v.SetMapIndex(reflect.ValueOf(lost), reflect.New(v.Type().Elem()).Elem())
			continue
		}
		named, complaint, hint := grammars[f.key].read(text)
		if complaint != "" {
			d.problem(d.pos(key), complaint, hint)
			v.SetMapIndex(reflect.ValueOf(lost), reflect.New(v.Type().Elem()).Elem())
			continue
		}
		if first, ok := seen[named]; ok {
			d.problem(d.pos(key), fmt.Sprintf("%s has %s already, at %s", name, quote(text), first), "leave one of them out")
			continue
		}
		seen[named] = d.pos(key)
		if !d.take(1, v.Type().Elem()) {
			return
		}
		item, told := reflect.New(v.Type().Elem()).Elem(), len(d.problems)
		d.value(value, item, f, text)
		v.SetMapIndex(reflect.ValueOf(named), item)
		if len(d.problems) > told {
			v.SetMapIndex(reflect.ValueOf(lost), reflect.New(v.Type().Elem()).Elem())
		}
	}
}

func (d *decoder) list(n *yaml.Node, v reflect.Value, f field, name string) {
	if n.Kind != yaml.SequenceNode {
		hint := "write its entries below it, each after '- '"
		if n.Kind == yaml.ScalarNode && !isNull(n) && n.Style == 0 && len(n.Value) <= 60 && !strings.Contains(n.Value, "\n") {
			hint = fmt.Sprintf("put brackets around it: [%s]", n.Value)
		}
		d.wrongKind(n, v, name, "a list", hint)
		return
	}
	if !d.take(len(n.Content), v.Type().Elem()) {
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
	for i, item := range n.Content {
		if d.full() {
			return
		}
		d.value(item, v.Index(i), f, fmt.Sprintf("%s[%d]", name, i))
	}
}

func (d *decoder) object(n *yaml.Node, v reflect.Value, name string) {
	fields := fieldsOf(v.Type())
	short, _ := v.Interface().(interface{ shorthand() string })
	if n.Kind != yaml.MappingNode && (short == nil || n.Kind != yaml.ScalarNode) {
		hint := "write its fields below it, like " + fields[0].name + ": …"
		if v.Type() == reflect.TypeFor[document]() {
			hint = "start a line with proxies:, pools:, routes:, streams: or policies:"
		}
		d.wrongKind(n, v, name, "a map", hint)
		return
	}
	if pos := v.FieldByName("Pos"); pos.IsValid() {
		pos.Set(reflect.ValueOf(d.pos(n)))
	}
	if short != nil {
		f := fields[slices.IndexFunc(fields, func(f field) bool { return f.name == short.shorthand() })]
		switch {
		case n.Kind == yaml.ScalarNode:
			d.value(n, v.FieldByIndex(f.index), f, name)
			return
		case f.is == "bool": // who writes a map wants what it is about
			v.FieldByIndex(f.index).Set(reflect.ValueOf(At[bool]{true, d.pos(n)}))
		}
	}
	seen := map[string]Pos{}
	for i := 0; i < len(n.Content) && !d.full(); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		text, ok := d.key(key)
		if !ok {
			d.refuse(n, v)
			continue
		}
		at := slices.IndexFunc(fields, func(f field) bool { return f.name == text })
		if at < 0 {
			d.problem(d.pos(key), fmt.Sprintf("%s has no field %s", name, quote(text)), its(text, fields, elsewhere(text, name, v.Type())))
			if v.FieldByName("Pos").IsValid() {
				d.gaps.objects[d.pos(n)] = true
			}
			continue
		}
		if first, ok := seen[text]; ok {
			d.problem(d.pos(key), fmt.Sprintf("field %s is given already, at %s", text, first), "leave one of them out")
			continue
		}
		seen[text] = d.pos(key)
		d.value(value, v.FieldByIndex(fields[at].index), fields[at], text)
	}
}

// its tells the field that was meant, or those that there are. A field of another
// map is told with its place, unless it is a slip of the hand.
func its(text string, fields []field, elsewhere string) string {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.name
	}
	near, off := nearest(text, names)
	meant := didYouMean(near)
	switch {
	case elsewhere != "" && off > 1:
		return elsewhere
	case meant != "":
		return meant
	case len(fields) == 1:
		return "its only field is " + names[0]
	}
	return "its fields are " + strings.Join(names, ", ")
}

// scalar fills an At.
func (d *decoder) scalar(n *yaml.Node, v reflect.Value, is, name string) {
	g, ok := grammars[is]
	if !ok {
		panic("route: no grammar " + is) // a type in format.go without its is: tag
	}
	if n.Kind != yaml.ScalarNode || isNull(n) {
		d.wrongKind(n, v, name, g.want, "write "+g.want+", or leave it out")
		return
	}
	v.FieldByName("Pos").Set(reflect.ValueOf(d.pos(n)))
	value, complaint, hint := g.read(n.Value)
	if complaint != "" {
		d.problem(d.pos(n), complaint, hint)
		return
	}
	tag := n.Tag
	if tag == "!!float" && !strings.ContainsFunc(n.Value, func(r rune) bool { return r < '0' || r > '9' }) {
		tag = "!!int" // 080, which yaml.v3 would have an octal number
	}
	if !slices.Contains(g.tags, tag) {
		// The text is right, but YAML takes it for something else.
		hint := "write it without quotes"
		switch {
		case n.Style&yaml.TaggedStyle != 0:
			hint = "leave the tag out"
		case slices.Contains(g.tags, "!!str"):
			hint = fmt.Sprintf("put quotes around it: %q", n.Value)
		}
		d.wrongKind(n, v, name, g.want, hint)
		return
	}
	v.FieldByName("Value").Set(reflect.ValueOf(value))
}

func (d *decoder) wrongKind(n *yaml.Node, v reflect.Value, name, want, hint string) {
	d.problem(d.pos(n), fmt.Sprintf("%s must be %s, not %s", name, want, kindOf(n)), hint)
	d.refuse(n, v)
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
	case "!!timestamp":
		return "a date"
	}
	return "something tagged " + quote(n.Tag)
}

// field is one that people can write.
type field struct {
	name  string
	is    string // the grammar of the scalars in it
	key   string // the grammar of its keys, where it is a map of scalars
	index []int
}

// listed holds what fieldsOf found; reflection is the slowest part of reading.
var listed sync.Map

// fieldsOf lists the fields that people can write, in the order of the type.
// Those of an embedded type count as its own.
func fieldsOf(t reflect.Type) []field {
	if fields, ok := listed.Load(t); ok {
		return fields.([]field)
	}
	var fields []field
	for _, f := range reflect.VisibleFields(t) {
		if name := f.Tag.Get("yaml"); name != "" {
			fields = append(fields, field{name, f.Tag.Get("is"), f.Tag.Get("key"), f.Index})
		}
	}
	listed.Store(t, fields)
	return fields
}
