package generator

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/wharfinger/wharfinger/directive"
	"github.com/wharfinger/wharfinger/route"
)

// Complaint says what is wrong with the files of a proxy.
type Complaint struct {
	// Path is a file's, and Line counts from 1. Both are empty where nobody says which
	// place it is about.
	Path string
	Line int
	// Text says what is wrong, Hint what to do; both without a full stop.
	Text, Hint string
}

// Trace finds what in the repository became of what somebody complains about in
// the files of a proxy. A complaint that leads nowhere else is the proxy's.
func Trace(d *route.Desired, proxy string, files []File, complaints []Complaint) route.Problems {
	t := tracer{desired: d, proxy: proxy}
	var problems route.Problems
	for _, c := range complaints {
		problems = append(problems, t.problem(files, c))
	}
	return problems.Sorted()
}

func (t tracer) problem(files []File, c Complaint) route.Problem {
	p := route.Problem{Text: c.Text, Hint: c.Hint}
	things, text := t.all(), ""
	if i := slices.IndexFunc(files, func(f File) bool { return f.Path == c.Path }); i >= 0 {
		text = lineOf(files[i].Data, c.Line)
		if p.Hint == "" && c.Path != "nginx.conf" { // which has the end of all blocks
			p.Hint = fmt.Sprintf("it is line %d of %s/%s, as render shows it", c.Line, t.proxy, c.Path)
		}
		if made := t.things(files[i], c.Line); made != nil {
			things = made
		}
		if s, n := t.snippetAt(files[i], c.Line, things); s.Given() {
			p.Pos, p.Text = s.Pos, inSnippet(n, c.Text)
			return p
		}
	}
	place(&p, things, text)
	if p.Pos == (route.Pos{}) {
		p.Object = "proxy " + t.proxy
	}
	return p
}

func inSnippet(line int, text string) string {
	return fmt.Sprintf("line %d of the snippet: %s", line, text)
}

func lineOf(data []byte, line int) string {
	for text := range bytes.Lines(data) {
		if line--; line == 0 {
			return string(text)
		}
	}
	return ""
}

type tracer struct {
	desired *route.Desired
	proxy   string
}

// origin is something in a repository that has a place and values.
type origin struct {
	name    string
	pos     route.Pos
	values  any // a struct
	snippet route.At[string]
}

func ofRoute(r *route.Route) origin { return origin{r.Name, r.Pos, *r, r.Snippet} }
func ofPool(p *route.Pool) origin   { return origin{p.Name, p.Pos, *p, route.At[string]{}} }
func ofStream(s *route.Stream) origin {
	return origin{s.Name, s.Pos, *s, route.At[string]{}}
}

// ofProxy leaves the defaults out: routes have them.
func (t tracer) ofProxy() []origin {
	p := t.desired.Proxies[t.proxy]
	if p == nil {
		return nil
	}
	own := *p
	own.Defaults = route.Options{}
	return []origin{{p.Name, p.Pos, own, p.Snippet}}
}

