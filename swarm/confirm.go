package swarm

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/docker/docker/api/types/filters"
	api "github.com/docker/docker/api/types/swarm"

	"github.com/wharfinger/wharfinger/generator"
)

const (
	// look is the pause between two looks at a rollout.
	look = 300 * time.Millisecond
	// inARow is how many looks must find every proxy right, and answers how many
	// answers each look wants, on fresh connections. While an old and a new proxy
	// share a port the kernel deals connections out evenly, so a proxy that still
	// takes old ones passes once in a thousand.
	inARow  = 2
	answers = 5
	// noTasksFor is how long a service may be without any task before it is
	// believed that no node fits. Swarm makes tasks a moment after the service.
	noTasksFor = 5 * time.Second
	// unsentFor is how long a rollout is waited for that this Apply did not send
	// and that Swarm is not at work on. All that is missing then is the proxies'
	// answers, which take no time; and while it waits, the daemon follows nothing.
	unsentFor = 15 * time.Second
)

// confirmation waits for one rollout.
type confirmation struct {
	*Cluster
	r        generator.Rollout
	sent     bool // this Apply sent the update
	progress func(node, state string)

	known    map[string]generator.Node // by ID
	states   map[string]string         // last told, by host name
	answered map[string]bool           // whose status listener ever did, by host name
	idle     time.Time                 // since when Swarm has not been seen at work
	empty    time.Time                 // since when there is no task
	passed   map[string]bool           // tasks on lost nodes that Swarm was made not to wait for
	marked   bool                      // the service says that this rollout failed
	why      string                    // why the last look did not confirm
	drains   time.Duration             // that come on top of the deadline
}

// confirm returns nil when every proxy serves the rollout. "Every" is every task
// that Swarm wants to run: for a global service, one on each node that fits.
func (c *Cluster) confirm(ctx context.Context, r generator.Rollout, sent bool, progress func(node, state string)) error {
	w := &confirmation{
		Cluster: c, r: r, sent: sent, progress: progress,
		states: map[string]string{}, answered: map[string]bool{}, passed: map[string]bool{}, idle: time.Now(),
	}
	deadline := time.Now().Add(c.deadline)
	for right := 0; ; {
		ok, err := w.look(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			return err
		}
		if right++; !ok {
			right = 0
		}
		if right == inARow {
			if !w.empty.IsZero() {
				w.log.Warn("no node fits the proxy's constraints, so nothing serves it", "proxy", r.Proxy, "constraints", r.Spec.Constraints)
			}
			if w.marked {
				return w.mark(ctx, r, failure(generator.Rollout{}, "")) // it came right after all
			}
			return nil
		}
		if time.Now().After(deadline.Add(w.drains)) {
			return w.late(ctx)
		}
		if !sent && time.Since(w.idle) > unsentFor {
			return w.unconfirmed(unsentFor)
		}
		if err := sleep(ctx, look); err != nil {
			return err
		}
	}
}

// look reports whether everything is as it should be now. Its error ends the
// waiting; a manager that does not answer for a while is no such error.
func (w *confirmation) look(ctx context.Context) (bool, error) {
	svc, err := w.proxyService(ctx, w.r)
	if err != nil {
		w.why = err.Error()
		return false, nil
	}
	if svc == nil {
		return false, ErrChanged
	}
	state := updateState(*svc)
	if moving(state) {
		w.idle = time.Now()
	}
	if !carries(svc.Spec, w.r) {
		return false, w.overtaken(ctx, svc)
	}
	if state == api.UpdateStatePaused && w.sent && w.r.Named.Update.Failure == api.UpdateFailureActionPause {
		w.why = "Swarm says: " + svc.UpdateStatus.Message
		return false, nil // so that somebody can look at it, until the deadline
	}
	if state == api.UpdateStatePaused || state == api.UpdateStateRollbackPaused {
		return false, w.failed(ctx, w.r, *svc, svc.UpdateStatus.Message, stoodStill)
	}
	w.marked = svc.Spec.Labels[labelFailed] == w.r.ID
	all, err := w.history(ctx, *svc)
	if err != nil {
		w.why = err.Error()
		return false, nil
	}
	tasks := wanted(all)
	if len(tasks) == 0 {
		return w.noTasks(), nil
	}
	w.empty = time.Time{}
	w.drains = patience(w.r, tasks)
	serving := w.ask(ctx, *svc, tasks)
	if moving(state) {
		if serving {
			w.why = "Swarm says: " + svc.UpdateStatus.Message
		}
		w.goOn(ctx, *svc, all)
		return false, nil
	}
	return serving, nil
}

