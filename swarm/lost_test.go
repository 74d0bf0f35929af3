package swarm_test

import (
	"context"
	"testing"
	"time"
)

// A node that is lost in the middle of a rollout holds nobody up: Swarm waits for
// its task for ever (swarmkit, Updater.updateTask: "Consider adding a timeout here").
func TestApplyWithALostNode(t *testing.T) {
	w := newWorld(t, "lost")
	w.cluster = w.connect(3 * time.Minute)
	w.must()
	lost := w.lab.Node("lb-01")
	if err := lost.Stop(true); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := lost.Start(context.Background()); err != nil {
			t.Fatal(err)
		}
		for end := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
			state, err := w.lab.Docker(context.Background(), "mgr-00", "node", "inspect", "-f", "{{.Status.State}}", "lb-01")
			if state == "ready" {
				break
			}
			if time.Now().After(end) {
				t.Fatalf("lb-01 is %q: %v", state, err)
			}
		}
	})
	begin := time.Now()
	w.host = "b.local"
	r := w.rollout()
	if err := w.apply(r); err != nil {
		t.Fatal(err)
	}
	t.Logf("lb-00 serves the new files %.0f s after lb-01 was lost", time.Since(begin).Seconds())
	if got := w.answer("lb-00", r.Digest); got != yes {
		t.Errorf("lb-00 answers %s", got)
	}
}
