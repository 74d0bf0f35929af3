package generator

import (
	"reflect"
	"testing"
	"time"

	"github.com/wharfinger/wharfinger/route"
)

// oneProxy returns the builder of a proxy in a Swarm with the secrets a and b.
func oneProxy() *proxyBuilder {
	return newBuilder(&Live{Secrets: []Secret{{"id-a", "a"}, {"id-b", "b"}}}).one()
}

func TestSecretsOfAProxy(t *testing.T) {
	b := oneProxy()
	for _, name := range []string{"b", "a", "b"} {
		if path, ok := b.secret(route.Pos{}, name, "x"); path != "/run/secrets/"+name || !ok {
			t.Errorf("secret %s: got %q, %t", name, path, ok)
		}
	}
	if path, ok := b.secret(route.Pos{File: "a.yaml", Line: 3, Col: 7}, "c", "host a.example refuses handshakes"); path != "" || ok {
		t.Errorf("secret c: got %q, %t, want none", path, ok)
	}
	want := "a.yaml:3:7: there is no secret c in the Swarm, so host a.example refuses handshakes" +
		" (create it with docker secret create c FILE, or mend its name)"
	if len(b.problems) != 1 || b.problems[0].String() != want {
		t.Errorf("problems:\n got %v\nwant %s", b.problems, want)
	}
	p := &route.Proxy{Name: "edge"}
	p.Drain.Value = 30 * time.Second
	mounts := []Secret{{"id-a", "a"}, {"id-b", "b"}}
	proxy, _ := b.build(p, nil, nil, nil)
	if got := proxy.Spec.Secrets; !reflect.DeepEqual(got, mounts) {
		t.Errorf("the proxy mounts %v, want %v", got, mounts)
	}
	proxy, _ = oneProxy().build(p, nil, nil, nil)
	if got := proxy.Spec.Secrets; got != nil {
		t.Errorf("a proxy that names no secret mounts %v", got)
	}
}

// Secrets reach the builder from the live state; each proxy has its own.
func TestBuilderKnowsTheSecrets(t *testing.T) {
	b := newBuilder(&Live{Secrets: []Secret{{"id-a", "a"}, {"id-b", "b"}}})
	first, second := b.one(), b.one()
	first.secret(route.Pos{}, "a", "x")
	second.secret(route.Pos{}, "b", "x")
	if got, want := first.mounted(), []Secret{{"id-a", "a"}}; !reflect.DeepEqual(got, want) {
		t.Errorf("the first mounts %v, want %v", got, want)
	}
	if got, want := second.mounted(), []Secret{{"id-b", "b"}}; !reflect.DeepEqual(got, want) {
		t.Errorf("the second mounts %v, want %v", got, want)
	}
	if b.problems != nil {
		t.Errorf("problems: %v", b.problems)
	}
}
