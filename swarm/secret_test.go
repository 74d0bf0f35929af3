package swarm

import (
	"encoding/json"
	"reflect"
	"testing"

	api "github.com/docker/docker/api/types/swarm"

	"github.com/wharfinger/wharfinger/generator"
)

// mounted returns a reference to a secret; change, if not nil, makes it one that
// is not plain.
func mounted(id, name string, change func(*api.SecretReferenceFileTarget)) *api.SecretReference {
	ref := &api.SecretReference{SecretID: id, SecretName: name,
		File: &api.SecretReferenceFileTarget{Name: name, UID: "0", GID: "0", Mode: 0o444}}
	if change != nil {
		change(ref.File)
	}
	return ref
}

func at(target string) func(*api.SecretReferenceFileTarget) {
	return func(f *api.SecretReferenceFileTarget) { f.Name = target }
}

func private(f *api.SecretReferenceFileTarget) { f.Mode = 0o400 }

// TestSecretsOfAService holds what a rollout makes of the secrets that a service
// has. The rollout's are cert with the ID c2, and mine, an operator's that Pack
// kept.
func TestSecretsOfAService(t *testing.T) {
	cert, mine := mounted("c2", "cert", nil), mounted("m", "mine", nil)
	elsewhere, runtime := mounted("c1", "cert", at("/srv/cert")), &api.SecretReference{SecretID: "x", SecretName: "x"}
	for _, c := range []struct {
		name      string
		has, want []*api.SecretReference
	}{
		{"none", nil, []*api.SecretReference{cert, mine}},
		{"these", []*api.SecretReference{mine, cert}, []*api.SecretReference{cert, mine}},
		{"one that was made anew", []*api.SecretReference{mounted("c1", "cert", nil), mine}, []*api.SecretReference{cert, mine}},
		{"one that goes", []*api.SecretReference{mounted("o", "old", nil), cert, mine}, []*api.SecretReference{cert, mine}},
		{"the same one elsewhere", []*api.SecretReference{elsewhere}, []*api.SecretReference{elsewhere, cert, mine}},
		{"no file", []*api.SecretReference{runtime}, []*api.SecretReference{runtime, cert, mine}},
		{"one that nginx could not read", []*api.SecretReference{mounted("c2", "cert", private)}, []*api.SecretReference{cert, mine}},
		{"an operator's that nobody else may read", []*api.SecretReference{mounted("o", "own", private)},
			[]*api.SecretReference{mounted("o", "own", private), cert, mine}},
		{"another one in its place", []*api.SecretReference{mounted("n", "new", at("cert"))}, []*api.SecretReference{cert, mine}},
		{"another one in its place, by its path", []*api.SecretReference{mounted("n", "new", at("/run/secrets/./cert"))},
			[]*api.SecretReference{cert, mine}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, refs := rolloutOf()
			before := created(r, refs)
			before.TaskTemplate.ContainerSpec.Secrets = c.has
			frozen, _ := json.Marshal(before)
			r.Spec.Secrets = []generator.Secret{{ID: "c2", Name: "cert"}, {ID: "m", Name: "mine"}}
			r.Named.Secrets = r.Spec.Secrets[:1]
			after := updated(before, r, refs)
			if now, _ := json.Marshal(before); string(now) != string(frozen) {
				t.Errorf("the spec that was given changed:\n%s\n%s", frozen, now)
			}
			if got := after.TaskTemplate.ContainerSpec.Secrets; !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %s, want %s", asJSON(got), asJSON(c.want))
			}
			if !carries(after, r) {
				t.Error("what was updated does not carry the rollout")
			}
			if got, want := carries(before, r), c.name == "these"; got != want {
				t.Errorf("before the update: carries is %t, want %t", got, want)
			}
			p, ok := proxyOf(api.Service{Spec: after})
			if !ok || !reflect.DeepEqual(p.Spec, r.Spec) || !reflect.DeepEqual(p.Applied, r.Named) {
				t.Errorf("read back: got %+v and %+v, want %+v and %+v", p.Spec, p.Applied, r.Spec, r.Named)
			}
			svc := api.Service{Spec: after}
			if !sameBase(&svc, &p) {
				t.Error("what was read back is not the same base")
			}
			if p.Spec.Secrets = p.Spec.Secrets[:1]; sameBase(&svc, &p) {
				t.Error("a service with one secret more is the same base")
			}
		})
	}
}

func asJSON(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return data
}
