package interlock

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/pelletier/go-toml/v2/unstable"

	"github.com/wharfinger/wharfinger/route"
)

const (
	// MaxFile is how many bytes a file may have: a Docker config, in which Interlock has
	// it, is smaller.
	MaxFile = 1 << 20
	// maxDepth is how many tables may be around a key; Interlock has three.
	maxDepth = 8
	// maxList is more than anybody wrote.
	maxList = 1000
	// maxProblems is how many are told; as many as route tells.
	maxProblems = 500
)

// setting is a key of a file and what it is set to: a string, an int64, a float64, a
// bool, a []*setting without keys, a *section, or nil for what Interlock has nowhere.
type setting struct {
	key   string
	pos   route.Pos // of the key
	value any
	at    route.Pos // of the value
	kind  string    // of the value, for the sentence "… must be …, not KIND"
}

// section is a table of a file.
type section struct {
	settings []*setting // in their order
	byKey    map[string]*setting
	headed   bool // it has a head of its own, or braces
}

func newSection() *section { return &section{byKey: map[string]*setting{}} }

// Kinds of values.
const (
	aTable  = "a table"
	aList   = "a list"
	tables  = "a list of tables"
	aWord   = "a text"
	aNumber = "a number"
	aTruth  = "true or false"
)

// tomlReader reads a file to its end, or to what is no TOML.
type tomlReader struct {
	told
	parser unstable.Parser
	places places
}

// told are problems of a file, up to one more than are shown.
type told struct{ problems route.Problems }

func (t *told) full() bool { return len(t.problems) > maxProblems }

func (t *told) wrong(pos route.Pos, text, hint string) {
	if t.full() {
		return
	}
	t.problems = append(t.problems, route.Problem{Pos: pos, Text: text, Hint: hint})
}

// readTOML reads a file's tables and keys, with their places. Nothing is known here
// of what they mean.
func readTOML(file route.File) (*section, route.Problems) {
	if len(file.Data) > MaxFile {
		return nil, route.Problems{{Pos: route.Pos{File: file.Path}, Text: fmt.Sprintf("is %d bytes long; the limit is 1 MiB", len(file.Data)), Hint: "is it the configuration of Interlock?"}}
	}
	data := []byte(strings.TrimPrefix(string(file.Data), "\ufeff"))
	if text := strings.TrimSpace(string(data)); strings.HasPrefix(text, "[") && strings.Contains(text, `"Spec"`) && strings.HasSuffix(text, "]") {
		return nil, route.Problems{{Pos: route.Pos{File: file.Path, Line: 1, Col: 1}, Text: "this is what docker config inspect says of a config, and not what is in it",
			Hint: `add --format '{{ printf "%s" .Spec.Data }}' to it`}}
	}
	r := &tomlReader{places: places{file: file.Path, data: data, line: 1, col: 1}}
	r.parser.Reset(data)
	root := newSection()
	now := root
	for !r.full() && r.parser.NextExpression() {
		switch e := r.parser.Expression(); e.Kind {
		case unstable.Table, unstable.ArrayTable:
			now = r.head(root, e)
		default:
			r.set(now, e, 0)
		}
	}
	if err := r.parser.Error(); err != nil {
		r.broken(err)
	}
	return root, r.problems
}

// broken tells what is no TOML. What follows it cannot be read.
func (r *tomlReader) broken(err error) {
	p := route.Problem{Pos: route.Pos{File: r.places.file}, Text: "is not TOML: " + err.Error(), Hint: "what follows it was not read"}
	if at, ok := errors.AsType[*unstable.ParserError](err); ok {
		p.Pos = r.places.at(min(max(cap(r.places.data)-cap(at.Highlight), 0), len(r.places.data)))
	}
	r.problems = append(r.problems, p)
}

// named is a key, or one part of it.
type named struct {
	name string
	pos  route.Pos
}

// names lists the parts of a node's key, or answers nil where there are more of them
// than anything has.
func (r *tomlReader) names(n *unstable.Node, depth int) []named {
	var parts []named
	for k := n.Key(); k.Next() && len(parts) <= maxDepth; {
		parts = append(parts, named{string(k.Node().Data), r.places.at(int(k.Node().Raw.Offset))})
	}
	if len(parts)+depth > maxDepth {
		r.wrong(parts[0].pos, fmt.Sprintf("%s is a table in a table in a table, and so on", oneLine(parts[0].name)), fmt.Sprintf("Interlock has no keys below %d tables", maxDepth))
		return nil
	}
	return parts
}

