package interlock_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/wharfinger/wharfinger/interlock"
)

// FuzzRead puts anything into two labels of a service. There is always an answer,
// the service beside it is always in it, it means the same without labels, and every
// problem fits on one line.
func FuzzRead(f *testing.F) {
	for name, all := range variants {
		for _, v := range all {
			for _, s := range v.services {
				for key, value := range s.Labels {
					f.Add(key, value, name, "true")
				}
			}
		}
	}
	labels := interlock.Labels()
	f.Fuzz(func(t *testing.T, key, value, more, another string) {
		s := demo(key+"="+value, labels[len(more)%len(labels)]+"="+another)
		result := variant{services: []interlock.Service{s, service("beside", "hosts=beside.local", "port=80")}}.read(t)
		beside := result.Desired.Routes["beside"]
		if beside == nil || beside.Pool.Value != "beside" {
			t.Errorf("the service beside it is not served:\n%s", result.Added)
		}
		same(t, result.Desired, parsed(t, string(labelled.ReplaceAll([]byte(published), nil))+string(result.Added)))
		for _, p := range result.Problems {
			if line := p.String(); strings.ContainsAny(line, "\n\r") || !utf8.ValidString(line) || len(line) > 4000 || !strings.HasPrefix(line, "service ") {
				t.Errorf("%q does not fit on a line", line)
			}
		}
	})
}
