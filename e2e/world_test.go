package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wharfinger/wharfinger/lab"
)

// A world is what a test works with: an empty Swarm and a repository.
type world struct {
	testing.TB
	lab     *lab.Lab
	manager string // that docker speaks with

	bare   string // the repository's directory
	url    string // the repository, as wharfinger reads it
	remote string // the repository, as push writes it
	clone  string
	pushed time.Time // the last push was done

	asked    []string      // the nodes whose proxies are asked
	patience time.Duration // how long the proxies may take

	daemon *daemon // the one that runs, or ran last
}

func newWorld(t testing.TB) *world {
	t.Helper()
	return newWorldIn(t, theLab)
}

func newWorldIn(t testing.TB, l *lab.Lab) *world {
	t.Helper()
	w := &world{TB: t, lab: l, manager: manager, asked: balancers, patience: 30 * time.Second}
	t.Cleanup(w.leave)
	w.makeRepository()
	return w
}

// part runs a subtest in the same world.
func (w *world) part(name string, test func()) {
	outer := w.TB.(*testing.T)
	outer.Run(name, func(t *testing.T) {
		w.TB = t
		defer func() { w.TB = outer }()
		test()
	})
}

// leave tells what is to be known after a failure and empties the Swarm.
func (w *world) leave() {
	if w.Failed() {
		w.tell()
	}
	if w.daemon != nil && w.daemon.running() {
		w.daemon.stop()
	}
	if services := lines(w.inCleanup("service", "ls", "-q")); len(services) > 0 {
		w.inCleanup(append([]string{"service", "rm"}, services...)...)
	}
	for _, node := range w.lab.Nodes() {
		for end := time.Now().Add(40 * time.Second); ; time.Sleep(100 * time.Millisecond) {
			out, err := w.lab.Docker(context.Background(), node.Name, "ps", "-q")
			if err == nil && out == "" {
				break
			}
			if time.Now().After(end) {
				w.Errorf("%s still has containers after all services were removed: %v: %s", node.Name, err, out)
				break
			}
		}
	}
	if configs := lines(w.inCleanup("config", "ls", "-q")); len(configs) > 0 {
		w.inCleanup(append([]string{"config", "rm"}, configs...)...)
	}
	if secrets := lines(w.inCleanup("secret", "ls", "-q")); len(secrets) > 0 {
		w.inCleanup(append([]string{"secret", "rm"}, secrets...)...)
	}
	for _, network := range lines(w.inCleanup("network", "ls", "--filter", "scope=swarm", "--format", "{{.Name}}")) {
		if network != "ingress" { // which is Swarm's own
			w.inCleanup("network", "rm", network)
		}
	}
}

func (w *world) tell() {
	if w.daemon != nil {
		w.Logf("wharfinger's log:\n%s", w.daemon.log)
	}
	commands := [][]string{{"node", "ls"}, {"service", "ls"}}
	for _, service := range lines(w.inCleanup("service", "ls", "--filter", "name=wharfinger", "--format", "{{.Name}}")) {
		commands = append(commands, []string{"service", "ps", "--no-trunc", service},
			[]string{"service", "inspect", "-f", "{{json .UpdateStatus}}", service})
		if service == "wharfinger" { // it is a service itself
			w.Logf("wharfinger's log:\n%s", w.said())
		}
	}
	for _, args := range commands {
		out, err := w.lab.Docker(context.Background(), w.manager, args...)
		if err != nil {
			out = err.Error()
		}
		w.Logf("docker %s\n%s", strings.Join(args, " "), out)
	}
}

// inCleanup runs docker when the test's context has ended.
func (w *world) inCleanup(args ...string) string {
	out, err := w.lab.Docker(context.Background(), w.manager, args...)
	if err != nil {
		w.Error(err)
	}
	return out
}

func (w *world) docker(args ...string) string {
	w.Helper()
	return w.dockerOn(w.manager, args...)
}

func (w *world) dockerOn(node string, args ...string) string {
	w.Helper()
	out, err := w.lab.Docker(w.Context(), node, args...)
	if err != nil {
		w.Fatal(err)
	}
	return out
}

// application makes a service of the demo application that publishes its port with
// mode=host, and waits for its tasks.
func (w *world) application(name string, replicas int) {
	w.Helper()
	w.docker(service(name, replicas, "--publish", "mode=host,target=8080")...)
	w.running(name, replicas)
}

// service is the command that makes a service of the demo application, on the
// workers. Its answers carry the service's name.
func service(name string, replicas int, args ...string) []string {
	command := append([]string{"service", "create", "--name", name, "--detach", "--quiet", "--replicas", fmt.Sprint(replicas),
		"--constraint", "node.role==worker", "--constraint", "node.labels.nodetype!=loadbalancer",
		"--restart-delay", "100ms", "--env", "METADATA=" + name}, args...)
	return append(command, "wharfinger/demo")
}