// all are the things that a proxy's files are made of, itself first.
func (t tracer) all() []origin {
	out := t.ofProxy()
	pools := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(t.desired.Routes)) {
		if r := t.desired.Routes[name]; r.Proxy.Value == t.proxy {
			out = append(out, ofRoute(r))
			for _, pool := range r.AllPools() {
				pools[pool.Value] = true
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(t.desired.Streams)) {
		if s := t.desired.Streams[name]; s.Proxy.Value == t.proxy {
			out = append(out, ofStream(s))
			pools[s.Pool.Value] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(pools)) {
		if p := t.desired.Pools[name]; p != nil {
			out = append(out, ofPool(p))
		}
	}
	return out
}

// things are what a line of a file can be made of; nil where the file does not
// tell.
func (t tracer) things(file File, line int) []origin {
	name := func(before string) string {
		rest, ok := strings.CutPrefix(file.Path, before)
		if !ok {
			return ""
		}
		return strings.TrimSuffix(rest, ".conf")
	}
	switch {
	case file.Path == "status.conf":
		return t.ofProxy()
	case name("routes/server.") != "":
		return t.ofServer(file, line, name("routes/server."))
	case name("routes/route.") != "":
		return t.ofRouteNamed(name("routes/route."))
	case name("streams/stream.") != "":
		if s := t.desired.Streams[name("streams/stream.")]; s != nil {
			return []origin{ofStream(s)}
		}
	case file.Path == passthroughFile:
		return t.routes(func(r *route.Route) bool { return r.Passthrough.Value })
	}
	if pool := cmp.Or(name("routes/upstream."), strings.TrimSuffix(name("streams/upstream."), packetsMark)); pool != "" {
		if p := t.desired.Pools[pool]; p != nil {
			return []origin{ofPool(p)}
		}
	}
	return nil
}

func (t tracer) ofRouteNamed(name string) []origin {
	return t.routes(func(r *route.Route) bool { return r.Name == name })
}

// routes are those of the proxy for which it holds, in the order of their places.
func (t tracer) routes(holds func(*route.Route) bool) []origin {
	var out []origin
	for _, r := range t.desired.Routes {
		if r.Proxy.Value == t.proxy && holds(r) {
			out = append(out, ofRoute(r))
		}
	}
	slices.SortFunc(out, func(a, b origin) int {
		return cmp.Or(cmp.Compare(a.pos.File, b.pos.File), cmp.Compare(a.pos.Line, b.pos.Line), cmp.Compare(a.name, b.name))
	})
	return out
}

// ofServer finds the route of the location that a line is in. What stands before
// is all routes' of the host.
func (t tracer) ofServer(file File, line int, host string) []origin {
	first, last := locationAt(file, line)
	inside := strings.Split(string(file.Data), "\n")[first:last]
	for i, text := range inside {
		name, ok := strings.CutPrefix(strings.TrimSpace(text), routeMark)
		if !ok {
			continue
		}
		// A line before it leads a request to another route.
		if to := innerName.FindStringSubmatch(inside[max(0, line-1-first)]); to != nil && line-1 < first+i {
			name = to[1]
		}
		if made := t.ofRouteNamed(name); made != nil {
			return made
		}
		break
	}
	if len(inside) > 0 { // without a mark, its path tells
		if m := innerName.FindStringSubmatch(strings.Join(inside, "\n")); m != nil {
			if made := t.ofRouteNamed(m[1]); made != nil {
				return made
			}
		}
	}
	return t.routes(func(r *route.Route) bool {
		return slices.ContainsFunc(r.Hosts, func(h route.At[string]) bool { return fileName(h.Value) == host })
	})
}

// innerName finds the route in the path of an inner location.
var innerName = regexp.MustCompile(`/\.route/([a-z0-9._-]*[a-z0-9])`)

// locationAt returns the lines of the location of a server that a line is in, the
// first one counted from 0 and included, the last one not; they are equal where it
// is in none.
func locationAt(file File, line int) (first, last int) {
	var open []int // the lines on which blocks begin
	lines := bytes.Count(file.Data, []byte("\n"))
	location := 0
	for d, err := range directive.All(string(file.Data)) {
		switch {
		case err != nil:
			if location > 0 && location <= line {
				return location - 1, lines
			}
			return 0, 0
		case d.End == '}':
			if open = open[:max(0, len(open)-1)]; len(open) == 1 && location > 0 {
				if location <= line && line <= d.Line {
					return location - 1, min(d.Line, lines)
				}
				location = 0
			}
		case d.End == '{':
			if len(open) == 1 && d.Words[0] == "location" {
				location = d.Line
			}
			open = append(open, d.Line)
		}
	}
	return 0, 0
}

// Where snippets stand in files.
const (
	proxySnippetMark = "# the proxy's snippet"
	snippetMark      = "# its snippet"
	snippetEnd       = "# its end"
)

// snippetAt finds the snippet that a line of a file is in, and the line in it.
func (t tracer) snippetAt(file File, line int, things []origin) (route.At[string], int) {
	none := route.At[string]{}
	first, last := 0, bytes.Count(file.Data, []byte("\n"))
	mark := proxySnippetMark
	if file.Path != "nginx.conf" {
		first, last = locationAt(file, line)
		mark = snippetMark
	} else {
		things = t.ofProxy()
	}
	if len(things) != 1 || !things[0].snippet.Given() {
		return none, 0
	}
	// The snippet itself may hold both marks, but neither before it nor behind it.
	begin, end := 0, 0
	for i, text := range strings.Split(string(file.Data), "\n")[first:last] {
		switch strings.TrimSpace(text) {
		case mark:
			begin = cmp.Or(begin, first+i+1)
		case snippetEnd:
			end = first + i + 1
		}
	}
	if begin == 0 || line <= begin || line >= end {
		return none, 0
	}
	return things[0].snippet, line - begin
}
