package generator_test

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/wharfinger/wharfinger/generator"
	"github.com/wharfinger/wharfinger/route"
)

// TestCompareIsSilentOfNothing gives every field of the format other values, the
// least one and none, with little around it and with much. Where route.Compare
// finds no difference between two of them, the files are the same.
func TestCompareIsSilentOfNothing(t *testing.T) {
	var pairs, silent, needless atomic.Int64
	t.Run("field", func(t *testing.T) {
		for _, leaf := range leaves(t) {
			t.Run(leaf.name, func(t *testing.T) {
				t.Parallel()
				values := leaf.taken()
				for _, around := range []around{leaf.small, leaf.whole} {
					var seen []variant
					for _, text := range around.variants(t, values) {
						desired, problems := parse(text)
						if problems != nil {
							continue // one does not go with what is around it, two may exclude each other
						}
						v := rendering(t, text, desired)
						for _, other := range seen {
							changes, same := route.Compare(other.desired, v.desired), maps.Equal(other.files, v.files)
							pairs.Add(1)
							switch {
							case len(changes) > 0 && same:
								needless.Add(1)
							case len(changes) == 0 && !same:
								t.Errorf("nothing is said of what makes other files:\n%s\n%s", other.text, text)
							case len(changes) == 0:
								silent.Add(1)
							}
							for proxy, shards := range v.shards {
								words, same := generator.Changes(other.shards[proxy], shards), maps.Equal(named(other.shards[proxy]), named(shards))
								if len(words) > 0 == same {
									t.Errorf("%s: the same files: %t, but the words are %v, of\n%s\n%s", proxy, same, words, other.text, text)
								}
							}
						}
						seen = append(seen, v)
						if moved, _ := parse(append([]byte("\n# moved\n"), text...)); len(route.Compare(moved, desired)) > 0 {
							t.Errorf("moved by two lines, it is another thing:\n%s", text)
						}
					}
				}
			})
		}
	})
	if n := pairs.Load(); n < 1000 {
		t.Errorf("compared %d pairs, want at least 1000", n)
	}
	t.Logf("%d pairs; of %d nothing is said, %d that are told make the same files", pairs.Load(), silent.Load(), needless.Load())
}

type variant struct {
	text    []byte
	desired *route.Desired
	files   map[string]string
	shards  map[string][]generator.Shard
}

func named(shards []generator.Shard) map[string]bool {
	out := map[string]bool{}
	for _, s := range shards {
		out[s.Config] = true
	}
	return out
}

// taken are some that the place takes: a harmless one, the least ones and others.
func (l leaf) taken() []any {
	all := []any{l.harmless, false, 0, "", "off", true, 2, 8081, 503, "other", "2m", "3/s"}
	for _, is := range slices.Sorted(maps.Keys(harmless)) {
		all = append(all, harmless[is])
	}
	var out []any
	for _, value := range all {
		if _, problems := parse(l.small.with(value)); problems == nil && !slices.Contains(out, value) && len(out) < 5 {
			out = append(out, value)
		}
	}
	return out
}

// variants are repositories with the values in the place of mark, with two of
// them where they stand in a list, in both orders, and with none.
func (a around) variants(t *testing.T, values []any) [][]byte {
	t.Helper()
	var out [][]byte
	for _, value := range values {
		out = append(out, a.with(value))
	}
	for _, put := range []func(list []any, with func(any) any) []any{
		func(list []any, with func(any) any) []any { return list },
		func(list []any, with func(any) any) []any { return nil },
		func(list []any, with func(any) any) []any {
			return append(list, with(values[0]), with(values[len(values)-1]))
		},
		func(list []any, with func(any) any) []any {
			return append(list, with(values[len(values)-1]), with(values[0]))
		},
	} {
		var tree any
		if err := yaml.Unmarshal([]byte(a), &tree); err != nil {
			t.Fatal(err)
		}
		text, err := yaml.Marshal(inPlace(tree, put))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, text)
	}
	slices.SortFunc(out, bytes.Compare)
	return slices.CompactFunc(out, bytes.Equal)
}

