package swarm

import (
	"context"
	"fmt"
	"strings"
	"time"

	api "github.com/docker/docker/api/types/swarm"

	"github.com/wharfinger/wharfinger/generator"
)

// Failed is a rollout that did not come about. It is recorded in the service,
// where Read finds it as ProxyService.Failed.
type Failed struct {
	Proxy   string
	Rollout string // Rollout.ID
	// Reason is what Swarm said (UpdateStatus.Message), or what was missing at
	// the deadline.
	Reason string
	// Node and Task are those of the newest task that failed: the host name and
	// Task.Status.Err. Empty where none did.
	Node, Task string
	// Now says what became of the proxies.
	Now string
	// Back says that the proxies have again what they had before. It is false
	// for a service that was just created, and where the way back failed too.
	Back bool
}

// What Failed.Now says, besides why the way back failed.
const (
	hadBefore    = "the proxies have again what they had before"
	nothingThere = "nothing was there before, so the service stays as it is"
	nothingElse  = "the service knows no other files to go back to, so it stays as it is"
	notSent      = "nothing was sent, so the proxies have what they had before"
	stoodStill   = "Swarm stands still half-way: some proxies may serve it, others what they had before"
)

func (f *Failed) wentBack() {
	f.Back, f.Now = true, hadBefore
}

func (f *Failed) wayBackFailed(why string) {
	f.Back, f.Now = false, "the way back failed, so some proxies may serve it and others what they had before: "+why
}

func (f *Failed) Error() string {
	return fmt.Sprintf("rollout %.8s of proxy %s failed: %s; %s", f.Rollout, f.Proxy, f.why(), f.Now)
}

// why is the reason, and what the task says.
func (f *Failed) why() string {
	if f.Task == "" {
		return f.Reason
	}
	return fmt.Sprintf("%s; on %s: %s", f.Reason, f.Node, f.Task)
}

// Refusal returns the reason; it marks an error that lies in the rollout, and
// not in the world.
func (f *Failed) Refusal() string { return f.Reason }

// failedOf returns the rollout that a service shows as failed, the revision that it
// came from, and why, as far as the service knows.
//
// What engines 20.10.24 and 28.5.2 do (measured): a rollback that Swarm starts by
// itself puts PreviousSpec, with its service labels, in the place of Spec and leaves
// PreviousSpec empty. What failed is then named nowhere, so Apply records it in
// labelFailed. `docker service rollback` swaps the two; that an operator
// went back is an order like any other, so what he left counts as failed.
// A paused update stands still in the spec that failed.
func failedOf(svc api.Service) (rollout, revision, why string) {
	labels := svc.Spec.Labels
	switch state := updateState(svc); {
	case state == api.UpdateStatePaused:
		return labels[labelRollout], labels[labelRevision], svc.UpdateStatus.Message
	case rolls(svc) && svc.PreviousSpec != nil:
		before := svc.PreviousSpec.Labels
		if left := before[labelRollout]; left != labels[labelRollout] {
			return left, before[labelRevision], "somebody rolled it back"
		}
	}
	return labels[labelFailed], labels[labelFailedOf], labels[labelWhy]
}

// failed makes the error, with the newest failed task of r.
func (c *Cluster) failed(ctx context.Context, r generator.Rollout, svc api.Service, reason, now string) *Failed {
	f := &Failed{Proxy: r.Proxy, Rollout: r.ID, Reason: reason, Now: now}
	tasks, err := c.history(ctx, svc)
	if err != nil {
		return f // what is known is worth more than why the rest is not
	}
	t := newestFailure(tasks, r)
	if t == nil {
		return f
	}
	f.Node, f.Task = t.NodeID, taskText(*t)
	if nodes, err := c.nodes(ctx); err == nil {
		for _, n := range nodes {
			if n.ID == t.NodeID {
				f.Node = n.Description.Hostname
			}
		}
	}
	return f
}

// newestFailure returns the newest of r's tasks that came to grief, or nil.
// tasks has the newest first. One that waits may have a reason for it, too.
func newestFailure(tasks []api.Task, r generator.Rollout) *api.Task {
	for i, t := range tasks {
		if t.Status.Err != "" && t.Status.State != api.TaskStateShutdown && carriesIn(t.Spec, r) {
			return &tasks[i]
		}
	}
	return nil
}

// wayBack bounds the wait for the old proxies: no image has to be pulled for
// them, and most of them still run.
const wayBack = time.Minute

