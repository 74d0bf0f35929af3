package watcher

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
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
	// wake has one slot and the latest wins: a send never blocks. A Fetch that
	// failed is made again by whoever made it, unless the error says by a method
	// Permanent that it stays until somebody acts: Watch need not wake for that.
	Watch(ctx context.Context, wake chan<- struct{}) error
}

// WatchedCluster is a Cluster that also tells when it may have changed. Its
// Watch keeps the same rules as a Source's.
type WatchedCluster interface {
	Cluster
	Watch(ctx context.Context, wake chan<- struct{}) error
	// Streams reports whether Watch is told of each task as it moves. Otherwise it
	// looks now and then.
	Streams() bool
}

// Memory is where the last good revision outlives the daemon.
type Memory interface {
	// Keep stores a revision in place of the one before.
	Keep(context.Context, route.Revision) error
	// Last returns the revision that was kept last, or false where there is none.
	Last(context.Context) (route.Revision, bool, error)
	// Pinned returns the revision that somebody wants followed in place of the
	// source's, and since when; the time is zero where there is none.
	Pinned(context.Context) (route.Revision, time.Time, error)
}

// How long until a pass or a fetch that failed is made again, with nothing else
// changed. Doubled from the first to the last.
const (
	firstRetry = 2 * time.Second
	lastRetry  = time.Minute
)

// gap is the time between two fetches that Loop.Woken asks for.
const gap = time.Second

// Loop is the daemon.
type Loop struct {
	Source  Source
	Cluster WatchedCluster
	Tester  Tester
	Memory  Memory
	Log     *slog.Logger
	// Woken says that somebody pushed; nil if nobody tells. It has one slot, as a
	// Source's wake does. However often it says so, it is heard once a second.
	Woken <-chan struct{}
	// Audience hears what becomes of revisions; nil where nobody listens.
	Audience Audience
	// Permissions are what a revision may have beyond what all may.
	Permissions []route.Permission
	// Templates are what the files are rendered with.
	Templates generator.Templates
	// Holdoff is how what happens is folded into few rollouts.
	Holdoff Holdoff

	// Names, if not nil, is told where the tasks of pools are, for DNS: as soon as that
	// changed, also while a rollout is under way.
	Names func(records map[string][]generator.Peer)

	// Name is what Status calls the source.
	Name string
	// Meter counts what is done; nil counts nothing.
	Meter Meter

	followed atomic.Pointer[route.Desired] // what Names tells of
	renamed  chan struct{}                 // it is another one

	ready     atomic.Bool
	known     known                 // for Status, as far as this pass knows
	published atomic.Pointer[known] // never written to
	progress  progress

	revision  string         // the last one that was looked at, good or not
	desired   *route.Desired // the last one without a problem
	taken     *route.Desired // the last one that every proxy served, also before a restart
	recalled  bool           // it was looked for in the memory
	kept      string         // the ID of the one that is there
	pin       *pin           // what stands in the place of the source; nil where nothing does
	live      *generator.Live
	parser    *route.Parser
	passes    int // with the cluster known, since the start
	builder   Builder
	former    Builder                      // of taken, for proxies that are held back
	shards    map[string][]generator.Shard // of the last pass, by proxy; nil before the first
	whole     map[string][]generator.Shard // by proxy, what nginx took as a whole
	inForce   map[string]string            // by proxy, the ID of the rollout that all its tasks confirmed
	changed   bool                         // something did, since the last pass
	changedAt time.Time                    // when that was first seen of the cluster
	pushed    bool                         // and it was the revision
	rolledAt  time.Time                    // the end of the last roll
	pace      time.Duration                // from then to the next one that only follows tasks
	putOff    bool                         // such a one waits
	stale     bool                         // live is of the past: the last read failed, or a rollout came after it
	unread    bool                         // the last fetch failed in a way that may pass
	fetchAt   time.Time                    // when it is made again
	refetch   time.Duration                // from then to the time after
	failed    bool                         // the last pass did not bring every proxy to its rollout
	retryAt   time.Time                    // when a failed pass is made again
	backoff   time.Duration                // from then to the time after
	lacking   route.Problems               // of the cluster, at the last pass: each is logged once
	said      map[string]string            // by subject, the last complaint: each is logged once
	heard     map[string]string            // by revision, what the audience heard last
}

// Ready reports whether every proxy has once served what it should.
func (l *Loop) Ready() bool { return l.ready.Load() }