// running waits for a service's tasks.
func (w *world) running(service string, replicas int) {
	w.Helper()
	w.eventually(60*time.Second, func() error {
		if n := len(w.tasks(service)); n != replicas {
			return fmt.Errorf("%s has %d tasks that run, want %d", service, n, replicas)
		}
		return nil
	})
}

// overlay makes a network.
func (w *world) overlay(name string, args ...string) {
	w.Helper()
	w.docker(append(append([]string{"network", "create", "--driver", "overlay"}, args...), name)...)
}

func (w *world) scale(service string, replicas int) {
	w.Helper()
	w.docker("service", "scale", "--detach", fmt.Sprintf("%s=%d", service, replicas))
}

// A task is one that runs now.
type task struct {
	Instance string // as the demo application answers it
	Node     string // ID
	Ports    []port // published on the node
	Networks []attachment
}

// An attachment is a task's place on a network.
type attachment struct {
	Network   struct{ Spec struct{ Name string } }
	Addresses []string // with the length of the prefix
}

type port struct{ TargetPort, PublishedPort int }

// tasks returns a service's running tasks.
func (w *world) tasks(service string) []task {
	w.Helper()
	var tasks []task
	ids := lines(w.docker("service", "ps", "-q", "-f", "desired-state=running", service))
	if len(ids) == 0 {
		return nil
	}
	var inspected []struct {
		NodeID              string
		NetworksAttachments []attachment
		Status              struct {
			State           string
			ContainerStatus struct{ ContainerID string }
			PortStatus      struct{ Ports []port }
		}
	}
	w.decode(&inspected, append([]string{"inspect", "--type=task"}, ids...)...)
	for _, t := range inspected {
		if id := t.Status.ContainerStatus.ContainerID; t.Status.State == "running" && len(id) > 12 {
			tasks = append(tasks, task{Instance: id[:12], Node: t.NodeID, Ports: t.Status.PortStatus.Ports, Networks: t.NetworksAttachments})
		}
	}
	return tasks
}

func (w *world) instances(service string) []string {
	w.Helper()
	var names []string
	for _, t := range w.tasks(service) {
		names = append(names, t.Instance)
	}
	slices.Sort(names)
	return names
}

// move has a service's tasks replaced.
func (w *world) move(service string) {
	w.Helper()
	before := w.instances(service)
	w.docker("service", "update", "--detach", "--quiet", "--force", service)
	w.replaced(service, before)
}

// replaced waits until a service has as many tasks as before, all of them others.
func (w *world) replaced(service string, before []string) {
	w.Helper()
	w.eventually(60*time.Second, func() error {
		after := w.instances(service)
		same := func(instance string) bool { return slices.Contains(before, instance) }
		if len(after) != len(before) || slices.ContainsFunc(after, same) {
			return fmt.Errorf("tasks of %s: %s, want others than %s", service, after, before)
		}
		return nil
	})
}

// A proxyService is what the tests look at in the service of the proxy.
type proxyService struct {
	Version struct{ Index int }
	Spec    serviceSpec
	// UpdatedAt is when the spec was last written.
	UpdatedAt    time.Time
	PreviousSpec *serviceSpec
	UpdateStatus struct{ State, Message string }
}

type serviceSpec struct {
	Labels       map[string]string
	TaskTemplate struct {
		ContainerSpec struct {
			Image   string
			Env     []string
			Configs []struct{ ConfigName string }

			StopGracePeriod time.Duration
		}
		Placement struct{ Constraints []string }
		Resources struct{ Limits struct{ MemoryBytes int64 } }
	}
	UpdateConfig struct{ Delay time.Duration }
}

func (w *world) proxy() proxyService {
	w.Helper()
	var list []proxyService
	w.decode(&list, "service", "inspect", "wharfinger-edge")
	return list[0]
}

// version moves with every update that anybody sends, and by itself as long as
// Swarm replaces tasks.
func (w *world) version() int {
	w.Helper()
	return w.proxy().Version.Index
}

// noUpdate checks that nobody sends an update for a while.
func (w *world) noUpdate(during time.Duration) {
	w.Helper()
	before := w.version()
	time.Sleep(during)
	if after := w.version(); after != before {
		w.Errorf("the proxy's service went from version %d to %d, want no update", before, after)
	}
}

func (w *world) decode(into any, args ...string) {
	w.Helper()
	if err := json.Unmarshal([]byte(w.docker(args...)), into); err != nil {
		w.Fatalf("docker %s: %v", strings.Join(args, " "), err)
	}
}

func lines(text string) []string { return strings.Fields(text) }

// eventually waits until what is asked for is so.
func (w *world) eventually(within time.Duration, try func() error) {
	w.Helper()
	for end := time.Now().Add(within); ; time.Sleep(50 * time.Millisecond) {
		err := try()
		if err == nil {
			return
		}
		if time.Now().After(end) {
			w.Fatalf("after %s still: %v", within, err)
		}
	}
}
