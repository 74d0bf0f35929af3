package route_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/wharfinger/wharfinger/golden"
	"github.com/wharfinger/wharfinger/route"
)

// TestBadInput holds the words that people are told for every mistake that the
// format knows. An example below examples/bad is a route repository; its golden
// file is what `wharfinger check` prints for it.
func TestBadInput(t *testing.T) {
	var want []string
	for _, name := range golden.Examples(t, "bad", "") {
		want = append(want, "bad/"+name)
		t.Run(name, func(t *testing.T) {
			desired, problems := route.Parse(golden.Revision(t, "bad/"+name))
			if desired != nil || len(problems) == 0 {
				t.Fatalf("got a Desired and %d problems, want problems alone", len(problems))
			}
			golden.Assert(t, "bad/"+name, []byte(problems.Error()+"\n"))
		})
	}
	if got := golden.Names(t, "bad"); !slices.Equal(got, want) {
		t.Errorf("golden files and examples differ:\ngot  %s\nwant %s", strings.Join(got, " "), strings.Join(want, " "))
	}
}
