package watcher

import (
	"reflect"
	"slices"
	"strings"

	"github.com/wharfinger/wharfinger/generator"
	"github.com/wharfinger/wharfinger/interlock"
	"github.com/wharfinger/wharfinger/route"
)

// Builder merges a repository with a Swarm, the labels of its services among them.
// It keeps what it read last of labels, for tasks come and go far more often. The
// zero Builder is ready.
type Builder struct {
	base    *route.Desired
	cluster interlock.Cluster
	read    interlock.Result
	maker   generator.Maker
}

// Build is generator.Build with what labels add. Problems of labels are of the
// cluster, like its own: they say what is left out.
func (b *Builder) Build(d *route.Desired, l *generator.Live) (*generator.Model, route.Problems) {
	cluster := Labelled(l)
	if b.base != d || !reflect.DeepEqual(b.cluster, cluster) {
		b.base, b.cluster, b.read = d, cluster, interlock.Read(d, cluster)
	}
	model, problems := b.maker.Build(b.read.Desired, l)
	return model, append(b.read.Tell(problems), b.read.Problems...).Sorted()
}

// Labelled is what a Swarm has that labels are read from.
func Labelled(l *generator.Live) interlock.Cluster {
	var out interlock.Cluster
	networks := map[string]generator.Network{}
	for _, n := range l.Networks {
		networks[n.ID] = n
	}
	for _, s := range l.Services {
		one := interlock.Service{Name: s.Name}
		for key, value := range s.Labels {
			if interlock.Labelled(key) {
				if one.Labels == nil {
					one.Labels = map[string]string{}
				}
				one.Labels[key] = value
			}
		}
		if one.Labels == nil {
			continue
		}
		one.Stack = s.Labels[generator.StackLabel]
		for _, id := range s.Networks {
			if n, ok := networks[id]; ok && !n.Ingress && n.Name != generator.HostNetwork {
				one.Networks = append(one.Networks, n.Name)
			}
		}
		for _, p := range s.Ports {
			if p.Protocol == "tcp" {
				one.Ports = append(one.Ports, interlock.Port{Target: p.Target, Host: p.Mode == "host"})
			}
		}
		slices.Sort(one.Networks)
		out.Services = append(out.Services, one)
	}
	slices.SortFunc(out.Services, func(a, b interlock.Service) int { return strings.Compare(a.Name, b.Name) })
	if out.Services == nil {
		return out
	}
	for _, s := range l.Secrets {
		out.Secrets = append(out.Secrets, s.Name)
	}
	slices.Sort(out.Secrets)
	return out
}
