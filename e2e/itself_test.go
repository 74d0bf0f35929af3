package e2e_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Wharfinger as users run it, as a service of the Swarm that it watches, with a
// proxy on every node: also on its own, whose address it has to reach from inside
// its container.
func TestServiceItself(t *testing.T) {
	w := newWorld(t)
	w.asked = nil
	for _, node := range theLab.Nodes() {
		w.asked = append(w.asked, node.Name)
	}
	w.patience = 90 * time.Second // five nodes, one after the other, and sometimes twice
	w.application("demo", 1)
	w.push(toDemo(strings.Replace(edge, "    constraints: [node.labels.nodetype == loadbalancer]\n", "", 1), "demo.local"))
	w.itself("wharfinger/wharfinger:dev", "watch", w.url, "--listen", ":8080", "--allow-http", "--interval", "1s")
	w.serves("demo.local", "/", "demo")
	w.Logf("served on %d nodes %.1f s after the push", len(w.asked), time.Since(w.pushed).Seconds())
	w.spread("demo.local", "demo", 1)
	w.isReady()
	w.Logf("confirmed on all of them %.1f s after the push", time.Since(w.pushed).Seconds())

	w.move("demo")
	w.spread("demo.local", "demo", 1)
	w.scale("demo", 3)
	w.spread("demo.local", "demo", 3)
	w.rests()

	begin := time.Now()
	running := w.instances("wharfinger")
	if len(running) != 1 {
		t.Fatalf("wharfinger has the tasks %q, want one", running)
	}
	w.scale("wharfinger", 0)
	// Swarm forgets the task as soon as it is gone; the engine's events do not.
	code := w.exitCode(running[0], begin)
	if took := time.Since(begin); code != "0" || took > 8*time.Second {
		t.Errorf("scaled to 0, wharfinger ended after %s with exit code %s, want 0 within 8 s", took, code)
	}
	w.serves("demo.local", "/", "demo")

	version := w.version()
	w.scale("wharfinger", 1)
	w.isReady()
	w.noUpdate(4 * time.Second)
	if after := w.version(); after != version {
		t.Errorf("the next start brought the proxy's service from version %d to %d, want no update", version, after)
	}
}

// itself starts Wharfinger as a service, by the line of the README, which ends with
// other options, the image and its command.
func (w *world) itself(args ...string) {
	w.Helper()
	w.docker(append([]string{"service", "create", "--detach", "--quiet", "--name", "wharfinger",
		"--mount", "type=bind,src=/var/run/docker.sock,dst=/var/run/docker.sock",
		"--constraint", "node.role==manager",
		"--publish", "mode=host,published=8080,target=8080"}, args...)...)
	w.Cleanup(func() { w.end("wharfinger") })
}

// end removes the service that Wharfinger is, before leave: it would make the proxy's
// service anew.
func (w *world) end(service string) {
	w.Helper()
	w.inCleanup("service", "rm", service)
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if w.inCleanup("ps", "-q", "--filter", "label=com.docker.swarm.service.name="+service) == "" {
			return
		}
	}
	w.Errorf("%s still runs 20 s after its service was removed", service)
}

// isReady waits until the wharfinger that is a service says that every proxy has
// served its routes.
func (w *world) isReady() {
	w.Helper()
	w.eventually(60*time.Second, func() error {
		resp, err := client.Get("http://" + w.lab.Node(w.manager).Address + ":8080/readyz")
		if err != nil {
			return err
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("/readyz answers %s", resp.Status)
		}
		return nil
	})
}

// rests waits until nobody updates the proxy's service and Swarm replaces none of
// its tasks.
func (w *world) rests() {
	w.Helper()
	version, since := w.version(), time.Now()
	w.eventually(90*time.Second, func() error {
		service := w.proxy()
		if service.Version.Index != version || service.UpdateStatus.State == "updating" {
			version, since = service.Version.Index, time.Now()
		}
		if rest := time.Since(since); rest < 4*time.Second {
			return fmt.Errorf("version %d, %s, for %s", version, service.UpdateStatus.State, rest)
		}
		return nil
	})
}

// exitCode waits for the end of a container on the manager.
func (w *world) exitCode(container string, since time.Time) (code string) {
	w.Helper()
	w.eventually(15*time.Second, func() error {
		code = w.docker("events", "--since", fmt.Sprint(since.Unix()-1), "--until", fmt.Sprint(time.Now().Unix()),
			"--filter", "container="+container, "--filter", "event=die", "--format", "{{.Actor.Attributes.exitCode}}")
		if code == "" {
			return fmt.Errorf("container %s has not ended", container)
		}
		return nil
	})
	return code
}
