package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/wharfinger/wharfinger/generator"
	"github.com/wharfinger/wharfinger/route"
	"github.com/wharfinger/wharfinger/watcher"
)

const carriedRoutes = `
proxies: {edge: {image: "nginx:1.28", constraints: [node.role==worker]}, inner: {image: "nginx:1.30", listen: {http: 8080}, status: {port: 8078}}}
pools:
  shop: {service: shop, port: 8080}
  old: {servers: [10.0.0.5:80]}
routes:
  shop: {proxy: edge, hosts: [shop.example.org], pool: shop}
  old: {proxy: edge, hosts: [old.example.org], paths: [/v1], pool: old}
  admin: {proxy: inner, hosts: [admin.example.org], pool: shop}
streams:
  pg: {proxy: edge, listen: 5432, pool: old}
`

const wantedRoutes = `
proxies: {edge: {image: "nginx:1.30", constraints: [node.role==worker, node.labels.lb==yes]}, inner: {image: "nginx:1.30", listen: {http: 8080}, status: {port: 8078}}, new: {image: "nginx:1.30", listen: {http: 8081}, status: {port: 8077}}}
pools:
  shop: {service: shop, port: 8080}
  next: {servers: [10.0.0.6:80, {address: "10.0.0.7:80", backup: true}]}
routes:
  shop: {proxy: edge, hosts: [shop.example.org], pool: shop, timeouts: {read: 5m}, tls: {cert: shop.cert, key: shop.key}}
  beta: {proxy: edge, hosts: [shop.example.org], paths: [/beta], when: {cookies: {beta: "1"}}, pool: next}
  moved: {proxy: edge, hosts: [old.example.org], redirect: "https://shop.example.org"}
  admin: {proxy: inner, hosts: [admin.example.org], pool: shop}
  first: {proxy: new, hosts: [new.example.org], respond: 404}
streams:
  pg: {proxy: edge, listen: 5433, pool: next}
`

// TestDiffOfCluster compares a repository with proxies that carry another one, and
// with tasks that have moved, in all formats.
func TestDiffOfCluster(t *testing.T) {
	live := func(ports ...int) *generator.Live {
		l := &generator.Live{
			Nodes:    []generator.Node{{ID: "n", Hostname: "node", Role: "worker", State: "ready", Addr: "192.0.2.1"}},
			Services: []generator.Service{{ID: "shop", Name: "shop"}},
			Secrets:  []generator.Secret{{ID: "c1", Name: "shop.cert"}, {ID: "k1", Name: "shop.key"}},
		}
		for _, port := range ports {
			l.Tasks = append(l.Tasks, generator.Task{ID: fmt.Sprint(port), Service: "shop", Node: "n", State: "running",
				Ports: []generator.Port{{Protocol: "tcp", Target: 8080, Published: port}}})
		}
		return l
	}
	now := live(32768, 32770)
	carried := map[string][]generator.Shard{}
	for _, r := range planOf(t, carriedRoutes, live(32768, 32769)).Rollouts {
		p := generator.ProxyService{Proxy: r.Proxy, Service: r.Service, Spec: r.Spec, Applied: r.Named, Carried: map[string]string{}}
		for _, s := range r.Shards {
			p.Carried[s.Path] = s.Config
		}
		now.Proxies = append(now.Proxies, p)
		carried[r.Proxy] = r.Shards
	}
	for name, known := range map[string]bool{"cluster": true, "live": false} {
		d := difference{base: side{name: "the cluster"}, now: side{name: "."}}
		for _, r := range planOf(t, wantedRoutes, now).Rollouts {
			old := carried[r.Proxy]
			if !known {
				old = nil
			}
			d.addRollout(r, old)
			if known {
				d.addLines("live", map[string][]generator.File{r.Proxy: generator.Unpack(old)}, map[string][]generator.File{r.Proxy: generator.Unpack(r.Shards)})
			}
		}
		// Of the lines a few do; what templates write is held elsewhere.
		d.lines = slices.DeleteFunc(d.lines, func(f fileLines) bool { return !strings.HasPrefix(f.file, "routes/upstream.") })
		for format, suffix := range map[string]string{"text": ".txt", "json": ".json", "markdown": ".md"} {
			var out bytes.Buffer
			if err := differenceForms[format](d, &out, io.Discard); err != nil {
				t.Fatal(err)
			}
			holds(t, "diff", name+suffix, out.Bytes())
		}
	}
	if r := planOf(t, carriedRoutes, live(32768, 32769)).Rollouts[0]; !r.Needed() {
		t.Error("a proxy that is not there needs no rollout")
	}
}

