package interlock_test

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/wharfinger/wharfinger/golden"
	"github.com/wharfinger/wharfinger/interlock"
	"github.com/wharfinger/wharfinger/route"
)

const lb = "com.docker.lb."

// service is one on the overlay apps with labels below com.docker.lb, or with
// whole ones where they have a dot.
func service(name string, labels ...string) interlock.Service {
	s := interlock.Service{Name: name, Labels: map[string]string{}, Networks: []string{"apps"}}
	for _, label := range labels {
		key, value, _ := strings.Cut(label, "=")
		if !strings.Contains(key, "com.docker") {
			key = lb + key
		}
		s.Labels[key] = value
	}
	return s
}

// demo is a service that lacks nothing, with more labels.
func demo(labels ...string) interlock.Service {
	return service("demo", append([]string{"hosts=demo.local", "port=8080"}, labels...)...)
}

func on(s interlock.Service, networks ...string) interlock.Service {
	s.Networks = networks
	return s
}

func publishing(s interlock.Service, ports ...interlock.Port) interlock.Service {
	s.Ports = ports
	return s
}

// inStack is the service as `docker stack deploy` makes it.
func inStack(s interlock.Service) interlock.Service {
	s.Stack = "shop"
	s.Name = "shop_" + s.Name
	return s
}

const (
	published = `proxies: {mesh: {image: "nginx:1.30", network: published, labels: interlock}}` + "\n"
	inHost    = `proxies: {edge: {image: "nginx:1.30", labels: interlock}}` + "\n"
)

// variant is a way to write a label.
type variant struct {
	what     string
	repo     string // published, if empty
	secrets  []string
	services []interlock.Service
}

func (v variant) read(t testing.TB) interlock.Result {
	t.Helper()
	if v.repo == "" {
		v.repo = published
	}
	return interlock.Read(parsed(t, v.repo), interlock.Cluster{Services: v.services, Secrets: v.secrets})
}

func parsed(t testing.TB, repo string) *route.Desired {
	t.Helper()
	desired, problems := route.Parse(route.Revision{ID: "r1", Files: []route.File{{Path: "routes.yaml", Data: []byte(repo)}}})
	if problems != nil {
		t.Fatal(problems)
	}
	return desired
}

// TestLabels holds what becomes of every label: written well, untidily and wrong.
// Its golden files are what to read about them.
func TestLabels(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(variants)) {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			for _, v := range variants[name] {
				result := v.read(t)
				fmt.Fprintf(&b, "---- %s\n", v.what)
				for _, s := range v.services {
					for _, key := range slices.Sorted(maps.Keys(s.Labels)) {
						fmt.Fprintf(&b, "%s %s=%s\n", s.Name, key, strings.ReplaceAll(s.Labels[key], "\n", "⏎"))
					}
				}
				b.WriteByte('\n')
				for _, p := range result.Problems {
					fmt.Fprintf(&b, "! %s\n", p)
				}
				b.Write(result.Added)
				b.WriteByte('\n')
			}
			golden.Assert(t, "labels/"+name, b.Bytes())
		})
	}
}

// TestEveryLabelHasVariants holds that no label is without a test.
func TestEveryLabelHasVariants(t *testing.T) {
	for _, label := range interlock.Labels() {
		if len(variants[strings.TrimPrefix(label, lb)]) < 2 {
			t.Errorf("label %s has no variants", label)
		}
	}
	if got, want := golden.Names(t, "labels"), len(variants); len(got) != want {
		t.Errorf("there are %d golden files for %d sets of variants: %s", len(got), want, strings.Join(got, " "))
	}
}
