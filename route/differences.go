package route

import (
	"cmp"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// differences compares two things of one type field by field, by the tags by
// which they are read. Where a value was written does not count.
func differences[T any](old, now *T) []Detail {
	var w comparer
	w.object("", reflect.ValueOf(old).Elem(), reflect.ValueOf(now).Elem())
	return w.details
}

// whole is the details of a thing that is there on one side alone.
func whole[T any](old, now *T) []Detail {
	w := comparer{said: true}
	w.object("", reflect.ValueOf(old).Elem(), reflect.ValueOf(now).Elem())
	return w.details
}

// comparer walks two values of one type.
type comparer struct {
	details []Detail
	// said counts what is said, although it says no more than saying nothing does:
	// so it is with options that are not merged yet.
	said bool
	// oldAbsent and nowAbsent say that the map around is not there, so that its
	// defaults mean nothing.
	oldAbsent, nowAbsent bool
}

// tristate are the fields where saying nothing is another thing than saying what
// is the default: a drain that is named makes the stop grace period the
// repository's.
var tristate = map[string]bool{"cookies.secure": true, "cookies.httpOnly": true, "drain": true, "maintenance.body": true, "responses": true}

func (w *comparer) object(path string, old, now reflect.Value) {
	t := old.Type()
	if t == reflect.TypeFor[Options]() || t == reflect.TypeFor[Policy]() {
		defer func(said bool) { w.said = said }(w.said)
		w.said = true
	}
	if path != "" {
		defer func(old, now bool) { w.oldAbsent, w.nowAbsent = old, now }(w.oldAbsent, w.nowAbsent)
		w.oldAbsent, w.nowAbsent = w.oldAbsent || absent(old), w.nowAbsent || absent(now)
	}
	for _, f := range fieldsOf(t) {
		w.field(below(path, f.name, old), f, old.FieldByIndex(f.index), now.FieldByIndex(f.index))
	}
}

// absent reports whether a map is not there, and does nothing by itself: retries
// have a number of tries in any case.
func absent(v reflect.Value) bool {
	pos := v.FieldByName("Pos")
	if !pos.IsValid() || !pos.IsZero() {
		return false
	}
	short, ok := v.Interface().(interface{ shorthand() string })
	return !ok || !slices.ContainsFunc(fieldsOf(v.Type()), func(f field) bool {
		return f.name == short.shorthand() && !v.FieldByIndex(f.index).FieldByName("Value").IsZero()
	})
}

// below is the way to a field. What a bare value stands for has no name there.
func below(path, name string, in reflect.Value) string {
	if short, ok := in.Interface().(interface{ shorthand() string }); ok && short.shorthand() == name {
		return path
	}
	return strings.TrimPrefix(path+"."+name, ".")
}

func (w *comparer) field(path string, f field, old, now reflect.Value) {
	switch {
	case old.Kind() == reflect.Map:
		none := reflect.Zero(old.Type().Elem())
		for _, key := range sortedKeys(old, now) {
			before, after := old.MapIndex(key), now.MapIndex(key)
			if !before.IsValid() {
				before = none
			}
			if !after.IsValid() {
				after = none
			}
			w.scalar(path+"."+key.String(), f, before, after, true)
		}
	case old.Kind() == reflect.Slice:
		w.list(path, f, old, now)
	case old.Kind() == reflect.Pointer:
		w.note(Detail{Field: path, Old: flowText(old, f), New: flowText(now, f)})
	case isAt(old):
		w.scalar(path, f, old, now, w.said || tristate[path])
	default:
		w.object(path, old, now)
	}
}

// sortedKeys are those of both maps, in order.
func sortedKeys(old, now reflect.Value) []reflect.Value {
	names := map[string]reflect.Value{}
	for _, m := range []reflect.Value{old, now} {
		for _, key := range m.MapKeys() {
			names[key.String()] = key
		}
	}
	var out []reflect.Value
	for _, name := range slices.Sorted(maps.Keys(names)) {
		out = append(out, names[name])
	}
	return out
}

// scalar compares two values. Those that nobody wrote follow from others, which
// are compared themselves. said counts a value that is written and says no more
// than nothing does.
func (w *comparer) scalar(path string, f field, old, now reflect.Value, said bool) {
	was, is := isGiven(old), isGiven(now)
	same := old.FieldByName("Value").Equal(now.FieldByName("Value"))
	if same && !(said && was != is) || !was && !is {
		return
	}
	d := Detail{Field: path, Old: flowText(old, f), New: flowText(now, f)}
	if (said || w.oldAbsent) && !was {
		d.Old = ""
	}
	if (said || w.nowAbsent) && !is {
		d.New = ""
	}
	w.note(d)
}

func isGiven(at reflect.Value) bool { return !at.FieldByName("Pos").FieldByName("Line").IsZero() }

func (w *comparer) note(d Detail) {
	if d.Old != d.New || len(d.Added)+len(d.Removed) > 0 {
		w.details = append(w.details, d)
	}
}

// list compares what is in two lists, whatever its order. Entries that have a
// name, which is their first field, are compared by it.
func (w *comparer) list(path string, f field, old, now reflect.Value) {
	d := Detail{Field: path}
	before, had := byName(old)
	after, has := byName(now)
	switch {
	case old.Len()+now.Len() == 0:
		if w.said {
			d.Old, d.New = emptyList(old), emptyList(now)
		}
	case had && has:
		for _, name := range slices.Sorted(maps.Keys(union(before, after))) {
			was, had := before[name]
			is, has := after[name]
			switch {
			case !had:
				d.Added = append(d.Added, flowText(is, f))
			case !has:
				d.Removed = append(d.Removed, flowText(was, f))
			default:
				w.object(path+"["+name+"]", was, is)
			}
		}
	default:
		d.Added, d.Removed = flowTexts(now, f), flowTexts(old, f)
		for _, shared := range slices.Clone(d.Added) {
			if i := slices.Index(d.Removed, shared); i >= 0 {
				d.Removed = slices.Delete(d.Removed, i, i+1)
				at := slices.Index(d.Added, shared)
				d.Added = slices.Delete(d.Added, at, at+1)
			}
		}
	}
	w.note(d.Short())
}

func emptyList(list reflect.Value) string {
	if list.IsNil() {
		return ""
	}
	return "[]"
}

func flowTexts(list reflect.Value, f field) []string {
	var out []string
	for i := range list.Len() {
		out = append(out, flowText(list.Index(i), f))
	}
	return out
}

// byName is the entries of a list by what tells each from the others: the first
// field of a map, be it a value or a list of them. It is not ok where there is none.
func byName(list reflect.Value) (byName map[string]reflect.Value, ok bool) {
	t := list.Type().Elem()
	if isAt(reflect.Zero(t)) {
		return nil, false
	}
	byName = map[string]reflect.Value{}
	first := fieldsOf(t)[0]
	for i := range list.Len() {
		value := list.Index(i).FieldByIndex(first.index)
		name := flowText(value, first)
		if value.Kind() == reflect.Slice {
			name = strings.Join(slices.Sorted(slices.Values(flowTexts(value, first))), ", ")
		}
		if _, taken := byName[name]; taken || name == "" {
			return nil, false
		}
		byName[name] = list.Index(i)
	}
	return byName, true
}

func union[T any](a, b map[string]T) map[string]T {
	out := map[string]T{}
	maps.Copy(out, a)
	maps.Copy(out, b)
	return out
}

// flowText is a value on one line, as people write it in YAML's flow style; empty
// where there is none.
func flowText(v reflect.Value, f field) string {
	switch {
	case v.Kind() == reflect.Pointer:
		if v.IsNil() {
			return ""
		}
		return flowText(v.Elem(), f)
	case v.Kind() == reflect.Slice:
		if v.Len() == 0 {
			return ""
		}
		return "[" + strings.Join(quoted(flowTexts(v, f)), ", ") + "]"
	case v.Kind() == reflect.Map:
		var pairs []string
		for _, key := range sortedKeys(v, v) {
			pairs = append(pairs, key.String()+": "+word(flowText(v.MapIndex(key), f)))
		}
		return braces(pairs)
	case isAt(v):
		value := v.FieldByName("Value")
		if value.IsZero() && !isGiven(v) {
			return ""
		}
		return cmp.Or(written(value.Interface(), f.is), noText)
	}
	var pairs []string
	for _, inner := range fieldsOf(v.Type()) {
		if s := flowText(v.FieldByIndex(inner.index), inner); s != "" && isWritten(v.FieldByIndex(inner.index)) {
			pairs = append(pairs, inner.name+": "+word(s))
		}
	}
	if short, ok := v.Interface().(interface{ shorthand() string }); ok && len(pairs) == 1 {
		if bare, ok := strings.CutPrefix(pairs[0], short.shorthand()+": "); ok {
			return bare
		}
	}
	return braces(pairs)
}

// isWritten is false for a value that is a default alone.
func isWritten(v reflect.Value) bool { return !isAt(v) || isGiven(v) }

func braces(pairs []string) string {
	if len(pairs) == 0 {
		return ""
	}
	return "{" + strings.Join(pairs, ", ") + "}"
}

func quoted(all []string) []string {
	out := slices.Clone(all)
	for i := range out {
		out[i] = word(out[i])
	}
	return out
}