// Run keeps going until the context ends, and then returns nil. It returns an
// error only where it cannot watch at all.
func (l *Loop) Run(ctx context.Context) error {
	l.inForce, l.said, l.backoff, l.refetch = map[string]string{}, map[string]string{}, firstRetry, firstRetry
	l.parser, l.whole = new(route.Parser), map[string][]generator.Shard{}
	group, ctx := errgroup.WithContext(ctx)
	source, cluster := make(chan struct{}, 1), make(chan struct{}, 1)
	group.Go(func() error { return l.Source.Watch(ctx, source) })
	l.renamed = make(chan struct{}, 1)
	events := cluster
	if l.Names != nil {
		events = make(chan struct{}, 1)
		names := make(chan struct{}, 1)
		group.Go(func() error { fork(ctx, events, cluster, names); return nil })
		group.Go(func() error { l.name(ctx, names); return nil })
	}
	group.Go(func() error { return l.Cluster.Watch(ctx, events) })
	group.Go(func() error { l.hear(ctx, source); return nil })
	group.Go(func() error { l.loop(ctx, source, cluster); return nil })
	if err := group.Wait(); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// hear passes on what Woken says. What it says meanwhile is kept in its one slot.
func (l *Loop) hear(ctx context.Context, source chan<- struct{}) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.Woken:
		}
		ring(source)
		select {
		case <-ctx.Done():
			return
		case <-time.After(gap):
		}
	}
}

func (l *Loop) loop(ctx context.Context, source, cluster <-chan struct{}) {
	var (
		fetch, read bool             // what the next pass reads first
		wake        <-chan time.Time // when the next pass is made; nil while nothing waits for one
		since       time.Time        // of the first wake that waits for a pass; zero while none does
		last        = time.Now()     // the end of the last pass
		rest        <-chan time.Time // when it has been quiet for long; nil while it is known to be
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
			fetch, read, since, last = false, false, time.Time{}, time.Now()
			wake, rest = l.again(), time.After(calm)
			continue
		case <-rest: // a pass that makes all anew takes twice of what stays
			debug.FreeOSMemory()
			rest = nil
			continue
		}
		wake = time.After(l.Holdoff.wait(since, last))
		if since.IsZero() {
			since = time.Now()
		}
	}
}

