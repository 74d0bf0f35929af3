package generator

import (
	"slices"
	"testing"
	"time"
)

func TestChangesOfTLS(t *testing.T) {
	with := func(tls *TLS) *Model {
		return &Model{Proxies: []Proxy{{Name: "edge", Servers: []Server{{Host: "shop.local", TLS: tls}}}}}
	}
	plain, one, other := with(nil), with(&TLS{Cert: "/run/secrets/one", Clients: &Clients{CA: "/run/secrets/ca"}}),
		with(&TLS{Cert: "/run/secrets/one", Clients: &Clients{CA: "/run/secrets/ca", Optional: true}})
	for _, c := range []struct {
		old, now *Model
		want     []string
	}{
		{plain, plain, nil},
		{one, one, nil},
		{plain, one, []string{"edge: add TLS of shop.local"}},
		{one, plain, []string{"edge: remove TLS of shop.local"}},
		{one, other, []string{"edge: change TLS of shop.local"}},
	} {
		if got := Changes(c.old, c.now); !slices.Equal(got, c.want) {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

// Two answers share a variable only where they send the same.
func TestHSTSVariables(t *testing.T) {
	values := map[string]string{}
	for _, h := range []HSTS{
		{time.Hour, false, false}, {time.Hour, true, false}, {time.Hour, true, true}, {time.Hour, false, true}, {2 * time.Hour, false, false},
	} {
		if was, ok := values[h.Variable()]; ok {
			t.Errorf("$%s is %q and %q", h.Variable(), was, h.Value())
		}
		values[h.Variable()] = h.Value()
	}
}
