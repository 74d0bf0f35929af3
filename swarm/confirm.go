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
	marked   bool                      // the service says that this rollout failed
	why      string                    // why the last look did not confirm
}

// confirm returns nil when every proxy serves the rollout. "Every" is every task
// that Swarm wants to run: for a global service, one on each node that fits.
func (c *Cluster) confirm(ctx context.Context, r generator.Rollout, sent bool, progress func(node, state string)) error {
	w := &confirmation{
		Cluster: c, r: r, sent: sent, progress: progress,
		states: map[string]string{}, answered: map[string]bool{}, idle: time.Now(),
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
				return w.mark(ctx, r, "") // it came right after all
			}
			return nil
		}
		if time.Now().After(deadline) {
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
	if !carries(svc.Spec.TaskTemplate, w.r) {
		// Swarm swaps the specs and sets the state in one write, so a service that
		// has other files without a rollback got them from somebody.
		if strings.HasPrefix(string(state), "rollback_") {
			return false, w.rolledBack(ctx, w.r, *svc)
		}
		return false, ErrChanged
	}
	if state == api.UpdateStatePaused || state == api.UpdateStateRollbackPaused {
		return false, w.failed(ctx, w.r, *svc, svc.UpdateStatus.Message, stoodStill)
	}
	w.marked = svc.Spec.Labels[labelFailed] == w.r.ID
	tasks, err := w.tasks(ctx, *svc)
	if err != nil {
		w.why = err.Error()
		return false, nil
	}
	if len(tasks) == 0 {
		return w.noTasks(), nil
	}
	w.empty = time.Time{}
	serving := w.ask(ctx, *svc, tasks)
	if moving(state) {
		if serving {
			w.why = "Swarm says: " + svc.UpdateStatus.Message
		}
		return false, nil
	}
	return serving, nil
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

// tasks returns the service's tasks that Swarm wants to run, the newest first.
// One that waits to be restarted is wanted "ready".
func (c *Cluster) tasks(ctx context.Context, svc api.Service) ([]api.Task, error) {
	all, err := c.history(ctx, svc)
	return slices.DeleteFunc(all, func(t api.Task) bool {
		return t.DesiredState != api.TaskStateRunning && t.DesiredState != api.TaskStateReady
	}), err
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
