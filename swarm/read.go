package swarm

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/network"
	api "github.com/docker/docker/api/types/swarm"

	"github.com/wharfinger/wharfinger/generator"
)

// Read reads the cluster. It is whole or an error, and holds nothing that
// changes by itself, such as the time of a heartbeat. While Watch is told by the
// manager's stream what changes, only that is asked for.
//
// Tasks are read first. What they name has been made before them, so services
// and nodes read later know it; where they do not, it was removed meanwhile, and
// its tasks are left out with it. The other way round, a task of a node that
// just joined would look like one of a node that is gone. So with networks, which
// are read after the services that are on them; and none can be removed as long as
// it has a task.
func (c *Cluster) Read(ctx context.Context) (*generator.Live, error) {
	live, err := c.read(ctx)
	c.unread.Store(err != nil)
	return live, err
}

// listed is what a Swarm has besides tasks.
type listed struct {
	nodes    []generator.Node
	services []generator.Service
	proxies  []generator.ProxyService // without the names of their networks
	networks []generator.Network      // as far as they are listed
	secrets  []generator.Secret
}

func (c *Cluster) list(ctx context.Context) (listed, error) {
	nodes, err := c.nodes(ctx)
	if err != nil {
		return listed{}, err
	}
	services, err := call(ctx, func(ctx context.Context) ([]api.Service, error) {
		return c.docker.ServiceList(ctx, api.ServiceListOptions{})
	})
	if err != nil {
		return listed{}, fmt.Errorf("read services: %w", err)
	}
	networks, err := c.networks(ctx)
	if err != nil {
		return listed{}, err
	}
	secrets, err := call(ctx, func(ctx context.Context) ([]api.Secret, error) {
		return c.docker.SecretList(ctx, api.SecretListOptions{}) // names; engines keep the rest to themselves
	})
	if err != nil {
		return listed{}, fmt.Errorf("read secrets: %w", err)
	}
	return listedOf(nodes, networks, services, secrets), nil
}

// networks lists the networks that services can join, as far as the manager says.
// An engine that cannot ask the Swarm answers with what it knows by itself, as if
// that were all. So the host's network, which only the Swarm knows by this ID, is
// asked for behind that: then the failure is one.
func (c *Cluster) networks(ctx context.Context) ([]network.Summary, error) {
	networks, err := call(ctx, func(ctx context.Context) ([]network.Summary, error) {
		return c.docker.NetworkList(ctx, network.ListOptions{Filters: filters.NewArgs(filters.Arg("scope", "swarm"))})
	})
	if err != nil {
		return nil, fmt.Errorf("read networks: %w", err)
	}
	host, err := c.hostNetwork(ctx)
	if err != nil {
		return nil, err
	}
	return append(networks, host), nil
}

