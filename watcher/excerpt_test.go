package watcher

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/wharfinger/wharfinger/generator"
)

// asked is a tester that notes how many shards it is asked about.
type asked struct {
	mu      sync.Mutex
	shards  []int
	refuses func(shards int) error
}

func (a *asked) Test(_ context.Context, shards []generator.Shard) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.shards = append(a.shards, len(shards))
	return a.refuses(len(shards))
}

// rolls is a cluster where every rollout works.
type rolls struct{ Cluster }

func (rolls) Apply(context.Context, generator.Rollout, func(node, state string)) error { return nil }

// TestExcerptIsTestedFirst holds when a change is tested by itself, that the whole is
// always tested as well, and that its word is the last.
func TestExcerptIsTestedFirst(t *testing.T) {
	shards := func(changed string, size int) []generator.Shard {
		var out []generator.Shard
		for i := range 10 {
			data := bytes.Repeat([]byte("#\n"), size/20)
			if i == 0 {
				data = []byte(changed)
			}
			out = append(out, generator.Shard{Config: fmt.Sprint(changed, i), Path: fmt.Sprintf("routes/%03d.conf", i),
				Data: slices.Concat(fmt.Appendf(nil, "# file routes/server.host-%d.conf\n", i), data, []byte("\n"))})
		}
		return out
	}
	no := func(int) error { return nil }
	for _, c := range []struct {
		name    string
		size    int
		order   string
		refuses func(shards int) error
		asked   string // shards, in their order
		err     string
	}{
		{"a large proxy", 2 * large, "start-first", no, "[10 1 10]", ""},
		{"a small one", large / 2, "start-first", no, "[10 10]", ""},
		{"one that stops first", 2 * large, "stop-first", no, "[10 10]", ""},
		{"the part is refused", 2 * large, "start-first", func(n int) error {
			if n == 1 {
				return refusal("nginx misses something")
			}
			return nil
		}, "[10 1 10]", ""},
		{"only the whole is refused", 2 * large, "start-first", nil, "[10 1 10]", "nginx refuses the whole"},
	} {
		a := &asked{refuses: c.refuses}
		if a.refuses == nil {
			a.refuses = func(n int) error {
				if len(a.shards) == 3 {
					return refusal("nginx refuses the whole")
				}
				return nil
			}
		}
		p := Passer{Cluster: rolls{}, Tester: a, Whole: map[string][]generator.Shard{}}
		var last Outcome
		for _, changed := range []string{"a\n", "b\n"} {
			r := generator.Rollout{Proxy: "edge", Shards: shards(changed, c.size), Changes: []string{"replace"}, From: &generator.ProxyService{}, Spec: generator.Spec{Order: c.order}}
			last = p.Apply(t.Context(), &Plan{Rollouts: []generator.Rollout{r}, Model: &generator.Model{}}, func(generator.Rollout) bool { return false })[0]
		}
		if got := fmt.Sprint(a.shards); got != c.asked {
			t.Errorf("%s: nginx was asked about %s shards, want %s", c.name, got, c.asked)
		}
		if c.err == "" && (last.Err != nil || !last.Confirmed) || c.err != "" && (last.Err == nil || last.Confirmed || !IsRefusal(last.Err) || !strings.Contains(last.Err.Error(), c.err)) {
			t.Errorf("%s: %v, confirmed %t, want %q", c.name, last.Err, last.Confirmed, c.err)
		}
		if took := string(p.Whole["edge"][0].Data); strings.Contains(took, "b\n") != (c.err == "") {
			t.Errorf("%s: as a whole, nginx took %q", c.name, took)
		}
	}
}
