package route_test

import (
	"strings"
	"testing"

	"github.com/wharfinger/wharfinger/route"
)

// TestSnippetsTakeAPermission holds that what a revision says cannot allow it
// anything, and that with the permission it is read as it was written.
func TestSnippetsTakeAPermission(t *testing.T) {
	rev := route.Revision{Files: []route.File{{Path: "a.yaml", Data: []byte(`
proxies:
  edge: {image: "nginx:1.30", snippet: "map $host $x { default 1; }"}
pools: {shop: {service: shop, port: 8080}}
routes:
  shop:
    hosts: [shop.example.org]
    pool: shop
    snippet: |
      add_header X-One 1;

      # the end
`)}}}
	desired, problems := route.Parse(rev)
	if desired != nil || len(problems) != 2 || strings.Count(problems.Error(), "snippets are not allowed here") != 2 {
		t.Errorf("without the permission: got %v, want a problem for each of the two", problems)
	}
	desired, problems = route.Parse(rev, route.Snippets)
	if problems != nil {
		t.Fatalf("with the permission: got %v", problems)
	}
	if got, want := desired.Proxies["edge"].Snippet.Value, "map $host $x { default 1; }"; got != want {
		t.Errorf("the proxy's snippet: got %q, want %q", got, want)
	}
	if got, want := desired.Routes["shop"].Snippet.Value, "add_header X-One 1;\n\n# the end"; got != want {
		t.Errorf("the route's snippet: got %q, want %q", got, want)
	}
}
