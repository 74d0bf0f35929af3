package swarm_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// tasks are the IDs of the proxy's tasks that Swarm wants to run.
func (w *world) tasks() []string {
	w.Helper()
	ids := strings.Fields(w.docker("service", "ps", "-q", "--filter=desired-state=running", "wharfinger-"+w.proxy))
	slices.Sort(ids)
	return ids
}

// settled checks that nothing is to do.
func (w *world) settled() {
	w.Helper()
	if r := w.rollout(); r.Needed() || len(r.Drift) > 0 {
		w.Errorf("after the rollout there is still to do: %q, and drift %q", r.Changes, r.Drift)
	}
}

// TestOperateService has an engine keep every field that a repository can name, and
// take them, change them and lose them again, each time once.
func TestOperateService(t *testing.T) {
	w := newWorld(t, "managed")
	plain := w.extra
	w.extra = plain + `    stop: {signal: SIGTERM, grace: 15s}
    update: {parallelism: 2, delay: 10ms, order: stop-first, monitor: 1s, failure: continue}
    resources: {limits: {cpus: 1.5, memory: 256m}, reservations: {cpus: 0.05, memory: 16m}}
    mounts: [{target: /srv/tmp, type: tmpfs}, {source: managed-www, target: /srv/www, readOnly: true}]
    serviceLabels: {team: web}
    containerLabels: {scrape: "9113"}
    workers: 1
    connections: 128
    openFiles: 512
`
	w.must()
	w.settled()
	const format = "{{with .Spec.TaskTemplate.ContainerSpec}}{{.StopSignal}} {{.StopGracePeriod}} {{len .Mounts}} {{.Labels.scrape}}{{end}} " +
		"{{with .Spec.UpdateConfig}}{{.Parallelism}} {{.Delay}} {{.Order}} {{.Monitor}} {{.FailureAction}}{{end}} " +
		"{{with .Spec.TaskTemplate.Resources}}{{.Limits.NanoCPUs}} {{.Limits.MemoryBytes}} {{.Reservations.NanoCPUs}} {{.Reservations.MemoryBytes}}{{end}} {{.Spec.Labels.team}} {{.Spec.Labels.type}}"
	inspect := func(want string) {
		t.Helper()
		if got := w.docker("service", "inspect", "-f", format, "wharfinger-managed"); got != want {
			t.Errorf("the service has\n%s, want\n%s", got, want)
		}
	}
	inspect("SIGTERM 15s 2 9113 2 10ms stop-first 1s continue 1500000000 268435456 50000000 16777216 web com.docker.interlock.core.proxy")

	t.Log("what concerns the service alone replaces no task")
	before := w.tasks()
	w.extra = strings.NewReplacer("delay: 10ms", "delay: 20ms", "order: stop-first", "order: start-first", "failure: continue", "failure: rollback", "team: web", "team: shop").Replace(w.extra)
	w.must()
	w.settled()
	inspect("SIGTERM 15s 2 9113 2 20ms start-first 1s rollback 1500000000 268435456 50000000 16777216 shop com.docker.interlock.core.proxy")
	if after := w.tasks(); !slices.Equal(before, after) {
		t.Errorf("the tasks were %v and are %v", before, after)
	}

	t.Log("an operator's hand is brought back, or only told")
	w.docker("service", "update", "--detach", "--limit-memory=512m", "--stop-signal=SIGINT", "--label-rm=team", "--mount-rm=/srv/tmp", "wharfinger-managed")
	w.extra += "    drift: report\n"
	r := w.rollout()
	if want := []string{"stop signal", "limit of memory", "mount /srv/tmp", "label team"}; r.Needed() || len(r.Drift) != len(want) {
		t.Errorf("changes %q and drift %q, want drift of %q alone", r.Changes, r.Drift, want)
	}
	w.extra = strings.Replace(w.extra, "report", "repair", 1)
	w.must()
	w.settled()
	inspect("SIGTERM 15s 2 9113 2 20ms start-first 1s rollback 1500000000 268435456 50000000 16777216 shop com.docker.interlock.core.proxy")

	t.Log("what is named no more is what a new service has")
	w.extra = plain
	w.must()
	w.settled()
	inspect("SIGQUIT 12s 0 <no value> 1 1s start-first 3s rollback 0 0 0 0 <no value> com.docker.interlock.core.proxy")

	t.Log("what the service has already is noted, so that a hand is told from a push")
	before = w.tasks()
	w.extra = plain + "    drift: report\n    update: {delay: 1s}\n"
	w.must()
	w.settled()
	if after := w.tasks(); !slices.Equal(before, after) {
		t.Errorf("the tasks were %v and are %v", before, after)
	}
	w.docker("service", "update", "--detach", "--update-delay=9s", "wharfinger-managed")
	if r := w.rollout(); r.Needed() || len(r.Drift) != 1 {
		t.Errorf("changes %q and drift %q, want one drift", r.Changes, r.Drift)
	}
}

// TestReplicas follows a proxy with replicas: never two on a node, as many as the
// repository says, whoever scales.
func TestReplicas(t *testing.T) {
	w := newWorld(t, "few")
	w.extra += "    network: published\n    replicas: 2\n    preferences: [node.labels.nodetype]\n"
	w.cluster = w.connect(2 * time.Minute)
	w.must()
	w.settled()
	const format = "{{.Spec.Mode.Replicated.Replicas}} {{with .Spec.TaskTemplate.Placement}}{{.MaxReplicas}} {{(index .Preferences 0).Spread.SpreadDescriptor}}{{end}}"
	if got, want := w.docker("service", "inspect", "-f", format, "wharfinger-few"), "2 1 node.labels.nodetype"; got != want {
		t.Errorf("the service has %s, want %s", got, want)
	}

	t.Log("another preference counts for tasks to come")
	before := w.tasks()
	w.extra = strings.Replace(w.extra, "preferences: [node.labels.nodetype]", "preferences: [node.labels.zone]", 1)
	w.must()
	w.settled()
	if after := w.tasks(); !slices.Equal(before, after) {
		t.Errorf("the tasks were %v and are %v", before, after)
	}

	t.Log("somebody scales it")
	for _, n := range []int{1, 0} {
		w.docker("service", "scale", "--detach", fmt.Sprintf("wharfinger-few=%d", n))
		if r := w.rollout(); !slices.Equal(r.Changes, []string{fmt.Sprintf("replicas %d -> 2", n)}) {
			t.Errorf("scaled to %d: changes %q", n, r.Changes)
		}
	}
	w.must()
	w.settled()
	if tasks := w.tasks(); len(tasks) != 2 {
		t.Errorf("%d tasks, want 2", len(tasks))
	}
}

// TestFailureIsTakenBack holds that a repository which has Swarm pause or go on after a
// failure gets the old proxies back at the deadline, and that both are told.
func TestFailureIsTakenBack(t *testing.T) {
	for failure, reason := range map[string]string{"pause": "after 15s", "continue": "after 15s"} {
		t.Run(failure, func(t *testing.T) {
			w := newWorld(t, failure+"d")
			w.extra += "    update: {failure: " + failure + "}\n"
			good := w.must()
			w.cluster = w.connect(15 * time.Second)
			w.image = "crash:1.30"
			failed := w.fails(w.rollout(), true)
			if !strings.Contains(failed.Reason, reason) || !strings.Contains(failed.Task, "non-zero exit") {
				t.Errorf("reason %q, task %q", failed.Reason, failed.Task)
			}
			w.serves(good.Digest)
			w.image = "nginx:1.30"
			w.settled()
		})
	}
}
