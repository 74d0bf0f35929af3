package watcher

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wharfinger/wharfinger/generator"
	"github.com/wharfinger/wharfinger/route"
)

// pushSecret has the one host served with a certificate.
func (w *world) pushSecret(revision, secret string) {
	data := fmt.Sprintf(`
proxies: {edge: {image: "nginx:1.30"}}
pools: {demo: {service: demo, port: 8080}}
routes: {demo: {hosts: [a.example], pool: demo, tls: {cert: %s, key: key}}}
`, secret)
	w.rev = route.Revision{ID: revision, Files: []route.File{{Path: "routes.yaml", Data: []byte(data)}}}
}

func secretsOf(names ...string) []generator.Secret {
	var out []generator.Secret
	for _, name := range names {
		out = append(out, generator.Secret{ID: "id-" + name, Name: name})
	}
	return out
}

// TestMissingSecretTakesNothingAway holds that a certificate which is not there yet
// does not put out the one that is served, that tasks are followed meanwhile, and that
// the push comes into force as soon as the secret is there.
func TestMissingSecretTakesNothingAway(t *testing.T) {
	w := newWorld()
	w.live.Secrets = secretsOf("key", "old")
	w.pushSecret("with old", "old")
	log := run(t, w, func(l *Loop) {
		w.change(w.source, func() { w.pushSecret("with new", "new") })
		w.change(w.cluster, func() { w.live.Tasks = []generator.Task{task("t2", 32769)} })
		w.change(w.cluster, func() { w.live.Secrets = secretsOf("key", "new", "old") })
		time.Sleep(DefaultHoldoff().Pace)
	})
	w.wantApplied(t, "with old", "with old", "with new")
	const told = "proxy edge is not brought to the revision"
	if strings.Count(log, told) != 1 || !strings.Contains(log, "it keeps what it serves until this is mended") || !strings.Contains(log, "there is no secret new in the Swarm") {
		t.Errorf("the log shall tell once why the proxy waits:\n%s", log)
	}
	if !strings.Contains(log, `msg="well again" what="rollout edge"`) {
		t.Errorf("the log does not tell that it is well again:\n%s", log)
	}
}

// TestNewHostWithoutSecretHoldsNobody holds that a host which was not served before
// holds nobody up: it rejects handshakes until its secret is there.
func TestNewHostWithoutSecretHoldsNobody(t *testing.T) {
	w := newWorld()
	run(t, w, func(*Loop) {
		w.change(w.source, func() { w.pushSecret("with new", "new") })
	})
	w.wantApplied(t, "a.example", "with new")
}

// TestDriftIsToldOnce holds what is logged of an operator's hand, and what becomes of
// it.
func TestDriftIsToldOnce(t *testing.T) {
	for _, c := range []struct {
		drift   string
		becomes string
		applied []string
	}{
		{"repair", "it is brought back", []string{"r1", "r1"}},
		{"report", "it is left so (drift: report)", []string{"r1"}},
	} {
		w := newWorld()
		w.rev = route.Revision{ID: "r1", Files: []route.File{{Path: "routes.yaml", Data: fmt.Appendf(nil, `
proxies: {edge: {image: "nginx:1.30", drift: %s, stop: {signal: SIGQUIT}}}
pools: {demo: {service: demo, port: 8080}}
routes: {demo: {hosts: [a.example], pool: demo}}
`, c.drift)}}}
		log := run(t, w, func(*Loop) {
			w.change(w.cluster, func() { w.live.Proxies[0].Spec.Signal = "SIGTERM" })
			w.change(w.cluster, func() { w.live.Tasks[0].ID = "t9" })
		})
		w.wantApplied(t, c.applied...)
		want := "stop signal is SIGTERM, but the repository says SIGQUIT; " + c.becomes
		if strings.Count(log, want) != 1 {
			t.Errorf("%s: the log holds %q %d times, want once:\n%s", c.drift, want, strings.Count(log, want), log)
		}
	}
}