// patience is how much longer all takes where the old proxy of a node has to stop
// first: one node after the other waits until it has let go of its ports.
func patience(r generator.Rollout, tasks []api.Task) time.Duration {
	if r.Spec.Order != api.UpdateOrderStopFirst {
		return 0
	}
	return time.Duration(len(tasks)) * r.Spec.Grace
}

// stuck is how long Swarm waits for an old task to stop that waits for its ports
// itself, as it can while two specs meet on a node (swarmkit:
// restart.defaultOldTaskTimeout).
const stuck = time.Minute

// rolledBack waits for a rollback of Swarm's own to end and records it.
func (c *Cluster) rolledBack(ctx context.Context, r generator.Rollout, svc api.Service) error {
	reason := svc.UpdateStatus.Message
	if updateState(svc) == api.UpdateStateRollbackCompleted {
		reason = "Swarm rolled it back" // the message, "rollback completed", reads like a success
	}
	f := c.failed(ctx, r, svc, reason, "")
	wait := wayBack
	if all, err := c.history(ctx, svc); err == nil && r.Spec.Order == api.UpdateOrderStopFirst {
		wait += stuck + patience(r, wanted(all))
	}
	end := time.Now().Add(wait)
	for updateState(svc) == api.UpdateStateRollbackStarted && time.Now().Before(end) {
		if err := sleep(ctx, look); err != nil {
			return err
		}
		if now, err := c.proxyService(ctx, r); err == nil && now != nil {
			svc = *now
		}
	}
	switch state := updateState(svc); state {
	case api.UpdateStateRollbackCompleted:
		f.wentBack()
	case api.UpdateStateRollbackStarted:
		f.wayBackFailed(fmt.Sprintf("Swarm is not done with it after %s", wait))
	case api.UpdateStateRollbackPaused:
		f.wayBackFailed(svc.UpdateStatus.Message)
	default:
		f.wayBackFailed("the service was changed meanwhile")
	}
	if svc.PreviousSpec != nil {
		return f // an operator's rollback: PreviousSpec tells
	}
	if err := c.mark(ctx, r, failure(r, f.why())); err != nil {
		return fmt.Errorf("%w; recording it failed: %v", f, err)
	}
	return f
}

// unrecorded finds a rollback of r by Swarm that nobody recorded, because who
// sent r was killed before. Without it such a rollout would be tried twice.
func (c *Cluster) unrecorded(ctx context.Context, r generator.Rollout, svc api.Service) error {
	status := svc.UpdateStatus
	if !rolls(svc) || svc.PreviousSpec != nil || svc.Spec.Labels[labelFailed] == r.ID {
		return nil
	}
	tasks, err := c.history(ctx, svc)
	if err != nil {
		return err
	}
	t := newestFailure(tasks, r)
	if t == nil || status.StartedAt != nil && t.CreatedAt.Before(*status.StartedAt) {
		return nil // something else was rolled back
	}
	return c.rolledBack(ctx, r, svc)
}

// mark records a failed rollout in the service, or removes the record. Only a label of the service changes, so no task is replaced;
// PreviousSpec becomes the same spec without the mark.
func (c *Cluster) mark(ctx context.Context, r generator.Rollout, record map[string]string) error {
	for try := 1; ; try++ {
		svc, err := c.proxyService(ctx, r)
		if err != nil || svc == nil || svc.Spec.Labels[labelFailed] == record[labelFailed] {
			return err
		}
		spec := svc.Spec
		spec.Labels = withLabels(spec.Labels, record)
		err = c.send(ctx, *svc, spec, api.RegistryAuthFromSpec)
		if err == nil || try == updateTries || !outOfSequence(err) {
			return err
		}
		if err := sleep(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
}

// late ends a rollout that missed its deadline. One that is under way is taken
// back. One that Swarm finished, perhaps long ago, is left as it is: that a
// proxy cannot be reached now is no reason to change what it serves.
func (w *confirmation) late(ctx context.Context) error {
	svc, err := w.proxyService(ctx, w.r)
	if err != nil {
		return err
	}
	if svc == nil || !carries(svc.Spec, w.r) {
		if err := w.overtaken(ctx, svc); err != nil {
			return err
		}
		return w.late(ctx)
	}
	if !w.sent && !moving(updateState(*svc)) {
		return w.unconfirmed(w.deadline + w.drains)
	}
	w.step("take-back", w.r)
	f := w.failed(ctx, w.r, *svc, w.missing(w.deadline+w.drains), "")
	if old := svc.PreviousSpec; old == nil || carries(*old, w.r) {
		if f.Now = nothingThere; old != nil {
			f.Now = nothingElse
		}
		err := w.mark(ctx, w.r, failure(w.r, f.why()))
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			return fmt.Errorf("%w; recording it failed: %v", f, err)
		}
		return f
	}
	err = w.takeBack(ctx, *svc, f.why())
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		// Swarm may have gone back by itself in this very moment.
		if now, _ := w.proxyService(ctx, w.r); now != nil && !carries(now.Spec, w.r) && rolls(*now) {
			return w.rolledBack(ctx, w.r, *now)
		}
		f.wayBackFailed(err.Error())
	} else {
		f.wentBack()
	}
	return f
}

