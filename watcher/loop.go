package watcher

import (
	"context"
	"errors"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/wharfinger/wharfinger/generator"
	"github.com/wharfinger/wharfinger/route"
)

// Source is where revisions come from.
type Source interface {
	// Fetch returns the newest revision. Equal IDs mean that nothing changed.
	Fetch(context.Context) (route.Revision, error)
	// Watch sends on wake whenever a Fetch is worth while, until the context ends.
	// wake has one slot and the latest wins: a send never blocks.
	Watch(ctx context.Context, wake chan<- struct{}) error
}

// WatchedCluster is a Cluster that also tells when it may have changed. Its
// Watch keeps the same rules as a Source's.
type WatchedCluster interface {
	Cluster
	Watch(ctx context.Context, wake chan<- struct{}) error
}

// How long wakes are held off, so that a burst is rolled once: until it is quiet
// for settle, but no longer than patience.
const (
	settle   = 200 * time.Millisecond
	patience = 2 * time.Second
)

// How long until a pass that failed is made again, with nothing else changed.
// Doubled from the first to the last.
const (
	firstRetry = 2 * time.Second
	lastRetry  = time.Minute
)

// How far apart rolls are kept that only follow tasks, so that a service which
// crashes all the time does not keep every proxy rolling: the first at once, then
// from firstPace doubled to lastPace, until there was none for a while. A push
// never waits.
const (
	firstPace = 2 * time.Second
	lastPace  = 15 * time.Second
	calm      = time.Minute
)

// refetch is how long until a failed fetch is made again.
const refetch = 5 * time.Second

// Loop is the daemon.
type Loop struct {
	Source  Source
	Cluster WatchedCluster
	Tester  Tester
	Log     *slog.Logger
	// Permissions are what a revision may have beyond what all may.
	Permissions []route.Permission
	// Templates are what the files are rendered with.
	Templates generator.Templates

	ready atomic.Bool

	revision string         // the last one that was looked at, good or not
	desired  *route.Desired // the last one without a problem
	taken    *route.Desired // the last one that every proxy served
	live     *generator.Live
	model    *generator.Model  // of the last pass
	inForce  map[string]string // by proxy, the ID of the rollout that all its tasks confirmed
	changed  bool              // something did, since the last pass
	pushed   bool              // and it was the revision
	rolledAt time.Time         // the end of the last roll
	pace     time.Duration     // from then to the next one that only follows tasks
	putOff   bool              // such a one waits
	stale    bool              // live is of the past: the last read failed, or a rollout came after it
	unread   bool              // the last fetch failed
	fetchAt  time.Time         // when a failed fetch is made again
	failed   bool              // the last pass did not bring every proxy to its rollout
	retryAt  time.Time         // when a failed pass is made again
	backoff  time.Duration     // from then to the time after
	said     map[string]string // by subject, the last complaint: each is logged once
}

// Ready reports whether every proxy has once served what it should.
func (l *Loop) Ready() bool { return l.ready.Load() }

