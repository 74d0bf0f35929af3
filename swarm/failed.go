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
	// Back says that the proxies have again what they had before. It is false
	// for a service that was just created, and where the way back failed too.
	Back bool
}

func (f *Failed) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "rollout %.8s of proxy %s failed: %s", f.Rollout, f.Proxy, f.Reason)
	if f.Task != "" {
		fmt.Fprintf(&b, "; on %s: %s", f.Node, f.Task)
	}
	if f.Back {
		b.WriteString("; the proxies have again what they had before")
	}
	return b.String()
}

// failedOf returns the rollout that a service shows as failed.
//
// What engine 20.10.24 does (measured; newer swarmkit has the same lines in
// Updater.rollbackUpdate): a rollback that Swarm starts by itself puts PreviousSpec, with its service labels, in the place of Spec and
// leaves PreviousSpec empty. What failed is then named nowhere, so Apply records
// it in labelFailed. `docker service rollback` swaps the two; that an operator
// went back is an order like any other, so what he left counts as failed.
// A paused update stands still in the spec that failed.
func failedOf(svc api.Service) string {
	now := svc.Spec.Labels[labelRollout]
	switch state := updateState(svc); {
	case state == api.UpdateStatePaused:
		return now
	case strings.HasPrefix(string(state), "rollback_") && svc.PreviousSpec != nil:
		if left := svc.PreviousSpec.Labels[labelRollout]; left != now {
			return left
		}
	}
	return svc.Spec.Labels[labelFailed]
}

// failed makes the error, with the newest failed task of r.
func (c *Cluster) failed(ctx context.Context, r generator.Rollout, svc api.Service, reason string, back bool) *Failed {
	f := &Failed{Proxy: r.Proxy, Rollout: r.ID, Reason: reason, Back: back}
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
		if t.Status.Err != "" && t.Status.State != api.TaskStateShutdown && carries(t.Spec, r) {
			return &tasks[i]
		}
	}
	return nil
}

// wayBack bounds the wait for the old proxies: no image has to be pulled for
// them, and most of them still run.
const wayBack = time.Minute

// rolledBack waits for a rollback of Swarm's own to end and records it.
func (c *Cluster) rolledBack(ctx context.Context, r generator.Rollout, svc api.Service) error {
	reason := svc.UpdateStatus.Message
	if updateState(svc) == api.UpdateStateRollbackCompleted {
		reason = "Swarm rolled it back" // the message, "rollback completed", reads like a success
	}
	f := c.failed(ctx, r, svc, reason, false)
	end := time.Now().Add(wayBack)
	for updateState(svc) == api.UpdateStateRollbackStarted && time.Now().Before(end) {
		if err := sleep(ctx, look); err != nil {
			return err
		}
		if now, err := c.proxyService(ctx, r); err == nil && now != nil {
			svc = *now
		}
	}
	f.Back = updateState(svc) == api.UpdateStateRollbackCompleted
	if svc.PreviousSpec != nil {
		return f // an operator's rollback: PreviousSpec tells
	}
	if err := c.mark(ctx, r, r.ID); err != nil {
		return fmt.Errorf("%w; recording it failed: %v", f, err)
	}
	return f
}

// unrecorded finds a rollback of r by Swarm that nobody recorded, because who
// sent r was killed before. Without it such a rollout would be tried twice.
func (c *Cluster) unrecorded(ctx context.Context, r generator.Rollout, svc api.Service) error {
	status := svc.UpdateStatus
	if !strings.HasPrefix(string(updateState(svc)), "rollback_") || svc.PreviousSpec != nil || svc.Spec.Labels[labelFailed] == r.ID {
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

// mark records a failed rollout in the service, or removes the record where
// failed is empty. Only a label of the service changes, so no task is replaced;
// PreviousSpec becomes the same spec without the mark.
func (c *Cluster) mark(ctx context.Context, r generator.Rollout, failed string) error {
	for try := 1; ; try++ {
		svc, err := c.proxyService(ctx, r)
		if err != nil || svc == nil || svc.Spec.Labels[labelFailed] == failed {
			return err
		}
		spec := svc.Spec
		spec.Labels = withLabels(spec.Labels, map[string]string{labelFailed: failed})
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
	reason := fmt.Sprintf("not every proxy serves it after %s: %s", w.deadline, w.why)
	svc, err := w.proxyService(ctx, w.r)
	if err != nil {
		return err
	}
	if svc == nil || !carries(svc.Spec.TaskTemplate, w.r) {
		return ErrChanged
	}
	if !w.sent && !moving(updateState(*svc)) {
		return fmt.Errorf("proxy %s is not confirmed: %s", w.r.Proxy, reason)
	}
	w.step("take-back", w.r)
	f := w.failed(ctx, w.r, *svc, reason, false)
	f.Back, err = w.takeBack(ctx, *svc)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("%w; taking it back failed: %v", f, err)
	}
	return f
}

// takeBack gives the service the spec that it had before, marked with the
// failure, and waits for the proxies. It rolls forward to that spec: Swarm's
// own rollback would toggle, and could end in the failed one again.
func (w *confirmation) takeBack(ctx context.Context, svc api.Service) (back bool, err error) {
	old := svc.PreviousSpec
	if old == nil || carries(old.TaskTemplate, w.r) {
		return false, w.mark(ctx, w.r, w.r.ID) // there is nothing to go back to
	}
	for try := 1; ; try++ {
		spec := *old
		spec.Labels = withLabels(spec.Labels, map[string]string{labelFailed: w.r.ID})
		if err = w.send(ctx, svc, spec, api.RegistryAuthFromPreviousSpec); err == nil {
			break
		}
		if try == updateTries || !outOfSequence(err) {
			return false, err
		}
		now, err := w.proxyService(ctx, w.r)
		if err != nil {
			return false, err
		}
		if now == nil || !carries(now.Spec.TaskTemplate, w.r) {
			return false, ErrChanged
		}
		svc = *now
	}
	for end := time.Now().Add(wayBack); time.Now().Before(end); {
		if err := sleep(ctx, look); err != nil {
			return false, err
		}
		if w.settled(ctx) {
			return true, nil
		}
	}
	return false, fmt.Errorf("the old proxies do not run after %s", wayBack)
}

// settled reports whether Swarm is done with a service and all its tasks run.
func (w *confirmation) settled(ctx context.Context) bool {
	svc, err := w.proxyService(ctx, w.r)
	if err != nil || svc == nil || moving(updateState(*svc)) {
		return false
	}
	tasks, err := w.tasks(ctx, *svc)
	if err != nil {
		return false
	}
	for _, t := range tasks {
		if t.Status.State != api.TaskStateRunning || !current(t, *svc) {
			return false
		}
	}
	return true
}
