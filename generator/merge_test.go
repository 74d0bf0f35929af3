package generator_test

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wharfinger/wharfinger/generator"
)

// TestOperatorsKeepWhatIsTheirs holds what becomes of a service's specification:
// what the repository names is brought back, the rest is left alone.
func TestOperatorsKeepWhatIsTheirs(t *testing.T) {
	type spec = generator.Spec
	const (
		digest  = "@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
		another = "@sha256:abcdefabcdefabcdefabcdefabcdefabcdefabcdefabcdefabcdefabcdefabcd"
	)
	for _, c := range []struct {
		name                       string
		live, applied, named, want spec
		changes                    []string
	}{
		{"nothing to do",
			spec{Image: "nginx:1.30"}, spec{Image: "nginx:1.30"}, spec{Image: "nginx:1.30"}, spec{Image: "nginx:1.30"}, nil},
		{"another image",
			spec{Image: "nginx:1.28"}, spec{Image: "nginx:1.28"}, spec{Image: "nginx:1.30"}, spec{Image: "nginx:1.30"},
			[]string{"image nginx:1.28 -> nginx:1.30"}},
		{"an operator's image is brought back",
			spec{Image: "nginx:1.31"}, spec{Image: "nginx:1.30"}, spec{Image: "nginx:1.30"}, spec{Image: "nginx:1.30"},
			[]string{"image nginx:1.31 -> nginx:1.30"}},
		{"the engine's digest behind the same name is kept",
			spec{Image: "nginx:1.30" + digest}, spec{Image: "nginx:1.30"}, spec{Image: "nginx:1.30"}, spec{Image: "nginx:1.30" + digest}, nil},
		{"a digest of another name is not",
			spec{Image: "nginx:1.28" + digest}, spec{Image: "nginx:1.28"}, spec{Image: "nginx:1.30"}, spec{Image: "nginx:1.30"},
			[]string{"image nginx:1.28" + digest + " -> nginx:1.30"}},
		{"a digest that the repository names",
			spec{Image: "nginx:1.30" + digest}, spec{Image: "nginx:1.30" + digest}, spec{Image: "nginx:1.30" + digest}, spec{Image: "nginx:1.30" + digest}, nil},
		{"a digest that the repository names anew",
			spec{Image: "nginx:1.30"}, spec{Image: "nginx:1.30"}, spec{Image: "nginx:1.30" + digest}, spec{Image: "nginx:1.30" + digest},
			[]string{"image nginx:1.30 -> nginx:1.30" + digest}},
		{"a digest that the repository names wins over another one",
			spec{Image: "nginx:1.30" + another}, spec{Image: "nginx:1.30" + digest}, spec{Image: "nginx:1.30" + digest}, spec{Image: "nginx:1.30" + digest},
			[]string{"image nginx:1.30" + another + " -> nginx:1.30" + digest}},
		{"so without a tag, from a registry with a port",
			spec{Image: "r.example:5000/nginx" + another}, spec{}, spec{Image: "r.example:5000/nginx" + digest}, spec{Image: "r.example:5000/nginx" + digest},
			[]string{"image r.example:5000/nginx" + another + " -> r.example:5000/nginx" + digest}},
		{"a digest that the repository names no longer goes",
			spec{Image: "nginx:1.30" + digest}, spec{Image: "nginx:1.30" + digest}, spec{Image: "nginx:1.30"}, spec{Image: "nginx:1.30"},
			[]string{"image nginx:1.30" + digest + " -> nginx:1.30"}},
		{"an operator's constraint stays",
			spec{Constraints: []string{"node.id!=x", "a==b"}}, spec{Constraints: []string{"a==b"}}, spec{Constraints: []string{"a==b"}},
			spec{Constraints: []string{"a==b", "node.id!=x"}}, nil},
		{"a constraint that the repository took out goes",
			spec{Constraints: []string{"a==b", "c==d"}}, spec{Constraints: []string{"a==b", "c==d"}}, spec{Constraints: []string{"a==b"}},
			spec{Constraints: []string{"a==b"}}, []string{"remove constraint c==d"}},
		{"one goes, an operator's stays, one comes",
			spec{Constraints: []string{"a==b", "mine==x"}}, spec{Constraints: []string{"a==b"}}, spec{Constraints: []string{"c==d"}},
			spec{Constraints: []string{"c==d", "mine==x"}}, []string{"add constraint c==d", "remove constraint a==b"}},
		{"a constraint that an operator took out is brought back",
			spec{}, spec{Constraints: []string{"a==b"}}, spec{Constraints: []string{"a==b"}},
			spec{Constraints: []string{"a==b"}}, []string{"add constraint a==b"}},
		{"a grace that the repository does not name is kept",
			spec{Grace: 5 * time.Minute}, spec{}, spec{}, spec{Grace: 5 * time.Minute}, nil},
		{"a grace that it names is brought back",
			spec{Grace: 5 * time.Minute}, spec{Grace: 70 * time.Second}, spec{Grace: 70 * time.Second}, spec{Grace: 70 * time.Second},
			[]string{"stop grace period 5m0s -> 1m10s"}},
		{"a grace that it names no longer goes back to the default",
			spec{Grace: 11 * time.Second}, spec{Grace: 11 * time.Second}, spec{}, spec{Grace: 40 * time.Second},
			[]string{"stop grace period 11s -> 40s"}},
		{"unless an operator changed it since",
			spec{Grace: time.Hour}, spec{Grace: 11 * time.Second}, spec{}, spec{Grace: time.Hour}, nil},
		{"secrets that are there",
			secrets("1 a", "2 b"), secrets("1 a", "2 b"), secrets("1 a", "2 b"), secrets("1 a", "2 b"), nil},
		{"a secret comes between others",
			secrets("1 a", "3 c"), secrets("1 a", "3 c"), secrets("1 a", "2 b", "3 c"), secrets("1 a", "2 b", "3 c"),
			[]string{"add secret b"}},
		{"an operator's secret stays, sorted among those that the repository names",
			secrets("2 mine", "3 z"), secrets("3 z"), secrets("1 a", "3 z"), secrets("1 a", "2 mine", "3 z"),
			[]string{"add secret a"}},
		{"a secret that the repository no longer names goes, an operator's stays",
			secrets("1 a", "2 mine"), secrets("1 a"), spec{}, secrets("2 mine"), []string{"remove secret a"}},
		{"a secret that an operator took out is brought back",
			spec{}, secrets("1 a"), secrets("1 a"), secrets("1 a"), []string{"add secret a"}},
		{"a secret that was removed and made anew",
			secrets("1 a"), secrets("1 a"), secrets("9 a"), secrets("9 a"), []string{"replace secret a"}},
		{"so, and an operator was faster",
			secrets("9 a"), secrets("1 a"), secrets("9 a"), secrets("9 a"), nil},
		{"one that an operator put in the place of its namesake goes with the name",
			secrets("9 a"), secrets("1 a"), spec{}, spec{}, []string{"remove secret a"}},
		{"one that an operator mounted before the repository named it",
			secrets("1 a"), spec{}, secrets("1 a"), secrets("1 a"), nil},
		{"an overlay comes, another goes, an operator's stays",
			meeting("1 a", "2 mine"), meeting("1 a"), meeting("3 c"), meeting("2 mine", "3 c"), []string{"join network c", "leave network a"}},
		{"an overlay that an operator took out is brought back",
			meeting(), meeting("1 a"), meeting("1 a"), meeting("1 a"), []string{"join network a"}},
		{"an overlay that was removed and made anew",
			meeting("1 a"), meeting("1 a"), meeting("9 a"), meeting("9 a"), []string{"join network a", "leave network a"}},
		{"one that an operator joined before the repository named it, and then no longer",
			meeting("1 a"), meeting("1 a"), meeting(), meeting(), []string{"leave network a"}},
		{"a port that an operator took out is brought back, another one stays",
			meeting(":443"), meeting(":80"), meeting(":80"), meeting(":80", ":443"), []string{"publish port 80 with mode=host"}},
		{"a port that the repository no longer names goes",
			meeting(":80", ":443"), meeting(":80", ":443"), meeting(":80"), meeting(":80"), []string{"publish port 443 no more"}},
		{"nothing is published in the host's network, and no overlay joined",
			meeting("1 a", ":80"), meeting("1 a", ":80"), host, transition(host), []string{"join network host", "leave network a", "publish port 80 no more"}},
		{"from there, whoever put the proxy there",
			host, spec{}, meeting("1 a", ":80"), meeting("1 a", ":80"), []string{"join network a", "leave network host", "publish port 80 with mode=host", "update order start-first -> stop-first"}},
		{"start-first comes back with the next change",
			transition(host), transition(host), with(host, "a==b"), with(host, "a==b"), []string{"add constraint a==b", "update order stop-first -> start-first"}},
		{"unless it was an operator who took it away",
			transition(host), host, with(host, "a==b"), transition(with(host, "a==b")), []string{"add constraint a==b"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, s := range []*spec{&c.live, &c.applied, &c.named, &c.want} {
				if s.Order == "" { // the case is about something else
					s.Networks, s.Order = host.Networks, host.Order
				}
			}
			p := generator.Proxy{Name: "edge", Spec: c.named, Drain: 30 * time.Second}
			current := &generator.ProxyService{Proxy: "edge", Spec: c.live, Applied: c.applied}
			before := *current
			r, err := generator.Pack("r1", p, generator.Files{}, current)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(r.Spec, c.want) {
				t.Errorf("got %+v, want %+v", r.Spec, c.want)
			}
			if !slices.Equal(r.Changes, c.changes) {
				t.Errorf("got changes %q, want %q", r.Changes, c.changes)
			}
			if !reflect.DeepEqual(*current, before) {
				t.Errorf("Pack changed its input to %+v", *current)
			}
			// What was rolled is true: a second pass has nothing to do.
			again, err := generator.Pack("r1", p, generator.Files{}, &generator.ProxyService{Proxy: "edge", Spec: r.Spec, Applied: r.Named})
			if err != nil || again.Needed() {
				t.Errorf("after the rollout Pack still says %q, %v", again.Changes, err)
			}
		})
	}
}

