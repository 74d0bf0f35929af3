package interlock

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/wharfinger/wharfinger/route"
)

// Cluster is what labels are read from.
type Cluster struct {
	// Services are in any order.
	Services []Service
	// Secrets are the names of the Docker secrets.
	Secrets []string
}

// Result is what the labels of a cluster add to a repository.
type Result struct {
	// Desired is the repository's own with what the labels add. Where they add
	// nothing it is the one that was there.
	Desired *route.Desired
	// Problems are of labels, by service. What they name is left out, or read in the
	// way that they tell.
	Problems route.Problems
	// Added is the file that the labels make, or nil.
	Added []byte

	causes [][]cause // by line of Added
}

// file is the path of Added. It sorts behind those of the repository, so that what
// clashes is the labels' problem.
const file = "\U0010ffff labels"

// Read adds what the labels of a cluster ask for to a repository, for each of its
// proxies that reads them.
func Read(d *route.Desired, c Cluster) Result {
	if !slices.ContainsFunc(slices.Collect(maps.Values(d.Proxies)), func(p *route.Proxy) bool { return p.Labels.Read.Given() }) {
		return Result{Desired: d}
	}
	r := reader{base: d, left: map[part]bool{}, out: map[string]bool{}}
	services := slices.SortedFunc(slices.Values(c.Services), func(a, b Service) int { return strings.Compare(a.Name, b.Name) })
	for _, s := range services {
		set := read(s)
		wishes := set.wishes()
		for _, w := range wishes {
			w.cert.value, w.key.value = secret(w.cert.value, s, c.Secrets), secret(w.key.value, s, c.Secrets)
			set.inCluster(w, d)
		}
		r.wishes = append(r.wishes, wishes...)
		r.problems = append(r.problems, set.problems...)
	}
	return r.read()
}

// secret is the Docker secret that is meant by a name in a stack's file.
func secret(name string, s Service, all []string) string {
	if found, ok := inStack(name, s.Stack, all); ok && name != "" {
		return found
	}
	return name // which is missed, and told
}

// inCluster tells when no proxy takes a wish.
func (set *labelSet) inCluster(w *wish, d *route.Desired) {
	var clusters []string
	for _, name := range slices.Sorted(maps.Keys(d.Proxies)) {
		p := d.Proxies[name]
		if !p.Labels.Read.Given() {
			continue
		}
		if takes(p, w) {
			if read := p.Labels.Cluster.Value; read != w.cluster {
				set.problem(set.lb[cluster].label, fmt.Sprintf("%s is read as %s", quoted(w.cluster), read), "write it so")
			}
			return
		}
		clusters = append(clusters, p.Labels.Cluster.Value)
	}
	known := strings.Trim(strings.Join(slices.Compact(slices.Sorted(slices.Values(clusters))), ", "), ", ")
	switch {
	case w.cluster == "":
		set.problem(cluster, "it is not there, and every proxy reads the labels of a cluster, so the service is left out", "name one of "+known)
	case known == "":
		set.problem(set.lb[cluster].label, fmt.Sprintf("no proxy reads the labels of a cluster %s, so the service is left out", quoted(w.cluster)),
			"leave it out; or have a proxy read it, like labels: {read: interlock, cluster: us-east}")
	default:
		set.problem(set.lb[cluster].label, fmt.Sprintf("no proxy reads the labels of a cluster %s, so the service is left out", quoted(w.cluster)), "the clusters are "+known)
	}
}

// reader finds out what has to be left out.
type reader struct {
	base     *route.Desired
	wishes   []*wish // by service
	left     map[part]bool
	out      map[string]bool // services that are left out without a word of theirs
	problems route.Problems
}

// read leaves out what is refused until all that is left is taken. Every round
// leaves out something, so there are no more of them than there are things.
func (r *reader) read() Result {
	for {
		p := planFor(r.base, r.in(r.wishes), r.left)
		data, causes := p.data()
		out := Result{Desired: r.base, Added: data, causes: causes}
		if len(data) > 0 {
			desired, problems := r.base.With(route.File{Path: file, Data: data})
			if problems != nil {
				if !r.blame(out, problems) {
					r.culprit(problems)
				}
				continue
			}
			out.Desired = desired
		}
		out.Problems = append(p.problems, r.problems...).Sorted()
		return out
	}
}

