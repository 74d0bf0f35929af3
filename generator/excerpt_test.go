package generator_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/wharfinger/wharfinger/generator"
	"github.com/wharfinger/wharfinger/lab"
	"github.com/wharfinger/wharfinger/nginx"
	"github.com/wharfinger/wharfinger/route"
)

// TestExcerpt holds that nginx takes what belongs to a change alone, that it finds what
// is wrong there, and when there is no excerpt.
func TestExcerpt(t *testing.T) {
	const shop = "  shop: {hosts: [shop.example], split: {pool-1: 9, pool-2: 1}, when: {methods: [GET]}}\n"
	shards := func(first string, port int) []generator.Shard {
		var text strings.Builder
		text.WriteString("proxies: {edge: {image: nginx:1.30}}\npools:\n")
		for i := range 60 {
			fmt.Fprintf(&text, "  pool-%d: {servers: [192.0.2.1:%d]}\n", i, 8000+i+map[bool]int{true: port}[i == 7])
		}
		text.WriteString("routes:\n" + first)
		for i := range 60 {
			fmt.Fprintf(&text, "  route-%d: {hosts: [host-%d.example], pool: pool-%d, mirror: pool-3}\n", i, i, i)
		}
		desired, problems := route.Parse(route.Revision{Files: []route.File{{Path: "a.yaml", Data: []byte(text.String())}}})
		if problems != nil {
			t.Fatal(problems)
		}
		model, _ := generator.Build(desired, &generator.Live{})
		_, rollout := render(t, model.Proxies[0])
		return rollout.Shards
	}
	before := shards(shop, 0)
	for _, c := range []struct {
		name  string
		after []generator.Shard
		has   []string // among the files of the excerpt
		most  int      // files; 0 for no excerpt
	}{
		{"a path", shards(strings.Replace(shop, "split", "paths: [/a], split", 1), 0), []string{"routes/server.shop.example.conf", "routes/route.shop.conf", "routes/upstream.pool-2.conf", "nginx.conf", "status.conf"}, 8},
		{"a condition", shards(strings.Replace(shop, "GET", "POST", 1), 0), []string{"routes/server.shop.example.conf", "routes/route.shop.conf"}, 8},
		{"a peer", shards(shop, 500), []string{"routes/upstream.pool-7.conf", "routes/server.host-7.example.conf", "routes/route.route-7.conf"}, 10},
		{"a new host", shards(shop+strings.NewReplacer("shop:", "more:", "shop.", "more.").Replace(shop), 0), []string{"routes/server.more.example.conf", "routes/route.more.conf"}, 9},
		{"a host that is gone", shards("", 0), nil, 0},
	} {
		excerpt, ok := generator.Excerpt(before, c.after)
		if ok != (c.most > 0) || len(excerpt) > c.most {
			t.Errorf("%s: %d files (%t), want %d at most", c.name, len(excerpt), ok, c.most)
		}
		for _, path := range c.has {
			if !slices.ContainsFunc(excerpt, func(s generator.Shard) bool { return s.Path == path }) {
				t.Errorf("%s: %s is not in the excerpt", c.name, path)
			}
		}
		if !ok || testing.Short() {
			continue
		}
		path, err := lab.Nginx(t.Context(), "1.30")
		if err != nil {
			t.Fatal(err)
		}
		tester := nginx.Tester{Path: path}
		if err := tester.Test(t.Context(), excerpt); err != nil {
			t.Errorf("%s: nginx does not take the excerpt: %v", c.name, err)
		}
		for i, s := range excerpt {
			if s.Path == c.has[0] {
				excerpt[i].Data = bytes.Replace(s.Data, []byte("{"), []byte("{ set $a $nothing;"), 1)
			}
		}
		if err := tester.Test(t.Context(), excerpt); err == nil {
			t.Errorf("%s: nginx finds nothing wrong with a mistake in %s", c.name, c.has[0])
		}
	}
}
