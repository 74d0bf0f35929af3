package generator

import (
	"bytes"
	"cmp"
	"fmt"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"
)

// mark stands for what something in a Model was made of: as long as that is the same, so is
// the pointer, and what is rendered of it.
type mark struct{ _ byte }

// sheet is what was last rendered for a proxy.
type sheet struct {
	made     map[string]written   // by path
	gathered map[string]*gathered // by path of the shard
}

type written struct {
	of *mark
	*fragment
}

// job is a file to be rendered.
type job struct {
	path, template string
	data           any
	of             *mark // nil for what is rendered each time
}

// jobsOf are a proxy's files, besides status.conf.
func jobsOf(p Proxy) []job {
	all := []job{{path: "nginx.conf", template: "nginx.conf.tmpl", data: mainOf(p)}}
	for _, d := range p.Definitions {
		all = append(all, job{"routes/route." + d.Route + ".conf", "definitions.conf.tmpl", d, d.of})
	}
	frame := p.frame()
	for _, s := range p.Servers {
		data := struct {
			Proxy  Proxy
			Server Server
		}{frame, s}
		all = append(all, job{"routes/server." + fileName(s.Host) + ".conf", "server.conf.tmpl", data, s.of})
	}
	for _, u := range p.Upstreams {
		all = append(all, job{"routes/upstream." + u.Name + ".conf", "upstream.conf.tmpl", u, u.of})
	}
	if p.Passthrough != nil {
		all = append(all, job{path: passthroughFile, template: "passthrough.conf.tmpl", data: p.Passthrough})
	}
	for _, stream := range p.Streams {
		all = append(all, job{path: "streams/stream." + stream.Name + ".conf", template: "stream.conf.tmpl", data: stream})
	}
	for _, u := range p.StreamUpstreams {
		all = append(all, job{"streams/upstream." + u.Name + ".conf", "upstream.conf.tmpl", u, u.of})
	}
	return all
}

// frame is what a server's file may see of the proxy: nothing of other servers, so
// that it changes with its own alone.
func (p Proxy) frame() Proxy {
	p.Spec, p.Ports, p.Held, p.Lacks = Spec{}, nil, nil, nil
	p.Servers, p.Definitions, p.Upstreams, p.Streams, p.StreamUpstreams, p.pools = nil, nil, nil, nil, nil, nil
	return p
}

// render writes the files of one proxy, sorted by path. What has the same mark as
// last time is not written anew.
func (s *sheet) render(t Templates, p Proxy) (digest string, files []*fragment, err error) {
	all := jobsOf(p)
	files = make([]*fragment, len(all))
	var missing []int
	for i, j := range all {
		if was, ok := s.made[j.path]; ok && j.of != nil && was.of == j.of {
			files[i] = was.fragment
		} else {
			missing = append(missing, i)
		}
	}
	var group errgroup.Group
	for some := range slices.Chunk(missing, max(1, len(missing)/(4*runtime.GOMAXPROCS(0)))) {
		group.Go(func() (err error) {
			for _, i := range some {
				if files[i], err = t.write(all[i]); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return "", nil, err
	}
	s.made = make(map[string]written, len(all))
	for i, j := range all {
		s.made[j.path] = written{j.of, files[i]}
	}
	slices.SortFunc(files, byPath)
	// The status file holds the digest of all files: of the others, and of itself
	// without it.
	status := job{path: "status.conf", template: "status.conf.tmpl", data: p}
	blank, err := t.write(status)
	if err != nil {
		return "", nil, err
	}
	p.Status.Digest = digestOf(append(files, blank))
	status.data = p
	last, err := t.write(status)
	if err != nil {
		return "", nil, err
	}
	at, _ := slices.BinarySearchFunc(files, last, byPath)
	return p.Status.Digest, slices.Insert(files, at, last), nil
}

func byPath(a, b *fragment) int { return cmp.Compare(a.Path, b.Path) }

func (t Templates) write(j job) (*fragment, error) {
	var buf bytes.Buffer
	if err := t.texts().ExecuteTemplate(&buf, j.template, j.data); err != nil {
		return nil, fmt.Errorf("render %s: %v", j.path, told(err))
	}
	return newFragment(j.path, bytes.Clone(buf.Bytes())), nil
}
