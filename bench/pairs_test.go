package bench

import (
	"runtime"
	"slices"
	"testing"
	"time"
)

// pairs measures two things by turns and reports the ratio of their times: the one in
// the middle, the lowest and the highest. Each pair is one ratio, so a machine that
// slows down meets both. prepare, unless it is nil, goes before ours, untimed.
func pairs(b *testing.B, against string, n int, prepare, ours, theirs func()) {
	b.Helper()
	var ratios, mine, other []float64
	timed := func(f func()) float64 {
		runtime.GC() // nobody pays for what the other one left
		start := time.Now()
		f()
		return time.Since(start).Seconds()
	}
	for b.Loop() {
		for range n {
			if prepare != nil {
				prepare()
			}
			us, them := timed(ours), timed(theirs)
			mine, other, ratios = append(mine, us), append(other, them), append(ratios, us/them)
		}
	}
	report(b, "of-"+against, ratios)
	b.ReportMetric(1000*middle(mine), "ms")
	b.ReportMetric(1000*middle(other), "ms-"+against)
}

// report tells of ratios.
func report(b *testing.B, unit string, ratios []float64) {
	b.Helper()
	b.ReportMetric(middle(ratios), unit)
	b.ReportMetric(slices.Min(ratios), "lowest")
	b.ReportMetric(slices.Max(ratios), "highest")
	b.ReportMetric(0, "ns/op")
}

func middle(list []float64) float64 {
	return slices.Sorted(slices.Values(list))[len(list)/2]
}
