package directive

import (
	"fmt"
	"regexp"
	"strings"
)

// A client that chose where a proxy sends its request would reach whatever the
// proxy reaches. So a variable may stand for the host only if a map, geo or
// split_clients gives it its value, and gives it fixed ones.

// variableForm is a variable as the whole of a text, or with a port behind it.
var variableForm = regexp.MustCompile(`^\$(?:([A-Za-z0-9_]+)|\{([A-Za-z0-9_]+)\})(:[0-9]+)?$`)

// rest is where a host ends in text with variables: at a slash, or where the
// request's own target follows, which nginx has checked to start with one.
var rest = regexp.MustCompile(`/|\$\{request_uri\}|\$request_uri(?:[^A-Za-z0-9_]|$)`)

// target looks at one place to proxy to: what a directive names, or one value of
// the variable that it names.
func (c *checker) target(in Block, line int, name, text string, schemes []string, variables bool) {
	host, known := text, false
	for _, scheme := range schemes {
		if behind, ok := cutPrefixFold(text, scheme); ok {
			host, known = behind, true
			break
		}
	}
	whole := strings.HasPrefix(text, "$")
	if _, unix := cutPrefixFold(host, "unix:"); !unix {
		if end := rest.FindStringIndex(host); end != nil {
			host = host[:end[0]]
		}
	}
	switch {
	case !strings.Contains(host, "$"):
		if !known {
			c.complain(line, fmt.Sprintf("%s: %q is no URL", name, text), "start it with "+strings.Join(schemes, " or "))
		} else if text, hint := address(host); text != "" {
			c.complain(line, fmt.Sprintf("%s: %s", name, text), hint)
		}
	case variables && variableForm.MatchString(host) && (known || whole):
		m := variableForm.FindStringSubmatch(host)
		d := destination{file: c.file, line: line, variable: scopeOf(in, m[1]+m[2])}
		if whole {
			d.schemes = schemes
		}
		c.waiting = append(c.waiting, d)
	default:
		c.complain(line, fmt.Sprintf("%s: what leads to %q is not fixed", name, text), fixed)
	}
}

const fixed = "name a pool or an address, or one variable whose values a map or split_clients lists"

// destinations looks at the variables that stood for hosts.
func (c *checker) destinations() {
	for _, d := range c.waiting {
		c.file = d.file
		v := c.variables[d.variable]
		if v == nil || v.loose {
			c.complain(d.line, fmt.Sprintf("the values of $%s are not fixed, but it leads to a host", d.variable.name), fixed)
			continue
		}
		for _, value := range v.values {
			schemes := d.schemes
			if schemes == nil {
				schemes = []string{""}
			}
			if value != "" { // nginx answers 500
				c.target(d.variable.block, d.line, "$"+d.variable.name, value, schemes, false)
			}
		}
	}
}

// scope is a variable of http or of stream: each has its own.
type scope struct {
	block Block
	name  string
}

// scopeOf is where a variable is kept: nginx does not look at the case of names
// (ngx_http_add_variable).
func scopeOf(in Block, name string) scope { return scope{in, strings.ToLower(name)} }

func (c *checker) variable(in Block, name string) *variable {
	if c.variables == nil {
		return &variable{} // of a text alone nothing is kept
	}
	key := scopeOf(in, strings.Trim(name, "${}"))
	v := c.variables[key]
	if v == nil {
		v = &variable{}
		c.variables[key] = v
	}
	return v
}

func (c *checker) loosen(name string) {
	c.variable(HTTP, name).loose = true
	c.variable(Stream, name).loose = true
}

// defined returns the variable that the entries of a block are values of.
func (c *checker) defined(in Block, d Directive) *variable {
	if opening[in][d.Words[0]] != Entries || len(d.Words) == 1 {
		return &variable{}
	}
	return c.variable(in, d.Words[len(d.Words)-1])
}

// entry looks at one line of a map, geo, split_clients or types.
func (c *checker) entry(d Directive, in open) {
	if d.Words[0] == "include" {
		c.complain(d.Line, fmt.Sprintf("%q must not be included here", first(d.Words[1:])), "write the lines out")
		return
	}
	if len(d.Words) == 1 {
		return // hostnames, volatile and the like
	}
	value := d.Words[len(d.Words)-1]
	in.value.values = append(in.value.values, value)
	in.value.loose = in.value.loose || strings.Contains(value, "$") || len(d.Words) > 2
}

// captureForm is a named group of a regular expression. It sets a variable of
// that name.
var captureForm = regexp.MustCompile(`\(\?P?[<']([A-Za-z0-9_]+)[>']`)

// captures finds the variables that a regular expression sets from what a client
// sent.
func (c *checker) captures(word string) {
	if !strings.Contains(word, "(?") {
		return
	}
	for _, m := range captureForm.FindAllStringSubmatch(word, -1) {
		c.loosen(m[1])
	}
}