// goOn has Swarm go on where it waits for a task on a node that is lost: it would
// wait for ever (swarmkit, Updater.updateTask: "Consider adding a timeout here"). An
// update begins anew, without the nodes that are down, if the specification differs
// from the one before (Supervisor.Update), which a label is enough for. That the one
// to go back to is lost is the price. What cannot be asked or sent now can at the
// next look.
func (w *confirmation) goOn(ctx context.Context, svc api.Service, all []api.Task) {
	waits := map[string]bool{} // by the node's ID
	for _, t := range all {
		if current(t, svc) && unborn(t) && !w.passed[t.ID] {
			waits[t.NodeID] = true
		}
	}
	if len(waits) == 0 {
		return
	}
	nodes, err := w.nodes(ctx)
	if err != nil {
		return
	}
	var down []string // those that the rollout went on without before among them
	if before := svc.Spec.Labels[labelWithout]; before != "" {
		down = strings.Fields(before)
	}
	known := len(down)
	for _, n := range nodes {
		if !waits[n.ID] || n.Status.State != api.NodeStateDown {
			delete(waits, n.ID)
		} else {
			down = append(down, n.Description.Hostname)
		}
	}
	if len(down) == known {
		return
	}
	spec := svc.Spec
	spec.Labels = withLabels(spec.Labels, map[string]string{labelWithout: strings.Join(down, " ")})
	if w.send(ctx, svc, spec, api.RegistryAuthFromSpec) != nil {
		return
	}
	w.log.Warn("Swarm waited for nodes that are down; the rollout goes on without them", "proxy", w.r.Proxy, "nodes", strings.Join(down, " "))
	for _, t := range all {
		w.passed[t.ID] = w.passed[t.ID] || waits[t.NodeID]
	}
}

// unborn reports whether a task was never seen to run.
func unborn(t api.Task) bool {
	switch t.Status.State {
	case api.TaskStateNew, api.TaskStatePending, api.TaskStateAllocated, api.TaskStateAssigned,
		api.TaskStateAccepted, api.TaskStatePreparing, api.TaskStateReady, api.TaskStateStarting:
		return true
	}
	return false
}

func updateState(svc api.Service) api.UpdateState {
	if svc.UpdateStatus == nil {
		return "" // nothing had to be replaced, or Swarm has not begun
	}
	return svc.UpdateStatus.State
}

// moving reports whether Swarm is replacing tasks.
func moving(state api.UpdateState) bool {
	return state == api.UpdateStateUpdating || state == api.UpdateStateRollbackStarted
}

// noTasks reports whether a service without tasks has been so for long enough
// to be what its constraints say.
func (w *confirmation) noTasks() bool {
	if w.empty.IsZero() {
		w.empty = time.Now()
	}
	w.why = "the service has no tasks yet"
	return time.Since(w.empty) >= noTasksFor
}

// wanted returns the tasks that Swarm wants to run. One that waits to be restarted is
// wanted "ready".
func wanted(all []api.Task) []api.Task {
	var out []api.Task
	for _, t := range all {
		if t.DesiredState == api.TaskStateRunning || t.DesiredState == api.TaskStateReady {
			out = append(out, t)
		}
	}
	return out
}

// history returns the service's tasks, also those that ended, the newest first.
func (c *Cluster) history(ctx context.Context, svc api.Service) ([]api.Task, error) {
	tasks, err := call(ctx, func(ctx context.Context) ([]api.Task, error) {
		return c.docker.TaskList(ctx, api.TaskListOptions{Filters: filters.NewArgs(filters.Arg("service", svc.ID))})
	})
	if err != nil {
		return nil, fmt.Errorf("read tasks of %s: %w", svc.Spec.Name, err)
	}
	slices.SortFunc(tasks, func(a, b api.Task) int { return b.CreatedAt.Compare(a.CreatedAt) })
	return tasks, nil
}
