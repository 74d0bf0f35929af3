package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sebdah/goldie/v2"
)

// commit is one of a history: edits of files as they were before, and what diff
// exits with when it is compared with the one before.
type commit struct {
	name  string
	code  int
	edits []edit
}

// edit replaces one text of a file with another; with nothing to replace it
// writes the file, and with to "" of no text it removes it. A file whose name has
// an arrow is moved.
type edit struct{ file, from, to string }

const firstProxies = `proxies:
  edge:
    image: nginx:1.28
    constraints: [node.labels.nodetype==loadbalancer]
`

const firstRoutes = `pools:
  shop: {service: shop, port: 8080}
  blog: {service: blog, port: 3000}
  legacy:
    servers:
      - 10.0.0.5:8080
      - {address: "10.0.0.6:8080", weight: 2}

routes:
  shop:
    hosts: [shop.example.org]
    pool: shop
  old-shop:
    hosts: [shop.example.org]
    paths: [/v1]
    rewrite: {strip: true}
    pool: legacy
  blog:
    hosts: [blog.example.org]
    pool: blog
`

// history is that of a shop: everything that people do to routes, and some of what
// they do by mistake.
var history = []commit{
	{"start", 0, []edit{{"proxies.yaml", "", firstProxies}, {"routes.yaml", "", firstRoutes}}},
	{"a-beta-for-some", 1, []edit{
		{"routes.yaml", "  blog: {service: blog", "  shop-next: {service: shop-next, port: 8080}\n  blog: {service: blog"},
		{"routes.yaml", "  blog:\n    hosts", `  beta:
    hosts: [shop.example.org]
    when:
      cookies: {beta: "1"}
      not: {headers: {User-Agent: "~*bot"}}
    timeouts: {read: 5m}
    pool: shop-next
  blog:
    hosts`}}},
	{"a-canary", 1, []edit{{"routes.yaml", "    pool: shop\n", "    split: {shop: 90, shop-next: 10}\n    splitBy: cookie:session\n"}}},
	{"more-for-the-canary", 1, []edit{{"routes.yaml", "shop: 90, shop-next: 10", "shop: 50, shop-next: 50"}}},
	{"the-canary-has-won", 1, []edit{
		{"routes.yaml", "    split: {shop: 50, shop-next: 50}\n    splitBy: cookie:session\n", "    pool: shop-next\n"},
		{"routes.yaml", "  shop: {service: shop, port: 8080}\n", ""},
		{"routes.yaml", `  beta:
    hosts: [shop.example.org]
    when:
      cookies: {beta: "1"}
      not: {headers: {User-Agent: "~*bot"}}
    timeouts: {read: 5m}
    pool: shop-next
`, ""}}},
	{"tls-by-a-policy", 1, []edit{
		{"policies.yaml", "", "policies:\n  secure:\n    tls: {cert: example.cert, key: example.key}\n    hsts: true\n"},
		{"routes.yaml", "    pool: shop-next\n", "    use: [secure]\n    pool: shop-next\n"},
		{"routes.yaml", "    rewrite:", "    use: [secure]\n    rewrite:"}}},
	{"the-policy-changes", 1, []edit{{"policies.yaml", "    hsts: true\n", `    hsts: {maxAge: 30d, subdomains: true}
    headers: {response: {set: {X-Frame-Options: DENY}}}
`}, {"routes.yaml", "    rewrite:", "    headers: {response: {set: {X-Frame-Options: SAMEORIGIN}}}\n    rewrite:"}}},
	{"files-move", 0, []edit{
		{"routes.yaml -> teams/shop/routes.yaml", "", ""},
		{"teams/shop/routes.yaml", "  blog:\n    hosts: [blog.example.org]\n    pool: blog\n", ""},
		{"teams/blog.yml", "", "# The blog's own team.\nroutes: {blog: {pool: blog, hosts: [\"blog.example.org\"]}}\n"},
		{"policies.yaml", "maxAge: 30d", "maxAge: 720h"}}},
	{"a-proxy-grows-up", 1, []edit{{"proxies.yaml", firstProxies, `proxies:
  edge:
    image: nginx:1.30
    constraints: [node.labels.nodetype==loadbalancer, node.role==worker]
    log: json
    trusted: [10.0.0.0/8, 192.0.2.7]
    defaults: {maxBody: 10m, retries: 2}
`}}},
	{"streams", 1, []edit{{"streams.yaml", "", `pools:
  pg: {service: pg, port: 5432}
  dns: {servers: [10.0.0.53:53]}
streams:
  postgres: {listen: 5432, pool: pg, allow: [10.0.0.0/8]}
  dns: {listen: 53/udp, pool: dns}
`}}},
	{"a-mistake", 1, []edit{
		{"teams/shop/routes.yaml", "    pool: legacy", "    pool: legcay"},
		{"streams.yaml", "listen: 5432", "listen: 54320000"}}},
	{"the-mistake-is-mended", 1, []edit{
		{"teams/shop/routes.yaml", "    pool: legcay", "    pool: legacy"},
		{"streams.yaml", "listen: 54320000", "listen: 5433"}}},
	{"answers-and-names-change", 1, []edit{
		{"teams/blog.yml", "{blog: {pool: blog, hosts: [\"blog.example.org\"]}}", `
  blog: {redirect: "https://www.example.org/blog", hosts: [blog.example.org, "*.blog.example.org"]}
  robots: {hosts: [blog.example.org], paths: [= /robots.txt], respond: {body: "User-agent: *\nDisallow: /\n"}}
  unknown: {hosts: ["*"], respond: 404}
`},
		{"teams/shop/routes.yaml", "  blog: {service: blog, port: 3000}\n", ""},
		{"streams.yaml", "  postgres:", "  pg:"},
		{"streams.yaml", "  dns: {servers: [10.0.0.53:53]}", "  names: {servers: [10.0.0.53:53]}"},
		{"streams.yaml", "53/udp, pool: dns", "53/udp, pool: names, responses: 1"}}},
	{"doors-and-limits", 1, []edit{
		{"teams/shop/routes.yaml", "    pool: shop-next\n", `    access: {allow: [10.0.0.0/8, 192.0.2.0/24], basic: staff}
    limits: {rate: 10/s, connections: 20}
    errors: [{on: [502, 503], pool: legacy}]
    maxBody: off
    pool: shop-next
`},
		{"teams/shop/routes.yaml", "{address: \"10.0.0.6:8080\", weight: 2}", "{address: \"10.0.0.6:8080\", weight: 3}\n      - {address: \"10.0.0.7:8080\", backup: true}"},
		{"teams/shop/routes.yaml", "  shop-next: {service: shop-next, port: 8080}", "  shop-next: {service: shop-next, port: 8081, tls: {ca: internal-ca}, balance: least-connections}"},
		{"teams/blog.yml", "Disallow: /", "Disallow: /drafts"}}},
	{"a-second-proxy", 1, []edit{
		{"proxies.yaml", "defaults: {maxBody: 10m, retries: 2}\n", "defaults: {maxBody: 20m, retries: 2}\n  inner: {image: \"nginx:1.30\", listen: {http: 8080}, status: {port: 8078}}\n"},
		{"teams/shop/routes.yaml", "  old-shop:\n", "  old-shop:\n    proxy: edge\n"},
		{"teams/shop/routes.yaml", "  shop:\n", "  admin: {proxy: inner, hosts: [admin.example.org], pool: shop-next}\n  shop:\n    proxy: edge\n"},
		{"teams/blog.yml", "blog: {redirect", "blog: {proxy: edge, redirect"},
		{"teams/blog.yml", "robots: {", "robots: {proxy: edge, "},
		{"teams/blog.yml", "unknown: {", "unknown: {proxy: inner, "},
		{"streams.yaml", "{listen: 5433", "{proxy: edge, listen: 5433"},
		{"streams.yaml", "{listen: 53/udp", "{proxy: edge, listen: 53/udp"}}},
	{"nothing", 0, nil},
	{"reuse-without-effect", 1, []edit{
		{"policies.yaml", "  secure:", "  doors:\n    access: {allow: [10.0.0.0/8, 192.0.2.0/24], basic: staff}\n  safe:"},
		{"teams/shop/routes.yaml", "    access: {allow: [10.0.0.0/8, 192.0.2.0/24], basic: staff}\n", ""},
		{"teams/shop/routes.yaml", "  shop:\n    proxy: edge\n    hosts: [shop.example.org]\n    use: [secure]", "  shop:\n    proxy: edge\n    hosts: [shop.example.org]\n    use: [safe, doors]"},
		{"teams/shop/routes.yaml", "    use: [secure]", "    use: [safe]"}}},
	{"closing-down", 1, []edit{
		{"proxies.yaml", "  inner: {image: \"nginx:1.30\", listen: {http: 8080}, status: {port: 8078}}\n", ""},
		{"teams/shop/routes.yaml", "  admin: {proxy: inner, hosts: [admin.example.org], pool: shop-next}\n", ""},
		{"teams/blog.yml", "  unknown: {proxy: inner, hosts: [\"*\"], respond: 404}\n", ""},
		{"streams.yaml", "  dns: {proxy: edge, listen: 53/udp, pool: names, responses: 1}\n", ""},
		{"policies.yaml", "  doors:\n    access: {allow: [10.0.0.0/8, 192.0.2.0/24], basic: staff}\n", ""},
		{"teams/shop/routes.yaml", "[safe, doors]", "[safe]"}}},
}

