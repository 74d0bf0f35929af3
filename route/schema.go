package route

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// descriptions is what the doc comments of the format's types say, by the names of
// types and fields.
//
//go:generate go run ./describe
//go:embed descriptions.json
var descriptions []byte

// Schema is the format of a route file as a JSON Schema of draft 7, the last one
// that all editors read. It refuses nothing that Parse takes, and takes little
// that Parse refuses: it does not see other files, nor what one value has to do
// with another.
func Schema() []byte {
	b := builder{definitions: schema{}}
	if err := json.Unmarshal(descriptions, &b.described); err != nil {
		panic("route: descriptions.json: " + err.Error()) // embedded
	}
	root := b.object(reflect.TypeFor[document]())
	root["$schema"] = "http://json-schema.org/draft-07/schema#"
	root["type"] = []string{"object", "null"} // a file may hold nothing but comments
	root["definitions"] = b.definitions
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false) // patterns shall be read by people
	e.SetIndent("", "  ")
	if err := e.Encode(root); err != nil {
		panic("route: " + err.Error()) // a value in a grammar that JSON has not
	}
	return text.Bytes()
}

// builder makes a schema of types as decoder reads values into them. Each type and
// each grammar is a definition of its own, for they come up more than once, and a
// type may hold itself.
type builder struct {
	definitions schema
	described   map[string]map[string]string
}

// ref refers to a definition, which build makes when it is met first.
func (b *builder) ref(name string, build func() schema) schema {
	name = strings.ReplaceAll(name, " ", "-")
	if b.definitions[name] == nil {
		b.definitions[name] = schema{} // for what it holds itself
		b.definitions[name] = build()
	}
	return schema{"$ref": "#/definitions/" + name}
}

// value is what may stand where a value of a type is read.
func (b *builder) value(t reflect.Type, f field) schema {
	switch t.Kind() {
	case reflect.Map:
		if f.key != "" {
			return schema{"type": "object", "propertyNames": b.scalar(f.key), "additionalProperties": b.value(t.Elem(), f)}
		}
		s := schema{"type": "object", "propertyNames": b.scalar("name"), "additionalProperties": b.value(t.Elem(), field{})}
		if t.Elem() == reflect.TypeFor[*Proxy]() {
			s["propertyNames"] = schema{"allOf": []schema{b.scalar("name"), {"maxLength": maxProxyName}}}
		}
		return s
	case reflect.Slice:
		return schema{"type": "array", "items": b.value(t.Elem(), f)}
	case reflect.Pointer:
		return b.value(t.Elem(), f)
	}
	if isAt(reflect.New(t).Elem()) {
		return b.scalar(f.is)
	}
	return b.ref(t.Name(), func() schema { return b.object(t) })
}

// types are JSON Schema's for YAML's.
var types = map[string]string{"!!str": "string", "!!int": "integer", "!!float": "number", "!!bool": "boolean"}

// scalar is what a grammar takes.
func (b *builder) scalar(is string) schema {
	return b.ref(is, func() schema {
		g := grammars[is]
		s := maps.Clone(g.schema)
		var allowed []string
		for _, tag := range g.tags {
			allowed = append(allowed, types[tag])
		}
		if s["type"] = allowed; len(allowed) == 1 {
			s["type"] = allowed[0]
		}
		if s["errorMessage"] == nil {
			nothing := ""
			if _, complaint, _ := g.read(nothing); complaint == "" {
				nothing = "\x00"
			}
			s["errorMessage"] = told(g.want, g.read, nothing)
		}
		if ways, ok := s["anyOf"].([]schema); ok {
			each := make([]schema, len(ways))
			for i, way := range ways {
				each[i] = way.with("errorMessage", s["errorMessage"])
			}
			s["anyOf"] = each
		}
		return s
	})
}

// told is what an editor tells of a value that is not what it must be: the hints
// that people get who write something bad.
func told(want string, read func(string) (any, string, string), bad ...string) string {
	var hints []string
	for _, text := range bad {
		if _, complaint, hint := read(text); complaint != "" && !slices.Contains(hints, hint) {
			hints = append(hints, hint)
		}
	}
	return fmt.Sprintf("this must be %s: %s", want, strings.Join(hints, "; "))
}

// object is a map with the fields of a type, or the bare value that stands for it.
func (b *builder) object(t reflect.Type) schema {
	fields := fieldsOf(t)
	properties := schema{}
	for _, f := range fields {
		typ := t.FieldByIndex(f.index).Type
		properties[f.name] = b.value(typ, f).with("description", b.describe(t, f))
	}
	s := schema{"type": "object", "properties": properties, "additionalProperties": false}
	if r, ok := rules[t]; ok {
		if r.needs != nil {
			s["required"] = r.needs
		}
		if r.all != nil {
			s["allOf"] = r.all
		}
	}
	if short, ok := reflect.Zero(t).Interface().(interface{ shorthand() string }); ok {
		f := fields[slices.IndexFunc(fields, func(f field) bool { return f.name == short.shorthand() })]
		s = schema{"anyOf": []schema{b.value(t.FieldByIndex(f.index).Type, f), s}}
	}
	if text := b.described[t.Name()][""]; text != "" {
		s["description"] = text
	}
	return s
}

// describe is what the comments say of a field, and of the map that it is.
func (b *builder) describe(t reflect.Type, f field) string {
	typ := t.FieldByIndex(f.index).Type
	owner := t
	if above := f.index[:len(f.index)-1]; len(above) > 0 {
		owner = t.FieldByIndex(above).Type
	}
	text := b.described[owner.Name()][f.name]
	if owner == reflect.TypeFor[document]() {
		typ = typ.Elem()
	}
	if typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	return strings.TrimSpace(text + " " + b.described[typ.Name()][""])
}
