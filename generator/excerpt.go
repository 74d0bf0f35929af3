package generator

import (
	"bytes"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// mostNames is with how many changed routes and pools the whole is no dearer than a part.
const mostNames = 50

// word is what names of routes and pools are in files, whatever stands around them.
var word = regexp.MustCompile(`[A-Za-z0-9_.+-]+`)

// Excerpt is the files that nginx reads alone to find what is wrong with a change: those
// that are other ones than before, those that name what they define, and those that
// define what is named in any of them. It is false where the whole is to be read: where
// a file is gone, since others may still need it, or where it is about as much.
func Excerpt(before, after []Shard) ([]Shard, bool) {
	was, is := byFile(before), byFile(after)
	part, names := map[string]bool{}, map[string]bool{}
	for path, data := range is {
		if old, ok := was[path]; ok && bytes.Equal(old, data) && folderOf(path) != "" {
			continue
		}
		part[path] = true
		if name, ok := defines(path); ok {
			names[name] = true
		}
	}
	for path := range was {
		if _, ok := is[path]; !ok {
			return nil, false
		}
	}
	if len(names) > mostNames {
		return nil, false
	}
	for path, data := range is {
		for name := range names {
			if bytes.Contains(data, []byte(name)) {
				part[path] = true
			}
		}
	}
	defined := map[string][]string{} // paths by name
	for path := range is {
		if name, ok := defines(path); ok {
			defined[name] = append(defined[name], path)
		}
	}
	for _, path := range slices.Collect(maps.Keys(part)) {
		for _, name := range word.FindAll(is[path], -1) {
			for _, needed := range defined[strings.TrimRight(string(name), ".")] {
				part[needed] = true
			}
		}
	}
	if len(part) > len(is)/2 {
		return nil, false
	}
	var out []Shard
	for _, path := range slices.Sorted(maps.Keys(part)) {
		out = append(out, Shard{Path: path, Data: is[path]})
	}
	return out, true
}

// defines is the route or the pool whose own file this is.
func defines(path string) (name string, ok bool) {
	for _, folder := range spread {
		for _, kind := range []string{"route.", "upstream."} {
			if rest, ok := strings.CutPrefix(path, folder+kind); ok {
				return strings.TrimSuffix(rest, ".conf"), true
			}
		}
	}
	return "", false
}

func byFile(shards []Shard) map[string][]byte {
	out := map[string][]byte{}
	for _, f := range Unpack(shards) {
		out[f.Path] = f.Data
	}
	return out
}