// overtaken says why a service is no more what w.r asks for; nil is a service that is
// gone. Swarm swaps the specs and sets the state in one write, so one that has other
// files without a rollback for a while got them from somebody. The error is nil where
// it is what w.r asks for again.
func (w *confirmation) overtaken(ctx context.Context, svc *api.Service) error {
	for end := time.Now().Add(overtakes); ; {
		switch {
		case svc == nil:
			return ErrChanged
		case rolls(*svc):
			return w.rolledBack(ctx, w.r, *svc)
		case time.Now().After(end):
			return ErrChanged
		}
		if err := sleep(ctx, look); err != nil {
			return err
		}
		now, err := w.proxyService(ctx, w.r)
		if err != nil {
			continue
		}
		if svc = now; svc != nil && carries(svc.Spec, w.r) {
			return nil
		}
	}
}

// overtakes is how long a service may be another one before that is somebody's doing:
// once, one that Swarm had taken back was seen without the state that says so.
const overtakes = 2 * time.Second

// rolls reports whether Swarm goes back, or has gone.
func rolls(svc api.Service) bool { return strings.HasPrefix(string(updateState(svc)), "rollback_") }

// missing says what a confirmation lacked in the end.
func (w *confirmation) missing(after time.Duration) string {
	return fmt.Sprintf("not every proxy serves it after %s: %s", after, w.why)
}

// unconfirmed is the error where nothing was sent and nothing is taken back.
func (w *confirmation) unconfirmed(after time.Duration) error {
	return fmt.Errorf("proxy %s is not confirmed: %s; its service is left as it is", w.r.Proxy, w.missing(after))
}

// takeBack gives the service the spec that it had before, marked with the
// failure, and waits for the proxies. It rolls forward to that spec: Swarm's
// own rollback would toggle, and could end in the failed one again.
func (w *confirmation) takeBack(ctx context.Context, svc api.Service, why string) error {
	old := svc.PreviousSpec
	for try := 1; ; try++ {
		spec := backFrom(*old, w.r, why)
		err := w.send(ctx, svc, spec, api.RegistryAuthFromPreviousSpec)
		if err == nil {
			break
		}
		if try == updateTries || !outOfSequence(err) {
			return err
		}
		now, err := w.proxyService(ctx, w.r)
		if err != nil {
			return err
		}
		if now == nil || !carries(now.Spec, w.r) {
			return ErrChanged
		}
		svc = *now
	}
	for end := time.Now().Add(wayBack + w.drains); time.Now().Before(end); {
		if err := sleep(ctx, look); err != nil {
			return err
		}
		if w.settled(ctx) {
			return nil
		}
	}
	return fmt.Errorf("the old proxies do not run after %s", wayBack+w.drains)
}

// backFrom is the spec that a service had before r, marked with the failure. Where
// r's proxies have to stop first, they have ports that the old ones need.
func backFrom(old api.ServiceSpec, r generator.Rollout, why string) api.ServiceSpec {
	set := failure(r, why)
	if p, _ := proxyOf(api.Service{Spec: old}); r.Spec.Order == api.UpdateOrderStopFirst && p.Spec.Order != r.Spec.Order {
		old.UpdateConfig = inOrder(old.UpdateConfig, r.Spec.Order)
		p.Applied.Order = r.Spec.Order // it was no operator
		set[labelApplied] = asLabel(p.Applied)
	}
	old.Labels = withLabels(old.Labels, set)
	return old
}

// settled reports whether Swarm is done with a service and all its tasks run.
func (w *confirmation) settled(ctx context.Context) bool {
	svc, err := w.proxyService(ctx, w.r)
	if err != nil || svc == nil || moving(updateState(*svc)) {
		return false
	}
	all, err := w.history(ctx, *svc)
	if err != nil {
		return false
	}
	for _, t := range wanted(all) {
		if t.Status.State != api.TaskStateRunning || !current(t, *svc) {
			return false
		}
	}
	return true
}
