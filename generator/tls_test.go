package generator

import (
	"testing"
	"time"
)

// Two answers share a variable only where they send the same.
func TestHSTSVariables(t *testing.T) {
	values := map[string]string{}
	for _, h := range []HSTS{
		{time.Hour, false, false}, {time.Hour, true, false}, {time.Hour, true, true}, {time.Hour, false, true}, {2 * time.Hour, false, false},
	} {
		if was, ok := values[h.Variable()]; ok {
			t.Errorf("$%s is %q and %q", h.Variable(), was, h.Value())
		}
		values[h.Variable()] = h.Value()
	}
}