// TestDiffOfHistory makes a git repository of the history and holds what diff says
// to each commit, compared with the one before it.
func TestDiffOfHistory(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	runGit(t, "init", "--quiet", "-b", "main")
	made := map[string]bool{}
	for i, c := range history {
		for _, e := range c.edits {
			e.apply(t)
		}
		runGit(t, "add", "--all")
		runGit(t, "commit", "--quiet", "--allow-empty", "-m", c.name)
		if i == 0 {
			continue
		}
		for format, suffix := range map[string]string{"text": ".txt", "json": ".json", "markdown": ".md"} {
			var stdout, stderr bytes.Buffer
			if code := run([]string{"diff", ".", "--base", "HEAD^", "--format", format}, &stdout, &stderr); code != c.code {
				t.Errorf("%s: got exit code %d, want %d: %s", c.name, code, c.code, stderr.String())
			}
			made[c.name+suffix] = true
			if format == "text" { // where people see both
				stdout.WriteString("\n" + stderr.String())
			}
			holds(t, "history", c.name+suffix, stdout.Bytes())
		}
	}
	files, err := os.ReadDir(testdata("history"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !made[f.Name()] {
			t.Errorf("testdata/history/%s is stale: no commit makes it, so remove it", f.Name())
		}
	}
}

func (e edit) apply(t *testing.T) {
	t.Helper()
	write := func(name, text string) {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if from, to, ok := strings.Cut(e.file, " -> "); ok {
		write(to, read(t, from))
		if err := os.Remove(from); err != nil {
			t.Fatal(err)
		}
		return
	}
	if e.from == "" {
		write(e.file, e.to)
		return
	}
	text := read(t, e.file)
	if !strings.Contains(text, e.from) {
		t.Fatalf("%s does not hold %q:\n%s", e.file, e.from, text)
	}
	write(e.file, strings.Replace(text, e.from, e.to, 1))
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// runGit runs git in the working directory. Its commits are the same everywhere.
func runGit(t *testing.T, args ...string) {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Env = slices.Concat(os.Environ(), []string{
		"GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null",
		"GIT_AUTHOR_NAME=test", "GIT_AUTHOR_EMAIL=test@example.org", "GIT_AUTHOR_DATE=2026-01-01T00:00:00Z",
		"GIT_COMMITTER_NAME=test", "GIT_COMMITTER_EMAIL=test@example.org", "GIT_COMMITTER_DATE=2026-01-01T00:00:00Z",
	})
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

var packageDir, _ = os.Getwd() // tests run there, until they go elsewhere

func testdata(dir string) string { return filepath.Join(packageDir, "testdata", dir) }

// holds compares data with a file of testdata.
func holds(t *testing.T, dir, file string, data []byte) {
	t.Helper()
	suffix := filepath.Ext(file)
	goldie.New(t, goldie.WithFixtureDir(testdata(dir)), goldie.WithNameSuffix(suffix), goldie.WithDiffEngine(goldie.ClassicDiff)).Assert(t, strings.TrimSuffix(file, suffix), data)
}