// again fires when something that failed or was put off is due; nil if nothing is.
func (l *Loop) again() <-chan time.Time {
	var next time.Time
	for _, due := range []struct {
		waits bool
		at    time.Time
	}{{l.unread, l.fetchAt}, {l.failed, l.retryAt}, {l.putOff, l.rollAt()}} {
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
	defer l.publish()
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
	if !l.recalled {
		l.recall(ctx)
	}
	if l.desired == nil || l.live == nil {
		return
	}
	if !l.changed && !retry {
		return
	}
	reading := time.Since(start)
	l.publish()
	plan, err := makePlan(l.Templates, &l.builder, l.desired, l.live)
	if err != nil {
		l.say("revision", "revision refused", err.Error())
		l.known.unmade, _ = errors.AsType[route.Problems](err)
		l.refuse(l.desired.Revision, problemsOf("revision", err))
		l.changed = l.fallBack() // the same input would make the same error
		if l.changed {
			l.pass(ctx, false, false)
		}
		return
	}
	l.follow(l.desired)
	fresh := slices.DeleteFunc(slices.Clone(plan.Problems), func(p route.Problem) bool { return slices.Contains(l.lacking, p) })
	l.lacking = plan.Problems
	l.logProblems(slog.LevelWarn, "the cluster lacks something", fresh)
	l.sayDrift(plan.Rollouts)
	held := l.followHeld(plan)
	needed := slices.ContainsFunc(plan.Rollouts, generator.Rollout.Needed)
	if l.putOff = needed && !l.pushed && !retry && time.Now().Before(l.rollAt()); l.putOff {
		return
	}
	done := func(r generator.Rollout) bool { return l.inForce[r.Proxy] == r.ID }
	l.begin(plan, done)
	outcomes := Passer{Cluster: l.Cluster, Tester: l.Tester, Progress: l.progress.set, Whole: l.whole}.Apply(ctx, plan, done)
	l.finish(plan, outcomes, held)
	if ctx.Err() != nil {
		return // stopped on the way: the next start completes it
	}
	if needed {
		l.keepPace()
	}
	l.conclude(ctx, plan, outcomes, held, reading)
}

func (l *Loop) conclude(ctx context.Context, plan *Plan, outcomes []Outcome, held map[string]*Held, reading time.Duration) {
	l.changed, l.pushed, l.failed = false, false, false
	worked, confirmed, refused := false, len(held) == 0, false
	attrs := []any{
		slog.String("revision", plan.Model.Revision),
		slog.Duration("read", reading.Round(time.Millisecond)),
		slog.Duration("build", plan.Build.Round(10*time.Microsecond)),
		slog.Duration("render", plan.Render.Round(10*time.Microsecond)),
	}
	if changes := l.changes(plan.Rollouts); len(changes) > 0 {
		attrs = append(attrs, slog.String("changes", sample(changes)))
	}
	for _, o := range outcomes {
		proxy := o.Rollout.Proxy
		attrs = append(attrs, slog.Any(proxy, o))
		worked, confirmed = worked || o.Rollout.Needed() || o.Apply > 0, confirmed && o.Confirmed
		if o.Err == nil {
			l.inForce[proxy] = o.Rollout.ID
			if why := held[proxy]; why != nil {
				l.sayRollout(proxy, why)
			} else {
				l.say("rollout "+proxy, "", "")
			}
			continue
		}
		delete(l.inForce, proxy)
		l.sayRollout(proxy, o.Err)
		if _, waits := errors.AsType[*Held](o.Err); waits {
			continue // what it waits for changes the cluster, and that is seen
		}
		refused = refused || IsRefusal(o.Err)
		l.failed = l.failed || o.Err != ErrQuarantined
	}
	l.tellOutcomes(plan, outcomes, held, confirmed)
	if refused && l.fallBack() {
		l.failed = true // so that the pass is made soon
	}
	if confirmed {
		l.taken = l.desired
		l.ready.Store(true)
		l.keep(ctx)
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
	l.verify(plan, held)
}

// changes says what is not as in the last pass. Of the first one nothing can be
// said: what the proxies carried before is not known here.
func (l *Loop) changes(rollouts []generator.Rollout) []string {
	before := l.shards
	l.shards = map[string][]generator.Shard{}
	var out []string
	for _, r := range rollouts {
		l.shards[r.Proxy] = r.Shards
		if before == nil {
			continue
		}
		for _, c := range generator.Changes(before[r.Proxy], r.Shards) {
			out = append(out, r.Proxy+": "+c.String())
		}
	}
	return out
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
	start := time.Now()
	rev, err := l.Source.Fetch(ctx)
	if ctx.Err() != nil {
		return
	}
	l.fetched(rev, err, time.Since(start))
	if problems, ok := errors.AsType[route.Problems](err); ok {
		l.unread, l.refetch = false, firstRetry
		if text := err.Error(); text != l.said["files"] {
			l.said["files"] = text
			l.logProblems(slog.LevelError, "revision refused; the last good one stays in force", problems)
			l.refuse(rev.ID, problems)
		}
		return
	}
	delete(l.said, "files")
	if l.unread = err != nil && !isPermanent(err); l.unread {
		l.fetchAt = time.Now().Add(spread(l.refetch))
		l.refetch = min(2*l.refetch, lastRetry)
		l.say("source", "the repository cannot be read for now; the last good revision stays in force", err.Error())
		return
	}
	l.refetch = firstRetry
	if err != nil {
		l.say("source", "the repository cannot be read until somebody acts; the last good revision stays in force", err.Error())
		return
	}
	l.say("source", "", "")
	if rev.ID == l.revision {
		return
	}
	l.revision = rev.ID
	desired, problems := l.parser.Parse(rev, l.Permissions...)
	l.logProblems(slog.LevelError, "revision refused; the last good one stays in force", problems, "revision", rev.ID)
	l.known.refused = problems
	if desired == nil {
		l.refuse(rev.ID, problems)
		return
	}
	l.say("revision", "", "")
	l.coming(rev.ID, nil)
	attrs := []any{"revision", rev.ID, "routes", len(desired.Routes), "pools", len(desired.Pools), "proxies", len(desired.Proxies)}
	if rev.Signer != "" {
		attrs = append(attrs, "signer", rev.Signer)
	}
	if warnings := generator.Warnings(desired); warnings != nil {
		attrs = append(attrs, "warnings", len(warnings)) // check tells them; a daemon does not nag
	}
	if l.pin != nil {
		l.pin.waiting = desired
		attrs = append(attrs, "waits", "until unpinned")
	}
	l.Log.Info("revision", attrs...)
	if l.pin == nil {
		l.desired, l.changed, l.pushed = desired, true, true
	}
}

// isPermanent reports whether an error of a source stays until somebody acts.
func isPermanent(err error) bool {
	p, ok := errors.AsType[interface {
		error
		Permanent() bool
	}](err)
	return ok && p.Permanent()
}

// spread takes up to a tenth off, so that many daemons do not come back as one.
func spread(d time.Duration) time.Duration { return d - rand.N(d/10) }

// read reports whether the live state is known.
func (l *Loop) read(ctx context.Context) bool {
	start := time.Now()
	live, err := l.Cluster.Read(ctx)
	if err == nil {
		err = l.followPin(ctx)
	}
	if ctx.Err() != nil {
		return false
	}
	l.wasRead(err, time.Since(start))
	if l.stale = err != nil; l.stale {
		l.say("cluster", "the Swarm cannot be read; the proxies keep what they have", err.Error())
		return false
	}
	l.say("cluster", "", "")
	if !live.Equal(l.live) {
		if !l.changed {
			l.changedAt = time.Now()
		}
		l.live, l.changed = live, true
	}
	return true
}
