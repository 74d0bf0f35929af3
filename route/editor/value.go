package editor

import (
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// What plain scalars are in YAML 1.2 (its Core schema, 10.3.2), which is what
// editors read.
var (
	null    = regexp.MustCompile(`^(?:null|Null|NULL|~|)$`)
	boolean = regexp.MustCompile(`^(?:true|True|TRUE|false|False|FALSE)$`)
	integer = regexp.MustCompile(`^(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$`)
	float   = regexp.MustCompile(`^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$|^[-+]?\.(?:inf|Inf|INF)$|^\.(?:nan|NaN|NAN)$`)
)

// valueOf is what a node is to a schema.
func valueOf(n *yaml.Node) any {
	switch n.Kind {
	case yaml.AliasNode:
		return valueOf(n.Alias)
	case yaml.MappingNode:
		m := map[string]any{}
		for i := 0; i < len(n.Content); i += 2 {
			m[n.Content[i].Value] = valueOf(n.Content[i+1])
		}
		return m
	case yaml.SequenceNode:
		list := make([]any, len(n.Content))
		for i, item := range n.Content {
			list[i] = valueOf(item)
		}
		return list
	}
	// A tag counts for more than quotes.
	text, quoted := n.Value, n.Style&^yaml.TaggedStyle != 0
	if n.Style&yaml.TaggedStyle != 0 {
		quoted = !slices.Contains([]string{"!!null", "!!bool", "!!int", "!!float"}, n.Tag)
	}
	switch {
	case quoted:
		return text
	case null.MatchString(text):
		return nil
	case boolean.MatchString(text):
		return strings.ToLower(text) == "true"
	case integer.MatchString(text):
		base := 10
		if strings.HasPrefix(text, "0o") || strings.HasPrefix(text, "0x") {
			base = 0
		}
		if n, err := strconv.ParseInt(text, base, 64); err == nil {
			return n
		}
		fallthrough
	case float.MatchString(text):
		f, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
			return math.MaxFloat64 // a number, which JSON has not
		}
		return f
	}
	return text
}
