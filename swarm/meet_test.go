package swarm

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/docker/docker/api/types/network"
	api "github.com/docker/docker/api/types/swarm"

	"github.com/wharfinger/wharfinger/generator"
)

var (
	hostNet = generator.Network{ID: "net-host", Name: "host"}
	apps    = generator.Network{ID: "net-apps", Name: "apps"}
	mine    = generator.Network{ID: "net-mine", Name: "mine"}
)

// stored is a specification as an engine gives it back.
func stored(t *testing.T, spec api.ServiceSpec) api.ServiceSpec {
	t.Helper()
	data, err := json.Marshal(spec)
	if err != nil {
		t.Fatal(err)
	}
	var out api.ServiceSpec
	if err := json.Unmarshal(data, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func published(mode string, ports ...int) []generator.PublishedPort {
	var out []generator.PublishedPort
	for _, port := range ports {
		out = append(out, generator.PublishedPort{Protocol: "tcp", Port: port, Mode: mode})
	}
	return out
}

// next is the rollout that follows a service: what Pack makes of what Read finds.
func next(t *testing.T, svc api.ServiceSpec, named generator.Spec) generator.Rollout {
	t.Helper()
	from, ok := proxyOf(api.Service{Spec: svc})
	if !ok {
		t.Fatal("the service is no proxy's")
	}
	for i, n := range from.Spec.Networks { // as Read does
		for _, known := range []generator.Network{hostNet, apps, mine} {
			if n.ID == known.ID {
				from.Spec.Networks[i].Name = known.Name
			}
		}
	}
	r, err := generator.Pack("r2", generator.Proxy{Name: "edge", Spec: named}, generator.Files{}, &from)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestNetworkOfAProxy holds how the service of a proxy comes to be in each
// network, and what stays of an operator's.
func TestNetworkOfAProxy(t *testing.T) {
	spec := func(order string, networks []generator.Network, ports []generator.PublishedPort) generator.Spec {
		return generator.Spec{Image: "nginx:1.30", Networks: networks, Publish: ports, Order: order}
	}
	host := spec("start-first", []generator.Network{hostNet}, nil)
	alone := spec("stop-first", nil, published("host", 80, 8079))
	front := spec("stop-first", []generator.Network{apps}, published("host", 80, 8079))
	mesh := spec("stop-first", []generator.Network{apps}, append(published("ingress", 80), published("host", 8079)...))
	old := spec("", nil, nil) // what was applied by a version that knew nothing of networks

	operators := api.PortConfig{Protocol: "tcp", TargetPort: 9000, PublishedPort: 19000, PublishMode: "host"}
	inTheWay := api.PortConfig{Protocol: "tcp", TargetPort: 9000, PublishedPort: 80, PublishMode: "host"}
	alias := func(s *api.ServiceSpec) {
		s.TaskTemplate.Networks = append(s.TaskTemplate.Networks, api.NetworkAttachmentConfig{Target: mine.ID, Aliases: []string{"front"}})
	}
	port := func(p api.PortConfig) func(*api.ServiceSpec) {
		return func(s *api.ServiceSpec) {
			if s.EndpointSpec == nil {
				s.EndpointSpec = &api.EndpointSpec{Mode: "vip"}
			}
			s.EndpointSpec.Ports = append(s.EndpointSpec.Ports, p)
		}
	}
	unlabelled := func(s *api.ServiceSpec) {
		applied, _ := json.Marshal(old)
		s.Labels[labelApplied] = string(applied)
	}
	free := operators
	free.PublishedPort = 0
	stopFirst := func(s *api.ServiceSpec) { s.UpdateConfig.Order = "stop-first" }
	none := func(*api.ServiceSpec) {}

	for _, c := range []struct {
		name         string
		before       generator.Spec
		operator     func(*api.ServiceSpec)
		named        generator.Spec
		networks     []string
		ports        []api.PortConfig
		order, after string // of this update, and of a rollback to it
		changes      []string
	}{
		{"published, from nothing before", alone, none, alone, nil, []api.PortConfig{publishedAs(alone.Publish[0]), publishedAs(alone.Publish[1])},
			"stop-first", "stop-first", nil},
		{"an overlay comes", alone, none, front, []string{"net-apps"}, []api.PortConfig{publishedAs(front.Publish[0]), publishedAs(front.Publish[1])},
			"stop-first", "stop-first", []string{"join network apps"}},
		{"an overlay goes, an operator's stays with its alias", front, alias, alone, []string{"net-mine"}, []api.PortConfig{publishedAs(front.Publish[0]), publishedAs(front.Publish[1])},
			"stop-first", "stop-first", []string{"leave network apps"}},
		{"from the host's network to published ports", host, none, front, []string{"net-apps"}, []api.PortConfig{publishedAs(front.Publish[0]), publishedAs(front.Publish[1])},
			"stop-first", "stop-first", []string{"join network apps", "leave network host", "publish port 80 with mode=host", "publish port 8079 with mode=host", "update order start-first -> stop-first"}},
		{"so, from a version that knew nothing of networks", host, unlabelled, front, []string{"net-apps"}, []api.PortConfig{publishedAs(front.Publish[0]), publishedAs(front.Publish[1])},
			"stop-first", "stop-first", []string{"join network apps", "leave network host", "publish port 80 with mode=host", "publish port 8079 with mode=host", "update order start-first -> stop-first"}},
		{"and back", front, none, host, []string{"net-host"}, nil,
			"stop-first", "start-first", []string{"join network host", "leave network apps", "publish port 80 no more", "publish port 8079 no more"}},
		{"back, with an operator's network and port", front, func(s *api.ServiceSpec) { alias(s); port(operators)(s) }, host, []string{"net-host"}, nil,
			"stop-first", "start-first", []string{"join network host", "leave network apps", "leave network mine", "publish port 80 no more", "publish port 8079 no more", "publish port 19000:9000 no more"}},
		{"a port that an operator published in the host's network", host, port(operators), host, []string{"net-host"}, nil,
			"start-first", "start-first", []string{"publish port 19000:9000 no more"}},
		{"from published to the mesh", front, none, mesh, []string{"net-apps"}, []api.PortConfig{publishedAs(mesh.Publish[0]), publishedAs(mesh.Publish[1])},
			"stop-first", "stop-first", []string{"publish port 80 with mode=ingress"}},
		{"an operator's ports stay", front, port(operators), mesh, []string{"net-apps"}, []api.PortConfig{publishedAs(mesh.Publish[0]), publishedAs(mesh.Publish[1]), operators},
			"stop-first", "stop-first", []string{"publish port 80 with mode=ingress"}},
		{"so where any port will do", front, port(free), mesh, []string{"net-apps"}, []api.PortConfig{free, publishedAs(mesh.Publish[0]), publishedAs(mesh.Publish[1])},
			"stop-first", "stop-first", []string{"publish port 80 with mode=ingress"}},
		{"but not in the way of one that is named", host, port(inTheWay), front, []string{"net-apps"}, []api.PortConfig{publishedAs(front.Publish[0]), publishedAs(front.Publish[1])},
			"stop-first", "stop-first", []string{"join network apps", "leave network host", "publish port 80 with mode=host", "publish port 8079 with mode=host", "update order start-first -> stop-first"}},
		{"nothing to do in the host's network", host, none, host, []string{"net-host"}, nil, "start-first", "start-first", nil},
		{"nor after an upgrade", host, unlabelled, host, []string{"net-host"}, nil, "start-first", "start-first", nil},
		{"an operator's order stays in the host's network", host, stopFirst, host, []string{"net-host"}, nil, "stop-first", "start-first", nil},
		{"so after an upgrade", host, func(s *api.ServiceSpec) { unlabelled(s); stopFirst(s) }, host, []string{"net-host"}, nil, "stop-first", "start-first", nil},
		{"an operator's order cannot be where ports are published", front, func(s *api.ServiceSpec) { s.UpdateConfig.Order = "start-first" }, front,
			[]string{"net-apps"}, []api.PortConfig{publishedAs(front.Publish[0]), publishedAs(front.Publish[1])}, "stop-first", "stop-first", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.before.Grace = 0
			first, err := generator.Pack("r1", generator.Proxy{Name: "edge", Spec: c.before}, generator.Files{}, nil)
			if err != nil {
				t.Fatal(err)
			}
			svc := stored(t, created(first, nil))
			if svc.UpdateConfig.Parallelism != 1 || svc.UpdateConfig.Order != c.before.Order || svc.RollbackConfig.Order != c.before.Order {
				t.Errorf("created with %+v and back %+v, want one node at a time in order %s", svc.UpdateConfig, svc.RollbackConfig, c.before.Order)
			}
			svc.UpdateConfig.Parallelism, svc.UpdateConfig.Delay, svc.RollbackConfig.Monitor = 2, 9*time.Second, 7*time.Second
			c.operator(&svc)
			frozen, _ := json.Marshal(svc)
			r := next(t, svc, c.named)
			if !slices.Equal(r.Changes, c.changes) {
				t.Errorf("changes: got %q, want %q", r.Changes, c.changes)
			}
			after := stored(t, updated(svc, r, nil))
			if now, _ := json.Marshal(svc); string(now) != string(frozen) {
				t.Errorf("the specification that was given changed:\n%s\n%s", frozen, now)
			}
			if got := attached(after); !slices.Equal(got, c.networks) {
				t.Errorf("networks: got %v, want %v", got, c.networks)
			}
			if got := ports(after); !slices.Equal(got, c.ports) {
				t.Errorf("ports: got %v, want %v", got, c.ports)
			}
			wantUpdate, wantBack := *svc.UpdateConfig, *svc.RollbackConfig // but for the order the operator's
			wantUpdate.Order, wantBack.Order = c.order, c.after
			if *after.UpdateConfig != wantUpdate || *after.RollbackConfig != wantBack {
				t.Errorf("updates: got %+v and back %+v, want %+v and %+v", *after.UpdateConfig, *after.RollbackConfig, wantUpdate, wantBack)
			}
			if !carries(after, r) || !carriesIn(after.TaskTemplate, r) {
				t.Error("what was sent is not seen as carrying the rollout")
			}
			settings := map[string]string{"net.ipv4.tcp_retries2": "5"}
			if c.named.OnHost() {
				settings = nil // the engine refuses them
			}
			if got := after.TaskTemplate.ContainerSpec.Sysctls; !maps.Equal(got, settings) {
				t.Errorf("the kernel's settings: got %v, want %v", got, settings)
			}
			for _, ref := range after.TaskTemplate.Networks {
				if want := []string{"front"}; ref.Target == mine.ID && !slices.Equal(ref.Aliases, want) {
					t.Errorf("aliases: got %v, want %v", ref.Aliases, want)
				}
			}

			// What was rolled is true, and whatever was changed for this one update
			// only is set right with the next.
			again := next(t, after, c.named)
			if again.Needed() || !carries(after, again) {
				t.Errorf("after the rollout there is still to do: %q", again.Changes)
			}
			settled := stored(t, updated(after, again, nil))
			want := c.named.Order
			if c.order == "stop-first" && c.after == "start-first" && c.changes == nil {
				want = "stop-first" // an operator's
			}
			if settled.UpdateConfig.Order != want || settled.RollbackConfig.Order != c.after {
				t.Errorf("the order of the next update: got %s and back %s, want %s and %s", settled.UpdateConfig.Order, settled.RollbackConfig.Order, want, c.after)
			}
		})
	}
}

func TestKernelSettings(t *testing.T) {
	for _, c := range []struct {
		name      string
		operators map[string]string
		onHost    bool
		want      map[string]string
	}{
		{"none before", nil, false, map[string]string{tcpRetries: "5"}},
		{"an operator's stay", map[string]string{tcpRetries: "8", "net.core.somaxconn": "4096"}, false, map[string]string{tcpRetries: "8", "net.core.somaxconn": "4096"}},
		{"an operator's other one", map[string]string{"net.core.somaxconn": "4096"}, false, map[string]string{tcpRetries: "5", "net.core.somaxconn": "4096"}},
		{"in the host's network", map[string]string{tcpRetries: "5"}, true, nil},
	} {
		before := maps.Clone(c.operators)
		if got := kernelSettings(c.operators, c.onHost); !maps.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
		if !maps.Equal(c.operators, before) {
			t.Errorf("%s: what was given changed", c.name)
		}
	}
}

// TestTaskIsCurrent holds that tasks are told apart that differ by networks or by
// ports alone.
func TestTaskIsCurrent(t *testing.T) {
	front := generator.Spec{Image: "nginx:1.30", Networks: []generator.Network{apps}, Publish: published("host", 80, 8079), Order: "stop-first"}
	svc := func(s generator.Spec) api.Service {
		return api.Service{Spec: stored(t, created(generator.Rollout{Proxy: "edge", Service: "wharfinger-edge", Spec: s, Named: s}, nil))}
	}
	task := func(s generator.Spec, state api.TaskState, twice bool) api.Task {
		of := svc(s)
		t := api.Task{Spec: of.Spec.TaskTemplate, Status: api.TaskStatus{State: state}}
		for _, n := range s.Networks {
			t.NetworksAttachments = append(t.NetworksAttachments, api.NetworkAttachment{
				Network: api.Network{ID: n.ID, Spec: api.NetworkSpec{Annotations: api.Annotations{Name: n.Name}}}})
		}
		if state == api.TaskStateRunning && !s.OnHost() {
			t.Status.PortStatus.Ports = ports(of.Spec)
			if twice {
				t.Status.PortStatus.Ports = slices.Concat(t.Status.PortStatus.Ports, t.Status.PortStatus.Ports)
			}
		}
		return t
	}
	left, mesh := front, front
	host := generator.Spec{Image: "nginx:1.30", Networks: []generator.Network{hostNet}, Publish: published("host", 9000)} // an operator's
	left.Networks = nil
	mesh.Publish = append(published("ingress", 80), published("host", 8079)...)
	for _, c := range []struct {
		name string
		task api.Task
		of   generator.Spec
		want bool
	}{
		{"the same", task(front, api.TaskStateRunning, false), front, true},
		{"the same, told for IPv4 and IPv6", task(front, api.TaskStateRunning, true), front, true},
		{"another network", task(front, api.TaskStateRunning, false), left, false},
		{"other ports", task(front, api.TaskStateRunning, false), mesh, false},
		{"from the host's network", task(host, api.TaskStateRunning, false), front, false},
		{"to the host's network", task(front, api.TaskStateRunning, false), host, false},
		{"in the host's network, where nothing is published", task(host, api.TaskStateRunning, false), host, true},
		{"one that has no ports yet", task(front, api.TaskStateStarting, false), mesh, true},
	} {
		if got := current(c.task, svc(c.of)); got != c.want {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
}

// TestLiveHasNetworks holds what is read of networks, virtual IPs and tasks'
// addresses: sorted, without what routing has no use for.
func TestLiveHasNetworks(t *testing.T) {
	attachment := func(id, name string, ingress bool, addresses ...string) api.NetworkAttachment {
		return api.NetworkAttachment{
			Network:   api.Network{ID: id, Spec: api.NetworkSpec{Annotations: api.Annotations{Name: name}, Ingress: ingress}},
			Addresses: addresses,
		}
	}
	tasks := []api.Task{{ID: "t1", ServiceID: "s1", NetworksAttachments: []api.NetworkAttachment{
		attachment("n-mesh", "ingress", true, "10.0.0.7/24"),
		attachment("n-b", "b", false, "10.0.2.5/24", "fd00:2::5/64"),
		attachment("n-a", "a", false, "10.0.1.5/24"),
		attachment("n-host", "host", false),
	}}}
	services := []api.Service{{ID: "s1"}, {ID: "s2"}, {ID: "s3"}}
	services[0].Spec.TaskTemplate.Networks = []api.NetworkAttachmentConfig{{Target: "n-b"}, {Target: "n-a"}, {Target: "n-b"}}
	services[0].Endpoint.VirtualIPs = []api.EndpointVirtualIP{{NetworkID: "n-mesh", Addr: "10.0.0.2/24"}, {NetworkID: "n-b", Addr: "10.0.2.2/24"}, {NetworkID: "n-a", Addr: "10.0.1.2/24"}}
	//lint:ignore SA1019 as old clients did
	services[1].Spec.Networks = []api.NetworkAttachmentConfig{{Target: "n-a"}}
	services[2].Spec.TaskTemplate.Networks = []api.NetworkAttachmentConfig{{Target: "n-host"}}
	services[2].Endpoint.VirtualIPs = []api.EndpointVirtualIP{{NetworkID: "n-host"}}
	listed := []network.Summary{{ID: "n-host", Name: "host"}, {ID: "n-a", Name: "a"}, {ID: "n-mesh", Name: "ingress", Ingress: true}} // and not n-b

	got := liveOf(byIDs(tasks), listedOf(nil, listed, services, nil))
	want := &generator.Live{
		Nodes:    []generator.Node{},
		Networks: []generator.Network{{ID: "n-a", Name: "a"}, {ID: "n-b", Name: "b"}, {ID: "n-host", Name: "host"}, {ID: "n-mesh", Name: "ingress", Ingress: true}},
		Services: []generator.Service{
			{ID: "s1", Networks: []string{"n-a", "n-b"}, VIPs: []generator.Address{{Network: "n-a", Address: "10.0.1.2"}, {Network: "n-b", Address: "10.0.2.2"}}},
			{ID: "s2", Networks: []string{"n-a"}},
			{ID: "s3", Networks: []string{"n-host"}},
		},
		Tasks: []generator.Task{{ID: "t1", Service: "s1", Addresses: []generator.Address{
			{Network: "n-a", Address: "10.0.1.5"}, {Network: "n-b", Address: "10.0.2.5"}, {Network: "n-b", Address: "fd00:2::5"}}}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// TestBackFrom holds the order in which a rollout is taken back.
func TestBackFrom(t *testing.T) {
	host := generator.Spec{Image: "nginx:1.30", Networks: []generator.Network{hostNet}, Order: "start-first"}
	front := generator.Spec{Image: "nginx:1.30", Publish: published("host", 80), Order: "stop-first"}
	turning := host // from published ports
	turning.Order = "stop-first"
	for _, c := range []struct {
		name         string
		old, taken   generator.Spec
		order, again string // of the way back, and of the next rollout there
	}{
		{"host from host", host, host, "start-first", "start-first"},
		{"host from published", host, front, "stop-first", "start-first"},
		{"published from host", front, turning, "stop-first", "stop-first"},
		{"published from published", front, front, "stop-first", "stop-first"},
	} {
		t.Run(c.name, func(t *testing.T) {
			old := stored(t, created(generator.Rollout{Proxy: "edge", Service: "wharfinger-edge", Spec: c.old, Named: c.old}, nil))
			back := stored(t, backFrom(old, generator.Rollout{ID: "id-2", Spec: c.taken}, "a port is taken"))
			if back.UpdateConfig.Order != c.order || back.Labels[labelFailed] != "id-2" {
				t.Errorf("got order %s and labels %v, want %s", back.UpdateConfig.Order, back.Labels, c.order)
			}
			again := next(t, back, c.old)
			if again.Needed() || again.Spec.Order != c.again {
				t.Errorf("then: got changes %q in order %s, want none in %s", again.Changes, again.Spec.Order, c.again)
			}
		})
	}
}
