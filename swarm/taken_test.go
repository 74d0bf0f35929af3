package swarm

import (
	"slices"
	"testing"

	"github.com/wharfinger/wharfinger/generator"
)

func TestFreshPorts(t *testing.T) {
	tcp := func(ports ...int) []generator.PublishedPort {
		var out []generator.PublishedPort
		for _, p := range ports {
			out = append(out, generator.PublishedPort{Protocol: "tcp", Port: p})
		}
		return out
	}
	onHost := []generator.Network{{Name: generator.HostNetwork}}
	host := func(listens []generator.PublishedPort) *generator.ProxyService {
		return &generator.ProxyService{Spec: generator.Spec{Networks: onHost}, Applied: generator.Spec{Listens: listens}}
	}
	published := func(ports []generator.PublishedPort) *generator.ProxyService {
		return &generator.ProxyService{Spec: generator.Spec{Publish: ports}}
	}
	mesh := generator.PublishedPort{Protocol: "tcp", Port: 7000, Mode: "ingress"}
	for _, test := range []struct {
		name string
		from *generator.ProxyService
		spec generator.Spec // with Listens for both
		want []int
	}{
		{"a new service", nil, generator.Spec{Networks: onHost, Listens: tcp(80)}, nil},
		{"the same", host(tcp(80, 443)), generator.Spec{Networks: onHost, Listens: tcp(80, 443)}, nil},
		{"one more", host(tcp(80)), generator.Spec{Networks: onHost, Listens: tcp(80, 443)}, []int{443}},
		{"nobody noted", host(nil), generator.Spec{Networks: onHost, Listens: tcp(80)}, nil},
		{"UDP beside TCP", host(tcp(80)), generator.Spec{Networks: onHost, Listens: append(tcp(80), generator.PublishedPort{Protocol: "udp", Port: 53})}, nil},
		{"one more that is published", published(tcp(80)), generator.Spec{Publish: append(tcp(80, 443), mesh)}, []int{443}},
		{"from the host's network", host(tcp(80)), generator.Spec{Publish: tcp(80)}, nil},
		{"to the host's network", published(tcp(80)), generator.Spec{Networks: onHost, Listens: tcp(80, 8079)}, []int{8079}},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := generator.Rollout{From: test.from, Spec: test.spec, Named: test.spec}
			r.Spec.Listens, r.Named.Publish = nil, nil
			if got := freshPorts(r); !slices.Equal(got, test.want) {
				t.Errorf("got %d, want %d", got, test.want)
			}
		})
	}
}
