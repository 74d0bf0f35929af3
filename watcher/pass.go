package watcher

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/wharfinger/wharfinger/generator"
	"github.com/wharfinger/wharfinger/interlock"
	"github.com/wharfinger/wharfinger/route"
	"github.com/wharfinger/wharfinger/status"
)

// Cluster is the Swarm, as far as a pass needs it.
type Cluster interface {
	// Read returns the whole live state, or an error; never a part of it.
	Read(context.Context) (*generator.Live, error)
	// Apply brings one proxy to a rollout and returns when every one of its tasks
	// serves it. It may be called again for a rollout that is in force already.
	Apply(ctx context.Context, r generator.Rollout, progress func(node, state string)) error
}

// Tester asks nginx whether it takes the files. Where its error lies in the files,
// it tells of the places with Complaints() []generator.Complaint.
type Tester interface {
	Test(context.Context, []generator.Shard) error
}

// Passer makes single passes: from a desired and a live state to proxies that
// serve it.
type Passer struct {
	Cluster Cluster
	Tester  Tester
	// Progress is told, with the name of the proxy, what becomes of each node.
	Progress func(proxy, node, state string)
	// Retry has rollouts tried again that failed before.
	Retry bool
	// Whole is by proxy what nginx took last as a whole. With it, a change of many files
	// is tested by itself first, and the whole while the rollout begins. Apply adds to it.
	Whole map[string][]generator.Shard
}

// Outcome is what a pass did for one proxy.
type Outcome struct {
	Rollout generator.Rollout
	// Test and Apply are how long these steps took; 0 where they were not needed.
	Test, Apply time.Duration
	// Sent says that the cluster was asked to bring the proxy to it.
	Sent bool
	// Confirmed says that every proxy task answered with the rollout's digest.
	Confirmed bool
	// Err is why this proxy was not brought to its rollout.
	Err error

	part  bool // nginx has seen what changed alone
	whole bool // it took the whole
}

// LogValue writes the outcome as attributes of one log line.
func (o Outcome) LogValue() slog.Value {
	attrs := []slog.Attr{slog.String("digest", short(o.Rollout.Digest))}
	if len(o.Rollout.Changes) > 0 {
		attrs = append(attrs, slog.String("changes", strings.Join(o.Rollout.Changes, "; ")))
	}
	for _, step := range []struct {
		name string
		took time.Duration
	}{{"test", o.Test}, {"apply", o.Apply}} {
		if step.took > 0 {
			attrs = append(attrs, slog.Duration(step.name, step.took.Round(time.Millisecond)))
		}
	}
	if o.Err != nil {
		attrs = append(attrs, slog.String("err", o.Err.Error()))
	}
	return slog.GroupValue(attrs...)
}

func short(digest string) string { return digest[:min(8, len(digest))] }

// Plan is what a pass would do, computed without touching anything.
type Plan struct {
	Desired  *route.Desired
	Model    *generator.Model
	Rollouts []generator.Rollout
	// Problems are of the cluster. The parts they name are left out.
	Problems route.Problems
	// Build and Render are how long these steps took; Render includes packing.
	Build, Render time.Duration

	read  interlock.Result                // what the model was built from
	pools func() map[string][]status.Pool // made once, when somebody asks for a Status
}

// MakePlan goes the pure part of the way. The error is route.Problems: a rendered
// file fits into no Docker config, or somebody's own template does not work.
func MakePlan(t generator.Templates, d *route.Desired, l *generator.Live) (*Plan, error) {
	return makePlan(t, &Builder{}, d, l)
}

func makePlan(t generator.Templates, b *Builder, d *route.Desired, l *generator.Live) (*Plan, error) {
	start := time.Now()
	model, problems := b.Build(d, l)
	plan := &Plan{Desired: d, Model: model, Problems: problems, Build: time.Since(start), read: b.read}
	plan.pools = sync.OnceValue(plan.poolsByProxy)
	start = time.Now()
	b.maker.Templates = t
	var err error
	if plan.Rollouts, err = b.maker.Pack(model, l); err != nil {
		return nil, err
	}
	for i := range plan.Rollouts {
		plan.Rollouts[i].Held = plan.read.Tell(plan.Rollouts[i].Held)
	}
	plan.Render = time.Since(start)
	return plan, nil
}

