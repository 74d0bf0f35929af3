package swarm

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/docker/docker/api/types/filters"
	api "github.com/docker/docker/api/types/swarm"

	"github.com/wharfinger/wharfinger/generator"
)

// Read reads the cluster. It is whole or an error, and holds nothing that
// changes by itself, such as the time of a heartbeat.
//
// Tasks are read first. What they name has been made before them, so services
// and nodes read later know it; where they do not, it was removed meanwhile, and
// its tasks are left out with it. The other way round, a task of a node that
// just joined would look like one of a node that is gone.
func (c *Cluster) Read(ctx context.Context) (*generator.Live, error) {
	tasks, err := call(ctx, func(ctx context.Context) ([]api.Task, error) {
		wanted := filters.NewArgs(filters.Arg("desired-state", string(api.TaskStateRunning)))
		return c.docker.TaskList(ctx, api.TaskListOptions{Filters: wanted})
	})
	if err != nil {
		return nil, fmt.Errorf("read tasks: %w", err)
	}
	nodes, err := c.nodes(ctx)
	if err != nil {
		return nil, err
	}
	services, err := call(ctx, func(ctx context.Context) ([]api.Service, error) {
		return c.docker.ServiceList(ctx, api.ServiceListOptions{})
	})
	if err != nil {
		return nil, fmt.Errorf("read services: %w", err)
	}
	secrets, err := call(ctx, func(ctx context.Context) ([]api.Secret, error) {
		return c.docker.SecretList(ctx, api.SecretListOptions{}) // names; engines keep the rest to themselves
	})
	if err != nil {
		return nil, fmt.Errorf("read secrets: %w", err)
	}
	return liveOf(tasks, nodes, services, secrets), nil
}

func (c *Cluster) nodes(ctx context.Context) ([]api.Node, error) {
	nodes, err := call(ctx, func(ctx context.Context) ([]api.Node, error) {
		return c.docker.NodeList(ctx, api.NodeListOptions{})
	})
	if err != nil {
		return nil, fmt.Errorf("read nodes: %w", err)
	}
	return nodes, nil
}

func liveOf(tasks []api.Task, nodes []api.Node, services []api.Service, secrets []api.Secret) *generator.Live {
	// Empty lists rather than nil, so that JSON shows [] for nothing.
	live := &generator.Live{Nodes: []generator.Node{}, Services: []generator.Service{}, Tasks: []generator.Task{}}
	known := map[string]bool{"": true} // a task that waits for a node names none
	for _, n := range nodes {
		known[n.ID] = true
		live.Nodes = append(live.Nodes, nodeOf(n))
	}
	for _, s := range services {
		known[s.ID] = true
		live.Services = append(live.Services, generator.Service{ID: s.ID, Name: s.Spec.Name, Labels: noneAsNil(s.Spec.Labels)})
		if p, ok := proxyOf(s); ok {
			live.Proxies = append(live.Proxies, p)
		}
	}
	for _, t := range tasks {
		if !known[t.ServiceID] || !known[t.NodeID] {
			continue
		}
		live.Tasks = append(live.Tasks, generator.Task{
			ID: t.ID, Service: t.ServiceID, Node: t.NodeID,
			State: string(t.Status.State), Ports: portsOf(t.Status.PortStatus.Ports),
		})
	}
	for _, s := range secrets {
		live.Secrets = append(live.Secrets, generator.Secret{ID: s.ID, Name: s.Spec.Name})
	}
	slices.SortFunc(live.Nodes, func(a, b generator.Node) int { return cmp.Compare(a.ID, b.ID) })
	slices.SortFunc(live.Services, func(a, b generator.Service) int { return cmp.Compare(a.ID, b.ID) })
	slices.SortFunc(live.Tasks, func(a, b generator.Task) int { return cmp.Compare(a.ID, b.ID) })
	slices.SortFunc(live.Secrets, bySecretName)
	slices.SortFunc(live.Proxies, func(a, b generator.ProxyService) int { return cmp.Compare(a.Proxy, b.Proxy) })
	return live
}

func nodeOf(n api.Node) generator.Node {
	out := generator.Node{
		ID: n.ID, Hostname: n.Description.Hostname, Role: string(n.Spec.Role),
		State: string(n.Status.State), Addr: n.Status.Addr, Labels: noneAsNil(n.Spec.Labels),
	}
	if n.ManagerStatus != nil {
		out.ManagerAddr = n.ManagerStatus.Addr
	}
	return out
}

// portsOf keeps the ports on the node itself, each once: an engine tells them
// for IPv4 and for IPv6. Engines of 20.10 gave the two different numbers; both
// stay, in the engine's order, which has IPv4 first. The order of different
// ports comes from a map there, so it is made one of our own.
func portsOf(ports []api.PortConfig) []generator.Port {
	var out []generator.Port
	for _, p := range ports {
		port := generator.Port{Protocol: string(p.Protocol), Target: int(p.TargetPort), Published: int(p.PublishedPort)}
		if p.PublishMode == api.PortConfigPublishModeHost && !slices.Contains(out, port) {
			out = append(out, port)
		}
	}
	slices.SortStableFunc(out, func(a, b generator.Port) int {
		return cmp.Or(cmp.Compare(a.Target, b.Target), cmp.Compare(a.Protocol, b.Protocol))
	})
	return out
}

// noneAsNil makes "no labels" one value: engines send null or {}.
func noneAsNil(labels map[string]string) map[string]string {
	if len(labels) == 0 {
		return nil
	}
	return labels
}

// Carried returns the configs that a proxy's service carries now, with their
// contents, sorted by path. Without a service it is empty.
func (c *Cluster) Carried(ctx context.Context, proxy string) ([]generator.Shard, error) {
	svc, err := c.service(ctx, generator.Prefix+proxy)
	if err != nil {
		return nil, err
	}
	if svc == nil {
		return nil, nil
	}
	p, _ := proxyOf(*svc)
	var names []string
	for _, name := range p.Carried {
		names = append(names, name)
	}
	configs, err := c.configs(ctx, names)
	if err != nil {
		return nil, err
	}
	var shards []generator.Shard
	for path, name := range p.Carried {
		config, ok := configs[name]
		if !ok {
			return nil, fmt.Errorf("read configs: %s is gone", name)
		}
		shards = append(shards, generator.Shard{Config: name, Path: path, Data: config.Spec.Data})
	}
	slices.SortFunc(shards, func(a, b generator.Shard) int { return cmp.Compare(a.Path, b.Path) })
	return shards, nil
}

// configs returns those of the named configs that there are, by name.
func (c *Cluster) configs(ctx context.Context, names []string) (map[string]api.Config, error) {
	found := map[string]api.Config{}
	if len(names) == 0 {
		return found, nil // a filter without names would match all
	}
	named := filters.NewArgs()
	for _, name := range names {
		named.Add("name", name) // matches longer names, too
	}
	list, err := call(ctx, func(ctx context.Context) ([]api.Config, error) {
		return c.docker.ConfigList(ctx, api.ConfigListOptions{Filters: named})
	})
	if err != nil {
		return nil, fmt.Errorf("read configs: %w", err)
	}
	for _, config := range list {
		found[config.Spec.Name] = config
	}
	return found, nil
}