// inPlace is a tree without mark. A list that an entry with mark was in becomes
// what put makes of the others; where that is nil, it goes.
func inPlace(tree any, put func(list []any, with func(any) any) []any) any {
	switch tree := tree.(type) {
	case map[string]any:
		for key, child := range tree {
			child = inPlace(child, put)
			list, isList := child.([]any)
			if child == mark || strings.Contains(key, mark) || isList && list == nil {
				delete(tree, key)
				continue
			}
			tree[key] = child
		}
	case []any:
		i := slices.IndexFunc(tree, func(child any) bool { return strings.Contains(fmt.Sprint(child), mark) })
		if i < 0 {
			return tree
		}
		entry := tree[i]
		others := append([]any{}, slices.Delete(tree, i, i+1)...)
		return put(others, func(value any) any { return replaced(entry, value) })
	}
	return tree
}

// replaced is a tree with a value in the place of mark.
func replaced(tree, value any) any {
	switch tree := tree.(type) {
	case map[string]any:
		out := map[string]any{}
		for key, child := range tree {
			out[strings.ReplaceAll(key, mark, fmt.Sprint(value))] = replaced(child, value)
		}
		return out
	case []any:
		var out []any
		for _, child := range tree {
			out = append(out, replaced(child, value))
		}
		return out
	case string:
		if tree == mark {
			return value
		}
	}
	return tree
}

// rendering is all files of all proxies, and what their services shall have.
func rendering(t *testing.T, text []byte, desired *route.Desired) variant {
	t.Helper()
	model, _ := generator.Build(desired, hostileLive(desired))
	v := variant{text, desired, map[string]string{}, map[string][]generator.Shard{}}
	for _, p := range model.Proxies {
		files, rollout := render(t, p)
		for _, f := range files.All {
			v.files[p.Name+"/"+f.Path] = string(f.Data)
		}
		v.files[p.Name] = fmt.Sprintf("%+v", p.Spec)
		v.shards[p.Name] = rollout.Shards
	}
	return v
}

// TestCompareKnowsWhomDefaultsReach changes the defaults of a proxy, and a policy,
// by each option. The routes that are told are those whose files change.
func TestCompareKnowsWhomDefaultsReach(t *testing.T) {
	const text = `
proxies: {edge: {image: "nginx:1.30", defaults: {%s}}}
policies: {some: {%s}}
pools:
  shop: {servers: [192.0.2.1:80]}
  safe: {servers: [192.0.2.3:443], tls: {ca: demo, name: safe.example}}
  sticky: {servers: [192.0.2.5:80], sticky: a-b}
  rpc: {servers: [192.0.2.4:50051], protocol: grpc}
routes:
  pool: {hosts: [pool.example], use: [some], pool: shop}
  rpc: {hosts: [rpc.example], use: [some], pool: rpc}
  split: {hosts: [split.example], use: [some], split: {shop: 3, safe: 1}}
  redirect: {hosts: [redirect.example], use: [some], redirect: "https://new.example"}
  respond: {hosts: [respond.example], use: [some], respond: {status: 200, body: ahoy}}
`
	for _, option := range someOptions {
		for _, args := range [][]any{{option, ""}, {"", option}} {
			was, _ := parse(fmt.Appendf(nil, text, "", ""))
			is, problems := parse(fmt.Appendf(nil, text, args...))
			if problems != nil {
				continue // such as a canonical host that the routes do not have
			}
			told := map[string]bool{}
			for _, change := range route.Compare(was, is) {
				if change.Kind == "route" {
					told[change.Name] = true
				}
				for _, name := range change.Routes {
					told[name] = true
				}
			}
			before, after := rendering(t, nil, was).files, rendering(t, nil, is).files
			for name := range is.Routes {
				file := "edge/routes/server." + name + ".example.conf"
				switch changed := before[file] != after[file]; {
				case changed && !told[name]:
					t.Errorf("defaults and policy %q: nothing is said of route %s", args, name)
				case told[name] && !changed:
					t.Errorf("defaults and policy %q: route %s is told, and does not change", args, name)
				}
			}
		}
	}
}
