package route

import (
	"maps"
	"reflect"
	"slices"
)

// Secrets lists the Docker secrets that are named anywhere, sorted.
func (d *Desired) Secrets() []string {
	found := map[string]bool{}
	secretsIn(reflect.ValueOf(d), "", found)
	return slices.Sorted(maps.Keys(found))
}

// secretsIn looks for values whose grammar is secret.
func secretsIn(v reflect.Value, is string, found map[string]bool) {
	switch {
	case v.Kind() == reflect.Pointer:
		if !v.IsNil() {
			secretsIn(v.Elem(), is, found)
		}
	case v.Kind() == reflect.Map:
		for _, key := range v.MapKeys() {
			secretsIn(v.MapIndex(key), is, found)
		}
	case v.Kind() == reflect.Slice:
		for i := range v.Len() {
			secretsIn(v.Index(i), is, found)
		}
	case isAt(v):
		if name := v.FieldByName("Value"); is == "secret" && name.String() != "" {
			found[name.String()] = true
		}
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() {
				secretsIn(v.Field(i), f.Tag.Get("is"), found)
			}
		}
	}
}
