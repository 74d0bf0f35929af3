package swarm_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wharfinger/wharfinger/generator"
	"github.com/wharfinger/wharfinger/swarm"
)

func TestImageThatCrashes(t *testing.T) {
	w := newWorld(t, "crash")
	good := w.must()
	w.image = "crash:1.30"
	bad := w.rollout()
	failed := w.fails(bad, true)
	if failed.Node == "" || !strings.Contains(failed.Task, "non-zero exit (3)") {
		t.Errorf("got node %q, task %q", failed.Node, failed.Task)
	}
	w.serves(good.Digest)

	t.Log("the next rollout clears the record")
	w.image, w.host = "nginx:1.30", "b.local"
	w.must()
	if got := w.service().Failed; got != "" {
		t.Errorf("still recorded: %s", got)
	}
}

func TestConfigThatNginxRefuses(t *testing.T) {
	w := newWorld(t, "refused")
	good := w.must()
	bad := w.refused()
	silent := w.silence()
	failed := w.fails(bad, true)
	for node, d := range silent() {
		// The old proxy goes only after the new one has run for 3 s.
		if t.Logf("%s was silent for %s at most", node, d); d > 500*time.Millisecond {
			t.Errorf("%s was silent for %s", node, d)
		}
	}
	if !strings.Contains(failed.Task, "non-zero exit (1)") {
		t.Errorf("task: got %q", failed.Task)
	}
	w.serves(good.Digest)
}

// refused makes a rollout that no test of nginx's went before.
func (w *world) refused() generator.Rollout {
	w.Helper()
	w.host = "refused.local"
	r := w.rollout()
	for i, s := range r.Shards {
		if s.Path == "nginx.conf" {
			r.Shards[i].Data = append(slices.Clone(s.Data), "no_such_directive;\n"...)
			r.Shards[i].Config += "x"
		}
	}
	return r
}

// silence asks both proxies all the time; the function it returns ends that and
// says how long each was silent at most.
func (w *world) silence() func() map[string]time.Duration {
	ctx, cancel := context.WithCancel(w.Context())
	var worst [2]atomic.Int64
	done := make(chan struct{}, 2)
	for i, node := range []string{"lb-00", "lb-01"} {
		go func() {
			last := time.Now()
			for ctx.Err() == nil {
				if w.answer(node, "") == "404 Not Found" { // it is there
					last = time.Now()
				}
				worst[i].Store(max(worst[i].Load(), int64(time.Since(last))))
				time.Sleep(10 * time.Millisecond)
			}
			done <- struct{}{}
		}()
	}
	return func() map[string]time.Duration {
		cancel()
		<-done
		<-done
		return map[string]time.Duration{"lb-00": time.Duration(worst[0].Load()), "lb-01": time.Duration(worst[1].Load())}
	}
}

func TestDeadline(t *testing.T) {
	w := newWorld(t, "late")
	good := w.must()
	w.cluster = w.connect(12 * time.Second)
	w.image = "10.255.255.1:5000/nginx:1.30" // nobody is there: the pull hangs
	bad := w.rollout()
	failed := w.fails(bad, true)
	if !strings.Contains(failed.Reason, "after 12s") {
		t.Errorf("reason: got %q", failed.Reason)
	}
	w.serves(good.Digest)
	if got := w.service(); got.Spec.Image != "nginx:1.30" || got.Digest != good.Digest {
		t.Errorf("got image %s, digest %s", got.Spec.Image, got.Digest)
	}
}

// Swarm goes back in the very moment in which the rollout is to be taken back. That
// is no way back that failed.
func TestRolledBackAtTheDeadline(t *testing.T) {
	w := newWorld(t, "moment")
	good := w.must()
	w.cluster = w.connect(8 * time.Second)
	w.image = "10.255.255.1:5000/nginx:1.30"
	bad := w.rollout()
	w.log.on = func(step string) {
		if step == "take-back" {
			w.docker("service", "rollback", "--detach", "wharfinger-moment")
		}
	}
	w.fails(bad, true)
	w.serves(good.Digest)
}

func TestCreationThatFails(t *testing.T) {
	w := newWorld(t, "stillborn")
	w.cluster = w.connect(6 * time.Second)
	w.image = "crash:1.30"
	failed := w.fails(w.rollout(), false)
	if got := failed.Error(); !strings.HasSuffix(got, "; nothing was there before, so the service stays as it is") {
		t.Errorf("it says %q", got)
	}
}

