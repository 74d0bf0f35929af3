package swarm

import (
	"reflect"
	"slices"
	"testing"

	api "github.com/docker/docker/api/types/swarm"

	"github.com/wharfinger/wharfinger/generator"
)

func TestPortsOf(t *testing.T) {
	host := func(target, published uint32) api.PortConfig {
		return api.PortConfig{Protocol: "tcp", TargetPort: target, PublishedPort: published, PublishMode: api.PortConfigPublishModeHost}
	}
	mesh := host(81, 8081)
	mesh.PublishMode = api.PortConfigPublishModeIngress
	got := portsOf([]api.PortConfig{host(443, 32770), host(443, 32771), mesh, host(80, 32768), host(80, 32768)})
	want := []generator.Port{{Protocol: "tcp", Target: 80, Published: 32768}, {Protocol: "tcp", Target: 443, Published: 32770}, {Protocol: "tcp", Target: 443, Published: 32771}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestServicePorts(t *testing.T) {
	s := api.Service{Spec: api.ServiceSpec{EndpointSpec: &api.EndpointSpec{Ports: []api.PortConfig{
		{Protocol: "udp", TargetPort: 53, PublishedPort: 53, PublishMode: api.PortConfigPublishModeIngress},
		{Protocol: "tcp", TargetPort: 8080, PublishMode: api.PortConfigPublishModeHost}, // any free port of the node
		{Protocol: "tcp", TargetPort: 53, PublishedPort: 53, PublishMode: api.PortConfigPublishModeIngress},
	}}}}
	want := []generator.ServicePort{{Protocol: "tcp", Target: 53, Published: 53, Mode: "ingress"}, {Protocol: "udp", Target: 53, Published: 53, Mode: "ingress"}, {Protocol: "tcp", Target: 8080, Mode: "host"}}
	if got := serviceOf(s).Ports; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestLiveOf(t *testing.T) {
	task := func(id, service, node string) api.Task {
		return api.Task{ID: id, ServiceID: service, NodeID: node, Status: api.TaskStatus{State: api.TaskStateRunning}}
	}
	tasks := []api.Task{task("t3", "s1", "n1"), task("t1", "s1", ""), task("t2", "gone", "n1"), task("t4", "s1", "gone")}
	nodes := []api.Node{{ID: "n2"}, {ID: "n1", ManagerStatus: &api.ManagerStatus{Addr: "10.0.0.1:2377"}}}
	nodes[0].Spec.Labels = map[string]string{}
	secret := func(id, name string) api.Secret {
		return api.Secret{ID: id, Spec: api.SecretSpec{Annotations: api.Annotations{Name: name}, Data: []byte("hush")}}
	}
	live := liveOf(byIDs(tasks), listedOf(nodes, nil, []api.Service{{ID: "s1"}}, []api.Secret{secret("x1", "key"), secret("x2", "cert")}))
	want := &generator.Live{
		Nodes:    []generator.Node{{ID: "n1", ManagerAddr: "10.0.0.1:2377"}, {ID: "n2"}},
		Services: []generator.Service{{ID: "s1"}},
		Tasks: []generator.Task{
			{ID: "t1", Service: "s1", State: "running"},
			{ID: "t3", Service: "s1", Node: "n1", State: "running"},
		},
		Secrets: []generator.Secret{{ID: "x2", Name: "cert"}, {ID: "x1", Name: "key"}},
	}
	if !reflect.DeepEqual(live, want) {
		t.Errorf("got  %+v\nwant %+v", live, want)
	}
}

// byIDs are tasks as Read keeps them.
func byIDs(list []api.Task) []task {
	var out []task
	for _, t := range list {
		out = append(out, taskOf(t))
	}
	slices.SortFunc(out, byID)
	return out
}
