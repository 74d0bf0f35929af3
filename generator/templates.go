package generator

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/template"
	"text/template/parse"

	"github.com/wharfinger/wharfinger/templates"
)

// Templates are what files are rendered with. The zero value is those that the
// program holds.
type Templates struct{ set *template.Template }

// OwnTemplates takes texts, by their names as in package templates, in place of
// the program's own. One that only defines parts replaces these parts alone.
// Errors begin with the name and, where there is one, the line: NAME:LINE: ….
func OwnTemplates(texts map[string]string) (Templates, error) {
	set, err := embedded.Clone()
	if err != nil {
		return Templates{}, told(err)
	}
	known := templates.Names()
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		if !slices.Contains(known, name) {
			return Templates{}, fmt.Errorf("%s: there is no template of that name to replace: the names are %s", name, strings.Join(known, ", "))
		}
		// Parsed by itself first: an empty text would leave the one that it is to
		// replace in force.
		alone, err := template.New(name).Funcs(funcs()).Parse(texts[name])
		if err != nil {
			return Templates{}, told(err)
		}
		if len(alone.Templates()) <= 1 && parse.IsEmptyTree(alone.Root) {
			return Templates{}, fmt.Errorf("%s: the template is empty", name)
		}
		if _, err := set.New(name).Parse(texts[name]); err != nil {
			return Templates{}, told(err)
		}
	}
	return Templates{set}, nil
}

func (t Templates) texts() *template.Template {
	if t.set == nil {
		return embedded
	}
	return t.set
}

// told is an error of text/template that begins with the template's place.
func told(err error) error { return errors.New(strings.TrimPrefix(err.Error(), "template: ")) }