// Proxies whose status listener is out of reach hold nobody up for long, and what
// to do is told.
func TestStatusListenerOutOfReach(t *testing.T) {
	w := newWorld(t, "shut")
	const hint = "open port 9 from the managers to the proxies' nodes"
	r := w.rollout()
	port := r.StatusPort
	r.StatusPort = 9 // nobody is there
	w.cluster = w.connect(10 * time.Second)
	if failed := w.fails(r, false); !strings.HasSuffix(failed.Reason, hint) {
		t.Errorf("the reason is %q, want %q at its end", failed.Reason, hint)
	}

	t.Log("nothing is sent, nothing moves")
	w.cluster = w.connect(time.Minute)
	before, start := w.version(), time.Now()
	err := w.apply(r)
	if took := time.Since(start); took < 15*time.Second || took > 20*time.Second {
		t.Errorf("it took %s, want 15 s", took)
	}
	var failed *swarm.Failed
	if err == nil || errors.As(err, &failed) || !strings.Contains(err.Error(), "is not confirmed") ||
		!strings.Contains(err.Error(), "after 15s") || !strings.Contains(err.Error(), hint) {
		t.Errorf("got %v, want that it is not confirmed after 15s, and %q", err, hint)
	}
	if got := w.version(); got != before {
		t.Errorf("the service's version went from %s to %s, want no update", before, got)
	}

	t.Log("within reach it comes right after all")
	r.StatusPort = port
	if err := w.apply(r); err != nil {
		t.Fatal(err)
	}
	if got := w.service().Failed; got != "" {
		t.Errorf("still recorded as failed: %s", got)
	}
}

// A rollback that nobody recorded, because who sent the rollout was killed, is
// found in the service's history.
func TestKilledBeforeTheRollback(t *testing.T) {
	w := newWorld(t, "orphan")
	good := w.must()
	w.image = "crash:1.30"
	bad := w.rollout()
	ctx, cancel := context.WithCancel(t.Context())
	w.log.on = func(step string) {
		if step == "confirm" {
			cancel()
		}
	}
	if err := w.cluster.Apply(ctx, bad, nil); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v, want context.Canceled", err)
	}
	w.log.on = nil
	w.eventually("rollback completed", 20*time.Second, func() bool {
		return w.docker("service", "inspect", "-f", "{{.UpdateStatus.State}}", "wharfinger-orphan") == "rollback_completed"
	})
	w.log.taken()
	w.fails(w.rollout(), true)
	if got := w.log.taken(); got != "" {
		t.Errorf("it was tried again: steps %q", got)
	}
	w.serves(good.Digest)
}

func TestOperatorsRollback(t *testing.T) {
	w := newWorld(t, "toggle")
	w.must()
	w.host = "b.local"
	second := w.must()
	w.host = "c.local"
	third := w.must()
	w.cluster.RemoveUnusedAfter(-time.Hour)
	w.must() // cleans up once more, without mercy
	// Three of the third, and two of the second that are others.
	if got := strings.Fields(w.docker("config", "ls", "-q", "--filter=label=wharfinger.proxy=toggle")); len(got) != 5 {
		t.Errorf("%d configs are left, want 5", len(got))
	}
	w.docker("service", "rollback", "--detach", "wharfinger-toggle")
	w.eventually("both serve the second again", 30*time.Second, func() bool {
		return w.answer("lb-00", second.Digest) == yes && w.answer("lb-01", second.Digest) == yes
	})
	w.eventually("rollback completed", 30*time.Second, func() bool {
		return w.docker("service", "inspect", "-f", "{{.UpdateStatus.State}}", "wharfinger-toggle") == "rollback_completed"
	})
	if got := w.service().Failed; got != third.ID {
		t.Errorf("what the operator left: got %q, want %q", got, third.ID)
	}
	if r := w.rollout(); !r.Quarantined || !r.Needed() {
		t.Errorf("what the operator left is not quarantined: %+v", r.Changes)
	}
}

// What a kill leaves, a cut-off Apply leaves as well: all state is the Swarm's.
func TestKilledAtEachStep(t *testing.T) {
	w := newWorld(t, "killed")
	direct := w.cluster
	for _, host := range []string{"a.local", "b.local"} { // a creation, an update
		w.host = host
		for _, moment := range []string{"second config", "update", "confirm", "clean-up"} {
			r := w.rollout()
			ctx, cancel := context.WithCancel(t.Context())
			created := 0
			w.cluster = w.through(func(_, path string) {
				if strings.HasSuffix(path, "/configs/create") {
					if created++; created == 2 && moment == "second config" {
						cancel()
					}
				}
			})
			w.log.on = func(step string) {
				if step == moment {
					cancel()
				}
			}
			if err := w.cluster.Apply(ctx, r, nil); !errors.Is(err, context.Canceled) {
				t.Fatalf("%s: got %v, want context.Canceled", moment, err)
			}
			w.log.on = nil
			cancel()
			w.log.taken()
		}
		w.cluster = direct
		w.must()
		if got, want := w.log.taken(), "confirm clean-up"; got != want {
			t.Errorf("after a kill at the end: steps %q, want %q", got, want)
		}
	}
}

// fails applies a rollout that must fail, and checks that this is recorded.
func (w *world) fails(r generator.Rollout, back bool) *swarm.Failed {
	w.Helper()
	var failed *swarm.Failed
	if err := w.apply(r); !errors.As(err, &failed) {
		w.Fatalf("got %v, want a Failed", err)
	}
	if failed.Rollout != r.ID || failed.Back != back {
		w.Errorf("got %+v, want rollout %s, back %t", failed, r.ID, back)
	}
	if got := w.service().Failed; got != r.ID {
		w.Errorf("recorded as failed: got %q, want %q", got, r.ID)
	}
	if again := w.rollout(); !again.Quarantined {
		w.Errorf("the next rollout is not quarantined: ID %s, want %s; changes %q", again.ID, r.ID, again.Changes)
	}
	return failed
}
