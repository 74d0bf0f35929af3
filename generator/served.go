package generator

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/wharfinger/wharfinger/directive"
)

// served is what files tell nginx to do, in people's nouns. It is read from the
// files alone, for of what a proxy carries there is nothing else; so it takes
// whatever an earlier version, or somebody's own template, has written.
type served map[thing]*account

// thing is what a directive is about: a host, route, pool or stream, or nginx as
// a whole.
type thing struct{ kind, name string }

// account is what files say about a thing.
type account struct {
	// said has the values of each directive, by its name and that of the block
	// around it.
	said map[string][]string
	// leads says of a host who answers at each path, in the order of asking.
	leads map[string][]string
}

func (s served) of(kind, name string) *account {
	at := thing{kind, name}
	if s[at] == nil {
		s[at] = &account{said: map[string][]string{}, leads: map[string][]string{}}
	}
	return s[at]
}

func (a *account) say(name, value string) {
	if !slices.Contains(a.said[name], value) {
		a.said[name] = append(a.said[name], value)
	}
}

// silent are the directives that say nothing by themselves: names, and marks of
// the way to an inner location.
var silent = []string{"server_name", "internal", "set $route", "set $pool", "set $stream_name"}

// block is a directive with what is in it.
type block struct {
	directive.Directive
	inner []block
	last  int // the line on which it ends
}

// blocks reads a file.
func blocks(text string) ([]block, error) {
	open := []block{{}}
	for d, err := range directive.All(text) {
		top := len(open) - 1
		switch {
		case err != nil:
			return nil, fmt.Errorf("line %d: %v", d.Line, err)
		case d.End == '{':
			open = append(open, block{Directive: d})
			continue
		case d.End == '}' && top == 0:
			return nil, fmt.Errorf("line %d: a block ends that has not begun", d.Line)
		case d.End == '}':
			open[top].last = d.Line
			open[top-1].inner = append(open[top-1].inner, open[top])
			open = open[:top]
			continue
		}
		open[top].inner = append(open[top].inner, block{Directive: d, last: d.Line})
	}
	if len(open) > 1 {
		return nil, fmt.Errorf("line %d: a block does not end", open[1].Line)
	}
	return open[0].inner, nil
}

func (b block) arguments() string { return strings.Join(b.Words[1:], " ") }

// add adds what a file says.
func (s served) add(f File, all []block) {
	r := fileReader{served: s, lines: strings.Split(string(f.Data), "\n")}
	folder, name := path.Split(f.Path)
	kind, rest, _ := strings.Cut(strings.TrimSuffix(name, ".conf"), ".")
	about := s.about(folder, kind, rest)
	for _, b := range all {
		switch {
		case f.Path == passthroughFile:
			r.passthrough(b)
		case b.Words[0] == "upstream" && folder != "" && kind != "route":
			about := s.of("pool", PoolOf(b.arguments()))
			for _, d := range b.inner {
				if d.Words[0] == "server" && len(d.Words) > 1 {
					about.peer(d.Words[1:])
					continue
				}
				about.add("", d)
			}
		case b.Words[0] == "server" && folder == "routes/" && kind == "server":
			r.host(b)
		default:
			about.add("", b)
		}
	}
}

// peer tells of one peer. What all peers of a pool have alike is said once.
func (a *account) peer(words []string) {
	own := words[:1:1]
	for _, parameter := range words[1:] {
		name, value, _ := strings.Cut(parameter, "=")
		switch name {
		case "max_conns", "max_fails", "fail_timeout":
			a.say(name, value)
		default:
			own = append(own, parameter)
		}
	}
	a.say("peers", strings.Join(own, " "))
}

// about is whom a file is about as a whole.
func (s served) about(folder, kind, name string) *account {
	switch {
	case folder == "routes/" && kind == "route" || folder == "streams/" && kind == "stream":
		return s.of(kind, name)
	case folder != "" && kind == "upstream":
		return s.of("pool", PoolOf(name))
	}
	return s.of("nginx", "")
}

// add tells of a directive and what is in it. Blocks that are only a place, such
// as http, are not named.
func (a *account) add(within string, b block) {
	name := b.Words[0]
	switch {
	case slices.Contains(silent, name) || slices.Contains(silent, strings.Join(b.Words[:min(2, len(b.Words))], " ")):
		return
	case b.End != '{':
		value := cmp.Or(b.arguments(), "on")
		if strings.HasSuffix(name, "_pass") {
			name, value = "pool", target(value)
		}
		a.say(within+name, value)
		return
	}
	switch name {
	case "http", "events", "stream", "server":
		name = ""
	case "location":
		if digest := b.Words[len(b.Words)-1]; strings.HasPrefix(digest, "/digest/") {
			return // of all files, so of no one thing
		}
		name = "location " + b.arguments() + ": "
	case "if":
		name = "if " + b.arguments() + " "
	case "map", "geo", "split_clients": // which set a variable, their last word
		for _, entry := range b.inner {
			a.say(within+name+" "+b.Words[len(b.Words)-1], strings.Join(entry.Words, " "))
		}
		return
	default:
		name = strings.Join(b.Words, " ") + ": "
	}
	for _, d := range b.inner {
		a.add(within+name, d)
	}
}