// host is in the host's network.
var host = generator.Spec{Networks: []generator.Network{{ID: "0", Name: "host"}}, Order: "start-first"}

// meeting returns a specification that publishes ports, as :80, and is on overlays,
// each an ID and a name.
func meeting(list ...string) generator.Spec {
	s := generator.Spec{Order: "stop-first"}
	for _, text := range list {
		if port, ok := strings.CutPrefix(text, ":"); ok {
			number, _ := strconv.Atoi(port)
			s.Publish = append(s.Publish, generator.PublishedPort{Protocol: "tcp", Port: number, Mode: "host"})
			continue
		}
		id, name, _ := strings.Cut(text, " ")
		s.Networks = append(s.Networks, generator.Network{ID: id, Name: name})
	}
	return s
}

// transition is a specification on its way to the host's network.
func transition(s generator.Spec) generator.Spec {
	s.Order = "stop-first"
	return s
}

func with(s generator.Spec, constraint string) generator.Spec {
	s.Constraints = []string{constraint}
	return s
}

// secrets returns a specification with secrets, each an ID and a name.
func secrets(list ...string) generator.Spec {
	var s generator.Spec
	for _, text := range list {
		id, name, _ := strings.Cut(text, " ")
		s.Secrets = append(s.Secrets, generator.Secret{ID: id, Name: name})
	}
	return s
}

