package generator

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/wharfinger/wharfinger/route"
)

// Changes says in words what is different between two sets of files of one proxy,
// such as those that it carries and those that it shall: hosts, routes, pools with
// their peers and streams that come, go and change, each in the words of nginx's
// own directives. Files that are the same in both cost nothing. Where files differ
// it never says nothing.
func Changes(old, now []Shard) []route.Change {
	c := fileChanges{old: old, now: now}
	before, after := c.differing()
	was, is := served{}, served{}
	var unread, unsaid []route.Change
	for _, path := range keysOf(before, after) {
		change := route.Change{Kind: "file", Name: path, What: route.Changed}
		if err := readBoth(was, is, path, before, after); err != nil {
			change.Words = []string{"cannot be read: " + err.Error()}
			unread = append(unread, change)
		} else if path != statusFile {
			change.Words = []string{"the order of directives, or comments"}
			unsaid = append(unsaid, change)
		}
	}
	if out := append(c.things(was, is), unread...); len(out) > 0 {
		return out
	}
	return unsaid
}

// readBoth reads a file on the sides that have it. One that cannot be read on one
// side is left out on both.
func readBoth(was, is served, path string, before, after map[string][]byte) error {
	old, err := blocks(string(before[path]))
	if err != nil {
		return err
	}
	now, err := blocks(string(after[path]))
	if err != nil {
		return err
	}
	if data, ok := before[path]; ok {
		was.add(File{path, data}, old)
	}
	if data, ok := after[path]; ok {
		is.add(File{path, data}, now)
	}
	return nil
}

// statusFile holds the digest of all others.
const statusFile = "status.conf"

type fileChanges struct{ old, now []Shard }

// differing returns the files of each side that the other side does not have, or
// has otherwise.
func (c fileChanges) differing() (before, after map[string][]byte) {
	configs := map[string]int{}
	for _, s := range slices.Concat(c.old, c.now) {
		configs[s.Config]++
	}
	files := func(shards []Shard) map[string][]byte {
		out := map[string][]byte{}
		for _, f := range Unpack(slices.DeleteFunc(slices.Clone(shards), func(s Shard) bool { return configs[s.Config] > 1 })) {
			out[f.Path] = f.Data
		}
		return out
	}
	before, after = files(c.old), files(c.now)
	for path, data := range before {
		if is, ok := after[path]; ok && bytes.Equal(data, is) {
			delete(before, path)
			delete(after, path)
		}
	}
	return before, after
}

// kinds of things, in the order in which they are told.
var kinds = []string{"host", "route", "stream", "pool", "nginx"}

func (c fileChanges) things(was, is served) []route.Change {
	var out []route.Change
	wasStanding, isStanding := sync.OnceValue(func() map[thing]bool { return standing(c.old) }), sync.OnceValue(func() map[thing]bool { return standing(c.now) })
	wasPlaces, isPlaces := sync.OnceValue(was.places), sync.OnceValue(is.places)
	all := slices.SortedFunc(maps.Keys(union(was, is)), func(a, b thing) int {
		return cmp.Or(cmp.Compare(slices.Index(kinds, a.kind), slices.Index(kinds, b.kind)), cmp.Compare(a.name, b.name))
	})
	for _, t := range all {
		before, after := was[t], is[t]
		change := route.Change{Kind: t.kind, Name: t.name, What: route.Changed}
		switch {
		case before != nil && after != nil:
			change.Details = details(before, after)
			if was, is := len(before.said["peers"]), len(after.said["peers"]); was != is {
				change.Words = []string{fmt.Sprintf("%s, was %d", peers(is), was)}
			}
		case t.kind == "nginx" || before == nil && wasStanding()[t] || after == nil && isStanding()[t]:
			// A proxy that comes or goes, or what the hosts and pools say already.
		case before == nil:
			change.What, change.Summary = route.New, after.summary(t, isPlaces)
		default:
			change.What, change.Summary = route.Gone, before.summary(t, wasPlaces)
		}
		if change.What != route.Changed || len(change.Details) > 0 {
			out = append(out, change)
		}
	}
	return out
}

