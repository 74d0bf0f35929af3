package swarm

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/docker/docker/api/types/filters"
	api "github.com/docker/docker/api/types/swarm"

	"github.com/wharfinger/wharfinger/generator"
)

const (
	// atOnce is how many tasks are asked for by one request: their IDs are its URL.
	atOnce = 400
	// anew is after how many Reads one asks for everything, whatever was told.
	anew = 100
)

// replica is what the last Read found. It holds for as long as the manager's stream
// tells of what changes.
type replica struct {
	reading sync.Mutex // one Read goes on where the last one ended
	tasks   []task     // by ID; nil where all of them have to be asked for
	rest    listed
	reads   int

	marks marks
}

// task is one that Swarm wants running, and what it says of its networks.
type task struct {
	generator.Task
	on []generator.Network
}

// marks are what has changed since the last Read began.
type marks struct {
	mu    sync.Mutex
	all   bool            // nothing is known any more
	rest  bool            // what are no tasks
	tasks map[string]bool // by ID
}

func (m *marks) everything() { m.set(func() { m.all = true }) }

func (m *marks) others() { m.set(func() { m.rest = true }) }

func (m *marks) task(id string) {
	m.set(func() {
		if m.tasks == nil {
			m.tasks = map[string]bool{}
		}
		m.tasks[id] = true
	})
}

func (m *marks) set(how func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	how()
}

// take returns what is marked, and marks nothing.
func (m *marks) take() (all, rest bool, tasks []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for id := range m.tasks {
		tasks = append(tasks, id)
	}
	all, rest = m.all, m.rest
	m.all, m.rest, m.tasks = false, false, nil
	slices.Sort(tasks)
	return all, rest, tasks
}

// read brings the replica up to what the manager has.
func (c *Cluster) read(ctx context.Context) (*generator.Live, error) {
	r := &c.replica
	r.reading.Lock()
	defer r.reading.Unlock()
	all, rest, changed := true, true, []string(nil)
	streams := c.Streams()
	if streams { // else nothing is told, and nothing that was kept holds
		all, rest, changed = r.marks.take()
	}
	r.reads++
	before := r.tasks
	r.tasks = nil // for as long as this one has not come to its end
	all = all || before == nil || r.reads%anew == 0 || len(changed) > max(atOnce, len(before)/4)
	tasks := before
	var err error
	switch {
	case all:
		tasks, err = c.tasks(ctx)
	case len(changed) > 0:
		tasks, err = c.again(ctx, before, changed)
	case !rest:
		err = c.hears(ctx) // a manager that is cut off has nothing new to tell
	}
	if err != nil {
		return nil, err
	}
	if all || rest {
		if r.rest, err = c.list(ctx); err != nil {
			return nil, err
		}
	}
	if streams {
		r.tasks = tasks
	}
	return liveOf(tasks, r.rest), nil
}

// tasks lists those that Swarm wants running, never as nil. With ids, only those among
// them.
func (c *Cluster) tasks(ctx context.Context, ids ...string) ([]task, error) {
	wanted := filters.NewArgs(filters.Arg("desired-state", string(api.TaskStateRunning)))
	for _, id := range ids {
		wanted.Add("id", id)
	}
	list, err := call(ctx, func(ctx context.Context) ([]api.Task, error) {
		return c.docker.TaskList(ctx, api.TaskListOptions{Filters: wanted})
	})
	if err != nil {
		return nil, fmt.Errorf("read tasks: %w", err)
	}
	out := make([]task, 0, len(list))
	for _, t := range list {
		out = append(out, taskOf(t))
	}
	slices.SortFunc(out, byID)
	return out, nil
}

// again returns the tasks with the changed ones as they are now: another one, or none.
func (c *Cluster) again(ctx context.Context, before []task, changed []string) ([]task, error) {
	tasks := make([]task, 0, len(before)+len(changed))
	for _, t := range before {
		if _, gone := slices.BinarySearch(changed, t.ID); !gone {
			tasks = append(tasks, t)
		}
	}
	for ids := range slices.Chunk(changed, atOnce) {
		now, err := c.tasks(ctx, ids...)
		if err != nil {
			return nil, err
		}
		tasks = append(tasks, now...)
	}
	slices.SortFunc(tasks, byID)
	return tasks, nil
}

func byID(a, b task) int { return cmp.Compare(a.ID, b.ID) }

func taskOf(t api.Task) task {
	out := task{Task: generator.Task{
		ID: t.ID, Service: t.ServiceID, Node: t.NodeID, State: string(t.Status.State),
		Ports: portsOf(t.Status.PortStatus.Ports), Addresses: addressesOf(t.NetworksAttachments),
	}}
	for _, a := range t.NetworksAttachments {
		out.on = append(out.on, generator.Network{ID: a.Network.ID, Name: a.Network.Spec.Name, Ingress: a.Network.Spec.Ingress})
	}
	return out
}