// Run keeps going until the context ends, and then returns nil. It returns an
// error only where it cannot watch at all.
func (l *Loop) Run(ctx context.Context) error {
	l.inForce, l.said, l.backoff = map[string]string{}, map[string]string{}, firstRetry
	group, ctx := errgroup.WithContext(ctx)
	source, cluster := make(chan struct{}, 1), make(chan struct{}, 1)
	group.Go(func() error { return l.Source.Watch(ctx, source) })
	group.Go(func() error { return l.Cluster.Watch(ctx, cluster) })
	group.Go(func() error { l.loop(ctx, source, cluster); return nil })
	if err := group.Wait(); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

func (l *Loop) loop(ctx context.Context, source, cluster <-chan struct{}) {
	var (
		fetch, read bool             // what the next pass reads first
		wake        <-chan time.Time // when the next pass is made; nil while nothing waits for one
		since       time.Time        // of the first wake that is held off; zero while none is
	)
	for {
		select {
		case <-ctx.Done():
			return
		case <-source: // git: a push, a tick, a file saved
			fetch = true
		case <-cluster: // the Swarm: an event, a tick
			read = true
		case <-wake: // quiet, out of patience, or time to try again
			l.pass(ctx, fetch, read)
			fetch, read, since = false, false, time.Time{}
			wake = l.again()
			continue
		}
		if since.IsZero() {
			since = time.Now()
		}
		wake = time.After(max(0, min(settle, patience-time.Since(since))))
	}
}

// again fires when something that failed or was put off is due; nil if nothing is.
func (l *Loop) again() <-chan time.Time {
	var next time.Time
	for _, due := range []struct {
		waits bool
		at    time.Time
	}{{l.unread, l.fetchAt}, {l.failed, l.retryAt}, {l.putOff, l.rolledAt.Add(l.pace)}} {
		if due.waits && (next.IsZero() || due.at.Before(next)) {
			next = due.at
		}
	}
	if next.IsZero() {
		return nil
	}
	return time.After(time.Until(next))
}

// pass reads what may have changed and, if it did, brings the proxies to it.
func (l *Loop) pass(ctx context.Context, fetch, read bool) {
	start := time.Now()
	if fetch || l.unread && !start.Before(l.fetchAt) {
		l.fetch(ctx)
	}
	retry := l.failed && !start.Before(l.retryAt)
	if (read || retry || l.stale) && !l.read(ctx) {
		// Never act on a state that could not be read, nor on the one before. A
		// retry that is due must not come round at once, again and again.
		l.retryAt = time.Now().Add(firstRetry)
		return
	}
	if l.desired == nil || l.live == nil {
		return
	}
	if !l.changed && !retry {
		return
	}
	reading := time.Since(start)
	plan, err := MakePlan(l.Templates, l.desired, l.live)
	if err != nil {
		l.say("revision", "revision refused", err.Error())
		l.changed = l.fallBack() // the same input would make the same error
		if l.changed {
			l.pass(ctx, false, false)
		}
		return
	}
	if text := plan.Problems.Error(); text != l.said["problems"] {
		l.said["problems"] = text
		l.logProblems(slog.LevelWarn, "the cluster lacks something", plan.Problems)
	}
	needed := slices.ContainsFunc(plan.Rollouts, generator.Rollout.Needed)
	if l.putOff = needed && !l.pushed && !retry && time.Since(l.rolledAt) < l.pace; l.putOff {
		return
	}
	outcomes := Passer{Cluster: l.Cluster, Tester: l.Tester}.Apply(ctx, plan, func(r generator.Rollout) bool {
		return l.inForce[r.Proxy] == r.ID
	})
	if ctx.Err() != nil {
		return // stopped on the way: the next start completes it
	}
	if needed {
		l.keepPace()
	}
	l.conclude(plan, outcomes, reading)
}

func (l *Loop) keepPace() {
	if l.pushed || time.Since(l.rolledAt) > calm {
		l.pace = 0
	} else {
		l.pace = min(max(2*l.pace, firstPace), lastPace)
	}
	l.rolledAt = time.Now()
}

func (l *Loop) conclude(plan *Plan, outcomes []Outcome, reading time.Duration) {
	l.changed, l.pushed, l.failed = false, false, false
	worked, confirmed, refused := false, true, false
	attrs := []any{
		slog.String("revision", plan.Model.Revision),
		slog.Duration("read", reading.Round(time.Millisecond)),
		slog.Duration("build", plan.Build.Round(10*time.Microsecond)),
		slog.Duration("render", plan.Render.Round(10*time.Microsecond)),
	}
	if changes := generator.Changes(l.model, plan.Model); len(changes) > 0 {
		attrs = append(attrs, slog.String("changes", sample(changes)))
	}
	for _, o := range outcomes {
		proxy := o.Rollout.Proxy
		attrs = append(attrs, slog.Any(proxy, o))
		worked, confirmed = worked || o.Rollout.Needed() || o.Apply > 0, confirmed && o.Confirmed
		if o.Err == nil {
			l.inForce[proxy] = o.Rollout.ID
			l.say("rollout "+proxy, "", "")
			continue
		}
		delete(l.inForce, proxy)
		l.say("rollout "+proxy, "proxy "+proxy+" is not brought to the revision", o.Err.Error())
		refused = refused || IsRefusal(o.Err)
		l.failed = l.failed || o.Err != ErrQuarantined
	}
	l.model = plan.Model
	if refused && l.fallBack() {
		l.failed = true // so that the pass is made soon
	}
	if confirmed {
		l.taken = l.desired
		l.ready.Store(true)
	}
	if l.failed {
		l.retryAt = time.Now().Add(l.backoff)
		l.backoff = min(2*l.backoff, lastRetry)
	} else {
		l.backoff = firstRetry
	}
	l.stale = l.stale || worked
	if worked {
		l.Log.Info("pass", attrs...)
	} else {
		l.Log.Debug("pass", attrs...)
	}
}

// fallBack returns to the last revision that every proxy served, so that its
// tasks are followed. It reports whether there is another one than now.
func (l *Loop) fallBack() bool {
	if l.taken == nil || l.taken == l.desired {
		return false
	}
	l.Log.Error("revision given up; the last good one is followed", "revision", l.desired.Revision, "last", l.taken.Revision)
	l.desired, l.pushed = l.taken, true
	return true
}

// sample keeps a log line at a length that can be read.
func sample(changes []string) string {
	const most = 10
	if len(changes) > most {
		changes = append(changes[:most:most], "…")
	}
	return strings.Join(changes, "; ")
}

func (l *Loop) fetch(ctx context.Context) {
	rev, err := l.Source.Fetch(ctx)
	if ctx.Err() != nil {
		return
	}
	l.unread = false
	if problems, ok := errors.AsType[route.Problems](err); ok {
		if text := err.Error(); text != l.said["files"] {
			l.said["files"] = text
			l.logProblems(slog.LevelError, "revision refused; the last good one stays in force", problems)
		}
		return
	}
	delete(l.said, "files")
	if err != nil {
		l.unread, l.fetchAt = true, time.Now().Add(refetch)
		l.say("source", "the repository cannot be read; the last good revision stays in force", err.Error())
		return
	}
	l.say("source", "", "")
	if rev.ID == l.revision {
		return
	}
	l.revision = rev.ID
	desired, problems := route.Parse(rev, l.Permissions...)
	l.logProblems(slog.LevelError, "revision refused; the last good one stays in force", problems, "revision", rev.ID)
	if desired == nil {
		return
	}
	l.say("revision", "", "")
	l.Log.Info("revision", "revision", rev.ID, "routes", len(desired.Routes), "pools", len(desired.Pools), "proxies", len(desired.Proxies))
	l.desired, l.changed, l.pushed = desired, true, true
}

// read reports whether the live state is known.
func (l *Loop) read(ctx context.Context) bool {
	live, err := l.Cluster.Read(ctx)
	if ctx.Err() != nil {
		return false
	}
	if l.stale = err != nil; l.stale {
		l.say("cluster", "the Swarm cannot be read; the proxies keep what they have", err.Error())
		return false
	}
	l.say("cluster", "", "")
	if !reflect.DeepEqual(live, l.live) {
		l.live, l.changed = live, true
	}
	return true
}
