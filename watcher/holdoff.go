package watcher

import (
	"fmt"
	"time"
)

// Holdoff is how what happens is folded into few passes, and those into few rollouts:
// quick where it is quiet, patient in a storm.
type Holdoff struct {
	// Settle is how long it must be quiet before a burst is looked at. The first
	// that happens in quiet is looked at at once, and a push is then rolled at once:
	// a commit is whole. A task that moves is not, for first one stops and then
	// another one starts; so what only follows tasks is rolled after Settle.
	Settle time.Duration
	// Patience is how long a burst is waited for at most.
	Patience time.Duration
	// Pace is how far apart rollouts are kept that only follow tasks, so that a service
	// that crashes all the time does not keep every proxy rolling: the first at once,
	// then from Pace doubled to LongestPace, until there was none for a minute. A push
	// never waits.
	Pace, LongestPace time.Duration
}

// DefaultHoldoff is for people who watch, and for proxies that take seconds to roll.
func DefaultHoldoff() Holdoff {
	return Holdoff{Settle: 200 * time.Millisecond, Patience: 2 * time.Second, Pace: 2 * time.Second, LongestPace: 15 * time.Second}
}

// Check reports what cannot be, by the names of the flags.
func (h Holdoff) Check() error {
	switch {
	case h.Settle <= 0:
		return fmt.Errorf("--settle must be longer than nothing, not %s", h.Settle)
	case h.Patience < h.Settle:
		return fmt.Errorf("--patience (%s) cannot be shorter than --settle (%s)", h.Patience, h.Settle)
	case h.Pace < 0:
		return fmt.Errorf("--pace cannot be %s", h.Pace)
	case h.LongestPace < h.Pace:
		return fmt.Errorf("--longest-pace (%s) cannot be shorter than --pace (%s)", h.LongestPace, h.Pace)
	}
	return nil
}

// calm is how long it must be quiet until a rollout that follows tasks is a first one
// again, and until memory is given back.
const calm = time.Minute

// keepPace notes that something was rolled just now.
func (l *Loop) keepPace() {
	if l.pushed || time.Since(l.rolledAt) > calm {
		l.pace = 0
	} else {
		l.pace = min(max(2*l.pace, l.Holdoff.Pace), l.Holdoff.LongestPace)
	}
	l.rolledAt = time.Now()
}

// rollAt is when what only follows tasks may be rolled.
func (l *Loop) rollAt() time.Time {
	settled, paced := l.changedAt.Add(l.Holdoff.Settle), l.rolledAt.Add(l.pace)
	if settled.After(paced) {
		return settled
	}
	return paced
}

// wait is until when a wake is held off: not at all where none is held off yet and the
// last pass is over for a while, else until it is quiet, or patience ends.
func (h Holdoff) wait(first, lastPass time.Time) time.Duration {
	switch {
	case !first.IsZero():
		return max(0, min(h.Settle, h.Patience-time.Since(first)))
	case time.Since(lastPass) < h.Settle:
		return h.Settle
	}
	return 0
}
