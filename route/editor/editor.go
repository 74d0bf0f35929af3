// Package editor looks at route files as an editor does that has the schema, and
// holds what it marks against what the parser says. It is for tests alone.
package editor

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"gopkg.in/yaml.v3"

	"github.com/wharfinger/wharfinger/route"
)

// Mark is something that the schema does not allow.
type Mark struct {
	// Paths lead to it: each begins with the number of the document in the file, and
	// goes on with keys of maps and indexes of lists. There are several where it is
	// not known which of some keys is meant.
	Paths [][]string
	err   *jsonschema.ValidationError
}

// String says what is not allowed, and where.
func (m Mark) String() string { return fmt.Sprintf("document %s: %v", m.Paths[0][0], m.err) }

// Look returns what an editor marks in a file. Of a file that is not YAML it
// returns an error: that is no matter of the schema.
func Look(data []byte) ([]Mark, error) {
	documents, err := read(data)
	return look(documents), err
}

// read returns the documents of a file that hold something.
func read(data []byte) ([]*yaml.Node, error) {
	var documents []*yaml.Node
	for dec := yaml.NewDecoder(bytes.NewReader(data)); ; {
		var doc yaml.Node
		switch err := dec.Decode(&doc); {
		case errors.Is(err, io.EOF):
			return documents, nil
		case err != nil:
			return nil, err
		case len(doc.Content) > 0:
			documents = append(documents, doc.Content[0])
		}
	}
}

var schema = sync.OnceValue(func() *jsonschema.Schema {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(route.Schema()))
	if err != nil {
		panic(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("schema.json", doc); err != nil {
		panic(err)
	}
	return c.MustCompile("schema.json") // it is held against the schema of schemas, too
})

func look(documents []*yaml.Node) []Mark {
	var marks []Mark
	for i, root := range documents {
		value := valueOf(root)
		var refused *jsonschema.ValidationError
		if err := schema().Validate(value); errors.As(err, &refused) {
			marks = append(marks, marksOf(refused, []string{strconv.Itoa(i)}, value)...)
		}
	}
	return marks
}

// marksOf lists the errors at the leaves, which are what is wrong; of keys that are
// not as they should be, the keys. The document is at the end of root.
func marksOf(e *jsonschema.ValidationError, root []string, document any) []Mark {
	var marks []Mark
	path := slices.Concat(root, e.InstanceLocation)
	switch k := e.ErrorKind.(type) {
	case *kind.AdditionalProperties:
		for _, name := range k.Properties {
			marks = append(marks, Mark{[][]string{slices.Concat(path, []string{name})}, e})
		}
	case *kind.PropertyNames:
		// The validator writes over this location later, so its length is all that is
		// true (github.com/santhosh-tekuri/jsonschema/pull/269).
		marks = []Mark{{keysNamed(k.Property, root, document, len(path)), e}}
	default:
		causes := e.Causes
		if _, ok := e.ErrorKind.(*kind.AnyOf); ok {
			causes = ofItsType(e)
		}
		for _, cause := range causes {
			marks = append(marks, marksOf(cause, root, document)...)
		}
		if marks == nil {
			marks = []Mark{{[][]string{path}, e}}
		}
	}
	return marks
}

// ofItsType are the ways in which a value is no one of some kinds, but for those that
// are of another type, unless all are.
func ofItsType(anyOf *jsonschema.ValidationError) []*jsonschema.ValidationError {
	var otherType func(*jsonschema.ValidationError) bool
	otherType = func(e *jsonschema.ValidationError) bool {
		_, ok := e.ErrorKind.(*kind.Type)
		return ok && len(e.InstanceLocation) == len(anyOf.InstanceLocation) || slices.ContainsFunc(e.Causes, otherType)
	}
	if left := slices.DeleteFunc(slices.Clone(anyOf.Causes), otherType); len(left) > 0 {
		return left
	}
	return anyOf.Causes
}

// keysNamed finds the keys of a name in maps with paths of a length. The tree is
// at the end of path.
func keysNamed(name string, path []string, tree any, length int) [][]string {
	var found [][]string
	switch tree := tree.(type) {
	case map[string]any:
		if _, ok := tree[name]; ok && len(path) == length {
			return [][]string{slices.Concat(path, []string{name})}
		}
		for key, child := range tree {
			found = append(found, keysNamed(name, slices.Concat(path, []string{key}), child, length)...)
		}
	case []any:
		for i, child := range tree {
			found = append(found, keysNamed(name, slices.Concat(path, []string{strconv.Itoa(i)}), child, length)...)
		}
	}
	return found
}
