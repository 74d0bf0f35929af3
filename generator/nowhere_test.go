package generator_test

import (
	"testing"

	"github.com/wharfinger/wharfinger/generator"
)

// TestBadInputOfConstraintsThatNobodyFits holds that a proxy which runs is not moved
// to where no node is.
func TestBadInputOfConstraintsThatNobodyFits(t *testing.T) {
	proxy := func(constraint string) string {
		return "proxies: {a: {image: \"nginx:1.30\", constraints: [" + constraint + "]}}\n" + someRoute
	}
	for _, test := range []struct {
		name, was, is string
		runs          bool
		told          string
	}{
		{"some node", "node.labels.zone == a", "node.labels.zone == b", true, ""},
		{"no node", "node.labels.zone == a", "node.labels.zone == c", true,
			"a.yaml:1:50: no node of the Swarm fits the constraints of proxy a (node.labels.zone==c), so it is not rolled (mend the constraints, or label a node: docker node update --label-add NAME=VALUE NODE)"},
		{"one or the other", "node.labels.zone == b", "node.labels.zone == b, node.role == manager", true,
			"a.yaml:1:50: no node of the Swarm fits the constraints of proxy a (node.labels.zone==b, node.role==manager), so it is not rolled (mend the constraints, or label a node: docker node update --label-add NAME=VALUE NODE)"},
		{"nothing runs", "node.labels.zone == a", "node.labels.zone == c", false, ""},
		{"as it was", "node.labels.zone == c", "node.labels.zone == c", true, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := crowd()
			service := serviceOf(t, "a", proxy(test.was), l)
			l.Proxies = []generator.ProxyService{service}
			l.Services = []generator.Service{{ID: "sa", Name: service.Service}}
			if test.runs {
				l.Tasks = []generator.Task{{ID: "t", Service: "sa", Node: "1", State: "running"}}
			}
			desired, problems := parse([]byte(proxy(test.is)))
			if problems != nil {
				t.Fatal(problems)
			}
			model, problems := generator.Build(desired, l)
			told := ""
			for _, p := range problems {
				told += p.String()
			}
			if told != test.told {
				t.Errorf("told %q, want %q", told, test.told)
			}
			if got, want := len(model.Proxies[0].Held) > 0, test.told != ""; got != want {
				t.Errorf("held: %t, want %t", got, want)
			}
		})
	}
}
