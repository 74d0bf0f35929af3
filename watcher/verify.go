package watcher

import (
	"log/slog"
	"time"

	"github.com/wharfinger/wharfinger/route"
)

// verifyAfter is how many passes go by between two that are made once more, anew: at
// 10,000 routes that adds a fiftieth of a second to a pass.
const verifyAfter = 100

// verify holds, now and then, what a pass has made by redoing what changed to what one
// makes that starts anew. It comes behind the rollout, so nobody waits for it. Where
// the two differ, which is a mistake in this program, it is said, all that was kept is
// forgotten, and the next pass makes what is right.
func (l *Loop) verify(plan *Plan, held map[string]*Held) {
	if l.passes++; l.passes%verifyAfter != 0 {
		return
	}
	desired, _ := route.Parse(plan.Desired.Source(), l.Permissions...)
	if desired != nil {
		anew, err := makePlan(l.Templates, &Builder{}, desired, l.live)
		if err == nil && l.sameRollouts(plan, anew, held) {
			return
		}
		if l.desired == plan.Desired {
			l.desired = desired
		}
	}
	l.builder, l.former = Builder{}, Builder{}
	l.parser = new(route.Parser)
	l.changed, l.failed, l.retryAt = true, true, time.Now()
}

// sameRollouts compares rollouts, but for those in whose place former ones stand.
func (l *Loop) sameRollouts(plan, anew *Plan, held map[string]*Held) bool {
	if len(plan.Rollouts) != len(anew.Rollouts) {
		return false
	}
	for i, r := range anew.Rollouts {
		if held[r.Proxy] == nil && plan.Rollouts[i].ID != r.ID {
			l.Log.Error("a mistake of wharfinger's: what was made step by step is not what is made anew, and that is used now; please report it",
				slog.String("proxy", r.Proxy), slog.String("digest", short(plan.Rollouts[i].Digest)), slog.String("anew", short(r.Digest)))
			return false
		}
	}
	return true
}
