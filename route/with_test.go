package route_test

import (
	"testing"

	"github.com/wharfinger/wharfinger/route"
)

// TestWith holds that a revision is read again with what it had, and is left as it
// was by that.
func TestWith(t *testing.T) {
	const text = `
proxies: {edge: {image: "nginx:1.30", snippet: "keepalive_requests 10;"}}
pools: {demo: {service: demo, port: 80}}
routes: {demo: {hosts: [demo.local], pool: demo}}
`
	files := make([]route.File, 1, 8)
	files[0] = route.File{Path: "b.yaml", Data: []byte(text)}
	before, problems := route.Parse(route.Revision{ID: "r1", Files: files}, route.Snippets)
	if problems != nil {
		t.Fatal(problems)
	}
	more, problems := before.With(route.File{Path: "c.yaml", Data: []byte("routes: {next: {hosts: [next.local], pool: demo}}\n")})
	if problems != nil {
		t.Fatal(problems)
	}
	if len(more.Routes) != 2 || more.Revision != "r1" || more.Routes["next"].Proxy.Value != "edge" {
		t.Errorf("with one more route it has %d, in revision %s", len(more.Routes), more.Revision)
	}
	if len(before.Routes) != 1 {
		t.Errorf("the first has %d routes now", len(before.Routes))
	}
	for path, want := range map[string]string{
		"c.yaml": "c.yaml:1:27: demo.local/ is taken already, by route demo at b.yaml:4:25 (leave it out of one of the two, or give them different paths or conditions)",
		"a.yaml": "b.yaml:4:25: demo.local/ is taken already, by route next at a.yaml:1:27 (leave it out of one of the two, or give them different paths or conditions)",
	} {
		_, problems := before.With(route.File{Path: path, Data: []byte("routes: {next: {hosts: [  demo.local], pool: demo}}\n")})
		if got := problems.Error(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	if again, problems := before.With(); problems != nil || len(again.Routes) != 1 {
		t.Errorf("with nothing more it has problems %v", problems)
	}
}

// TestLabelsNeedNoRoute holds that a repository without routes is no mistake where
// routes may come from labels.
func TestLabelsNeedNoRoute(t *testing.T) {
	for text, fine := range map[string]bool{
		`proxies: {edge: {image: "nginx:1.30"}}`:                                                                                                           false,
		`proxies: {edge: {image: "nginx:1.30", labels: interlock}}`:                                                                                        true,
		`proxies: {edge: {image: "nginx:1.30", labels: {read: interlock, cluster: us-east}}}`:                                                              true,
		`proxies: {edge: {image: "nginx:1.30"}, mesh: {image: "nginx:1.30", network: ingress, listen: {http: 81}, status: {port: 82}, labels: interlock}}`: true,
		`pools: {demo: {service: demo, port: 80}}`:                                                                                                         false,
	} {
		desired, problems := route.Parse(route.Revision{Files: []route.File{{Path: "a.yaml", Data: []byte(text)}}})
		if (desired != nil) != fine {
			t.Errorf("%s: problems %v, want none: %t", text, problems, fine)
		}
	}
}