// TestPackTellsConfigs holds the words for configs that come, change and go.
func TestPackTellsConfigs(t *testing.T) {
	files := generator.Files{All: []generator.File{{Path: "nginx.conf", Data: []byte("a")}, {Path: "status.conf", Data: []byte("b")}}}
	p := generator.Proxy{Name: "edge", Spec: host}
	r, err := generator.Pack("r1", p, files, &generator.ProxyService{Spec: host, Applied: host, Carried: map[string]string{
		"nginx.conf": "wharfinger-edge-0", "routes/007.conf": "wharfinger-edge-1"}})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := r.Changes, []string{"replace nginx.conf", "add status.conf", "remove routes/007.conf"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestFailedRolloutIsKnownAgain holds that only the same outcome is quarantined.
func TestFailedRolloutIsKnownAgain(t *testing.T) {
	model, _ := build(t, "demo")
	p := model.Proxies[0]
	files, first := render(t, p)
	for _, c := range []struct {
		name   string
		change func(p *generator.Proxy, files *generator.Files, current *generator.ProxyService)
		want   bool
	}{
		{"the same", func(*generator.Proxy, *generator.Files, *generator.ProxyService) {}, true},
		{"other files", func(_ *generator.Proxy, f *generator.Files, _ *generator.ProxyService) { f.Digest = "other" }, false},
		{"another image", func(p *generator.Proxy, _ *generator.Files, _ *generator.ProxyService) { p.Spec.Image = "nginx:1.28" }, false},
		{"a secret made anew", func(p *generator.Proxy, _ *generator.Files, _ *generator.ProxyService) {
			p.Spec.Secrets = secrets("1 a").Secrets
		}, false},
		{"an operator's constraint", func(_ *generator.Proxy, _ *generator.Files, s *generator.ProxyService) {
			s.Spec.Constraints = append(s.Spec.Constraints, "node.id!=x")
		}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, files, current := p, files, carrying(first)
			current.Carried, current.Failed = nil, first.ID
			c.change(&p, &files, current)
			r, err := generator.Pack("r2", p, files, current)
			if err != nil || !r.Needed() || r.Quarantined != c.want {
				t.Errorf("got needed %v, quarantined %v, %v; want true, %v, nil", r.Needed(), r.Quarantined, err, c.want)
			}
		})
	}
}

// TestFoldersAreSpreadApart holds that a shard has files of one folder alone,
// for nginx includes each folder at a place of its own, and that the size of one
// folder moves nothing in the other.
func TestFoldersAreSpreadApart(t *testing.T) {
	pack := func(streams int) []generator.Shard {
		files := []generator.File{{Path: "nginx.conf", Data: []byte("a\n")}}
		for i := range 100 {
			files = append(files, generator.File{Path: fmt.Sprintf("routes/server.%03d.conf", i), Data: []byte(strings.Repeat("r\n", 1000))})
		}
		files = append(files, generator.File{Path: "status.conf", Data: []byte("b\n")})
		for i := range streams {
			files = append(files, generator.File{Path: fmt.Sprintf("streams/server.%03d.conf", i), Data: []byte(strings.Repeat("s\n", 1000))})
		}
		r, err := generator.Pack("r1", generator.Proxy{Name: "edge"}, generator.Files{All: files}, nil)
		if err != nil {
			t.Fatal(err)
		}
		sameFiles(t, fmt.Sprintf("%d streams, unpacked", streams), generator.Unpack(r.Shards), files)
		checkShards(t, uint64(streams), r.Shards)
		return r.Shards
	}
	path := regexp.MustCompile(`^(nginx|status|(routes|streams)/[0-9]{3})\.conf$`)
	folder := func(path string) string { return path[:strings.LastIndex(path, "/")+1] }
	names := map[int][]string{} // of the configs of routes, by the number of streams
	for _, streams := range []int{0, 1, 100} {
		count := map[string]int{}
		for _, s := range pack(streams) {
			count[folder(s.Path)]++
			if !path.MatchString(s.Path) {
				t.Errorf("a shard lies at %s", s.Path)
			}
			for _, f := range generator.Unpack([]generator.Shard{s}) {
				if folder(f.Path) != folder(s.Path) {
					t.Errorf("%s lies in %s", f.Path, s.Path)
				}
			}
			if folder(s.Path) == "routes/" {
				names[streams] = append(names[streams], s.Config)
			}
		}
		if !slices.Equal(names[streams], names[0]) {
			t.Errorf("%d streams: the configs of routes are %q, want %q", streams, names[streams], names[0])
		}
		if count["routes/"] < 4 || (count["streams/"] > 1) != (streams == 100) || (count["streams/"] > 0) != (streams > 0) {
			t.Errorf("%d streams: shards by folder: %v", streams, count)
		}
	}
}

// TestBadInputTooLarge holds that a file which no Docker config takes is a problem
// that says what to do, whichever file it is.
func TestBadInputTooLarge(t *testing.T) {
	for _, want := range []string{
		"proxy edge: nginx.conf has 512000 bytes, but a Docker config holds 511999 (spread its routes over more hosts)",
		"proxy edge: routes/server.a.conf has 512036 bytes, but a Docker config holds 511999 (spread its routes over more hosts)",
		"proxy edge: routes/upstream.a.conf has 512038 bytes, but a Docker config holds 511999 (spread its tasks or servers over more pools)",
		"proxy edge: streams/passthrough.conf has 512040 bytes, but a Docker config holds 511999 (let wildcards stand for more of its hosts)",
		"proxy edge: streams/server.a.conf has 512037 bytes, but a Docker config holds 511999 (spread its streams over more ports)",
		"proxy edge: streams/upstream.a.conf has 512039 bytes, but a Docker config holds 511999 (spread its tasks or servers over more pools)",
	} {
		path := strings.Fields(want)[2]
		_, err := generator.Pack("r1", generator.Proxy{Name: "edge"}, generator.Files{All: []generator.File{{Path: path, Data: make([]byte, 500<<10)}}}, nil)
		if err == nil || err.Error() != want {
			t.Errorf("%s:\n got %v\nwant %s", path, err, want)
		}
	}
}
