package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/spf13/cobra"

	"github.com/wharfinger/wharfinger/generator"
	"github.com/wharfinger/wharfinger/lab"
	"github.com/wharfinger/wharfinger/nginx"
	"github.com/wharfinger/wharfinger/route"
	"github.com/wharfinger/wharfinger/watcher"
)

// snippets is a repository with one, on a line of its own.
func snippets(t *testing.T, snippet string) string {
	t.Helper()
	dir := t.TempDir()
	text := "proxies: {edge: {image: \"nginx:1.30\"}}\npools: {shop: {servers: [\"192.0.2.1:80\"]}}\nroutes:\n  shop:\n    hosts: [shop.example]\n    pool: shop\n    snippet: " + snippet + "\n"
	if err := os.WriteFile(filepath.Join(dir, "routes.yaml"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestBadInputForNginx holds what check tells of files that Parse takes.
func TestBadInputForNginx(t *testing.T) {
	if testing.Short() {
		t.Skip("the lab's nginx is fetched as root")
	}
	program, err := lab.Nginx(t.Context(), "1.30")
	if err != nil {
		t.Fatal(err)
	}
	old, err := lab.Nginx(t.Context(), "1.22")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, snippet, nginx string
		code                 int
		out, err             string
	}{
		{"good", "expires 1d;", program, 0, "fine: 1 route, 1 pool, 1 proxy\n", ""},
		{"for nginx", "expires often;", program, 1, "routes.yaml:7:14: line 1 of the snippet: nginx: \"expires\" directive invalid value (it is line 12 of edge/routes/server.shop.example.conf, as render shows it)\n", ""},
		{"for nginx, unasked", "expires often;", "", 0, "fine: 1 route, 1 pool, 1 proxy\n", ""},
		{"for the list", "location /b { proxy_pass http://$arg_to; }", "", 1,
			"routes.yaml:7:14: line 1 of the snippet: the values of $arg_to are not fixed, but it leads to a host (name a pool or an address, or one variable whose values a map or split_clients lists)\n", ""},
		{"no nginx", "expires 1d;", "/nonexistent/nginx", 2, "", "wharfinger: run nginx -v: fork/exec /nonexistent/nginx: no such file or directory\n"},
		{"an old nginx", "expires 1d;", old, 2, "", "wharfinger: nginx to test with is 1.22.1, but proxy edge runs 1.30: name a newer one with --nginx\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			args := []string{"check", snippets(t, c.snippet), "--allow-snippets"}
			if c.nginx != "" {
				args = append(args, "--nginx", c.nginx)
			}
			var out, errOut bytes.Buffer
			if code := run(args, &out, &errOut); code != c.code || out.String() != c.out || errOut.String() != c.err {
				t.Errorf("got exit code %d and\n%s%s\nwant %d and\n%s%s", code, out.String(), errOut.String(), c.code, c.out, c.err)
			}
		})
	}
}

// TestApplyTellsProblems holds that apply prints a problem of the repository as
// check does.
func TestApplyTellsProblems(t *testing.T) {
	desired, problems := route.Parse(route.Revision{Files: []route.File{{Path: "a.yaml",
		Data: []byte("proxies: {edge: {image: \"nginx:1.30\"}}\npools: {shop: {servers: [\"192.0.2.1:80\"]}}\nroutes: {shop: {hosts: [shop.example], pool: shop}}\n")}}})
	if problems != nil {
		t.Fatal(problems)
	}
	plan, err := watcher.MakePlan(generator.Templates{}, desired, &generator.Live{})
	if err != nil {
		t.Fatal(err)
	}
	refused := plan.Traced(plan.Rollouts[0], &nginx.Refused{About: []generator.Complaint{{Path: "routes/upstream.shop.conf", Line: 1, Text: "hm", Hint: "mend it"}}})
	var out, errOut bytes.Buffer
	c := &cobra.Command{}
	c.SetOut(&out)
	c.SetErr(&errOut)
	_, err = conclude(c, []watcher.Outcome{{Rollout: plan.Rollouts[0], Err: refused}})
	if want := "a.yaml:2:9: nginx: hm (mend it)\n"; out.String() != want || err != errNo {
		t.Errorf("got %v and\n%s\nwant\n%s", err, out.String(), want)
	}
	if want := "wharfinger: proxy edge: the files did not pass their test\n"; errOut.String() != want {
		t.Errorf("on standard error: got\n%s\nwant\n%s", errOut.String(), want)
	}
}

func TestWarnsOnceOfTheSandbox(t *testing.T) {
	var errOut bytes.Buffer
	c := &cobra.Command{}
	c.SetErr(&errOut)
	warn := warnOfSandbox(c)
	for range 3 {
		warn([]string{"a network of its own", "more"})
	}
	if want := "warning: nginx -t runs without a network of its own; more\n"; errOut.String() != want {
		t.Errorf("got %q, want %q", errOut.String(), want)
	}
}
