package generator_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/wharfinger/wharfinger/generator"
	"github.com/wharfinger/wharfinger/golden"
	"github.com/wharfinger/wharfinger/lab"
	"github.com/wharfinger/wharfinger/nginx"
	"github.com/wharfinger/wharfinger/route"
	"github.com/wharfinger/wharfinger/watcher"
)

// told are the folders of golden files and of examples that are not rendered.
var told = []string{"bad", "odd", "labels", "keys", "imported", "ci", "monitoring", "run"}

// TestGolden holds what each example becomes, byte for byte.
func TestGolden(t *testing.T) {
	made := map[string]bool{}
	for _, example := range golden.Examples(t, "", "live.json") {
		files := outcome(t, example)
		for name := range files {
			made[name] = true
		}
		t.Run(example, func(t *testing.T) {
			for _, name := range slices.Sorted(maps.Keys(files)) {
				golden.Assert(t, name, files[name])
			}
		})
	}
	for _, name := range golden.Names(t, "") {
		if folder, _, _ := strings.Cut(name, "/"); !made[name] && !slices.Contains(told, folder) {
			t.Errorf("golden/%s.golden is stale: no example makes it, so remove it", name)
		}
	}
	for _, example := range golden.Examples(t, "", "") {
		if !slices.Contains(told, example) && !slices.Contains(golden.Examples(t, "", "live.json"), example) {
			t.Errorf("examples/%s has no live.json to be rendered against", example)
		}
	}
}

// outcome is all golden files of an example, by their names.
func outcome(t *testing.T, example string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	model, problems := build(t, example)
	if len(problems) > 0 {
		files[example+"/problems"] = []byte(problems.Error() + "\n")
	}
	for _, p := range model.Proxies {
		rendered, rollout := render(t, p)
		for _, f := range rendered.All {
			files[example+"/"+p.Name+"/"+f.Path] = f.Data
		}
		files[example+"/"+p.Name+"/rollout"] = describe(t, rollout)
	}
	return files
}

// describe writes a rollout for people, without the shards' content: that is in
// the files.
func describe(t *testing.T, r generator.Rollout) []byte {
	t.Helper()
	spec, err := json.Marshal(r.Spec)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "service %s\nid %s\ndigest %s on port %d\nspec %s\n", r.Service, r.ID, r.Digest, r.StatusPort, spec)
	for _, change := range r.Changes {
		fmt.Fprintf(&b, "change: %s\n", change)
	}
	for _, s := range r.Shards {
		fmt.Fprintf(&b, "config %s %s %d bytes\n", s.Config, s.Path, len(s.Data))
	}
	return b.Bytes()
}

// build reads an example and merges it with its live.json.
func build(t testing.TB, example string) (*generator.Model, route.Problems) {
	t.Helper()
	desired, problems := route.Parse(golden.Revision(t, example), route.Snippets)
	if problems != nil {
		t.Fatal(problems)
	}
	var live generator.Live
	dec := json.NewDecoder(bytes.NewReader(golden.Read(t, example, "live.json")))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&live); err != nil {
		t.Fatalf("%s/live.json: %v", example, err)
	}
	return new(watcher.Builder).Build(desired, &live)
}

// render renders a proxy and packs it as if there were no service yet.
func render(t testing.TB, p generator.Proxy) (generator.Files, generator.Rollout) {
	t.Helper()
	files, err := generator.Render(p)
	if err != nil {
		t.Fatal(err)
	}
	rollout, err := generator.Pack("example", p, files, nil)
	if err != nil {
		t.Fatal(err)
	}
	return files, rollout
}

// TestNginxTakesExamples asks a real nginx: about the shards, which is what is
// rolled out, and about the files, which is what people look at. It is asked
// with the newest nginx, and with the oldest where the proxy says so.
func TestNginxTakesExamples(t *testing.T) {
	for _, example := range golden.Examples(t, "", "live.json") {
		model, _ := build(t, example)
		for _, p := range model.Proxies {
			files, rollout := render(t, p)
			var asShards []generator.Shard
			for _, f := range files.All {
				asShards = append(asShards, generator.Shard{Path: f.Path, Data: f.Data})
			}
			versions := []string{"1.30"}
			if !p.Nginx.AtLeast(1, 30, 0) {
				versions = append(versions, "1.22")
			}
			for _, version := range versions {
				t.Run(example+"/"+p.Name+"/"+version, func(t *testing.T) {
					take(t, version, rollout.Shards)
					take(t, version, asShards)
				})
			}
		}
	}
}

// take fails the test unless nginx of that version takes the shards.
func take(t *testing.T, version string, shards []generator.Shard) {
	t.Helper()
	if testing.Short() {
		t.Skip("the lab's nginx is fetched as root")
	}
	path, err := lab.Nginx(t.Context(), version)
	if err != nil {
		t.Fatal(err)
	}
	if err := (nginx.Tester{Path: path}).Test(t.Context(), shards); err != nil {
		t.Error(err)
	}
}
