package swarm

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"

	api "github.com/docker/docker/api/types/swarm"
	"golang.org/x/sync/errgroup"

	"github.com/wharfinger/wharfinger/generator"
)

// place is one node's share of a rollout.
type place struct {
	node generator.Node
	task *api.Task // the newest task of the service's spec of now, or nil
	old  bool      // a task of another spec shall still run
	// What asking found out.
	state    string // for progress
	why      string // what is not right yet; empty if all is
	answered bool   // the status listener did, whatever it said
	silent   bool   // it did not
}

// ask asks every proxy whether it serves the rollout. It reports whether all do,
// and otherwise says why not.
func (w *confirmation) ask(ctx context.Context, svc api.Service, tasks []api.Task) (right bool) {
	places, err := w.places(ctx, svc, tasks)
	if err != nil {
		w.why = err.Error()
		return false
	}
	var group errgroup.Group
	group.SetLimit(16)
	for _, p := range places {
		group.Go(func() error {
			w.visit(ctx, p)
			return nil
		})
	}
	group.Wait()
	right = true
	for _, p := range places {
		w.tell(p)
		if p.answered {
			w.answered[p.node.Hostname] = true
		}
		if p.why != "" && right {
			right, w.why = false, p.node.Hostname+": "+p.why
			if p.silent && !w.answered[p.node.Hostname] {
				w.why += fmt.Sprintf("; open port %d from the managers to the proxies' nodes", w.r.StatusPort)
				if addr, err := p.node.Address(); err == nil && addr.Is6() && w.r.Spec.OnHost() {
					w.why += ", and have the proxy listen there with listen: {ipv6: true}"
				}
			}
		}
	}
	return right
}

// visit looks at one place and asks its proxy.
func (w *confirmation) visit(ctx context.Context, p *place) {
	if p.task == nil {
		p.state, p.why = "pending", "the old proxy still has its place"
		return
	}
	switch p.task.Status.State {
	case api.TaskStateRunning:
		p.state = "running"
	case api.TaskStateNew, api.TaskStatePending, api.TaskStateAllocated, api.TaskStateAssigned:
		p.state, p.why = "pending", "the task is "+taskText(*p.task)
		return
	default:
		p.state, p.why = "starting", "the task is "+taskText(*p.task)
		return
	}
	addr, err := p.node.Address()
	if err != nil {
		p.why = err.Error()
		return
	}
	for range answers {
		ok, err := w.serves(ctx, netip.AddrPortFrom(addr, uint16(w.r.StatusPort)), w.r.Digest)
		if err != nil {
			p.why, p.silent = err.Error(), errors.Is(err, errSilent)
			p.answered = p.answered || !p.silent
			return
		}
		p.answered = true
		if !ok {
			p.why = fmt.Sprintf("it does not serve %.8s", w.r.Digest)
			return
		}
	}
	p.state = serves(w.r.Digest)
	if p.old {
		p.why = "the old proxy still has its place"
	}
}

func serves(digest string) string { return fmt.Sprintf("serves %.8s", digest) }

// tell calls progress for a state that is new. While an old and a new proxy
// share a port, answers go to and fro: a node that has served the new files is
// not said to have gone back.
func (w *confirmation) tell(p *place) {
	last := w.states[p.node.Hostname]
	if last == p.state || last == serves(w.r.Digest) && p.state == "running" {
		return
	}
	w.states[p.node.Hostname] = p.state
	if w.progress != nil {
		w.progress(p.node.Hostname, p.state)
	}
}

// taskText says in what state a task is, and Swarm's reason if it has one.
func taskText(t api.Task) string {
	if t.Status.Err != "" {
		return string(t.Status.State) + ": " + t.Status.Err
	}
	return string(t.Status.State)
}

// places sorts tasks, the newest first, by the nodes they are on. For a while a
// node has two: the new one is started before the old one is stopped.
func (w *confirmation) places(ctx context.Context, svc api.Service, tasks []api.Task) ([]*place, error) {
	if err := w.learnNodes(ctx, tasks); err != nil {
		return nil, err
	}
	byNode := map[string]*place{}
	var places []*place
	for _, t := range tasks {
		p := byNode[t.NodeID]
		if p == nil {
			p = &place{node: w.known[t.NodeID]}
			byNode[t.NodeID] = p
			places = append(places, p)
		}
		if !current(t, svc) {
			p.old = true
		} else if p.task == nil {
			p.task = &t
		}
	}
	slices.SortFunc(places, func(a, b *place) int { return strings.Compare(a.node.Hostname, b.node.Hostname) })
	return places, nil
}

// current reports whether a task was made from the service's spec of now.
// Constraints and service labels change without new tasks.
func current(t api.Task, svc api.Service) bool {
	now := svc.Spec.TaskTemplate
	return t.Spec.ForceUpdate == now.ForceUpdate && reflect.DeepEqual(t.Spec.ContainerSpec, now.ContainerSpec) &&
		reflect.DeepEqual(t.Spec.Resources, now.Resources) &&
		slices.Equal(attached(api.ServiceSpec{TaskTemplate: t.Spec}), attached(svc.Spec)) &&
		(!publishes(t) || slices.Equal(onNode(t.Status.PortStatus.Ports), onNode(ports(svc.Spec))))
}

// publishes reports whether a task would tell what it publishes. Ports are no part
// of its spec, but of its status; in the host's network there are none.
func publishes(t api.Task) bool {
	return t.Status.State == api.TaskStateRunning && !slices.ContainsFunc(t.NetworksAttachments, func(a api.NetworkAttachment) bool {
		return a.Network.Spec.Name == generator.HostNetwork
	})
}

// onNode lists the ports that are published on the node itself.
func onNode(ports []api.PortConfig) []string {
	var out []string
	for _, p := range ports {
		if p.PublishMode == api.PortConfigPublishModeHost {
			out = append(out, fmt.Sprintf("%d/%s", p.TargetPort, p.Protocol))
		}
	}
	slices.Sort(out)
	return slices.Compact(out) // an engine tells them for IPv4 and for IPv6
}

// learnNodes reads the nodes when a task names one that is not known.
func (w *confirmation) learnNodes(ctx context.Context, tasks []api.Task) error {
	unknown := func(t api.Task) bool { return w.known[t.NodeID].Hostname == "" }
	if !slices.ContainsFunc(tasks, unknown) {
		return nil
	}
	nodes, err := w.nodes(ctx)
	if err != nil {
		return err
	}
	w.known = map[string]generator.Node{}
	for _, n := range nodes {
		w.known[n.ID] = nodeOf(n)
	}
	for _, t := range tasks {
		if unknown(t) {
			w.known[t.NodeID] = generator.Node{ID: t.NodeID, Hostname: "(no node)"}
		}
	}
	return nil
}
