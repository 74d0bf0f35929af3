package swarm

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"strings"
	"testing"
	"time"

	api "github.com/docker/docker/api/types/swarm"

	"github.com/wharfinger/wharfinger/generator"
	"github.com/wharfinger/wharfinger/status"
)

// rolloutOf returns a small rollout with two configs, and references to them.
func rolloutOf() (generator.Rollout, []*api.ConfigReference) {
	spec := generator.Spec{Image: "nginx:1.30", Constraints: []string{"node.role==worker"}, Grace: 40 * time.Second,
		Networks: []generator.Network{{ID: "net-host", Name: "host"}}, Order: "start-first",
		Signal: "SIGQUIT", Update: generator.Update{Parallelism: 1, Delay: time.Second, Monitor: 2 * time.Second, Failure: "rollback"},
		Secrets: []generator.Secret{{ID: "s1", Name: "cert"}}}
	r := generator.Rollout{
		Proxy: "edge", Service: "wharfinger-edge", Revision: "abc", ID: "id-1", Digest: "d1", Spec: spec, Named: spec,
		Shards: []generator.Shard{
			{Config: "wharfinger-edge-2", Path: "routes/000.conf", Data: []byte("2")},
			{Config: "wharfinger-edge-1", Path: "nginx.conf", Data: []byte("1")},
		},
	}
	return r, refsOf(r.Shards, map[string]string{"wharfinger-edge-1": "c1", "wharfinger-edge-2": "c2"})
}

func TestCreatedIsReadBack(t *testing.T) {
	r, refs := rolloutOf()
	spec := created(r, refs)
	got, ok := proxyOf(api.Service{Spec: spec})
	want := generator.ProxyService{
		Proxy: "edge", Service: "wharfinger-edge", Spec: r.Spec, Applied: r.Named,
		Carried: map[string]string{"nginx.conf": "wharfinger-edge-1", "routes/000.conf": "wharfinger-edge-2"},
		Digest:  "d1", Revision: "abc", Since: got.Since,
	}
	if !ok || got.Since.IsZero() || !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if !carries(spec, r) {
		t.Error("what was created does not carry the rollout")
	}
	container := spec.TaskTemplate.ContainerSpec
	if first := container.Configs[0]; first.ConfigID != "c1" || first.File.Name != "/etc/nginx/nginx.conf" || first.File.Mode != 0o444 {
		t.Errorf("first config: got %+v at %+v", first, first.File)
	}
	secret := container.Secrets[0]
	if secret.SecretID != "s1" || secret.SecretName != "cert" || *secret.File != (api.SecretReferenceFileTarget{Name: "cert", UID: "0", GID: "0", Mode: 0o444}) {
		t.Errorf("secret: got %+v at %+v", secret, secret.File)
	}
	if container.StopSignal != "SIGQUIT" || spec.Mode.Global == nil || spec.UpdateConfig.Order != "start-first" ||
		spec.UpdateConfig.FailureAction != "rollback" || spec.TaskTemplate.Networks[0].Target != "net-host" {
		t.Errorf("got %+v", spec)
	}
	if got := spec.Labels["type"]; got != "com.docker.interlock.core.proxy" {
		t.Errorf("type: got %q", got)
	}
}

func TestUpdatedKeepsWhatItDoesNotName(t *testing.T) {
	r, refs := rolloutOf()
	before := created(r, refs)
	theirs := &api.ConfigReference{ConfigID: "x", ConfigName: "mime", File: &api.ConfigReferenceFileTarget{Name: "/etc/nginx/mime.types"}}
	elsewhere := &api.ConfigReference{ConfigID: "y", ConfigName: "wharfinger-edge-9", File: &api.ConfigReferenceFileTarget{Name: "/srv/x"}}
	byHand := *refs[1] // somebody's own in the place of ours
	byHand.ConfigName = "mine"
	before.TaskTemplate.ContainerSpec.Configs = append(before.TaskTemplate.ContainerSpec.Configs, theirs, elsewhere, &byHand)
	before.TaskTemplate.ContainerSpec.Env = []string{"TZ=UTC"}
	before.TaskTemplate.ForceUpdate = 3
	before.Labels["team"] = "web"
	before.Labels[labelFailed] = "id-0"
	frozen, _ := json.Marshal(before)

	r.ID, r.Digest, r.Spec.Image = "id-2", "d2", "nginx:1.31"
	r.Spec.Labels = map[string]string{"team": "web"} // as Pack has it
	r.Shards = r.Shards[:1]
	after := updated(before, r, refs[1:])
	if now, _ := json.Marshal(before); string(now) != string(frozen) {
		t.Errorf("the spec that was given changed:\n%s\n%s", frozen, now)
	}
	container := after.TaskTemplate.ContainerSpec
	if container.Image != "nginx:1.31" || !reflect.DeepEqual(container.Configs, []*api.ConfigReference{theirs, elsewhere, refs[1]}) {
		t.Errorf("got image %s, configs %v", container.Image, container.Configs)
	}
	if !reflect.DeepEqual(container.Env, []string{"TZ=UTC"}) || after.TaskTemplate.ForceUpdate != 3 || after.Labels["team"] != "web" {
		t.Errorf("an operator's value is gone: %+v", after)
	}
	if _, ok := after.Labels[labelFailed]; ok || after.Labels[labelRollout] != "id-2" || after.Labels[labelDigest] != "d2" {
		t.Errorf("labels: got %v", after.Labels)
	}
}

