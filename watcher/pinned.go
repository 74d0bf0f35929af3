package watcher

import (
	"context"
	"log/slog"
	"time"

	"github.com/wharfinger/wharfinger/route"
)

// nag is how often the log repeats that a revision is pinned: as often as somebody
// who forgot it can bear, and each shift sees it.
const nag = time.Hour

// pin is a revision that stands in the place of whatever the source holds.
type pin struct {
	revision string
	since    time.Time
	told     time.Time      // the last time that it was
	waiting  *route.Desired // the last one of the source without a problem; nil before there is one
}

// followPin has the pinned revision followed, and the source's again once it is
// unpinned. What cannot be read is no answer: who cannot tell whether a revision is
// pinned does nothing.
func (l *Loop) followPin(ctx context.Context) error {
	rev, since, err := l.Memory.Pinned(ctx)
	switch {
	case err != nil:
		return err
	case since.IsZero():
		if l.pin != nil {
			l.unpin()
		}
	case l.pin == nil || rev.ID != l.pin.revision || !since.Equal(l.pin.since):
		l.pinTo(rev, since)
	case time.Since(l.pin.told) >= nag:
		l.shout()
	}
	return nil
}

func (l *Loop) pinTo(rev route.Revision, since time.Time) {
	next := &pin{revision: rev.ID, since: since, waiting: l.desired}
	if l.pin != nil {
		next.waiting = l.pin.waiting
	}
	l.pin = next
	l.shout()
	desired, problems := l.parser.Parse(rev, l.Permissions...)
	l.logProblems(slog.LevelError, "the pinned revision is not taken; the last good one stays in force", problems, "revision", rev.ID)
	if desired == nil {
		desired = l.taken // it was pinned by another version, or with other permissions
	}
	l.desired, l.changed, l.pushed = desired, true, true
}

func (l *Loop) unpin() {
	l.Log.Info("unpinned: the repository is followed again", "revision", l.pin.revision)
	if l.pin.waiting != nil {
		l.desired, l.changed, l.pushed = l.pin.waiting, true, true
	}
	l.pin = nil
}

// shout says what nobody may forget.
func (l *Loop) shout() {
	attrs := []any{"revision", l.pin.revision, "since", l.pin.since.UTC().Format(time.RFC3339)}
	if l.pin.waiting != nil {
		attrs = append(attrs, "waiting", l.pin.waiting.Revision)
	}
	l.Log.Warn("a revision is pinned; what is pushed waits until `wharfinger unpin`", attrs...)
	l.pin.told = time.Now()
}