// in lists the wishes of services that are not left out.
func (r *reader) in(wishes []*wish) []*wish {
	var out []*wish
	for _, w := range wishes {
		if !r.out[w.service.Name] {
			out = append(out, w)
		}
	}
	return out
}

// blame leaves out what problems are at, and reports whether it found any.
func (r *reader) blame(now Result, problems route.Problems) bool {
	found := false
	note := func(causes []cause, p route.Problem) {
		for _, c := range causes {
			if !r.left[c.part] {
				r.left[c.part], found = true, true
			}
			r.problems = append(r.problems, problemOf(c.service, c.label, now.named(p.Text)+without[c.kind], now.named(p.Hint)))
		}
	}
	for _, p := range problems {
		note(now.at(p.Pos), p)
	}
	if found {
		return true
	}
	// What the repository says is told at its place, but not by itself.
	for _, p := range problems {
		for _, pos := range positions.FindAllStringSubmatch(p.Text, -1) {
			line, _ := strconv.Atoi(pos[1])
			note(now.at(route.Pos{File: file, Line: line}), route.Problem{Text: fmt.Sprintf("%s: %s", p.Pos, p.Text), Hint: p.Hint})
		}
	}
	return found
}

// culprit finds the first service with which there are problems, and leaves it out.
func (r *reader) culprit(problems route.Problems) {
	var names []string
	for _, w := range r.in(r.wishes) {
		if len(names) == 0 || names[len(names)-1] != w.service.Name {
			names = append(names, w.service.Name)
		}
	}
	// All is well with none of them, and not with all.
	well, ill := 0, len(names)
	for ill-well > 1 {
		middle := (well + ill) / 2
		var some []*wish
		for _, w := range r.in(r.wishes) {
			if slices.Contains(names[:middle], w.service.Name) {
				some = append(some, w)
			}
		}
		data, _ := planFor(r.base, some, r.left).data()
		if _, now := r.base.With(route.File{Path: file, Data: data}); now != nil {
			ill, problems = middle, now
		} else {
			well = middle
		}
	}
	r.out[names[ill-1]] = true
	p := problems[0]
	r.problems = append(r.problems, route.Problem{Object: "service " + oneLine(names[ill-1]),
		Text: printable(fmt.Sprintf("its labels do not go with %s: %s%s", p.Pos, p.Text, without[whole])), Hint: p.Hint})
}

// at lists the causes of a line of the file.
func (r Result) at(pos route.Pos) []cause {
	if pos.File != file || pos.Line < 1 || pos.Line > len(r.causes) {
		return nil
	}
	return r.causes[pos.Line-1]
}

var positions = regexp.MustCompile(regexp.QuoteMeta(file) + `:([0-9]+):[0-9]+`)

// named has services in place of the places of their labels.
func (r Result) named(text string) string {
	return positions.ReplaceAllStringFunc(text, func(pos string) string {
		line, _ := strconv.Atoi(positions.FindStringSubmatch(pos)[1])
		if causes := r.at(route.Pos{File: file, Line: line}); len(causes) > 0 {
			return "the labels of service " + causes[0].service
		}
		return "the labels"
	})
}

// Tell turns the problems of what is made of Desired, which may be at lines of
// Added, into problems of services and their labels.
func (r Result) Tell(problems route.Problems) route.Problems {
	var out route.Problems
	for _, p := range problems {
		causes := r.at(p.Pos)
		for _, c := range causes {
			out = append(out, problemOf(c.service, c.label, r.named(p.Text), r.named(p.Hint)))
		}
		if causes == nil {
			p.Text, p.Hint = r.named(p.Text), r.named(p.Hint)
			out = append(out, p)
		}
	}
	return out.Sorted()
}
