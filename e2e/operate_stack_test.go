package e2e_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v3"
)

const exampleStack = "../examples/run/stack.yaml"

// stackFile is what the tests look at in the stack file.
type stackFile struct {
	Services map[string]struct {
		ReadOnly bool     `yaml:"read_only"`
		CapDrop  []string `yaml:"cap_drop"`
		CapAdd   []string `yaml:"cap_add"`
	}
}

func readStack(t *testing.T) stackFile {
	t.Helper()
	data, err := os.ReadFile(exampleStack)
	if err != nil {
		t.Fatal(err)
	}
	var stack stackFile
	if err := yaml.Unmarshal(data, &stack); err != nil {
		t.Fatal(err)
	}
	return stack
}

// The stack file as it stands, with the settings beside it: from a push to a request,
// with tasks that move, under all its restrictions.
func TestOperateStack(t *testing.T) {
	w := newWorld(t)
	w.application("demo", 1)
	w.push(toDemo(edge, "demo.local"))
	dir := t.TempDir()
	stack, err := os.ReadFile(exampleStack)
	if err != nil {
		t.Fatal(err)
	}
	settings, err := os.ReadFile("../examples/run/wharfinger.yaml")
	if err != nil {
		t.Fatal(err)
	}
	// The lab's server speaks plain HTTP, to which no token is sent.
	here := strings.NewReplacer("git-token-file:", "allow-http: true\n# git-token-file:", "interval: 30s", "interval: 1s").Replace(string(settings))
	for name, text := range map[string]string{"stack.yaml": string(stack), "wharfinger.yaml": here, "token.txt": "unused"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	w.docker("secret", "create", "git-token", filepath.Join(dir, "token.txt"))
	if out, code := w.onManager("docker", "stack", "deploy", "--compose-file", filepath.Join(dir, "stack.yaml"), "wharfinger"); code == 0 || !strings.Contains(out, "ROUTES") {
		t.Errorf("without a repository: got exit code %d, %s", code, out)
	}
	if out, code := w.onManager("env", "ROUTES="+w.url, "docker", "stack", "deploy", "--compose-file", filepath.Join(dir, "stack.yaml"), "wharfinger"); code != 0 {
		t.Fatalf("docker stack deploy: exit code %d: %s", code, out)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("its log:\n%s", w.saidBy("wharfinger_wharfinger"))
		}
		w.end("wharfinger_wharfinger")
	})
	w.serves("demo.local", "/", "demo")
	w.spread("demo.local", "demo", 1)
	w.isReady()

	w.move("demo")
	w.spread("demo.local", "demo", 1)
	w.scale("demo", 3)
	w.spread("demo.local", "demo", 3)
	w.push(toDemo(edge, "demo.local", "new.local"))
	w.serves("new.local", "/", "demo")

	containers := w.instances("wharfinger_wharfinger")
	if len(containers) != 1 {
		t.Fatalf("wharfinger has the tasks %q, want one", containers)
	}
	var inspected []struct {
		HostConfig struct {
			ReadonlyRootfs  bool
			CapAdd, CapDrop []string
			Privileged      bool
		}
		Mounts []struct{ Type, Source, Destination string }
	}
	if err := json.Unmarshal([]byte(w.docker("inspect", containers[0])), &inspected); err != nil {
		t.Fatal(err)
	}
	got := inspected[0]
	slices.Sort(got.HostConfig.CapAdd)
	if h := got.HostConfig; !h.ReadonlyRootfs || h.Privileged || !slices.Equal(h.CapDrop, []string{"ALL"}) || len(h.CapAdd) != len(readStack(t).Services["wharfinger"].CapAdd) {
		t.Errorf("the engine runs it with %+v, want what the stack file says", h)
	}
	for _, m := range got.Mounts {
		if m.Type == "bind" && m.Destination != "/var/run/docker.sock" && !strings.HasPrefix(m.Destination, "/run/secrets") && m.Destination != "/wharfinger.yaml" {
			t.Errorf("it sees %s of the node, at %s; want the socket alone", m.Source, m.Destination)
		}
	}
	log := w.saidBy("wharfinger_wharfinger")
	if !strings.Contains(log, `"what":"`+lackInContainer+`"`) || strings.Count(log, "the sandbox of nginx -t lacks") != 1 {
		t.Errorf("want the sandbox to lack %q and nothing else:\n%s", lackInContainer, log)
	}
}

// lackInContainer is what the sandbox of nginx -t lacks in a container, and docs/operations.md
// tells the cost of.
const lackInContainer = "a network of its own (CAP_SYS_ADMIN, or user namespaces)"

// The stack file gives no power that is not needed: without any one of them nginx -t
// cannot run at all, or its sandbox lacks more.
func TestOperateLeastPower(t *testing.T) {
	w := newWorld(t)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "routes.yaml"), []byte(toDemo(edge, "demo.local")), 0o644); err != nil {
		t.Fatal(err)
	}
	check := func(powers []string) (string, int) {
		args := []string{"docker", "run", "--rm", "--read-only", "--tmpfs", "/tmp", "--security-opt", "no-new-privileges", "--cap-drop", "ALL"}
		for _, power := range powers {
			args = append(args, "--cap-add", power)
		}
		begin := time.Now()
		out, code := w.onManager(append(args, "--volume", dir+":/routes:ro", "wharfinger/wharfinger:dev", "check", "/routes", "--nginx", "nginx")...)
		t.Logf("with %s, after %.1f s: exit code %d, %s", strings.Join(powers, ", "), time.Since(begin).Seconds(), code, out)
		return out, code
	}
	service := readStack(t).Services["wharfinger"]
	if !service.ReadOnly || !slices.Equal(service.CapDrop, []string{"ALL"}) {
		t.Errorf("the stack file: got %+v, want a root that is only read, and all capabilities dropped", service)
	}
	want := "warning: nginx -t runs without " + lackInContainer + "\n"
	if out, code := check(service.CapAdd); code != 0 || !strings.Contains(out, want) {
		t.Errorf("with what the stack file gives: got exit code %d, %s", code, out)
	}
	for i, power := range service.CapAdd {
		rest := slices.Delete(slices.Clone(service.CapAdd), i, i+1)
		if out, code := check(rest); code == 0 && strings.Contains(out, want) {
			t.Errorf("%s is given, but nothing needs it", power)
		}
	}
}
