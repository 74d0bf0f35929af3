package generator

import (
	"bytes"
	"cmp"
	"fmt"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"
)

// mark stands for what something in a Model was made of: as long as that is the same, so
// is the pointer. It keeps what is rendered of it.
type mark struct{ file *fragment }

// sheet is what the last rollout of a proxy was packed from.
type sheet struct {
	gathered map[string]*gathered // by path of the shard
}

// job is a file that a proxy has.
type job struct {
	of    *mark // what it is made of; nil for what is made each time
	order func() (path, template string, data any)
}

// jobsOf are a proxy's files, besides status.conf.
func jobsOf(p Proxy) []job {
	all := make([]job, 0, 1+len(p.Definitions)+len(p.Servers)+len(p.Upstreams))
	add := func(of *mark, order func() (path, template string, data any)) { all = append(all, job{of, order}) }
	add(p.of, func() (string, string, any) { return "nginx.conf", "nginx.conf.tmpl", mainOf(p) })
	for i := range p.Definitions {
		d := &p.Definitions[i]
		add(d.of, func() (string, string, any) {
			return "routes/route." + d.Route + ".conf", "definitions.conf.tmpl", *d
		})
	}
	frame := p.frame()
	for i := range p.Servers {
		s := &p.Servers[i]
		add(s.of, func() (string, string, any) {
			data := struct {
				Proxy  Proxy
				Server Server
			}{frame, *s}
			return "routes/server." + fileName(s.Host) + ".conf", "server.conf.tmpl", data
		})
	}
	upstreams := func(folder string, list []Upstream) {
		for i := range list {
			u := &list[i]
			add(u.of, func() (string, string, any) {
				return folder + "upstream." + u.Name + ".conf", "upstream.conf.tmpl", *u
			})
		}
	}
	upstreams("routes/", p.Upstreams)
	upstreams("streams/", p.StreamUpstreams)
	if p.Passthrough != nil {
		add(nil, func() (string, string, any) { return passthroughFile, "passthrough.conf.tmpl", p.Passthrough })
	}
	for _, stream := range p.Streams {
		add(nil, func() (string, string, any) {
			return "streams/stream." + stream.Name + ".conf", "stream.conf.tmpl", stream
		})
	}
	return all
}

// frame is what a server's file may see of the proxy: nothing of other servers, so
// that it changes with its own alone.
func (p Proxy) frame() Proxy {
	p.Spec, p.Ports, p.Held, p.Lacks = Spec{}, nil, nil, nil
	p.Servers, p.Definitions, p.Upstreams, p.Streams, p.StreamUpstreams, p.pools, p.of = nil, nil, nil, nil, nil, nil, nil
	return p
}

// render writes the files of one proxy, sorted by path. With again, what has been
// rendered of the same mark is not written anew.
func (t Templates) render(p Proxy, again bool) (digest string, files []*fragment, err error) {
	all := jobsOf(p)
	files = make([]*fragment, len(all), len(all)+1)
	var missing []int
	for i := range all {
		j := &all[i]
		if !again {
			j.of = nil
		}
		if j.of != nil && j.of.file != nil {
			files[i] = j.of.file
		} else {
			missing = append(missing, i)
		}
	}
	var group errgroup.Group
	for some := range slices.Chunk(missing, max(1, len(missing)/(4*runtime.GOMAXPROCS(0)))) {
		group.Go(func() (err error) {
			for _, i := range some {
				if files[i], err = t.write(all[i].order()); err != nil {
					return err
				}
				if all[i].of != nil {
					all[i].of.file = files[i]
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return "", nil, err
	}
	slices.SortFunc(files, byPath)
	// The status file holds the digest of all files: of the others, and of itself
	// without it.
	status := func() (string, string, any) { return "status.conf", "status.conf.tmpl", p }
	blank, err := t.write(status())
	if err != nil {
		return "", nil, err
	}
	p.Status.Digest = digestOf(append(files, blank))
	last, err := t.write(status())
	if err != nil {
		return "", nil, err
	}
	at, _ := slices.BinarySearchFunc(files, last, byPath)
	return p.Status.Digest, slices.Insert(files, at, last), nil
}

func byPath(a, b *fragment) int { return cmp.Compare(a.Path, b.Path) }

func (t Templates) write(path, template string, data any) (*fragment, error) {
	var buf bytes.Buffer
	if err := t.texts().ExecuteTemplate(&buf, template, data); err != nil {
		return nil, fmt.Errorf("render %s: %v", path, told(err))
	}
	return newFragment(path, bytes.Clone(buf.Bytes())), nil
}
