package generator

import (
	"fmt"
	"maps"
	"slices"
)

// drift tells what somebody changed by hand, and what becomes of it.
func (r Rollout) drift(current ProxyService) []string {
	left := drift(r.Spec, current.Applied, r.Named, r.OrderNamed)
	out := drift(current.Spec, current.Applied, r.Named, r.OrderNamed)
	for i, words := range out {
		if slices.Contains(left, words) {
			out[i] += "; it is left so (drift: report)"
		} else {
			out[i] += "; it is brought back"
		}
	}
	return out
}

// drift says in words what somebody changed by hand of what was applied to a service
// and the repository still says. What the repository says otherwise by now is no
// drift but a push.
func drift(live, applied, named Spec, orderNamed bool) []string {
	var out []string
	say := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	is, was, says := live.settings(), applied.settings(), named.settings()
	for i, s := range says {
		if s.value == "" || was[i] != s || is[i] == s {
			continue
		}
		if s.name == "image" && (merger{live: live, applied: applied, named: named}).image() == live.Image {
			continue // with the engine's digest
		}
		if is[i].value == "" {
			is[i].value = "none"
		}
		say("%s is %s, but the repository says %s", s.name, is[i].value, s.value)
	}
	if orderNamed && named.Order == applied.Order && live.Order != applied.Order {
		say("update order is %s, but the repository says %s", live.Order, named.Order)
	}
	gone := func(kind string, live, applied, named []string) {
		for _, value := range named {
			if slices.Contains(applied, value) && !slices.Contains(live, value) {
				say("%s %s was taken away, but the repository has it", kind, value)
			}
		}
	}
	gone("constraint", live.Constraints, applied.Constraints, named.Constraints)
	gone("network", texts(live.Networks), texts(applied.Networks), texts(named.Networks))
	gone("port", texts(live.Publish), texts(applied.Publish), texts(named.Publish))
	gone("secret", secretNames(live.Secrets), secretNames(applied.Secrets), secretNames(named.Secrets))
	out = append(out, mapDrift("mount", byPlace(live.Mounts), byPlace(applied.Mounts), byPlace(named.Mounts))...)
	out = append(out, mapDrift("label", live.Labels, applied.Labels, named.Labels)...)
	return append(out, mapDrift("container label", live.ContainerLabels, applied.ContainerLabels, named.ContainerLabels)...)
}

func texts[T fmt.Stringer](list []T) []string {
	var out []string
	for _, v := range list {
		out = append(out, v.String())
	}
	return out
}

func secretNames(secrets []Secret) []string {
	var out []string
	for _, s := range secrets {
		out = append(out, s.Name)
	}
	return out
}

// mapDrift is drift for values that have names.
func mapDrift[V comparable](kind string, live, applied, named map[string]V) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(named)) {
		is, there := live[name]
		was, had := applied[name]
		switch says := named[name]; {
		case !had || was != says || there && is == says:
		case !there:
			out = append(out, fmt.Sprintf("%s %s was taken away, but the repository has it", kind, name))
		default:
			out = append(out, fmt.Sprintf("%s %s is %v, but the repository says %v", kind, name, is, says))
		}
	}
	return out
}
