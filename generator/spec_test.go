package generator_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wharfinger/wharfinger/generator"
)

// managed is a proxy of which a repository says some lines.
func managed(t *testing.T, lines string) generator.Proxy {
	t.Helper()
	desired, problems := parse([]byte("proxies:\n  edge:\n    image: nginx:1.30\n    nginx: 1.30\n" + lines +
		"pools: {p: {servers: [192.0.2.99:80]}}\nroutes: {r: {hosts: [a.example], pool: p}}\n"))
	if problems != nil {
		t.Fatal(problems)
	}
	model, _ := generator.Build(desired, &generator.Live{
		Networks: []generator.Network{{ID: "net-1", Name: "apps"}, {ID: "net-2", Name: "logs"}}, Secrets: secrets("s1 geo", "s2 other").Secrets})
	return model.Proxies[0]
}

func packed(t *testing.T, p generator.Proxy, current *generator.ProxyService) generator.Rollout {
	t.Helper()
	files, err := generator.Render(p)
	if err != nil {
		t.Fatal(err)
	}
	r, err := generator.Pack("r2", p, files, current)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestOperateDrift goes through all that a repository can say of a proxy's
// service: what a change of it rolls, what becomes of an operator's hand under each kind
// of drift, and what is left when the repository says nothing any more. No field is
// missing.
func TestOperateDrift(t *testing.T) {
	published := "    network: published\n"
	replicated := "    network: published\n    replicas: 2\n"
	type spec = generator.Spec
	tried := map[string]bool{"Replicated": true, "Uses": true, "Listens": true} // no hand changes them, a service tells nothing of them
	for _, c := range []struct {
		name, base, first, second string      // lines of the repository
		hand                      func(*spec) // an operator's
		change                    string      // from first to second
		drift                     string      // what is told of the operator's hand
		gone                      string      // the change when nothing is said any more; empty where all stays
		always                    bool        // nginx needs it, so it is brought back in any case
	}{
		{"image", "", "", "", func(s *spec) { s.Image = "nginx:1.31" }, "", "image is nginx:1.31, but the repository says nginx:1.30", "", false},
		{"replicas", "    network: published\n", "    replicas: 2\n", "    replicas: 3\n", func(s *spec) { s.Replicas = 7 },
			"replicas 2 -> 3", "replicas is 7, but the repository says 2", "-", false},
		{"replicas on a node", "    network: published\n", "    replicas: 2\n", "    replicas: 2\n", func(s *spec) { s.PerNode = 2 },
			"", "replicas on a node is 2, but the repository says 1", "-", false},
		{"constraints", "", "    constraints: [node.role == worker]\n", "    constraints: [node.role == manager]\n", func(s *spec) { s.Constraints = nil },
			"add constraint node.role==manager; remove constraint node.role==worker", "constraint node.role==worker was taken away, but the repository has it", "remove constraint node.role==worker", false},
		{"preferences", replicated, "    preferences: [node.labels.zone, node.labels.rack]\n", "    preferences: [node.labels.rack, node.labels.zone]\n",
			func(s *spec) { s.Preferences = []string{"node.labels.dc"} }, "preferences node.labels.zone, node.labels.rack -> node.labels.rack, node.labels.zone",
			"preferences is node.labels.dc, but the repository says node.labels.zone, node.labels.rack", "preferences node.labels.zone, node.labels.rack -> none", false},
		{"networks", published, "    networks: [apps]\n", "    networks: [logs]\n", func(s *spec) { s.Networks = nil },
			"join network logs; leave network apps", "network apps was taken away, but the repository has it", "leave network apps", true},
		{"secrets", "", "    secrets: [geo]\n", "    secrets: [other]\n", func(s *spec) { s.Secrets = nil },
			"add secret other; remove secret geo", "secret geo was taken away, but the repository has it", "remove secret geo", true},
		{"ports", published, "    listen: {http: 80}\n", "    listen: {http: 81}\n", func(s *spec) { s.Publish = s.Publish[1:] },
			"publish port 81 with mode=host; publish port 80 no more", "port 80 was taken away, but the repository has it", "", true},
		{"mounts", "", "    mounts: [{source: www, target: /srv/www, readOnly: true}, {type: tmpfs, target: /srv/tmp}]\n", "    mounts: [{source: www, target: /srv/www}]\n",
			func(s *spec) { s.Mounts = s.Mounts[1:] }, "remove mount /srv/tmp; mount /srv/www: www as volume, read-only -> www as volume",
			"mount /srv/tmp was taken away, but the repository has it", "remove mount /srv/tmp; remove mount /srv/www", false},
		{"stop signal", "", "    stop: {signal: SIGTERM}\n", "    stop: {signal: SIGINT}\n", func(s *spec) { s.Signal = "SIGQUIT" },
			"stop signal SIGTERM -> SIGINT", "stop signal is SIGQUIT, but the repository says SIGTERM", "stop signal SIGTERM -> SIGQUIT", false},
		{"stop grace", "", "    stop: {grace: 2m}\n", "    stop: {grace: 3m}\n", func(s *spec) { s.Grace = time.Minute },
			"stop grace period 2m0s -> 3m0s", "stop grace period is 1m0s, but the repository says 2m0s", "stop grace period 2m0s -> 40s", false},
		{"update", "", "    update: {parallelism: 2, delay: 3s, monitor: 4s, failure: pause}\n", "    update: {parallelism: 5, delay: 6s, monitor: 7s, failure: continue}\n",
			func(s *spec) {
				s.Update = generator.Update{Parallelism: 9, Delay: time.Hour, Monitor: time.Minute, Failure: "rollback"}
			},
			"update parallelism 2 -> 5; update delay 3s -> 6s; update monitor 4s -> 7s; update failure action pause -> continue",
			"update parallelism is 9, but the repository says 2; update delay is 1h0m0s, but the repository says 3s; update monitor is 1m0s, but the repository says 4s; update failure action is rollback, but the repository says pause",
			"update parallelism 2 -> 1; update delay 3s -> 1s; update monitor 4s -> 3s; update failure action pause -> rollback", false},
		{"update order", "", "    update: {order: stop-first}\n", "    update: {order: start-first}\n", func(s *spec) { s.Order = "start-first" },
			"update order stop-first -> start-first", "update order is start-first, but the repository says stop-first", "", false},
		{"resources", "", "    resources: {limits: {cpus: 2, memory: 1g}, reservations: {cpus: 0.25, memory: 64m}}\n",
			"    resources: {limits: {cpus: 1.5, memory: 2g}, reservations: {cpus: 0.5, memory: 32m}}\n", func(s *spec) { s.Limits, s.Reservations = generator.Amounts{CPUs: 1e9}, generator.Amounts{CPUs: 1e9} },
			"limit of processors 2 -> 1.5; limit of memory 1073741824 bytes -> 2147483648 bytes; reserved processors 0.25 -> 0.5; reserved memory 67108864 bytes -> 33554432 bytes",
			"limit of processors is 1, but the repository says 2; limit of memory is none, but the repository says 1073741824 bytes; reserved processors is 1, but the repository says 0.25; reserved memory is none, but the repository says 67108864 bytes",
			"limit of processors 2 -> none; limit of memory 1073741824 bytes -> none; reserved processors 0.25 -> none; reserved memory 67108864 bytes -> none", false},
		{"service labels", "", "    serviceLabels: {team: web, cost: \"1\"}\n", "    serviceLabels: {team: shop}\n", func(s *spec) { s.Labels = map[string]string{"team": "mine"} },
			"remove label cost; label team: web -> shop", "label cost was taken away, but the repository has it; label team is mine, but the repository says web", "remove label cost; remove label team", false},
		{"container labels", "", "    containerLabels: {scrape: \"9113\"}\n", "    containerLabels: {}\n", func(s *spec) { s.ContainerLabels = nil },
			"remove container label scrape", "container label scrape was taken away, but the repository has it", "remove container label scrape", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			words := func(list []string) string { return strings.Join(list, "; ") }
			first := managed(t, c.base+c.first)
			there := carrying(packed(t, first, nil))
			if again := packed(t, first, there); again.Needed() || again.ID != packed(t, first, nil).ID {
				t.Errorf("after the first rollout there is still to do: %s", words(again.Changes))
			}

			next := packed(t, managed(t, c.base+c.second), there)
			if got := words(next.OfService()); got != c.change {
				t.Errorf("a push changes\n%s, want\n%s", got, c.change)
			}
			if len(next.Drift) > 0 {
				t.Errorf("a push is taken for drift: %s", words(next.Drift))
			}
			if again := packed(t, managed(t, c.base+c.second), carrying(next)); again.Needed() {
				t.Errorf("after the push there is still to do: %s", words(again.Changes))
			}

			if c.gone != "-" { // Swarm knows no way back
				none := packed(t, managed(t, c.base), there)
				if got := words(none.OfService()); got != c.gone {
					t.Errorf("when nothing is said any more it changes\n%s, want\n%s", got, c.gone)
				}
			}

			for _, drift := range []string{"repair", "report"} {
				p := managed(t, c.base+c.first+"    drift: "+drift+"\n")
				byHand := *there
				byHand.Spec.Publish, byHand.Spec.Mounts = slices.Clone(there.Spec.Publish), slices.Clone(there.Spec.Mounts)
				c.hand(&byHand.Spec)
				eachValue(reflect.ValueOf(there.Spec), reflect.ValueOf(byHand.Spec), "", func(name string, changed bool) { tried[name] = tried[name] || changed })
				r := packed(t, p, &byHand)
				repaired := drift == "repair" || c.always
				becomes := "; it is brought back"
				if !repaired {
					becomes = "; it is left so (drift: report)"
				}
				var want []string
				for _, one := range strings.Split(c.drift, "; ") {
					want = append(want, one+becomes)
				}
				if !slices.Equal(r.Drift, want) {
					t.Errorf("%s: told %q, want %q", drift, r.Drift, want)
				}
				if r.Needed() != repaired {
					t.Errorf("%s: needed is %t: %s", drift, r.Needed(), words(r.Changes))
				}
				after := there.Spec
				if !repaired {
					after = byHand.Spec
				}
				if !reflect.DeepEqual(r.Spec, after) {
					t.Errorf("%s: becomes\n%+v, want\n%+v", drift, r.Spec, after)
				}
				// A push of something else keeps an operator's hand as well, and so does the pass after it.
				other := packed(t, managed(t, c.base+c.first+"    drift: "+drift+"\n    openFiles: 70000\n"), &byHand)
				if !reflect.DeepEqual(other.Spec, after) || !other.Needed() {
					t.Errorf("%s: with another push it becomes\n%+v, want\n%+v", drift, other.Spec, after)
				}
				// What the repository itself changes counts, whatever was done by hand.
				if c.change != "" && !strings.Contains(c.change, "remove container") {
					pushed := packed(t, managed(t, c.base+c.second+"    drift: "+drift+"\n"), &byHand)
					if got := fmt.Sprint(pushed.Spec); c.name != "mounts" && c.name != "update" && c.name != "service labels" && got != fmt.Sprint(next.Spec) {
						t.Errorf("%s: a push over an operator's hand becomes\n%s, want\n%s", drift, got, fmt.Sprint(next.Spec))
					}
				}
			}
		})
	}
	for name, changed := range tried {
		if !changed {
			t.Errorf("no hand changes %s here", name)
		}
	}
}