// standing lists the routes and pools that stand somewhere in the files, read or
// not.
func standing(shards []Shard) map[thing]bool {
	out := map[thing]bool{}
	for _, s := range shards {
		for line := range bytes.Lines(s.Data) {
			line = bytes.TrimSpace(line)
			if name, ok := bytes.CutPrefix(line, []byte(routeMark)); ok {
				out[thing{"route", string(name)}] = true
			}
			file, _, _ := bytes.Cut(bytes.TrimPrefix(line, []byte(fileMark)), []byte(" "))
			if _, name, ok := strings.Cut(string(file), "/upstream."); ok && len(file) < len(line) {
				out[thing{"pool", strings.TrimSuffix(strings.TrimSuffix(name, ".conf"), packetsMark)}] = true
			}
		}
	}
	return out
}

// details compares what is said of one thing. What is said of a route's streams as
// of the route is told once.
func details(was, is *account) []route.Detail {
	var out []route.Detail
	for _, at := range keysOf(was.leads, is.leads) {
		if old, now := strings.Join(was.leads[at], " then "), strings.Join(is.leads[at], " then "); old != now {
			out = append(out, route.Detail{Field: at, Old: old, New: now})
		}
	}
	if was.passes() != is.passes() {
		// All else that was said was said of the old way.
		return append(out, route.Detail{Field: route.Answer, Old: was.target(), New: is.target()})
	}
	told := map[string]bool{}
	for _, name := range keysOf(was.said, is.said) {
		d := route.Detail{Field: name, Added: less(is.said[name], was.said[name]), Removed: less(was.said[name], is.said[name])}
		if len(d.Added)+len(d.Removed) > 0 {
			out = append(out, d.Short())
			told[out[len(out)-1].String()] = true
		}
	}
	return slices.DeleteFunc(out, func(d route.Detail) bool {
		name, streams := strings.CutPrefix(d.Field, ofStreams)
		d.Field = name
		return streams && told[d.String()]
	})
}

// less is a list without what is in another.
func less(list, other []string) []string {
	var out []string
	for _, s := range list {
		if !slices.Contains(other, s) {
			out = append(out, s)
		}
	}
	slices.Sort(out)
	return out
}

// summary says what a thing is that comes or goes.
func (a *account) summary(t thing, places func() map[string][]string) string {
	switch t.kind {
	case "host":
		var parts []string
		for _, at := range slices.Sorted(maps.Keys(a.leads)) {
			parts = append(parts, at+" -> "+strings.Join(a.leads[at], " then "))
		}
		return route.List(parts, 8)
	case "route":
		return route.List(places()[t.name], 8) + " -> " + a.target()
	case "stream":
		return strings.Join(a.ports(), " and ") + " -> " + a.target()
	}
	return peers(len(a.said["peers"])) + ": " + route.List(a.said["peers"], 8)
}

func peers(n int) string {
	if n == 1 {
		return "1 peer"
	}
	return fmt.Sprintf("%d peers", n)
}

// places lists where each route answers.
func (s served) places() map[string][]string {
	out := map[string][]string{}
	for t, a := range s {
		host := t.name
		if host == "*" {
			host = "any other host"
		}
		for at, routes := range a.leads {
			place := host + " at " + at
			switch {
			case at == "/":
				place = host
			case strings.HasPrefix(at, "/"):
				place = host + at
			}
			for _, name := range routes {
				out[name] = append(out[name], place)
			}
		}
	}
	for _, list := range out {
		slices.Sort(list)
	}
	return out
}

// ports are those that a stream listens on.
func (a *account) ports() []string {
	var out []string
	for _, listen := range a.said["listen"] {
		port, rest, _ := strings.Cut(listen, " ")
		if strings.HasPrefix(rest, "udp") {
			port += "/udp"
		}
		out = append(out, port)
	}
	return out
}

// passes reports whether requests go to a pool.
func (a *account) passes() bool { return len(a.said["pool"]) > 0 }

// target says who answers, as far as directives tell.
func (a *account) target() string {
	if a.passes() {
		return "pool " + strings.Join(a.said["pool"], " or ")
	}
	var answers []string
	for _, back := range a.said["return"] {
		status, text, _ := strings.Cut(back, " ")
		switch {
		case status == "on":
			status = "an empty answer"
		case strings.HasPrefix(status, "3"):
			status = "redirect " + status + " to " + strings.TrimSuffix(text, "$is_args$args")
		default:
			status = "answer " + status
		}
		answers = append(answers, status)
	}
	return cmp.Or(strings.Join(answers, " or "), "something else")
}

func keysOf[T any](a, b map[string]T) []string {
	return slices.Sorted(maps.Keys(union(a, b)))
}

func union[K comparable, V any](a, b map[K]V) map[K]V {
	all := map[K]V{}
	maps.Copy(all, a)
	maps.Copy(all, b)
	return all
}
