// Package bench measures what Wharfinger costs, each thing against another one in the
// same run: `make bench` prints one table of it.
package bench

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/wharfinger/wharfinger/generator"
	"github.com/wharfinger/wharfinger/lab"
	"github.com/wharfinger/wharfinger/nginx"
	"github.com/wharfinger/wharfinger/route"
)

func parsed(b *testing.B, rev route.Revision) *route.Desired {
	b.Helper()
	desired, problems := route.Parse(rev)
	if problems != nil {
		b.Fatal(problems)
	}
	return desired
}

// passer makes passes one after the other, as the daemon does.
type passer struct {
	b      *testing.B
	parser route.Parser
	maker  generator.Maker
}

func (p *passer) pass(rev route.Revision, live *generator.Live) []generator.Rollout {
	p.b.Helper()
	desired, problems := p.parser.Parse(rev)
	if problems != nil {
		p.b.Fatal(problems)
	}
	return p.make(desired, live)
}

func (p *passer) make(desired *route.Desired, live *generator.Live) []generator.Rollout {
	p.b.Helper()
	model, problems := p.maker.Build(desired, live)
	if problems != nil {
		p.b.Fatal(problems)
	}
	rollouts, err := p.maker.Pack(model, live)
	if err != nil {
		p.b.Fatal(err)
	}
	return rollouts
}

// BenchmarkFullPass is all of the pure way, from YAML to shards, by one who starts
// anew, against nginx -t on the result.
func BenchmarkFullPass(b *testing.B) {
	rev, live := world(whole)
	tester := testerOf(b)
	shards := (&passer{b: b}).pass(rev, live)[0].Shards
	pairs(b, "nginx-t", 7, nil, func() { (&passer{b: b}).pass(rev, live) }, func() {
		if err := tester.Test(b.Context(), shards); err != nil {
			b.Fatal(err)
		}
	})
}

func testerOf(b *testing.B) nginx.Tester {
	b.Helper()
	path, err := lab.Nginx(b.Context(), "1.30")
	if err != nil {
		b.Fatal(err)
	}
	return nginx.Tester{Path: path}
}

// BenchmarkMovedTask is the pass after one task has moved, from the live state on,
// against a full one; and what it sends.
func BenchmarkMovedTask(b *testing.B) {
	rev, live := world(whole)
	random := rand.New(rand.NewPCG(5, 6))
	p := &passer{b: b}
	before := p.pass(rev, live)
	desired, _ := p.parser.Parse(rev)
	after := before
	pairs(b, "full-pass", 9, func() {
		before = after
		next := *live
		next.Tasks = slices.Clone(live.Tasks)
		task := &next.Tasks[random.IntN(len(next.Tasks))]
		task.Ports = []generator.Port{{Protocol: "tcp", Target: 8080, Published: 32768 + random.IntN(28000)}}
		live = &next
	}, func() { after = p.make(desired, live) }, func() { (&passer{b: b}).pass(rev, live) })
	reportSent(b, before, after)
}

// BenchmarkChangedRoute is the pass after one route was changed by a push, from YAML
// on, against a full one; and what it sends.
func BenchmarkChangedRoute(b *testing.B) {
	rev, live := world(whole)
	random := rand.New(rand.NewPCG(7, 8))
	p := &passer{b: b}
	after := p.pass(rev, live)
	before := after
	pairs(b, "full-pass", 9, func() {
		before = after
		rev = edited(rev, random)
	}, func() { after = p.pass(rev, live) }, func() { (&passer{b: b}).pass(rev, live) })
	reportSent(b, before, after)
}

// BenchmarkTestOfChange is the test of what one changed route changes, against that of
// all files.
func BenchmarkTestOfChange(b *testing.B) {
	rev, live := world(whole)
	random := rand.New(rand.NewPCG(9, 10))
	tester := testerOf(b)
	p := &passer{b: b}
	after := p.pass(rev, live)
	before, files := after, 0
	pairs(b, "full-test", 5, func() {
		before = after
		rev = edited(rev, random)
		after = p.pass(rev, live)
	}, func() {
		part, ok := generator.Excerpt(before[0].Shards, after[0].Shards)
		if !ok {
			b.Fatal("there is no part")
		}
		files = len(part)
		if err := tester.Test(b.Context(), part); err != nil {
			b.Fatal(err)
		}
	}, func() {
		if err := tester.Test(b.Context(), after[0].Shards); err != nil {
			b.Fatal(err)
		}
	})
	b.ReportMetric(float64(files), "files")
}

// edited is a revision in which one route has another path.
func edited(rev route.Revision, random *rand.Rand) route.Revision {
	out := route.Revision{ID: fmt.Sprint("bench", random.IntN(1<<30)), Files: slices.Clone(rev.Files)}
	f := &out.Files[1+random.IntN(len(out.Files)-1)]
	at := bytes.Index(f.Data, []byte("paths: [/api"))
	end := at + bytes.IndexByte(f.Data[at:], ',')
	f.Data = slices.Concat(f.Data[:at], fmt.Appendf(nil, "paths: [/api%d", random.IntN(1000)), f.Data[end:])
	return out
}

// reportSent tells what of a rollout is new.
func reportSent(b *testing.B, before, after []generator.Rollout) {
	b.Helper()
	old, bytes, configs := map[string]bool{}, 0, 0
	for _, s := range before[0].Shards {
		old[s.Config] = true
	}
	for _, s := range after[0].Shards {
		if !old[s.Config] {
			bytes, configs = bytes+len(s.Data), configs+1
		}
	}
	b.ReportMetric(float64(bytes)/1024, "KiB-sent")
	b.ReportMetric(float64(configs), "configs-sent")
}