// eachValue calls see for each value in two of the same type, with whether it changed.
func eachValue(a, b reflect.Value, name string, see func(name string, changed bool)) {
	if a.Kind() != reflect.Struct {
		see(name, !reflect.DeepEqual(a.Interface(), b.Interface()))
		return
	}
	for i := range a.NumField() {
		eachValue(a.Field(i), b.Field(i), strings.TrimPrefix(name+"."+a.Type().Field(i).Name, "."), see)
	}
}

// TestNamingWhatIsThere holds that a value which the service has already is noted when
// a repository names it, once, and that this is no other outcome.
func TestNamingWhatIsThere(t *testing.T) {
	there := carrying(packed(t, managed(t, ""), nil))
	there.Spec.Labels = map[string]string{"team": "web"}
	same := packed(t, managed(t, ""), there)
	for _, lines := range []string{"    stop: {grace: 40s}\n", "    update: {delay: 1s}\n", "    serviceLabels: {team: web}\n"} {
		r := packed(t, managed(t, lines), there)
		if !r.Needed() || !r.Notes || r.ID != same.ID || !reflect.DeepEqual(r.Spec, there.Spec) {
			t.Errorf("%s: changes %q, notes %t, ID %s after %s", lines, r.Changes, r.Notes, r.ID, same.ID)
		}
		if again := packed(t, managed(t, lines), carrying(r)); again.Needed() {
			t.Errorf("%s: noted, and still %q", lines, again.Changes)
		}
	}
}

