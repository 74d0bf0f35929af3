package swarm

import (
	"reflect"
	"testing"
	"time"

	api "github.com/docker/docker/api/types/swarm"

	"github.com/wharfinger/wharfinger/generator"
)

// fullSpec has every field of generator.Spec that a service tells.
func fullSpec() generator.Spec {
	return generator.Spec{
		Image: "nginx:1.30", Constraints: []string{"node.role==worker"},
		Replicated: true, Replicas: 3, PerNode: 1, Preferences: []string{"node.labels.zone", "engine.labels.rack"},
		Signal: "SIGTERM", Grace: time.Minute,
		Networks: []generator.Network{{ID: "net-apps", Name: "apps"}}, Publish: published("host", 80, 8079),
		Order: "stop-first", Update: generator.Update{Parallelism: 2, Delay: 3 * time.Second, Monitor: 4 * time.Second, Failure: "pause"},
		Secrets: []generator.Secret{{ID: "s1", Name: "cert"}},
		Mounts:  []generator.Mount{{Target: "/a", Source: "/srv", Type: "bind", ReadOnly: true}, {Target: "/b", Type: "tmpfs"}},
		Limits:  generator.Amounts{CPUs: 5e8, Memory: 1 << 30}, Reservations: generator.Amounts{CPUs: 1e8, Memory: 1 << 20},
		Labels: map[string]string{"team": "web", "empty": ""}, ContainerLabels: map[string]string{"scrape": "9113", "none": ""},
	}
}

// TestEveryFieldIsReadBack holds that what a service is given, at its creation or by
// an update, is what is read of it: otherwise it would be sent again and again.
func TestEveryFieldIsReadBack(t *testing.T) {
	full := fullSpec()
	notRead := map[string]bool{"Uses": true, "Listens": true}
	for i := range reflect.TypeFor[generator.Spec]().NumField() {
		name := reflect.TypeFor[generator.Spec]().Field(i).Name
		if reflect.ValueOf(full).Field(i).IsZero() != notRead[name] {
			t.Errorf("this test has no value for Spec.%s", name)
		}
	}
	one := generator.Spec{Image: "nginx:1.30", Replicated: true, Replicas: 1, Order: "stop-first", Update: generator.Update{Parallelism: 1}, Publish: published("host", 8079), Grace: time.Second}
	for _, pair := range [][2]generator.Spec{{full, full}, {one, full}, {full, one}} {
		base := generator.Rollout{Proxy: "edge", Service: "wharfinger-edge", ID: "1", Spec: pair[0], Named: pair[0]}
		before := stored(t, created(base, nil))
		from, _ := proxyOf(api.Service{Spec: before})
		if !reflect.DeepEqual(from.Spec, pair[0]) || !carries(before, base) {
			t.Errorf("created: read back\n%+v, want\n%+v", from.Spec, pair[0])
		}
		next := generator.Rollout{Proxy: "edge", Service: "wharfinger-edge", ID: "2", Spec: pair[1], Named: pair[1], From: &from}
		after := stored(t, updated(before, next, nil))
		is, _ := proxyOf(api.Service{Spec: after})
		if !reflect.DeepEqual(is.Spec, pair[1]) || !reflect.DeepEqual(is.Applied, pair[1]) {
			t.Errorf("updated: read back\n%+v, want\n%+v", is.Spec, pair[1])
		}
		if !carries(after, next) || !carriesIn(after.TaskTemplate, next) || after.Labels["type"] != "com.docker.interlock.core.proxy" {
			t.Errorf("what was updated does not carry the rollout: %+v", after)
		}
		if got, want := carries(before, next), reflect.DeepEqual(pair[0], pair[1]); got != want {
			t.Errorf("before the update: carries is %t, want %t", got, want)
		}
	}
}

// TestOperatorsDetailsStay holds that what Spec has no word for stays: a limit of
// processes, generic resources, a volume's driver, the order of replicas over
// platforms.
func TestOperatorsDetailsStay(t *testing.T) {
	r := generator.Rollout{Proxy: "edge", Service: "wharfinger-edge", Spec: fullSpec(), Named: fullSpec()}
	before := created(r, nil)
	task := &before.TaskTemplate
	task.Resources.Limits.Pids = 77
	task.Resources.Reservations.GenericResources = []api.GenericResource{{DiscreteResourceSpec: &api.DiscreteGenericResource{Kind: "gpu", Value: 1}}}
	task.Placement.Platforms = []api.Platform{{OS: "linux"}}
	task.ContainerSpec.Mounts[0].Consistency = "cached"
	before.UpdateConfig.MaxFailureRatio = 0.25
	r.Spec.Limits.Memory, r.Spec.Image = 2<<30, "nginx:1.31"
	after := updated(before, r, nil)
	now := after.TaskTemplate
	if now.Resources.Limits.Pids != 77 || now.Resources.Limits.MemoryBytes != 2<<30 || len(now.Resources.Reservations.GenericResources) != 1 ||
		len(now.Placement.Platforms) != 1 || now.ContainerSpec.Mounts[0].Consistency != "cached" || after.UpdateConfig.MaxFailureRatio != 0.25 {
		t.Errorf("an operator's detail is gone: %+v, %+v, %+v", now.Resources, now.Placement, after.UpdateConfig)
	}
	if task.Resources.Limits.MemoryBytes != 1<<30 {
		t.Error("the specification that was given changed")
	}
}