// Apply tests every rollout that is needed and, if nginx takes all of them,
// brings every proxy to its own, all at once. done names the rollouts, by ID,
// that are known to be in force; they cost nothing.
func (p Passer) Apply(ctx context.Context, plan *Plan, done func(generator.Rollout) bool) []Outcome {
	outcomes := make([]Outcome, len(plan.Rollouts))
	refused := false
	for i, r := range plan.Rollouts {
		o := &outcomes[i]
		o.Rollout = r
		switch {
		case len(r.Held) > 0:
			o.Err = &Held{r.Held}
		case !r.Needed():
			o.Confirmed = done(r)
		case r.Quarantined && !p.Retry:
			o.Err = ErrQuarantined
		default:
			start := time.Now()
			if o.part = p.part(ctx, r); !o.part {
				o.Err = plan.Traced(r, p.Tester.Test(ctx, r.Shards))
				o.whole = o.Err == nil
			}
			o.Test = time.Since(start)
			refused = refused || o.Err != nil
		}
	}
	var wg sync.WaitGroup
	for i := range outcomes {
		o := &outcomes[i]
		switch {
		case o.Err != nil || o.Confirmed:
		case refused && o.Rollout.Needed():
			o.Err = ErrHeldBack
		default:
			wg.Go(func() { p.one(ctx, plan, o) })
		}
	}
	wg.Wait()
	for _, o := range outcomes {
		if o.whole && p.Whole != nil {
			p.Whole[o.Rollout.Proxy] = o.Rollout.Shards
		}
	}
	return outcomes
}

// large is how many bytes of files nginx takes about half a second to test.
const large = 1 << 20

// part reports whether nginx takes what a rollout changes, by itself. All else is,
// byte for byte, what it took as a whole before. A proxy whose next one starts before
// the last one stops risks nothing by what only the whole could show: the next one
// reads the whole, and where it does not start, Swarm takes it back.
func (p Passer) part(ctx context.Context, r generator.Rollout) bool {
	before, size := p.Whole[r.Proxy], 0
	for _, s := range r.Shards {
		size += len(s.Data)
	}
	if before == nil || size < large || r.From == nil || r.Spec.Order != "start-first" {
		return false
	}
	part, ok := generator.Excerpt(before, r.Shards)
	return ok && p.Tester.Test(ctx, part) == nil // what it says of a part is not the last word
}

var (
	// ErrQuarantined says that a rollout is not sent because it failed before.
	ErrQuarantined error = refusal("this rollout failed before and is not tried again until something changes; wharfinger apply tries it at once")
	// ErrHeldBack says that a rollout is not sent because another one of the same
	// revision did not pass its test.
	ErrHeldBack = errors.New("it is held back, for the files of another proxy did not pass their test")
)

// refusal is an error that lies in the rollout, as IsRefusal knows it.
type refusal string

func (r refusal) Error() string   { return string(r) }
func (r refusal) Refusal() string { return string(r) }

// Held is the error for a rollout that is not sent, for the cluster lacks something
// without which the proxy is better left with what it has.
type Held struct{ Problems route.Problems }

func (h *Held) Error() string {
	return "it keeps what it serves until this is mended: " + strings.ReplaceAll(h.Problems.Error(), "\n", "; ")
}

// Refusal marks an error that IsRefusal knows.
func (h *Held) Refusal() string { return h.Error() }

// IsRefusal reports whether an outcome's error lies in what was to be rolled
// out, and not in the world: nginx does not take it, or it failed in the Swarm.
func IsRefusal(err error) bool {
	_, ok := errors.AsType[interface {
		error
		Refusal() string
	}](err)
	return ok
}

func (p Passer) one(ctx context.Context, plan *Plan, o *Outcome) {
	r := o.Rollout
	start := time.Now()
	o.Sent = true
	var whole error
	var wg sync.WaitGroup
	if o.part {
		wg.Go(func() { whole = plan.Traced(r, p.Tester.Test(ctx, r.Shards)) })
	}
	o.Err = p.Cluster.Apply(ctx, r, func(node, state string) {
		if p.Progress != nil {
			p.Progress(r.Proxy, node, state)
		}
	})
	o.Apply = time.Since(start)
	wg.Wait()
	if o.whole = o.whole || o.part && whole == nil; whole != nil {
		o.Err = whole
	}
	o.Confirmed = o.Err == nil
}
