package watcher

import (
	"log/slog"
	"strings"

	"github.com/wharfinger/wharfinger/generator"
)

// followHeld has proxies whose rollouts are held back follow their tasks meanwhile:
// in the place of such a rollout comes that of the last revision which every proxy
// served, if that is not held back as well. It returns why the others wait.
func (l *Loop) followHeld(plan *Plan) map[string]*Held {
	held := map[string]*Held{}
	if l.taken == nil || l.taken == l.desired {
		return held
	}
	var former *Plan
	for i, r := range plan.Rollouts {
		if len(r.Held) == 0 {
			continue
		}
		if former == nil {
			var err error
			if former, err = makePlan(l.Templates, &l.former, l.taken, l.live); err != nil {
				return held
			}
		}
		for _, before := range former.Rollouts {
			if before.Proxy == r.Proxy && len(before.Held) == 0 {
				held[r.Proxy] = &Held{r.Held}
				plan.Rollouts[i] = before
			}
		}
	}
	return held
}

// sayDrift tells what somebody changed by hand, once.
func (l *Loop) sayDrift(rollouts []generator.Rollout) {
	for _, r := range rollouts {
		subject, drift := "drift "+r.Proxy, strings.Join(r.Drift, "; ")
		if drift == l.said[subject] {
			continue
		}
		if l.said[subject] = drift; drift == "" {
			delete(l.said, subject)
			continue
		}
		for _, words := range r.Drift {
			l.Log.Warn("changed by hand", slog.String("proxy", r.Proxy), slog.String("drift", words))
		}
	}
}
