package directive

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

// File is one file of a proxy. Its path is relative to the folder of nginx.conf.
type File struct {
	Path string
	Data []byte
}

// Complaint says where something stands that a proxy must not have, what it is
// and what to do, both without a full stop.
type Complaint struct {
	File       string // empty for a text that is no file
	Line       int
	Text, Hint string
}

// Check tells what is wrong with a text that is put inside a block: directives
// that are not on the list, and anything by which it would leave the block or
// swallow what stands behind it. A text without complaints ends where it ends;
// what follows it must begin on a line of its own, for it may end in a comment.
//
// Where a variable may lead to is not known before all files are: see
// CheckFiles.
func Check(text string, in Block) []Complaint {
	c := checker{}
	c.text(text, in)
	return c.complaints
}

// most is how many complaints are told. A list without end helps nobody.
const most = 8

// CheckFiles tells what is wrong with all files of a proxy together, sorted by
// place: nginx.conf, and what it includes.
func CheckFiles(files []File) []Complaint {
	c := checker{included: map[string]Block{}, variables: map[scope]*variable{}}
	for _, f := range files {
		if f.Path == mainFile {
			c.file, c.inMain = f.Path, true
			c.text(string(f.Data), Main)
			c.inMain = false
		}
	}
	if c.http > 0 && !c.rooted {
		c.file = mainFile
		c.complain(c.http, "http has no root, so that files could be served", fmt.Sprintf("add root %s; to it", noFiles))
	}
	for _, f := range files {
		if f.Path == mainFile {
			continue
		}
		c.file = f.Path
		block, ok := Block(""), false
		for _, pattern := range slices.Sorted(maps.Keys(c.included)) {
			if matched, _ := path.Match(pattern, f.Path); matched {
				block, ok = c.included[pattern], true
			}
		}
		if !ok {
			c.complain(1, "nothing includes this file", "include it in nginx.conf, or leave it out")
			continue
		}
		c.text(string(f.Data), block)
	}
	c.destinations()
	slices.SortStableFunc(c.complaints, func(a, b Complaint) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
	return c.complaints[:min(most, len(c.complaints))]
}

const mainFile = "nginx.conf"

type checker struct {
	complaints []Complaint

	file     string
	inMain   bool
	included map[string]Block
	http     int  // the line of nginx.conf on which http starts
	rooted   bool // it has the root that it must have

	variables map[scope]*variable
	waiting   []destination
}

// variable is what is known of a variable that the files define.
type variable struct {
	values []string // that a map, geo or split_clients gives it
	loose  bool     // it may hold something else as well
}

// destination is where a directive proxies to, as far as a variable decides it.
// It is looked at when all files are read.
type destination struct {
	file     string
	line     int
	variable scope
	schemes  []string // of its values; none where the scheme stands before it
}

func (c *checker) complain(line int, text, hint string) {
	c.complaints = append(c.complaints, Complaint{c.file, line, text, hint})
}

// open is a block that is open.
type open struct {
	line  int
	name  string
	kind  Block
	value *variable // that its entries are values of
}

// text looks at a text in a block. Where its structure is broken, what follows
// could be anything, so nothing more is told of it.
func (c *checker) text(text string, in Block) {
	stack := []open{{kind: in}}
	for d, err := range All(text) {
		here := stack[len(stack)-1]
		switch {
		case err != nil:
			c.complain(d.Line, err.Error(), "look at the quotes, braces and semicolons before it")
			return
		case d.End == '}' && len(stack) == 1:
			c.complain(d.Line, `"}" closes a block that was not opened here`, "take it out")
			return
		case d.End == '}':
			stack = stack[:len(stack)-1]
			continue
		}
		for _, word := range d.Words {
			c.captures(word)
		}
		if here.kind == Entries {
			if d.End == '{' {
				c.complain(d.Line, fmt.Sprintf("a block inside %s", here.name), "what stands there has no blocks")
				return
			}
			c.entry(d, here)
			continue
		}
		name, args := d.Words[0], d.Words[1:]
		rule, ok := rules[family(here.kind)][name]
		if !ok {
			c.complain(d.Line, fmt.Sprintf("%s is not allowed%s", show(name), where(here)), why(name))
			if d.End == ';' {
				continue
			}
			return
		}
		if slices.Contains(elsewhere[here.kind], name) {
			c.complain(d.Line, fmt.Sprintf("%s has no place in %s", show(name), cmp.Or(here.name, string(here.kind))), "nginx takes it in "+places(name))
		}
		if rule.opens == "" && d.End == '{' || rule.opens != "" && d.End == ';' {
			c.complain(d.Line, fmt.Sprintf("%s must not end with %q", show(name), d.End), "look at the braces and semicolons here")
			return
		}
		if rule.check != nil {
			if text, hint := rule.check(args); text != "" {
				c.complain(d.Line, fmt.Sprintf("%s: %s", name, text), hint)
			}
		}
		if schemes, ok := passing[family(here.kind)][name]; ok {
			c.target(family(here.kind), d.Line, name, first(args), schemes, true)
		}
		switch name {
		case "include":
			c.include(d, stack)
		case "set", "auth_request_set":
			c.loosen(first(args))
		case "http":
			c.http = d.Line
		case "root":
			c.rooted = c.rooted || c.inMain && len(stack) == 2 && first(args) == noFiles
		}
		if d.End == '{' {
			stack = append(stack, open{d.Line, name, rule.opens, c.defined(family(here.kind), d)})
		}
	}
	if last := stack[len(stack)-1]; len(stack) > 1 {
		c.complain(last.line, fmt.Sprintf("the block of %s is not closed", last.name), `add a "}"`)
	}
}

func where(o open) string {
	if o.name == "" {
		return ""
	}
	return " in " + o.name
}

// show keeps a name at a length that can be read.
func show(name string) string {
	if len(name) > 60 {
		name = name[:57] + "..."
	}
	return fmt.Sprintf("%q", name)
}

func (c *checker) include(d Directive, stack []open) {
	what := first(d.Words[1:])
	here := stack[len(stack)-1]
	if !c.inMain || len(stack) != 2 || !slices.Contains(including[here.kind], what) {
		c.complain(d.Line, fmt.Sprintf("%q must not be included here", what),
			"only nginx.conf includes, in http "+strings.Join(including[HTTP], " and ")+", in stream "+strings.Join(including[Stream], " and "))
		return
	}
	c.included[what] = here.kind
}

// reasons say what to do instead of what many try, by the start of a name.
var reasons = []struct {
	prefixes []string
	hint     string
}{
	{[]string{"load_module", "perl", "js_", "lua_", "ssl_engine", "ssi", "xslt_"}, "leave it out: a proxy runs nothing but nginx as it is"},
	{[]string{"alias", "autoindex", "dav_", "index", "random_index", "open_file_cache", "gzip_static", "proxy_store", "create_full_put_path"},
		"a proxy serves and keeps no files: lead the requests to a pool, or answer them with return"},
	{[]string{"fastcgi_", "uwsgi_", "scgi_", "memcached_"}, "a proxy speaks HTTP and gRPC to peers: use proxy_pass or grpc_pass"},
	{[]string{"user", "pid", "env", "daemon", "master_process", "working_directory", "lock_file"}, "leave it out: the image and Wharfinger see to it"},
}

func why(name string) string {
	for _, r := range reasons {
		for _, prefix := range r.prefixes {
			if strings.HasPrefix(name, prefix) {
				return r.hint
			}
		}
	}
	if strings.Contains(name, "_by_lua") {
		return reasons[0].hint
	}
	return "docs/directives.md lists those that are"
}
