package e2e_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// What the repository names of a proxy's service is brought back, or with drift:
// report only told of; what it does not name stays as the operator has made it.
func TestProxiesDrift(t *testing.T) {
	w := newWorld(t)
	w.application("demo", 1)
	named := edge + `    serviceLabels: {team: web}
    stop: {grace: 20s}
`
	d := w.watch()
	d.rolled(w.push(toDemo(named, "demo.local")))
	w.serves("demo.local", "/", "demo")

	w.part("repair", func() {
		end := w.patrol("demo.local")
		// Some of what is named, and some of what is not.
		w.docker("service", "update", "--detach", "--quiet", "--no-resolve-image", "--image", "nginx:latest", "--label-add", "team=other", "--stop-grace-period", "33s",
			"--env-add", "MINE=1", "--label-add", "mine=1", "--limit-memory", "512m", "--update-delay", "2s", "wharfinger-edge")
		var told []string
		for range 3 {
			told = append(told, d.line(20*time.Second, "level=WARN", "changed by hand", "proxy=edge"))
		}
		for _, want := range []string{
			"image is nginx:latest, but the repository says nginx:1.30",
			"label team is other, but the repository says web",
			"stop grace period is 33s, but the repository says 20s",
		} {
			if !strings.Contains(strings.Join(told, "\n"), want) {
				w.Errorf("the log says\n%s\nand does not say %q", strings.Join(told, "\n"), want)
			}
		}
		w.eventually(w.patience, func() error { return w.has("nginx:1.30", "web", 20*time.Second) })
		w.rests()
		w.operators()
		w.ends(0, "no difference", "diff", w.clone)
		end()
	})
	w.part("report", func() {
		reporting := named + "    drift: report\n"
		d.rolled(w.push(toDemo(reporting, "demo.local")))
		w.rests()
		end := w.patrol("demo.local")
		w.docker("service", "update", "--detach", "--quiet", "--label-add", "team=other", "--stop-grace-period", "33s", "wharfinger-edge")
		d.line(20*time.Second, "level=WARN", "changed by hand", "proxy=edge", "stop grace period is 33s, but the repository says 20s")
		d.line(5*time.Second, "level=WARN", "changed by hand", "proxy=edge", "label team is other, but the repository says web")
		w.rests() // Swarm itself replaces the tasks
		w.noUpdate(4 * time.Second)
		w.ends(1, "stop grace period is 33s, but the repository says 20s", "diff", w.clone)

		// It outlives a roll for another reason, and ends with repair.
		d.rolled(w.push(toDemo(reporting, "demo.local", "new.local")))
		w.serves("new.local", "/", "demo")
		if err := w.has("nginx:1.30", "other", 33*time.Second); err != nil {
			w.Errorf("after the roll for a new host: %v", err)
		}
		d.rolled(w.push(toDemo(named, "demo.local", "new.local")))
		w.eventually(w.patience, func() error { return w.has("nginx:1.30", "web", 20*time.Second) })
		w.operators()
		end()
	})
}

// has compares what the repository of TestProxiesDrift names with what there is.
func (w *world) has(image, team string, grace time.Duration) error {
	spec := w.proxy().Spec
	container := spec.TaskTemplate.ContainerSpec
	if !strings.HasPrefix(container.Image, image) || spec.Labels["team"] != team || container.StopGracePeriod != grace {
		return fmt.Errorf("the service has image %s, label team=%s and grace %s, want %s, %s and %s",
			container.Image, spec.Labels["team"], container.StopGracePeriod, image, team, grace)
	}
	return nil
}

// operators checks that what is the operator's is as it was made.
func (w *world) operators() {
	w.Helper()
	spec := w.proxy().Spec
	if got := spec.TaskTemplate.ContainerSpec.Env; !slices.Contains(got, "MINE=1") {
		w.Errorf("environment: %q, want the operator's MINE=1", got)
	}
	if got := spec.Labels["mine"]; got != "1" {
		w.Errorf("label mine: %q, want the operator's 1", got)
	}
	if got := spec.TaskTemplate.Resources.Limits.MemoryBytes; got != 512<<20 {
		w.Errorf("limit of memory: %d bytes, want the operator's %d", got, 512<<20)
	}
	if got := spec.UpdateConfig.Delay; got != 2*time.Second {
		w.Errorf("update delay: %s, want the operator's 2s", got)
	}
}