func TestProxyOfRefuses(t *testing.T) {
	for name, labels := range map[string]map[string]string{
		"wharfinger-edge": nil,
		"copy-of-edge":    {labelProxy: "edge"},
	} {
		svc := api.Service{Spec: api.ServiceSpec{Annotations: api.Annotations{Name: name, Labels: labels}}}
		if p, ok := proxyOf(svc); ok {
			t.Errorf("%s: got %+v, want none", name, p)
		}
	}
}

func TestImageComesBackAsWritten(t *testing.T) {
	const (
		digest  = "@sha256:0123456789012345678901234567890123456789012345678901234567890123"
		another = "@sha256:abcdefabcdefabcdefabcdefabcdefabcdefabcdefabcdefabcdefabcdefabcd"
		private = "registry.example.org:5000/web/nginx"
	)
	for _, c := range []struct{ service, applied, want string }{
		{"nginx:1.30", "nginx:1.30", "nginx:1.30"},
		{"nginx:1.30", "docker.io/library/nginx:1.30", "docker.io/library/nginx:1.30"},
		{"nginx:latest", "nginx", "nginx"},
		{"nginx:1.30" + digest, "nginx:1.30", "nginx:1.30" + digest},
		{"nginx:1.30" + digest, "docker.io/nginx:1.30", "docker.io/nginx:1.30" + digest},
		{"nginx:1.31", "nginx:1.30", "nginx:1.31"},
		{"nginx:1.30", "", "nginx:1.30"},
		// A digest that was written.
		{"nginx" + digest, "nginx" + digest, "nginx" + digest},
		{"nginx" + digest, "docker.io/library/nginx" + digest, "docker.io/library/nginx" + digest},
		{"nginx:1.30" + digest, "nginx:1.30" + digest, "nginx:1.30" + digest},
		{"nginx:1.30" + digest, "docker.io/library/nginx:1.30" + digest, "docker.io/library/nginx:1.30" + digest},
		{"nginx:1.30" + another, "docker.io/nginx:1.30" + digest, "docker.io/nginx:1.30" + another},
		{"nginx:1.30", "nginx:1.30" + digest, "nginx:1.30"},
		{"nginx" + another, "docker.io/nginx" + digest, "nginx" + another},
		{private + digest, private + digest, private + digest},
		{private + ":1.30" + digest, private + ":1.30" + digest, private + ":1.30" + digest},
		{private + ":1.30" + digest, private + ":1.30", private + ":1.30" + digest},
		{private + ":latest", private, private},
	} {
		spec := api.ServiceSpec{TaskTemplate: api.TaskSpec{ContainerSpec: &api.ContainerSpec{Image: c.service}}}
		if got := specOf(spec, generator.Spec{Image: c.applied}).Image; got != c.want {
			t.Errorf("%s, applied as %s: got %s, want %s", c.service, c.applied, got, c.want)
		}
	}
}

// What is written in any way settles: what the client makes of it is seen as
// carrying it.
func TestImageSettles(t *testing.T) {
	const digest = "@sha256:0123456789012345678901234567890123456789012345678901234567890123"
	for _, registry := range []string{"", "docker.io/", "docker.io/library/", "registry.example.org:5000/", "localhost:5000/web/"} {
		for _, rest := range []string{"", ":1.30", digest, ":1.30" + digest} {
			r, refs := rolloutOf()
			r.Spec.Image = registry + "nginx" + rest
			spec := updated(created(r, refs), r, refs)
			stored := spec.TaskTemplate.ContainerSpec
			stored.Image = engineName(r.Spec.Image) // as client.ServiceUpdate does
			if !carries(spec, r) {
				t.Errorf("%s is sent for ever: it is stored as %s", r.Spec.Image, stored.Image)
			}
		}
	}
}

func TestFailedOf(t *testing.T) {
	labelled := func(rollout, failed string) *api.ServiceSpec {
		labels := map[string]string{labelRollout: rollout, labelRevision: "rev-" + rollout}
		if failed != "" {
			maps.Copy(labels, failure(generator.Rollout{ID: failed, Revision: "rev-" + failed}, "it crashed"))
		}
		return &api.ServiceSpec{Annotations: api.Annotations{Labels: labels}}
	}
	for _, c := range []struct {
		name      string
		now, prev *api.ServiceSpec
		state     api.UpdateState
		want, why string
	}{
		{"quiet", labelled("b", ""), labelled("a", ""), api.UpdateStateCompleted, "", ""},
		{"recorded", labelled("a", "b"), labelled("b", ""), "", "b", "it crashed"},
		{"rolled back by an operator", labelled("a", ""), labelled("b", ""), api.UpdateStateRollbackCompleted, "b", "somebody rolled it back"},
		{"rolled back by Swarm, not recorded yet", labelled("a", ""), nil, api.UpdateStateRollbackCompleted, "", ""},
		{"paused", labelled("b", ""), labelled("a", ""), api.UpdateStatePaused, "b", "too many failed"},
	} {
		svc := api.Service{Spec: *c.now, PreviousSpec: c.prev}
		if c.state != "" {
			svc.UpdateStatus = &api.UpdateStatus{State: c.state, Message: "too many failed"}
		}
		revision := ""
		if c.want != "" {
			revision = "rev-" + c.want
		}
		if got, of, why := failedOf(svc); got != c.want || of != revision || why != c.why {
			t.Errorf("%s: got %q of %q, %q; want %q of %q, %q", c.name, got, of, why, c.want, revision, c.why)
		}
	}
}

