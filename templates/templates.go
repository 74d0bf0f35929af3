// Package templates holds the nginx templates. They say how a Model is spelt in
// nginx's language, and nothing else: what is served where was decided before.
//
// Every value that people wrote stands in a template inside quote.
package templates

import (
	"embed"
	"io/fs"
)

// FS holds one template for each kind of file.
//
//go:embed *.tmpl
var FS embed.FS

// Names lists the templates, sorted.
func Names() []string {
	names, err := fs.Glob(FS, "*.tmpl")
	if err != nil {
		panic(err) // the pattern is wrong
	}
	return names
}