// into goes down to a table by the parts of a key, and makes what is not there.
func (r *tomlReader) into(s *section, parts []named) *section {
	for _, part := range parts {
		one := s.byKey[part.name]
		if one == nil {
			one = r.add(s, part, newSection(), aTable)
			one.at = part.pos
		}
		inner, ok := one.value.(*section)
		if !ok {
			if one.kind != tables { // which is told by itself
				r.twice(part, one)
			}
			return newSection() // which nobody reads
		}
		s = inner
	}
	return s
}

// head goes to the table of a head, as [Extensions.default] or [[Extensions]].
func (r *tomlReader) head(root *section, n *unstable.Node) *section {
	parts := r.names(n, 0)
	if parts == nil {
		return newSection()
	}
	last := parts[len(parts)-1]
	outer := r.into(root, parts[:len(parts)-1])
	before := outer.byKey[last.name]
	if n.Kind == unstable.ArrayTable {
		switch {
		case before == nil:
			r.add(outer, last, nil, tables).at = last.pos
		case before.kind != tables:
			r.twice(last, before)
		}
		return newSection()
	}
	s := r.into(outer, parts[len(parts)-1:])
	if s.headed {
		r.twice(last, before)
	}
	s.headed = true
	return s
}

// set reads a key and its value.
func (r *tomlReader) set(s *section, n *unstable.Node, depth int) {
	parts := r.names(n, depth)
	if parts == nil {
		return
	}
	last := parts[len(parts)-1]
	s = r.into(s, parts[:len(parts)-1])
	if before := s.byKey[last.name]; before != nil {
		r.twice(last, before)
		return
	}
	one := r.add(s, last, nil, "")
	r.value(one, n.Value(), depth+len(parts))
}

func (r *tomlReader) add(s *section, part named, value any, kind string) *setting {
	one := &setting{key: part.name, pos: part.pos, value: value, kind: kind}
	s.settings = append(s.settings, one)
	s.byKey[part.name] = one
	return one
}

// value reads what a key is set to. Lists of lists and of tables are no more than
// lists here.
func (r *tomlReader) value(one *setting, n *unstable.Node, depth int) {
	one.at = one.pos
	if n.Raw.Length > 0 {
		one.at = r.places.at(int(n.Raw.Offset))
	}
	var err error
	switch n.Kind {
	case unstable.String:
		one.value, one.kind = string(n.Data), aWord
	case unstable.Bool:
		one.value, one.kind = n.Data[0] == 't', aTruth
	case unstable.Integer:
		one.kind = aNumber
		one.value, err = strconv.ParseInt(string(n.Data), 0, 64)
	case unstable.Float:
		one.kind = "a number with a point"
		one.value, err = strconv.ParseFloat(strings.ReplaceAll(string(n.Data), "_", ""), 64)
	case unstable.Array:
		var list []*setting
		for items := n.Children(); items.Next(); {
			if len(list) == maxList {
				r.wrong(one.pos, fmt.Sprintf("%s has more than %d entries", oneLine(one.key), maxList), "is it meant so?")
				break
			}
			item := &setting{key: one.key, pos: one.at}
			if kind := items.Node().Kind; kind == unstable.Array || kind == unstable.InlineTable {
				item.at, item.kind = one.at, map[unstable.Kind]string{unstable.Array: aList, unstable.InlineTable: aTable}[kind]
			} else {
				r.value(item, items.Node(), depth)
			}
			list = append(list, item)
		}
		one.value, one.kind = list, aList
	case unstable.InlineTable:
		s := newSection()
		s.headed = true
		for items := n.Children(); items.Next(); {
			r.set(s, items.Node(), depth)
		}
		one.value, one.kind = s, aTable
	default:
		one.kind = "a date or a time"
	}
	if err != nil {
		one.value, one.kind = nil, "" // so that it is told once
		r.wrong(one.at, fmt.Sprintf("%s is not a number", quoted(string(n.Data))), "write a whole number, which may have up to 18 digits")
	}
}

func (r *tomlReader) twice(part named, before *setting) {
	r.wrong(part.pos, fmt.Sprintf("%s is written twice", oneLine(part.name)), fmt.Sprintf("it stands at %s already: keep one of them", before.pos))
}

// places turns offsets into lines and columns. It goes on from the one that was asked
// for last, for a line may be long and have much in it.
type places struct {
	file      string
	data      []byte
	offset    int
	line, col int // of offset
}

func (p *places) at(offset int) route.Pos {
	if offset < p.offset {
		p.offset, p.line, p.col = 0, 1, 1
	}
	for p.offset < offset {
		r, size := utf8.DecodeRune(p.data[p.offset:])
		p.offset, p.col = p.offset+size, p.col+1
		if r == '\n' {
			p.line, p.col = p.line+1, 1
		}
	}
	return route.Pos{File: p.file, Line: p.line, Col: p.col}
}
