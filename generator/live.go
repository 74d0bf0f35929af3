package generator

import (
	"fmt"
	"net"
	"net/netip"
	"time"
)

// Live is what a Swarm has at one moment, as far as routing needs it. Its JSON
// is what `live` prints and `render --live` reads, so that any state of a
// production cluster can be looked at again. Every list is sorted.
type Live struct {
	Nodes    []Node         `json:"nodes"`
	Networks []Network      `json:"networks,omitempty"`
	Services []Service      `json:"services"`
	Tasks    []Task         `json:"tasks"`
	Secrets  []Secret       `json:"secrets,omitempty"`
	Proxies  []ProxyService `json:"proxies,omitempty"`
}

// Node is a Swarm node.
type Node struct {
	ID       string `json:"id"`
	Hostname string `json:"hostname"`
	// Role is "manager" or "worker".
	Role string `json:"role"`
	// State is Node.Status.State: ready, down, unknown or disconnected.
	State string `json:"state"`
	// Availability is "pause" or "drain", and empty for "active".
	Availability string `json:"availability,omitempty"`
	// Addr is Node.Status.Addr, ManagerAddr is Node.ManagerStatus.Addr, which
	// has a port and only managers have.
	Addr        string            `json:"addr"`
	ManagerAddr string            `json:"managerAddr,omitempty"`
	Labels      map[string]string `json:"labels,omitempty"`
	// EngineLabels are those of the node's engine, OS and Arch its platform, as linux
	// and x86_64; for constraints.
	EngineLabels map[string]string `json:"engineLabels,omitempty"`
	OS           string            `json:"os,omitempty"`
	Arch         string            `json:"arch,omitempty"`
}

// AddressLabel is the node label that overrides a node's address.
const AddressLabel = "wharfinger.address"

// Address is where the node's ports are reached. In order of trust: the label
// AddressLabel, the manager's address, the address that the node told. A
// manager may tell 0.0.0.0 as its own address; an address that is unspecified,
// loopback or of one link alone reaches nobody and is an error.
func (n Node) Address() (netip.Addr, error) {
	text := n.Addr
	if host, _, err := net.SplitHostPort(n.ManagerAddr); err == nil {
		text = host
	}
	if label := n.Labels[AddressLabel]; label != "" {
		text = label
	}
	return usable(text)
}

// usable reads an address that others reach.
func usable(text string) (netip.Addr, error) {
	addr, err := netip.ParseAddr(text)
	if err != nil {
		return addr, fmt.Errorf("its address %q is not an IP address", text)
	}
	addr = addr.Unmap()
	if addr.IsUnspecified() || addr.IsLoopback() || addr.IsMulticast() || addr.Zone() != "" {
		return addr, fmt.Errorf("its address %s reaches no other node", addr)
	}
	return addr, nil
}

// Network is a network of the Swarm: an overlay, or HostNetwork.
type Network struct {
	ID   string `json:"id,omitempty"` // a network that is made anew has another one
	Name string `json:"name,omitempty"`
	// Ingress says that this is the routing mesh's own, which nobody joins.
	Ingress bool `json:"ingress,omitempty"`
}

// HostNetwork is the name of the network that is each node's own.
const HostNetwork = "host"

// Service is a Swarm service.
type Service struct {
	ID     string            `json:"id"`
	Name   string            `json:"name"`
	Labels map[string]string `json:"labels,omitempty"`
	// Networks are the IDs of those that the service is on.
	Networks []string `json:"networks,omitempty"`
	// Ports are those that it publishes (EndpointSpec.Ports).
	Ports []ServicePort `json:"ports,omitempty"`
	// VIPs are its virtual IPs on those networks. It has none in endpoint mode
	// dnsrr.
	VIPs []Address `json:"vips,omitempty"`
}

// ServicePort is a port of its tasks that a service publishes.
type ServicePort struct {
	Protocol string `json:"protocol"` // tcp, udp or sctp
	Target   int    `json:"target"`
	// Published is the port outside, 0 for any that is free.
	Published int `json:"published,omitempty"`
	// Mode is "host", on the node of each task, or "ingress", on every node by the
	// routing mesh.
	Mode string `json:"mode"`
}

// StackLabel is the label of services, and of networks, with the name of their
// stack.
const StackLabel = "com.docker.stack.namespace"

// Address is an IP address on a network.
type Address struct {
	Network string `json:"network"` // the network's ID
	Address string `json:"address"`
}

// Task is a task that Swarm wants to run.
type Task struct {
	ID      string `json:"id"`
	Service string `json:"service"` // the service's ID
	Node    string `json:"node"`    // the node's ID
	// State is Task.Status.State; a task takes requests when it is "running".
	State string `json:"state"`
	Ports []Port `json:"ports,omitempty"`
	// Addresses are the task's own on overlays (Task.NetworksAttachments), by
	// network; on one network in Swarm's order.
	Addresses []Address `json:"addresses,omitempty"`
}

// Port is a port that a task publishes on its node (PublishMode host).
type Port struct {
	Protocol  string `json:"protocol"` // tcp, udp or sctp
	Target    int    `json:"target"`
	Published int    `json:"published"`
}

// Secret is a Docker secret, by name: what it holds is never known here.
type Secret struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// ProxyService is a proxy's service as the Swarm has it.
type ProxyService struct {
	Proxy   string `json:"proxy"`   // the name in the repository
	Service string `json:"service"` // the service's name
	// Spec is what the service has, Applied what Wharfinger gave it last. Where
	// the two differ, an operator changed something.
	Spec    Spec `json:"spec"`
	Applied Spec `json:"applied"`
	// Carried is the Docker configs of the service, by the path in the proxy.
	Carried map[string]string `json:"carried,omitempty"`
	// Digest is of the files that the service was rolled with, Revision the
	// revision that they came from.
	Digest   string `json:"digest,omitempty"`
	Revision string `json:"revision,omitempty"`
	// Since is when Revision first came to the proxy, in UTC; zero where the service
	// does not say.
	Since time.Time `json:"since,omitzero"`
	// Failed is the ID of a rollout that failed and was taken back, FailedRevision the
	// revision that it came from and FailedWhy what was wrong, as far as that was
	// recorded.
	Failed         string `json:"failed,omitempty"`
	FailedRevision string `json:"failedRevision,omitempty"`
	FailedWhy      string `json:"failedWhy,omitempty"`
}

// ProxyByName returns the service of a proxy, or nil.
func (l *Live) ProxyByName(name string) *ProxyService {
	for i := range l.Proxies {
		if l.Proxies[i].Proxy == name {
			return &l.Proxies[i]
		}
	}
	return nil
}
