package route

import (
	"fmt"

	"gopkg.in/yaml.v3"
)

// Setting is a line of a file of settings: a name and what it is set to.
type Setting struct {
	Name string
	// Pos is where the name stands.
	Pos Pos
	// Values are texts, numbers and truths as they are written.
	Values []At[string]
	// List says that they are written as one, of which each may have none.
	List bool
}

// Settings reads a file that is no route file: one map from names, which must be
// among those that are known, to a value or a list of values. YAML is read as
// strictly as in route files.
func Settings(f File, known []string) ([]Setting, Problems) {
	d := decoder{path: f.Path, gaps: newGaps()}
	var all []Setting
	d.nodes(f.Data, func(n *yaml.Node) { all = append(all, d.settings(n, known)...) })
	return all, d.problems.Sorted()
}

func (d *decoder) settings(n *yaml.Node, known []string) []Setting {
	if n.Kind != yaml.MappingNode {
		d.problem(d.pos(n), fmt.Sprintf("a file of settings must be a map, not %s", kindOf(n)), "write a line for each setting, as name: value")
		return nil
	}
	var all []Setting
	var guesser Guesser
	places := map[string]Pos{}
	for _, name := range known {
		places[name] = Pos{}
	}
	for i := 0; i < len(n.Content) && !d.full(); i += 2 {
		name, ok := d.key(n.Content[i])
		if !ok {
			continue
		}
		s := Setting{Name: name, Pos: d.pos(n.Content[i])}
		first, ok := places[name]
		switch {
		case !ok:
			d.problem(s.Pos, fmt.Sprintf("there is no setting %s", quote(name)), guesser.Likely(name, known))
			continue
		case first != Pos{}:
			d.problem(s.Pos, fmt.Sprintf("%s is set already, at %s", name, first), "leave one of them out")
			continue
		}
		places[name] = s.Pos
		value := n.Content[i+1]
		values := []*yaml.Node{value}
		if s.List = value.Kind == yaml.SequenceNode && value.Anchor == ""; s.List {
			values = value.Content
		}
		for _, v := range values {
			switch {
			case v.Kind == yaml.AliasNode || v.Anchor != "":
				d.anchored(v)
			case v.Kind != yaml.ScalarNode || isNull(v):
				d.problem(d.pos(v), fmt.Sprintf("%s must be a value or a list of values, not %s", name, kindOf(v)), "write it behind the colon, or leave the line out")
			default:
				s.Values = append(s.Values, At[string]{Value: v.Value, Pos: d.pos(v)})
			}
		}
		all = append(all, s)
	}
	return all
}