// TestOperatorsOwnFieldsStay holds that what no repository names is an operator's,
// field by field, before and after a push.
func TestOperatorsOwnFieldsStay(t *testing.T) {
	p := managed(t, "")
	there := carrying(packed(t, p, nil))
	s := &there.Spec
	s.Signal, s.Grace, s.PerNode, s.Preferences = "SIGTERM", time.Hour, 3, []string{"node.labels.zone"}
	s.Update = generator.Update{Parallelism: 9, Delay: time.Minute, Monitor: time.Hour, Failure: "pause"}
	s.Limits, s.Reservations = generator.Amounts{CPUs: 1, Memory: 2}, generator.Amounts{CPUs: 3, Memory: 4}
	s.Mounts = []generator.Mount{{Target: "/x", Source: "y", Type: "bind"}}
	s.Labels, s.ContainerLabels = map[string]string{"a": "b"}, map[string]string{"c": ""}
	want := *s
	for name, lines := range map[string]string{"nothing": "", "another field": "    openFiles: 70000\n"} {
		r := packed(t, managed(t, lines), there)
		if !reflect.DeepEqual(r.Spec, want) || len(r.OfService()) > 0 || len(r.Drift) > 0 {
			t.Errorf("%s: got\n%+v, want\n%+v; changes %q, drift %q", name, r.Spec, want, r.OfService(), r.Drift)
		}
	}
}