func planOf(t *testing.T, text string, live *generator.Live) *watcher.Plan {
	t.Helper()
	desired, problems := route.Parse(route.Revision{Files: []route.File{{Path: "a.yaml", Data: []byte(text)}}})
	if problems != nil {
		t.Fatal(problems)
	}
	plan, err := watcher.MakePlan(generator.Templates{}, desired, live)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

var (
	span   = regexp.MustCompile("`[^`|]*`")
	inHTML = regexp.MustCompile(`<code>(?:[A-Za-z0-9 ,;()+?%\x{80}-\x{10ffff}]|&#[0-9]+;)*</code>`)
	ours   = regexp.MustCompile(`^(?:[a-z0-9, ().:-]|\*\*|<br>|\n|\||No difference|And|Proxy)*$`)
)

// TestMarkdownKeepsEverythingInItsPlace has hostile text wherever somebody else's
// can be: it stands in code, so that nothing becomes markup, a link or a mention,
// and no row gets another cell.
func TestMarkdownKeepsEverythingInItsPlace(t *testing.T) {
	tried := 0
	for _, evil := range []string{
		"<script>alert(1)</script>", "@everyone", "a | b", "a\\|b", "\\", "`", "``", "`x` <b>", "</code><img src=x onerror=y>", "&lt;b&gt;", "&#64;team",
		"[x](javascript:y)", "![](https://evil.example/x.png)", "https://evil.example @you", "\n\n# heading", "\r\n| a | b |", "<!--", "</details>", "***", "~~~", "$`x`$",
		"\u202e", "\x1b[31m", "\u0000", "", " ", "#1", "!1", ":smile:", "www.evil.example`", "日本|語",
	} {
		problems := route.Problems{{Pos: route.Pos{File: evil}, Text: evil, Hint: evil}, {Object: evil, Text: evil}}
		change := found{evil, route.Change{Kind: "route", Name: evil, What: route.Changed, Words: []string{evil}, Routes: []string{evil},
			Details: []route.Detail{{Field: evil, Old: evil, New: evil + "x"}, {Field: "hosts", Added: []string{evil}}}}}
		gone := found{evil, route.Change{Kind: "host", Name: evil, What: route.Gone, Summary: evil}}
		was := found{evil, route.Change{Kind: "pool", Name: evil, What: route.Renamed, Was: evil}}
		base := side{name: evil, parsed: parsed{revision: route.Revision{ID: evil}}}
		for _, d := range []difference{
			{base: base},
			{base: base, changes: []found{change, gone, was}},
			{base: side{name: evil, parsed: parsed{problems: problems}}},
			{now: side{name: evil, parsed: parsed{problems: problems}}},
		} {
			tried++
			var out strings.Builder
			if err := d.markdown(&out, io.Discard); err != nil {
				t.Fatal(err)
			}
			rest := span.ReplaceAllString(inHTML.ReplaceAllString(out.String(), ""), "")
			if !ours.MatchString(rest) {
				t.Errorf("%q leaves its place:\n%s\nis without code\n%s", evil, out.String(), rest)
			}
			for line := range strings.Lines(out.String()) {
				if strings.HasPrefix(line, "|") && strings.Count(line, "|") != 4 {
					t.Errorf("%q makes a cell of its own: %s", evil, line)
				}
			}
		}
	}
	t.Logf("%d comments", tried)
}

// The lines of files stand in a block of code that nothing in them ends.
func TestMarkdownFolds(t *testing.T) {
	evil := " ```\n+</details>\n+````` @everyone\n"
	d := difference{base: side{name: "main"}, changes: []found{{Change: route.Change{Kind: "route", Name: "a", What: route.New}}}, lines: []fileLines{{"edge", "nginx.conf", evil}}}
	var out strings.Builder
	if err := d.markdown(&out, io.Discard); err != nil {
		t.Fatal(err)
	}
	want := "\n<details><summary>nginx lines of 1 file</summary>\n\n``````diff\n" + evil + "``````\n\n</details>\n"
	if !strings.HasSuffix(out.String(), want) {
		t.Errorf("got\n%s\nwant at its end\n%s", out.String(), want)
	}
}

// Forges refuse a comment of more than 65,536 characters.
func TestMarkdownIsNeverTooLong(t *testing.T) {
	d := difference{base: side{name: "main"}}
	for i := range 1500 {
		d.changes = append(d.changes, found{Change: route.Change{Kind: "route", Name: fmt.Sprint(i), What: route.Changed,
			Details: []route.Detail{{Field: "respond.body", Old: strings.Repeat("o", 1000), New: strings.Repeat("n", 1000)}}}})
		d.lines = append(d.lines, fileLines{"edge", fmt.Sprint(i), strings.Repeat("+ line\n", i)})
	}
	var out strings.Builder
	if err := d.markdown(&out, io.Discard); err != nil {
		t.Fatal(err)
	}
	more := regexp.MustCompile(`(?m)^And [0-9]+ more\.$`)
	files := regexp.MustCompile(`(?m)^And [0-9]+ files more\.$`)
	if out.Len() > 65536 || !more.MatchString(out.String()) || !files.MatchString(out.String()) || !strings.HasSuffix(out.String(), "</details>\n") {
		t.Errorf("the comment has %d bytes, and ends in\n%s", out.Len(), out.String()[max(0, out.Len()-500):])
	}
}

// TestDiffAnswers holds what diff exits with, and the reason that it gives.
func TestDiffAnswers(t *testing.T) {
	t.Chdir(t.TempDir())
	const routes = "proxies: {edge: {image: \"nginx:1.30\"}}\npools: {demo: {service: demo, port: 8080}}\nroutes: {demo: {hosts: [demo.local], pool: demo}}\n"
	const other = "proxies: {edge: {image: \"nginx:1.30\"}}\npools: {demo: {service: demo, port: 8081}}\nroutes: {demo: {hosts: [demo.local], pool: demo}}\n"
	files := func(all map[string]string) {
		for name, text := range all {
			edit{name, "", text}.apply(t)
		}
	}
	files(map[string]string{"repo/README": "nothing yet", "other/routes.yaml": other, "bad/routes.yaml": "routes: {demo: 1}"})
	t.Chdir("repo")
	runGit(t, "init", "--quiet", "-b", "main")
	runGit(t, "add", "--all")
	runGit(t, "commit", "--quiet", "-m", "no routes")
	runGit(t, "branch", "empty")
	files(map[string]string{"routes.yaml": routes, "team/routes.yaml": other})
	runGit(t, "add", "--all")
	runGit(t, "commit", "--quiet", "-m", "routes")
	runGit(t, "tag", "-a", "-m", "v1", "v1")
	bare := filepath.Join(t.TempDir(), "routes.git")
	runGit(t, "clone", "--quiet", "--bare", ".", bare)
	if err := os.Remove("team/routes.yaml"); err != nil {
		t.Fatal(err)
	}
	files(map[string]string{"live.json": "{}", "team/more.yaml": other})
	t.Chdir("..")
	url := "file://" + bare
	for _, c := range []struct {
		args   string
		code   int
		stdout string // what each begins with
		stderr string
	}{
		{"repo/team --base main", 0, "no difference\n", "compared with main ("},
		{"repo/team --base ./other", 0, "no difference\n", "compared with ./other\n"},
		{"repo/team --base v1 --lines", 0, "no difference\n", "the lines are for an imagined Swarm"},
		{"other --base repo/team", 2, "", "wharfinger: other lies in no git repository, so it has no revision repo/team; for the directory write --base ./repo/team\n"},
		{"other --base ./nowhere", 2, "", "wharfinger: ./nowhere is not a directory\n"},
		{"repo/team --base empty", 1, "+ route demo: new, demo.local -> pool demo\n+ pool demo:  new, service demo; port 8081\n+ proxy edge: new, image nginx:1.30\n3 new\n", "empty has no routes yet\ncompared with empty\n"},
		{"repo/team --base ./bad", 1, "./bad:routes.yaml:1:16: route demo must be a map", "./bad has 1 problem and is refused"},
		{"bad --base ./other", 1, "routes.yaml:1:16: route demo must be", "bad has 1 problem, so there is nothing to compare\n"},
		{"bad", 1, "routes.yaml:1:16: ", ""},
		{"repo/team --base next", 2, "", "wharfinger: there is no branch, tag or commit next\n"},
		{"repo/team --base=", 2, "", "wharfinger: --base is empty"},
		{"repo/team --base main --host unix:///x", 2, "", "wharfinger: --base and --host name two"},
		{"repo/team --base main --live x.json", 2, "", "wharfinger: --live has no use beside --base"},
		{"repo/team --base main --format html", 2, "", "wharfinger: --format is text, json or markdown, not \"html\"\n"},
		{"repo/team --live repo/live.json --lines", 2, "", "wharfinger: a live state names the files"},
		{"repo/team --live repo/live.json", 1, "proxy edge\n+ service wharfinger-edge: new, nginx:1.30\n", "warning: "},
		{"repo/team --base ./other --lines --live repo/live.json", 0, "no difference\n", "compared with ./other\n"},
		{url + " --allow-file --base v1", 1, "team/routes.yaml:1:11: proxy edge is defined already", url + " ("},
		{url + " --allow-file --folder team --base v1", 0, "no difference\n", "compared with v1 ("},
		{url + " --allow-file --folder team --base empty", 1, "+ route demo: new", "empty has no routes yet\n"},
		{url + " --allow-file --folder team --base nowhere", 2, "", "wharfinger: list refs: there is no branch or tag nowhere on the remote"},
	} {
		var stdout, stderr bytes.Buffer
		code := run(append([]string{"diff"}, strings.Fields(c.args)...), &stdout, &stderr)
		if code != c.code || !strings.HasPrefix(stdout.String(), c.stdout) || !strings.HasPrefix(stderr.String(), c.stderr) || c.stdout == "" && stdout.Len() > 0 {
			t.Errorf("diff %s: got %d and\n%s\n%s\nwant %d and\n%s\n%s", c.args, code, stdout.String(), stderr.String(), c.code, c.stdout, c.stderr)
		}
	}
}

// What colours a terminal gets, other programs do not.
func TestDiffOnTerminal(t *testing.T) {
	c := found{Change: route.Change{Kind: "route", Name: "shop", What: route.Changed, Words: []string{"one", "two"}}}
	for _, x := range []struct {
		t    terminal
		want string
	}{
		{terminal{}, "~ route shop:  one\n               two\n"},
		{terminal{80, true}, yellow + "~" + plain + " " + bold + "route shop:" + plain + "  one\n               two\n"},
	} {
		var out strings.Builder
		x.t.change(&out, c, len("route shop: "))
		if out.String() != x.want {
			t.Errorf("got %q, want %q", out.String(), x.want)
		}
	}
}
