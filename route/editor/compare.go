package editor

import (
	"slices"
	"strconv"

	"gopkg.in/yaml.v3"

	"github.com/wharfinger/wharfinger/route"
)

// Compare holds the marks in the files of a revision against the problems that the
// parser has with it. It returns the marks where there is no problem, and the problems
// without a mark. Of files that are not YAML there are neither.
func Compare(rev route.Revision, problems route.Problems) (unfounded []Mark, unmarked route.Problems) {
	told := map[string]route.Problems{} // by file
	for _, p := range problems {
		told[p.Pos.File] = append(told[p.Pos.File], p)
	}
	for _, file := range rev.Files {
		documents, err := read(file.Data)
		if err != nil {
			continue
		}
		marks := look(documents)
		if len(marks)+len(told[file.Path]) == 0 {
			continue
		}
		at := places(documents)
		about := func(p route.Problem, m Mark) bool {
			return slices.ContainsFunc(at[place{p.Pos.Line, p.Pos.Col}], func(path []string) bool {
				return slices.ContainsFunc(m.Paths, func(marked []string) bool { return related(path, marked) })
			})
		}
		for _, m := range marks {
			if !slices.ContainsFunc(told[file.Path], func(p route.Problem) bool { return about(p, m) }) {
				unfounded = append(unfounded, m)
			}
		}
		for _, p := range told[file.Path] {
			if !slices.ContainsFunc(marks, func(m Mark) bool { return about(p, m) }) {
				unmarked = append(unmarked, p)
			}
		}
	}
	return unfounded, unmarked
}

// related reports whether one of two is in the other.
func related(a, b []string) bool {
	n := min(len(a), len(b))
	return slices.Equal(a[:n], b[:n])
}

type place struct{ line, col int }

// places are the paths to what stands at each place. A map stands where its first
// key does.
func places(documents []*yaml.Node) map[place][][]string {
	at := map[place][][]string{}
	note := func(n *yaml.Node, path []string) {
		at[place{n.Line, n.Column}] = append(at[place{n.Line, n.Column}], path)
	}
	var walk func(*yaml.Node, []string)
	walk = func(n *yaml.Node, path []string) {
		note(n, path)
		switch n.Kind {
		case yaml.MappingNode:
			for i := 0; i < len(n.Content); i += 2 {
				inner := slices.Concat(path, []string{n.Content[i].Value})
				note(n.Content[i], inner)
				walk(n.Content[i+1], inner)
			}
		case yaml.SequenceNode:
			for i, item := range n.Content {
				walk(item, slices.Concat(path, []string{strconv.Itoa(i)}))
			}
		}
	}
	for i, root := range documents {
		walk(root, []string{strconv.Itoa(i)})
	}
	return at
}
