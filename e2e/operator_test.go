package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wharfinger/wharfinger/generator"
	"github.com/wharfinger/wharfinger/swarm"
)

// What an operator adds to the proxy's service stays; what the repository names
// is brought back.
func TestOperatorKeeps(t *testing.T) {
	w := newWorld(t)
	w.application("demo", 1)
	d := w.watch()
	d.rolled(w.push(toDemo(edge, "demo.local")))

	const constraint = "node.hostname!=nowhere"
	w.docker("service", "update", "--detach", "--quiet", "--constraint-add", constraint, "--env-add", "MINE=1", "--update-delay", "1s", "wharfinger-edge")
	d.rolled(w.push(toDemo(edge, "demo.local", "new.local")))
	w.serves("new.local", "/", "demo")
	spec := w.proxy().Spec
	if got := spec.TaskTemplate.Placement.Constraints; !slices.Contains(got, constraint) || len(got) != 2 {
		t.Errorf("constraints after the next roll: %q, want the operator's %q beside the repository's", got, constraint)
	}
	if got := spec.TaskTemplate.ContainerSpec.Env; !slices.Contains(got, "MINE=1") {
		t.Errorf("environment after the next roll: %q, want the operator's MINE=1", got)
	}
	if got := spec.UpdateConfig.Delay; got != time.Second {
		t.Errorf("update delay after the next roll: %s, want the operator's 1s", got)
	}

	w.docker("service", "update", "--detach", "--image", "nginx:latest", "wharfinger-edge")
	w.eventually(30*time.Second, func() error {
		if got := w.proxy().Spec.TaskTemplate.ContainerSpec.Image; !strings.HasPrefix(got, "nginx:1.30") {
			return fmt.Errorf("the image is %s, want nginx:1.30 back", got)
		}
		return nil
	})
	d.line(60*time.Second, "msg=pass", "image nginx:latest", "-> nginx:1.30", "apply=")
	w.serves("new.local", "/", "demo")
}

// Without a daemon: diff tells, apply does it, once.
func TestApplyOnce(t *testing.T) {
	w := newWorld(t)
	w.application("demo", 1)
	w.push(toDemo(edge, "demo.local"))

	w.ends(1, "service wharfinger-edge: new", "diff", w.clone)
	w.ends(0, "edge: rolled out in", "apply", w.clone, "--nginx", nginx)
	w.serves("demo.local", "/", "demo")
	w.ends(0, "no difference", "diff", w.clone)

	before := w.version()
	w.ends(0, "edge: nothing to do", "apply", w.clone, "--nginx", nginx)
	if after := w.version(); after != before {
		t.Errorf("the second apply brought the service from version %d to %d, want no update", before, after)
	}

	w.push(toDemo(edge, "demo.local", "new.local"))
	w.ends(1, "host new.local: new, / -> demo", "diff", w.clone)
	w.ends(1, "+    server_name \"new.local\";", "diff", w.clone, "--lines")
	w.ends(0, "edge: rolled out in", "apply", w.url, "--allow-http", "--nginx", nginx)
	w.serves("new.local", "/", "demo")
}

// The live state as JSON renders to the very bytes that the proxies carry.
func TestLiveRendersWhatIsCarried(t *testing.T) {
	w := newWorld(t)
	w.application("demo", 2)
	w.push(toDemo(edge, "demo.local"))
	w.ends(0, "edge: rolled out in", "apply", w.clone, "--nginx", nginx)

	out := t.TempDir()
	text, code := w.onManager("sh", "-c", `"$1" live | "$1" render "$2" --live - -o "$3"`, "sh", wharfinger, w.clone, out)
	if code != 0 {
		t.Fatalf("live | render ends with %d: %s", code, text)
	}
	cluster, err := swarm.Connect(swarm.Options{Host: "unix://" + theLab.Node(manager).Socket})
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	shards, err := cluster.Carried(t.Context(), "edge")
	if err != nil {
		t.Fatal(err)
	}
	carried := generator.Unpack(shards)
	if len(carried) < 4 {
		t.Errorf("the proxy carries %d files, want nginx.conf, status.conf, a server and an upstream", len(carried))
	}
	for _, file := range carried {
		rendered, err := os.ReadFile(filepath.Join(out, "edge", file.Path))
		if err != nil {
			t.Error(err)
		} else if string(rendered) != string(file.Data) {
			t.Errorf("%s is rendered as\n%s\nwant what the proxy carries:\n%s", file.Path, rendered, file.Data)
		}
	}
}

// ends runs a command and checks its exit code and a part of what it prints.
func (w *world) ends(code int, part string, args ...string) {
	w.Helper()
	out, got := w.command(args...)
	if got != code || !strings.Contains(out, part) {
		w.Fatalf("wharfinger %s ends with %d, want %d and %q; it says:\n%s", strings.Join(args, " "), got, code, part, out)
	}
}
