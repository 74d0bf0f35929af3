package watcher

import (
	"context"
)

// recall takes up the last good revision of the daemon before this one: with the
// repository away, or when what it holds now is refused, its tasks are followed.
func (l *Loop) recall(ctx context.Context) {
	rev, ok, err := l.Memory.Last(ctx)
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		l.say("memory", "the last good revision cannot be read from the Swarm", err.Error())
		return // the next pass tries again
	}
	l.recalled = true
	l.say("memory", "", "")
	if !ok {
		return
	}
	l.kept = rev.ID
	desired, problems := l.parser.Parse(rev, l.Permissions...)
	if desired == nil {
		// It was taken by another version, or with other permissions.
		l.Log.Warn("the last good revision is no longer taken", "revision", rev.ID, "problem", problems[0].String(), "problems", len(problems))
		return
	}
	if l.taken == nil {
		l.taken = desired
	}
	if l.desired == nil {
		l.Log.Info("the last good revision is followed", "revision", rev.ID)
		l.desired, l.changed = desired, true
		if l.revision == "" { // else the repository holds another one, which was refused
			l.revision = rev.ID
		}
	}
}

// keep has the revision that every proxy serves outlive this daemon.
func (l *Loop) keep(ctx context.Context) {
	if l.kept == l.taken.Revision {
		return
	}
	err := l.Memory.Keep(ctx, l.taken.Source())
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		l.say("memory", "the last good revision cannot be kept in the Swarm", err.Error())
		return // the next pass tries again
	}
	l.kept = l.taken.Revision
	l.say("memory", "", "")
}