// hostNetwork asks for the one thing that every Swarm has, and that nobody but its
// leader tells of.
func (c *Cluster) hostNetwork(ctx context.Context) (network.Summary, error) {
	host, err := call(ctx, func(ctx context.Context) (network.Inspect, error) {
		return c.docker.NetworkInspect(ctx, generator.HostNetwork, network.InspectOptions{Scope: "swarm"})
	})
	if err != nil {
		return host, fmt.Errorf("read networks: %w", err)
	}
	return host, nil
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

func listedOf(nodes []api.Node, networks []network.Summary, services []api.Service, secrets []api.Secret) listed {
	var out listed
	for _, n := range nodes {
		out.nodes = append(out.nodes, nodeOf(n))
	}
	for _, n := range networks {
		out.networks = append(out.networks, generator.Network{ID: n.ID, Name: n.Name, Ingress: n.Ingress})
	}
	for _, s := range services {
		out.services = append(out.services, serviceOf(s))
		if p, ok := proxyOf(s); ok {
			out.proxies = append(out.proxies, p)
		}
	}
	for _, s := range secrets {
		out.secrets = append(out.secrets, generator.Secret{ID: s.ID, Name: s.Spec.Name})
	}
	slices.SortFunc(out.nodes, func(a, b generator.Node) int { return cmp.Compare(a.ID, b.ID) })
	slices.SortFunc(out.services, func(a, b generator.Service) int { return cmp.Compare(a.ID, b.ID) })
	slices.SortFunc(out.secrets, bySecretName)
	slices.SortFunc(out.proxies, func(a, b generator.ProxyService) int { return cmp.Compare(a.Proxy, b.Proxy) })
	return out
}

// liveOf puts together tasks, by ID, and what else there is. It shares memory with both,
// and changes neither.
func liveOf(tasks []task, rest listed) *generator.Live {
	// Empty lists rather than nil, so that JSON shows [] for nothing.
	live := &generator.Live{Nodes: []generator.Node{}, Services: []generator.Service{}, Tasks: []generator.Task{}}
	live.Nodes, live.Services, live.Secrets = append(live.Nodes, rest.nodes...), append(live.Services, rest.services...), rest.secrets
	known := map[string]bool{"": true} // a task that waits for a node names none
	for _, n := range rest.nodes {
		known[n.ID] = true
	}
	for _, s := range rest.services {
		known[s.ID] = true
	}
	names := networkNames(tasks, rest.networks)
	for _, n := range names {
		live.Networks = append(live.Networks, n)
	}
	slices.SortFunc(live.Networks, func(a, b generator.Network) int { return cmp.Compare(a.ID, b.ID) })
	for _, p := range rest.proxies {
		p.Spec.Networks = slices.Clone(p.Spec.Networks)
		for i, n := range p.Spec.Networks {
			p.Spec.Networks[i].Name = names[n.ID].Name
		}
		live.Proxies = append(live.Proxies, p)
	}
	for _, t := range tasks {
		if known[t.Service] && known[t.Node] {
			live.Tasks = append(live.Tasks, t.Task)
		}
	}
	return live
}

func nodeOf(n api.Node) generator.Node {
	out := generator.Node{
		ID: n.ID, Hostname: n.Description.Hostname, Role: string(n.Spec.Role),
		State: string(n.Status.State), Addr: n.Status.Addr, Labels: noneAsNil(n.Spec.Labels),
	}
	if n.Spec.Availability != api.NodeAvailabilityActive {
		out.Availability = string(n.Spec.Availability)
	}
	out.OS, out.Arch = n.Description.Platform.OS, n.Description.Platform.Architecture
	out.EngineLabels = noneAsNil(n.Description.Engine.Labels)
	if n.ManagerStatus != nil {
		out.ManagerAddr = n.ManagerStatus.Addr
	}
	return out
}

// networkNames puts together what is listed and what tasks are on, by ID. Tasks tell
// of their networks themselves: their addresses are not lost with a list that lacks
// something.
func networkNames(tasks []task, networks []generator.Network) map[string]generator.Network {
	all := map[string]generator.Network{}
	for _, t := range tasks {
		for _, n := range t.on {
			all[n.ID] = n
		}
	}
	for _, n := range networks {
		all[n.ID] = n
	}
	return all
}

func serviceOf(s api.Service) generator.Service {
	out := generator.Service{ID: s.ID, Name: s.Spec.Name, Labels: noneAsNil(s.Spec.Labels), Networks: attached(s.Spec)}
	for _, vip := range s.Endpoint.VirtualIPs {
		// One more is on the routing mesh's network, where nobody else can ask for it;
		// the host's has none.
		if addr := withoutPrefix(vip.Addr); addr != "" && slices.Contains(out.Networks, vip.NetworkID) {
			out.VIPs = append(out.VIPs, generator.Address{Network: vip.NetworkID, Address: addr})
		}
	}
	slices.SortStableFunc(out.VIPs, byNetwork)
	if s.Spec.EndpointSpec != nil {
		for _, p := range s.Spec.EndpointSpec.Ports {
			out.Ports = append(out.Ports, generator.ServicePort{Protocol: string(p.Protocol), Target: int(p.TargetPort), Published: int(p.PublishedPort), Mode: string(p.PublishMode)})
		}
	}
	slices.SortFunc(out.Ports, func(a, b generator.ServicePort) int {
		return cmp.Or(cmp.Compare(a.Target, b.Target), cmp.Compare(a.Protocol, b.Protocol), cmp.Compare(a.Mode, b.Mode), cmp.Compare(a.Published, b.Published))
	})
	return out
}

// addressesOf lists a task's addresses, but for that on the routing mesh's network.
func addressesOf(attachments []api.NetworkAttachment) []generator.Address {
	var out []generator.Address
	for _, a := range attachments {
		if a.Network.Spec.Ingress {
			continue
		}
		for _, addr := range a.Addresses {
			out = append(out, generator.Address{Network: a.Network.ID, Address: withoutPrefix(addr)})
		}
	}
	slices.SortStableFunc(out, byNetwork)
	return out
}

func byNetwork(a, b generator.Address) int { return cmp.Compare(a.Network, b.Network) }

// withoutPrefix is an address as 10.0.1.5, of 10.0.1.5/24.
func withoutPrefix(addr string) string {
	addr, _, _ = strings.Cut(addr, "/")
	return addr
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
