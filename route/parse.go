package route

import (
	"bytes"
	"maps"
	"runtime"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"
)

// Parse reads a revision. It answers a Desired state that is whole and checked,
// or nil and every problem of the revision, sorted by place. What needs a
// permission that is not given is a problem.
func Parse(rev Revision, given ...Permission) (*Desired, Problems) {
	return new(Parser).Parse(rev, given...)
}

// Parser parses one revision after the other. What it answers is what Parse does;
// what is not touched by what changed since the last one is the same object as then,
// and costs next to nothing. It may be used by several goroutines.
type Parser struct {
	mutex sync.Mutex
	files map[string]*readFile // by path
	last  *Desired             // that was without a problem
}

// readFile is a file without a problem of its own.
type readFile struct {
	data  []byte
	docs  []document
	takes uintptr // bytes of memory
	idle  int     // how many revisions were without it since
}

// idleFor is how many revisions without a file are read before it is forgotten: the
// repository is read with labels and without by turns.
const idleFor = 4

// Parse is like the function of that name.
func (p *Parser) Parse(rev Revision, given ...Permission) (*Desired, Problems) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	all := &Desired{
		Revision: rev.ID,
		source:   rev,
		given:    given,
		parser:   p,
		Proxies:  map[string]*Proxy{},
		Pools:    map[string]*Pool{},
		Routes:   map[string]*Route{},
		Streams:  map[string]*Stream{},
		Policies: map[string]*Policy{},
	}
	p.readAhead(rev.Files)
	var problems Problems
	lost := newGaps()
	taken := uintptr(0)
	for _, f := range rev.Files {
		d := decoder{path: f.Path, gaps: newGaps(), before: len(problems), taken: taken}
		for _, doc := range p.documents(&d, f.Data) {
			add(&d, "proxy", all.Proxies, doc.Proxies, func(p *Proxy) Pos { return p.Pos })
			add(&d, "pool", all.Pools, doc.Pools, func(p *Pool) Pos { return p.Pos })
			add(&d, "route", all.Routes, doc.Routes, func(r *Route) Pos { return r.Pos })
			add(&d, "stream", all.Streams, doc.Streams, func(s *Stream) Pos { return s.Pos })
			add(&d, "policy", all.Policies, doc.Policies, func(p *Policy) Pos { return p.Pos })
		}
		problems, taken = append(problems, d.problems...), d.taken
		if d.full() {
			return nil, append(problems.Sorted(), tooMuch(taken))
		}
		lost.names = lost.names || d.gaps.names
		maps.Copy(lost.fields, d.gaps.fields)
		maps.Copy(lost.objects, d.gaps.objects)
	}
	checked := all.merge(p.last)
	p.keep(all)
	c := checker{Desired: all, gaps: lost, snippets: slices.Contains(given, Snippets), checked: checked}
	c.check()
	if problems = append(problems, c.problems...).Sorted(); len(problems) > mostProblems {
		return nil, append(problems[:mostProblems:mostProblems], tooMuch(taken))
	}
	if len(problems) == 0 && len(all.Routes)+len(all.Streams) == 0 && !all.readsLabels() {
		problems = Problems{{Pos: Pos{File: "."}, Text: "there is no route in any file", Hint: "add one below routes:, for an empty revision is taken for a mistake, never for an order to stop routing"}}
	}
	if len(problems) > 0 {
		return nil, problems
	}
	for name, r := range all.Routes {
		if !checked[name] {
			all.settle(r)
		}
	}
	for name, s := range all.Streams {
		own := *s // the proxy may be another one next time
		own.Proxy.Value = all.proxyOf(s.Proxy)
		all.Streams[name] = &own
	}
	p.last = all
	return all, nil
}

// documents are what a file holds.
func (p *Parser) documents(d *decoder, data []byte) []document {
	if k := p.files[d.path]; k != nil && bytes.Equal(k.data, data) {
		if d.taken += k.takes; !d.full() {
			k.idle = 0
			return k.docs
		}
		d.taken -= k.takes
	}
	k := d.file(data)
	if len(d.problems) == 0 && !d.full() {
		p.files[d.path] = k
	}
	return k.docs
}

// readAhead reads files that are not known, on all processors. One with a problem, or
// so large that it could take much memory, is left to be read in its turn.
func (p *Parser) readAhead(files []File) {
	if p.files == nil {
		p.files = map[string]*readFile{}
	}
	const large = 256 << 10
	read := make([]*readFile, len(files))
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, f := range files {
		if k := p.files[f.Path]; len(f.Data) > large || k != nil && bytes.Equal(k.data, f.Data) {
			continue
		}
		group.Go(func() error {
			d := decoder{path: f.Path, gaps: newGaps()}
			if k := d.file(f.Data); len(d.problems) == 0 && !d.full() {
				read[i] = k
			}
			return nil
		})
	}
	group.Wait() // nothing of it fails
	for i, k := range read {
		if k != nil {
			p.files[files[i].Path] = k
		}
	}
}

// file reads one, and fills in what was left out.
func (d *decoder) file(data []byte) *readFile {
	before := d.taken
	k := &readFile{data: data}
	d.read(data, func(doc document) {
		k.docs = append(k.docs, doc)
		if d.full() {
			return // not all is there
		}
		for _, p := range doc.Proxies {
			p.applyDefaults()
		}
		for _, p := range doc.Pools {
			p.applyDefaults()
		}
		for _, s := range doc.Streams {
			s.applyDefaults()
		}
	})
	k.takes = d.taken - before
	return k
}

// keep has the files of a revision hold its routes as they are merged now, and drops
// files that nobody had for a while.
func (p *Parser) keep(d *Desired) {
	for path, k := range p.files {
		k.idle++
		if k.idle > idleFor {
			delete(p.files, path)
		}
		if k.idle > 1 {
			continue // it is not of this revision
		}
		for _, doc := range k.docs {
			for name, was := range doc.Routes {
				if is := d.Routes[name]; is != nil && is.Pos == was.Pos {
					doc.Routes[name] = is
				}
			}
		}
	}
}

// Source returns the revision that was read.
func (d *Desired) Source() Revision { return d.source }

// With reads the revision once more, with files beside its own and the same
// permissions. Of two things that clash, the one in the file whose path sorts
// later has the problem.
func (d *Desired) With(files ...File) (*Desired, Problems) {
	rev := d.source
	rev.Files = slices.Concat(rev.Files, files)
	return d.parser.Parse(rev, d.given...)
}

// readsLabels reports whether routes may come from elsewhere.
func (d *Desired) readsLabels() bool {
	for _, p := range d.Proxies {
		if p.Labels.Read.Given() {
			return true
		}
	}
	return false
}

func add[T any](d *decoder, kind string, all, more map[string]T, pos func(T) Pos) {
	for _, name := range slices.Sorted(maps.Keys(more)) {
		if first, ok := all[name]; ok {
			d.twice(pos(more[name]), kind, name, pos(first))
			continue
		}
		all[name] = more[name]
	}
}

func setDefault[T any](a *At[T], value T) {
	if !a.Given() {
		a.Value = value
	}
}
