package interlock_test

import (
	"maps"
	"regexp"
	"slices"
	"testing"

	"github.com/wharfinger/wharfinger/interlock"
	"github.com/wharfinger/wharfinger/route"
)

var labelled = regexp.MustCompile(`, labels: (?:interlock|\{[^}]*\})`)

// TestSettled holds that what labels make means the same as a file of the repository,
// in all ways to write each label.
func TestSettled(t *testing.T) {
	made := 0
	for _, name := range slices.Sorted(maps.Keys(variants)) {
		for _, v := range variants[name] {
			t.Run(name+"/"+v.what, func(t *testing.T) {
				result := v.read(t)
				if result.Added == nil {
					return
				}
				made++
				repo := v.repo
				if repo == "" {
					repo = published
				}
				settled, problems := route.Parse(route.Revision{Files: []route.File{
					{Path: "routes.yaml", Data: labelled.ReplaceAll([]byte(repo), nil)},
					{Path: "interlock.yaml", Data: result.Added},
				}})
				if problems != nil {
					t.Fatalf("%s\nis refused:\n%s", result.Added, problems.Error())
				}
				same(t, result.Desired, settled)
			})
		}
	}
	if made < 50 {
		t.Errorf("%d sets of labels made routes, want at least 50: are they still without labels?", made)
	}
}

// same holds that two repositories mean the same, but for whether proxies read labels.
func same(t testing.TB, labels, settled *route.Desired) {
	t.Helper()
	for name, p := range labels.Proxies {
		if !p.Labels.Read.Given() {
			continue
		}
		if settled.Proxies[p.Name].Labels.Read.Given() {
			t.Errorf("proxy %s still reads labels", p.Name)
		}
		without := *p // others may have it, too
		without.Labels = route.Labels{}
		labels.Proxies[name] = &without
	}
	for _, change := range route.Compare(labels, settled) {
		t.Errorf("it means something else: %+v", change)
	}
}

// TestSettle holds that a file's proxies and what labels ask for become one file, and
// that a cluster of which only the labels are known gets proxies, too.
func TestSettle(t *testing.T) {
	cluster := interlock.Cluster{Services: []interlock.Service{
		service("demo", "hosts=demo.local", "port=8080"),
		service("east", "hosts=east.local", "port=8080", "service_cluster=East-1"),
		service("east-2", "hosts=east.local", "port=8081", "service_cluster=east-1"),
		service("lost", "hosts=lost.local", "port=8080", "service_cluster=us east"),
		service("other", "port=8080"),
	}}
	imported, problems := importing(t, "[Extensions.default]\nPublishMode = \"host\"\nServiceName = \"ext\"\n[Extensions.east]\nPublishMode = \"host\"\nServiceCluster = \"east-1\"\nPublishedPort = 81\nPublishedSSLPort = 444\n")
	if problems != nil {
		t.Fatal(problems)
	}
	alone, ok := interlock.Proxies(cluster)
	if !ok {
		t.Fatal("a cluster with labels has no proxies")
	}
	for what, i := range map[string]interlock.Imported{"a file": imported, "labels alone": alone} {
		t.Run(what, func(t *testing.T) {
			data, told := i.Settle(cluster)
			settled, problems := route.Parse(route.Revision{Files: []route.File{{Path: "interlock.yaml", Data: data}}})
			if problems != nil {
				t.Fatalf("%s\nis refused:\n%s", data, problems.Error())
			}
			same(t, interlock.Read(i.Desired, cluster).Desired, settled)
			if len(settled.Proxies) != 2 || len(settled.Routes) != 2 || len(told) == 0 {
				t.Errorf("%d problems of labels, and the file\n%s", len(told), data)
			}
		})
	}
	nobody := interlock.Cluster{Services: []interlock.Service{service("other", "port=8080"), {Name: "more"}}}
	if data, told := imported.Settle(nobody); data != nil || len(told) != 1 {
		t.Errorf("without routes: got %d problems, want 1, and the file\n%s", len(told), data)
	}
	if out, ok := interlock.Proxies(nobody); ok {
		t.Errorf("without routes there are proxies:\n%s", out.Data)
	}
}
