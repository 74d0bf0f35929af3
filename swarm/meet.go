package swarm

import (
	"cmp"
	"maps"
	"slices"

	api "github.com/docker/docker/api/types/swarm"

	"github.com/wharfinger/wharfinger/generator"
)

// attached lists the networks that a service's tasks join, sorted by ID. Services
// made by old clients have them in the second place.
func attached(spec api.ServiceSpec) []string {
	refs := spec.TaskTemplate.Networks
	if len(refs) == 0 {
		//lint:ignore SA1019 what old clients wrote is still there
		refs = spec.Networks
	}
	var ids []string
	for _, ref := range refs {
		ids = append(ids, ref.Target)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// networksOf lists the networks of a proxy's service. It knows the names of those
// that were applied.
func networksOf(spec api.ServiceSpec, applied []generator.Network) []generator.Network {
	var out []generator.Network
	for _, id := range attached(spec) {
		n := generator.Network{ID: id}
		if i := slices.IndexFunc(applied, func(a generator.Network) bool { return a.ID == id }); i >= 0 {
			n.Name = applied[i].Name
		}
		out = append(out, n)
	}
	return out
}

// networkRefs has the networks as the only ones. What else an operator said of
// one, as an alias, stays.
func networkRefs(refs []api.NetworkAttachmentConfig, networks []generator.Network) []api.NetworkAttachmentConfig {
	var out []api.NetworkAttachmentConfig
	for _, n := range networks {
		ref := api.NetworkAttachmentConfig{Target: cmp.Or(n.ID, n.Name)}
		if i := slices.IndexFunc(refs, func(r api.NetworkAttachmentConfig) bool { return r.Target == ref.Target }); i >= 0 {
			ref = refs[i]
		}
		out = append(out, ref)
	}
	return out
}

// publishedAs is a port in the engine's words.
func publishedAs(p generator.PublishedPort) api.PortConfig {
	return api.PortConfig{
		Protocol: api.PortConfigProtocol(p.Protocol), PublishMode: api.PortConfigPublishMode(p.Mode),
		TargetPort: uint32(cmp.Or(p.Target, p.Port)), PublishedPort: uint32(p.Port),
	}
}

func ports(spec api.ServiceSpec) []api.PortConfig {
	if spec.EndpointSpec == nil {
		return nil
	}
	return spec.EndpointSpec.Ports
}

// publishOf lists the ports that a service publishes, sorted.
func publishOf(spec api.ServiceSpec) []generator.PublishedPort {
	var out []generator.PublishedPort
	for _, c := range ports(spec) {
		p := generator.PublishedPort{Protocol: string(c.Protocol), Port: int(c.PublishedPort), Mode: string(c.PublishMode)}
		if c.TargetPort != c.PublishedPort {
			p.Target = int(c.TargetPort)
		}
		out = append(out, p)
	}
	slices.SortFunc(out, generator.ComparePorts)
	return out
}

// portRefs has the ports as the only ones.
func portRefs(publish []generator.PublishedPort) []api.PortConfig {
	var out []api.PortConfig
	for _, p := range publish {
		out = append(out, publishedAs(p))
	}
	return out
}

// tcpRetries is the kernel's with a connection that nobody confirms: 5 attempts are
// 13 s, the 15 of the kernel's own are 15 minutes. Each idle connection to a peer
// whose machine is gone takes one more request, which waits as long and then goes
// to another peer.
const (
	tcpRetries = "net.ipv4.tcp_retries2"
	attempts   = "5"
)

// kernelSettings are a proxy's where it has a network of its own. In the host's
// they are the node's, and the engine refuses a service that has some.
func kernelSettings(settings map[string]string, onHost bool) map[string]string {
	out := maps.Clone(settings)
	if onHost {
		delete(out, tcpRetries)
		return out
	}
	if out[tcpRetries] == "" { // an operator's stays
		if out == nil {
			out = map[string]string{}
		}
		out[tcpRetries] = attempts
	}
	return out
}

// meeting gives a service its networks and ports, and the order of updates that
// they allow. was says whether the proxy is in the host's network so far.
func meeting(spec api.ServiceSpec, r generator.Rollout, wasOnHost bool) api.ServiceSpec {
	container := *spec.TaskTemplate.ContainerSpec
	container.Sysctls = kernelSettings(container.Sysctls, r.Spec.OnHost())
	spec.TaskTemplate.ContainerSpec = &container
	spec.TaskTemplate.Networks = networkRefs(spec.TaskTemplate.Networks, r.Spec.Networks)
	//lint:ignore SA1019 an engine would take it where there is none in the first place
	spec.Networks = nil
	if refs := portRefs(r.Spec.Publish); len(refs) > 0 || spec.EndpointSpec != nil {
		endpoint := api.EndpointSpec{}
		if spec.EndpointSpec != nil {
			endpoint = *spec.EndpointSpec
		}
		endpoint.Ports = refs
		spec.EndpointSpec = &endpoint
	}
	spec.UpdateConfig = inOrder(spec.UpdateConfig, r.Spec.Order)
	// A rollback to this specification goes by its own rule.
	switch {
	case !r.Spec.OnHost():
		spec.RollbackConfig = inOrder(spec.RollbackConfig, api.UpdateOrderStopFirst)
	case !wasOnHost:
		spec.RollbackConfig = inOrder(spec.RollbackConfig, api.UpdateOrderStartFirst)
	}
	return spec
}

func inOrder(config *api.UpdateConfig, order string) *api.UpdateConfig {
	if order == "" || config != nil && config.Order == order {
		return config
	}
	out := api.UpdateConfig{Parallelism: 1}
	if config != nil {
		out = *config
	}
	out.Order = order
	return &out
}