// Since is of the revision, not of its latest rollout: moved tasks do not make it young.
func TestOperateSince(t *testing.T) {
	r, refs := rolloutOf()
	spec := created(r, refs)
	first := spec.Labels[labelSince]
	if _, err := time.Parse(time.RFC3339, first); err != nil {
		t.Fatal(err)
	}
	const long = "2024-01-01T12:00:00Z"
	spec.Labels[labelSince] = long
	r.ID = "id-2"
	if got := updated(spec, r, refs).Labels[labelSince]; got != long {
		t.Errorf("the same revision rolled again: since %s, want %s", got, long)
	}
	if p, _ := proxyOf(api.Service{Spec: spec}); p.Since.Format(time.RFC3339) != long {
		t.Errorf("read back: %s, want %s", p.Since, long)
	}
	r.Revision = "another"
	spec = updated(spec, r, refs)
	if got := spec.Labels[labelSince]; got == long {
		t.Errorf("another revision: since %s, want now", got)
	}
}

func TestOperateHistory(t *testing.T) {
	r, refs := rolloutOf()
	spec := created(r, refs)
	for i := range mostPast + 5 {
		spec.Labels[labelSince] = time.Date(2024, 1, 1, i, 0, 0, 0, time.UTC).Format(time.RFC3339)
		r.Revision = fmt.Sprintf("r%d", i+1)
		spec = updated(spec, r, refs)
		spec = updated(spec, r, refs) // a task moved
	}
	old := spec
	r.Revision = "bad"
	bad := updated(spec, r, refs)
	spec = backFrom(stored(t, old), r, "it crashed")
	if strings.Contains(spec.Labels[labelHistory], "bad") || !strings.Contains(bad.Labels[labelHistory], `"r25"`) {
		t.Errorf("history after a failure: %s; while it lasted: %s", spec.Labels[labelHistory], bad.Labels[labelHistory])
	}
	svc := api.Service{Spec: spec}
	p, _ := proxyOf(svc)
	at := time.Date(2024, 1, 3, 0, 0, 0, 0, time.UTC)
	got := historyOf(svc, p, at)
	if len(got) != mostPast+2 {
		t.Fatalf("got %d entries, want %d", len(got), mostPast+2)
	}
	if want := (status.Entry{Proxy: "edge", Revision: "bad", Since: at, State: status.Refused, Why: "it crashed"}); got[0] != want {
		t.Errorf("got %+v, want %+v", got[0], want)
	}
	if want := (status.Entry{Proxy: "edge", Revision: "r25", Since: p.Since, State: status.Current}); got[1] != want {
		t.Errorf("got %+v, want %+v", got[1], want)
	}
	if want := (status.Entry{Proxy: "edge", Revision: "r24", Since: at.Add(-24 * time.Hour), Until: p.Since, State: status.Former}); got[2] != want {
		t.Errorf("got %+v, want %+v", got[2], want)
	}
	svc.Spec.Labels[labelHistory] = "broken by hand"
	if got := historyOf(svc, p, at); len(got) != 2 {
		t.Errorf("with a broken label: got %+v", got)
	}
}

func TestOutdated(t *testing.T) {
	now := time.Date(2024, 1, 1, 12, 0, 0, 0, time.UTC)
	using := func(ids ...string) api.ServiceSpec {
		c := &api.ContainerSpec{}
		for _, id := range ids {
			c.Configs = append(c.Configs, &api.ConfigReference{ConfigID: id})
		}
		return api.ServiceSpec{TaskTemplate: api.TaskSpec{ContainerSpec: c}}
	}
	config := func(id string, age time.Duration) api.Config {
		return api.Config{ID: id, Meta: api.Meta{CreatedAt: now.Add(-age)}}
	}
	previous := using("previous")
	svc := api.Service{Meta: api.Meta{UpdatedAt: now}, Spec: using("now"), PreviousSpec: &previous}
	old := outdated([]api.Config{
		config("now", time.Hour), config("previous", time.Hour), config("old", time.Hour),
		config("young", 10*time.Second), config("later", -time.Minute),
	}, svc, time.Minute)
	if len(old) != 1 || old[0].ID != "old" {
		t.Errorf("got %v, want only the old one", old)
	}
}
