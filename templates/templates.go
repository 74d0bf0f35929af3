// Package templates holds the nginx templates. They say how a Model is spelt in
// nginx's language, and nothing else: what is served where was decided before.
//
// Every value that people wrote stands in a template inside quote.
package templates

import "embed"

// FS holds one template for each kind of file.
//
//go:embed *.tmpl
var FS embed.FS