// target is the pool that an address leads to.
func target(address string) string {
	if _, host, ok := strings.Cut(address, "://"); ok {
		address = host
	}
	if end := strings.IndexAny(address, "$/"); end > 0 {
		address = address[:end]
	}
	return PoolOf(address)
}

// fileReader reads one file with virtual hosts.
type fileReader struct {
	served
	lines []string
}

// passthrough reads who gets which connections unopened.
func (r fileReader) passthrough(b block) {
	if b.Words[0] != "map" || len(b.Words) < 2 || b.Words[1] != "$ssl_preread_server_name" {
		r.of("nginx", "").add("TLS unopened: ", b)
		return
	}
	for _, d := range b.inner {
		switch {
		case len(d.Words) < 2 || d.Words[1] == "": // which is opened
		case strings.HasPrefix(d.Words[1], "unix:"):
			r.of("host", d.Words[0]).leads["TLS unopened"] = []string{"no peer"}
		default:
			r.of("host", d.Words[0]).leads["TLS unopened"] = []string{"pool " + d.Words[1]}
		}
	}
}

// host reads a virtual host: what is in its locations is told of the routes that
// answer there.
func (r fileReader) host(server block) {
	name := ""
	for _, b := range server.inner {
		if b.Words[0] == "server_name" {
			name = b.arguments()
		}
	}
	if name == "_" {
		name = "*"
	}
	host := r.of("host", name)
	leads := map[string][]string{}
	for _, b := range server.inner {
		if b.Words[0] != "location" || b.End != '{' {
			host.add("", b)
			continue
		}
		at := b.Words[len(b.Words)-1]
		if route, part, inner := innerOf(at); inner {
			within := ""
			switch {
			case strings.HasSuffix(at, "~stream:"):
				within = ofStreams
			case part != "" && (b.Words[1] != "^~" || strings.Contains(at, "~")):
				within = part + ": "
			}
			r.answer(r.of("route", route), within, b)
			continue
		}
		if b.Words[1] == "=" {
			at = "= " + at
		}
		route := r.route(b)
		leads[at] = asked(b)
		switch {
		case route != "":
			if !slices.Contains(leads[at], route) {
				leads[at] = append(leads[at], route)
			}
			r.answer(r.of("route", route), "", b)
		case len(leads[at]) == 0:
			leads[at] = []string{"nobody"}
			if len(b.inner) != 1 || strings.Join(b.inner[0].Words, " ") != "return 404" {
				r.answer(host, "location "+at+": ", b)
			}
		}
	}
	maps.Copy(host.leads, wholePaths(leads))
}

// ofStreams stands before what is said of a route's websockets and server-sent
// events alone.
const ofStreams = "streams: "

// innerOf takes apart the name of a location that no client reaches: the route
// that it belongs to, and which part of it.
func innerOf(at string) (route, part string, ok bool) {
	rest, inner := strings.CutPrefix(at, "/.route/")
	if !inner {
		if rest, inner = strings.CutPrefix(at, "@"); !inner {
			return "", "", false
		}
	}
	rest = strings.TrimSuffix(rest, ":")
	if end := strings.IndexAny(rest, "+~"); end >= 0 {
		return rest[:end], rest[end+1:], true
	}
	return rest, "", true
}

// route is the route that a location says it is of, in a comment.
func (r fileReader) route(location block) string {
	for _, line := range r.lines[location.Line:min(location.last, len(r.lines))] {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), routeMark); ok {
			return name
		}
	}
	return ""
}

// routeMark begins the line by which templates say whose answer follows.
const routeMark = "# route "

// asked are the routes that a location sends requests to, in their order.
func asked(location block) []string {
	var out []string
	for _, b := range location.inner {
		for _, d := range append([]block{b}, b.inner...) {
			if route, ok := sentTo(d); ok && !slices.Contains(out, route) {
				out = append(out, route)
			}
		}
	}
	return out
}

// sentTo is the route whose inner location a rewrite leads to.
func sentTo(d block) (route string, ok bool) {
	if d.Words[0] != "rewrite" || len(d.Words) < 3 {
		return "", false
	}
	route, _, ok = innerOf(strings.TrimSuffix(d.Words[2], "$1"))
	return route, ok
}

// answer tells what a location does, but for the way to others.
func (r fileReader) answer(a *account, within string, location block) {
	for _, b := range location.inner {
		if _, way := sentTo(b); way || len(b.inner) == 1 && b.Words[0] == "if" && leadsOn(b.inner[0]) {
			continue
		}
		a.add(within, b)
	}
}

func leadsOn(d block) bool {
	_, ok := sentTo(d)
	return ok
}

// wholePaths joins what nginx has two locations for: a path and all below it.
func wholePaths(leads map[string][]string) map[string][]string {
	out := maps.Clone(leads)
	for at, routes := range leads {
		alone := "= " + strings.TrimSuffix(at, "/")
		if at != "/" && strings.HasSuffix(at, "/") && slices.Equal(leads[alone], routes) && routes != nil {
			delete(out, at)
			delete(out, alone)
			out[strings.TrimSuffix(at, "/")] = routes
		}
	}
	return out
}
