package watcher

import (
	"errors"

	"github.com/wharfinger/wharfinger/route"
)

// Audience hears what becomes of revisions. Nothing it does is waited for: its
// methods return at once. What stays the same it hears once.
type Audience interface {
	// Coming tells that a revision is on its way to the proxies, or for what some of
	// them wait.
	Coming(revision string, waits route.Problems)
	// Live tells that every proxy serves it.
	Live(revision string)
	// Refused tells why it is not served. The revision is empty where not even its
	// name is known.
	Refused(revision string, problems route.Problems)
}

// mostHeard is of how many revisions is known what was heard. One that comes back
// after so many others is told of anew.
const mostHeard = 16

// news reports whether there is somebody to tell, and something else of that
// revision than before. What has no name is told each time that it is found.
func (l *Loop) news(revision, now string) bool {
	if l.Audience == nil || l.heard[revision] == now && revision != "" {
		return false
	}
	if len(l.heard) >= mostHeard || l.heard == nil {
		l.heard = map[string]string{}
	}
	l.heard[revision] = now
	return true
}

func (l *Loop) coming(revision string, waits route.Problems) {
	if l.news(revision, "coming "+waits.Error()) {
		l.Audience.Coming(revision, waits)
	}
}

func (l *Loop) refuse(revision string, problems route.Problems) {
	if l.news(revision, "refused "+problems.Error()) {
		l.Audience.Refused(revision, problems)
	}
}

// tellOutcomes tells what a pass has brought. What lies in the world and not in the
// revision is tried again, so that is no news of the revision.
func (l *Loop) tellOutcomes(plan *Plan, outcomes []Outcome, held map[string]*Held, confirmed bool) {
	var waits, refused route.Problems
	for _, o := range outcomes {
		if why := held[o.Rollout.Proxy]; why != nil {
			waits = append(waits, why.Problems...)
		}
		if why, ok := errors.AsType[*Held](o.Err); ok {
			waits = append(waits, why.Problems...)
		} else if o.Err != nil && IsRefusal(o.Err) {
			refused = append(refused, problemsOf("proxy "+o.Rollout.Proxy, o.Err)...)
		}
	}
	switch revision := plan.Model.Revision; {
	case len(refused) > 0:
		l.refuse(revision, refused.Sorted())
	case len(waits) > 0:
		l.coming(revision, waits.Sorted())
	case confirmed && l.news(revision, "live"):
		l.Audience.Live(revision)
	}
}

// problemsOf are those that an error tells of, or it is one of the object's.
func problemsOf(object string, err error) route.Problems {
	if refused, ok := errors.AsType[*Refused](err); ok {
		return refused.Problems
	}
	if problems, ok := errors.AsType[route.Problems](err); ok {
		return problems
	}
	return route.Problems{{Object: object, Text: err.Error()}}
}
