package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/wharfinger/wharfinger/lab"
)

// job is what runs for one push, of one recipe or another: its scripts, as the
// forge's runner runs them, one after the other.
type job struct {
	name    string
	scripts []script
}

type script struct {
	name, text string
	env        map[string]string
	if_        string // a condition as the recipe writes it
	optional   bool   // its failure is not the job's
}

// conditions are the ones that recipes have, for what is known of a push.
var conditions = map[string]func(p pushed) bool{
	"": func(p pushed) bool { return !p.failed },
	"${{ !cancelled() && github.event_name == 'pull_request' }}":                                                                      func(p pushed) bool { return p.asked },
	"${{ !cancelled() && steps.compare.outcome == 'success' && github.event.pull_request.head.repo.full_name == github.repository }}": func(p pushed) bool { return p.compared && !p.fork },
	`$CI_PIPELINE_SOURCE == "merge_request_event"`:                                                                                    func(p pushed) bool { return p.asked },
	"$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH":                                                                                         func(p pushed) bool { return !p.asked },
}

// pushed is what a runner knows.
type pushed struct {
	asked    bool // somebody asks to merge it
	fork     bool // and lives in another project
	failed   bool // a step before did
	compared bool // the step compare succeeded
}

// actions reads a recipe of GitHub's kind.
func actions(t *testing.T, file string, values map[string]string) []job {
	var recipe struct {
		Jobs map[string]struct {
			Steps []struct {
				ID, Name, Uses, Run, If string
				Env                     map[string]string
				Continue                bool `yaml:"continue-on-error"`
			}
		}
	}
	parse(t, file, &recipe)
	var jobs []job
	for name, j := range recipe.Jobs {
		out := job{name: name}
		for _, s := range j.Steps {
			if s.Uses != "" {
				continue // the checkout, which the test makes, and Go, which is here
			}
			if strings.Contains(s.Run, "${{") {
				t.Errorf("%s: step %s puts what others write into a script; hand it over by env", file, s.Name)
			}
			env := map[string]string{}
			for key, value := range s.Env {
				known, ok := values[value]
				if !ok {
					t.Fatalf("%s: no test knows what %s is", file, value)
				}
				env[key] = known
			}
			id := s.ID
			if id == "" {
				id = s.Name
			}
			out.scripts = append(out.scripts, script{id, s.Run, env, s.If, s.Continue})
		}
		jobs = append(jobs, out)
	}
	return jobs
}

// pipelines reads a recipe of GitLab's kind.
func pipelines(t *testing.T, file string) []job {
	var recipe map[string]yaml.Node
	parse(t, file, &recipe)
	var jobs []job
	for _, name := range []string{"wharfinger", "check", "compare"} {
		var j struct {
			Before  []string `yaml:"before_script"`
			Script  []string
			Rules   []struct{ If string }
			Failure bool `yaml:"allow_failure"`
		}
		node, ok := recipe[name]
		if !ok {
			t.Fatalf("%s has no job %s", file, name)
		}
		if err := node.Decode(&j); err != nil {
			t.Fatal(err)
		}
		delete(recipe, name)
		for _, rule := range j.Rules { // each is one way to run
			jobs = append(jobs, job{name, []script{
				{"install", strings.Join(j.Before, "\n"), nil, rule.If, j.Failure},
				{name, strings.Join(j.Script, "\n"), nil, rule.If, j.Failure}}})
		}
	}
	delete(recipe, "stages")
	for name := range recipe {
		t.Errorf("%s: no test runs the job %s", file, name)
	}
	return jobs
}

func parse(t *testing.T, file string, into any) {
	t.Helper()
	if err := yaml.Unmarshal([]byte(read(t, file)), into); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

func example(name string) string { return filepath.Join(packageDir, "../../examples/ci", name) }

// installs are lines that fetch from the internet, which a test does not do: it
// holds that they fetch what is there, and has it already.
var installs = []*regexp.Regexp{
	regexp.MustCompile(`^apt-get update$`),
	regexp.MustCompile(`^apt-get install -y --no-install-recommends( [a-z-]+)+$`),
	regexp.MustCompile(`^(GOBIN=\$CI_PROJECT_DIR/\.wharfinger )?go install github\.com/wharfinger/wharfinger/cmd/wharfinger@latest$`),
}

// isInstall reports whether a script only installs.
func isInstall(text string) bool {
	for line := range strings.Lines(text) {
		if !slices.ContainsFunc(installs, func(r *regexp.Regexp) bool { return r.MatchString(strings.TrimSpace(line)) }) {
			return false
		}
	}
	return true
}

// runs a job's scripts in a checkout and returns what they printed and whether
// the job failed.
func (j job) run(t *testing.T, checkout string, env []string, p pushed) (output string, failed bool) {
	t.Helper()
	var out bytes.Buffer
	for _, s := range j.scripts {
		wanted, ok := conditions[s.if_]
		if !ok {
			t.Fatalf("job %s: no test knows the condition %s", j.name, s.if_)
		}
		if !wanted(p) || isInstall(s.text) {
			continue
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		// As GitHub's runner does for `shell: bash`, and GitLab's for its scripts.
		cmd := exec.CommandContext(ctx, "bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", s.text)
		cmd.Dir, cmd.Stdout, cmd.Stderr = checkout, &out, &out
		cmd.Env = slices.Clone(env)
		for key, value := range s.env {
			cmd.Env = append(cmd.Env, key+"="+value)
		}
		err := cmd.Run()
		cancel()
		if s.name == "compare" {
			p.compared = err == nil
		}
		if err != nil {
			fmt.Fprintf(&out, "%s: %v\n", s.name, err)
			p.failed = p.failed || !s.optional
		}
	}
	return out.String(), p.failed
}

const swarmOfShop = `{
  "nodes": [{"id": "n1", "hostname": "node1", "role": "worker", "state": "ready", "addr": "192.0.2.1"}],
  "services": [{"id": "s1", "name": "shop"}, {"id": "s2", "name": "blog"}],
  "tasks": [
    {"id": "t1", "service": "s1", "node": "n1", "state": "running", "ports": [{"protocol": "tcp", "target": 8080, "published": 32768}]},
    {"id": "t2", "service": "s2", "node": "n1", "state": "running", "ports": [{"protocol": "tcp", "target": 3000, "published": 32769}]}
  ]
}
`

// merged is a change on its way: pushes to a branch that somebody asks to merge.
var merged = []struct {
	commit
	refused bool
}{
	{commit: commit{name: "a-beta", edits: history[1].edits}},
	{commit{name: "a-mistake", edits: []edit{{"routes.yaml", "    pool: shop-next\n", "    pool: shop-nxet\n"}}}, true},
	{commit: commit{name: "a-canary", edits: append([]edit{{"routes.yaml", "    pool: shop-nxet\n", "    pool: shop-next\n"}}, history[2].edits...)}},
}

// TestOperateRecipes runs the recipes of examples/ci on a history: three pushes to
// a change, while others go on, and its merge.
func TestOperateRecipes(t *testing.T) {
	if testing.Short() {
		t.Skip("the lab's nginx is fetched as root")
	}
	nginx, err := lab.Nginx(t.Context(), "1.30")
	if err != nil {
		t.Fatal(err)
	}
	path := "PATH=" + filepath.Dir(nginx) + ":" + os.Getenv("PATH")
	for name := range dialects {
		t.Run(name, func(t *testing.T) { recipeOnHistory(t, name, path) })
	}
	files, err := os.ReadDir(testdata("recipes"))
	if err != nil {
		t.Fatal(err)
	}
	if want := len(dialects) * len(merged); len(files) != want {
		t.Errorf("testdata/recipes has %d files, want %d: one is stale", len(files), want)
	}
}

func recipeOnHistory(t *testing.T, name, path string) {
	origin, api, d := t.TempDir(), newForge(t, name), dialects[name]
	t.Chdir(origin)
	runGit(t, "init", "--quiet", "-b", "main")
	save := func(message string, edits ...edit) {
		t.Helper()
		for _, e := range edits {
			e.apply(t)
		}
		runGit(t, "add", "--all")
		runGit(t, "commit", "--quiet", "-m", message)
	}
	save("start", append(slices.Clone(history[0].edits), edit{"live.json", "", swarmOfShop})...)
	base := gitOutput(t, "rev-parse", "HEAD")
	runGit(t, "checkout", "--quiet", "-b", "change")
	for i, push := range merged {
		save(push.name, push.edits...)
		if i == 1 { // a forge that is away for a moment
			api.faults = 1
			runGit(t, "checkout", "--quiet", "main")
			save("others go on", edit{"proxies.yaml", "nodetype==loadbalancer]", "nodetype==lb]"})
			runGit(t, "checkout", "--quiet", "change")
		}
		runGit(t, "checkout", "--quiet", "--detach", "main")
		runGit(t, "merge", "--quiet", "--no-ff", "-m", "merge", "change")
		runGit(t, "update-ref", "refs/pull/7/merge", "HEAD")
		runGit(t, "checkout", "--quiet", "change")

		output, failed := runRecipe(t, name, path, api, base, pushed{asked: true})
		if failed != push.refused {
			t.Errorf("%s: the job failed: %v, want %v:\n%s", push.name, failed, push.refused, output)
		}
		if push.refused && !strings.Contains(output, "there is no pool shop-nxet") {
			t.Errorf("%s: the log says\n%s", push.name, output)
		}
		if annotated := strings.Contains(output, "::error file=routes.yaml,line="); annotated != (push.refused && name == "github") {
			t.Errorf("%s: the log annotates the line: %v:\n%s", push.name, annotated, output)
		}
		mine, rest := api.mine(d.me)
		if len(mine) != 1 || len(rest) != 2 {
			t.Fatalf("%s: got %d comments of the job's and %d of others, want 1 and 2:\n%s", push.name, len(mine), len(rest), output)
		}
		holds(t, "recipes", name+"-"+push.name+".md", []byte(mine[0].body))
		if asked := api.since(); (i > 0) != slices.ContainsFunc(asked, func(s string) bool { return strings.HasPrefix(s, d.change) }) {
			t.Errorf("%s: asked the forge for %s", push.name, strings.Join(asked, ", "))
		}
	}
	for what, p := range map[string]pushed{"the merge": {}, "a fork": {asked: true, fork: true}} {
		if output, failed := runRecipe(t, name, path, api, base, p); failed {
			t.Errorf("%s: the job failed:\n%s", what, output)
		}
		if asked := api.since(); asked != nil {
			t.Errorf("%s: asked the forge for %s, want nothing", what, strings.Join(asked, ", "))
		}
	}
	api.Close() // the check decides, not the comment
	if output, failed := runRecipe(t, name, path, api, base, pushed{asked: true}); failed || !strings.Contains(output, "curl: ") {
		t.Errorf("the forge is down: the job failed: %v, want false and a word of curl's:\n%s", failed, output)
	}
}

// runRecipe checks out what a runner would and runs the jobs of a recipe there.
func runRecipe(t *testing.T, name, path string, api *forge, base string, p pushed) (output string, failed bool) {
	t.Helper()
	checkout, temp := t.TempDir(), t.TempDir()
	ref, depth := "refs/heads/change", "--depth=2147483647" // git's word for all of it
	if name == "github" {
		ref, depth = "refs/pull/7/merge", "--depth=2"
	}
	runGit(t, "init", "--quiet", checkout)
	runGit(t, "-C", checkout, "fetch", "--quiet", depth, "file://"+gitOutput(t, "rev-parse", "--show-toplevel"), ref)
	runGit(t, "-C", checkout, "checkout", "--quiet", "--detach", "FETCH_HEAD")
	env := []string{path, "HOME=" + temp}
	var jobs []job
	if name == "gitlab" {
		jobs = pipelines(t, example("gitlab.yaml"))
		env = append(env, "CI_API_V4_URL="+api.api, "CI_PROJECT_DIR="+checkout, "CI_MERGE_REQUEST_PROJECT_ID=3", "CI_MERGE_REQUEST_IID=7", "CI_MERGE_REQUEST_DIFF_BASE_SHA="+base)
		if !p.fork { // whose pipelines lack the variables of the project
			env = append(env, "ROUTES_COMMENT_TOKEN="+api.token)
		}
		if err := os.Mkdir(filepath.Join(checkout, ".wharfinger"), 0o755); err != nil { // the artifact
			t.Fatal(err)
		}
	} else {
		jobs = actions(t, example(name+".yaml"), map[string]string{
			"${{ github.token }}":                         api.token,
			"${{ github.event.pull_request.number }}":     "7",
			"${{ github.event.pull_request.merge_base }}": base,
		})
		env = append(env, "GITHUB_API_URL="+api.api, "GITHUB_REPOSITORY=ops/routes", "RUNNER_TEMP="+temp, "GITHUB_STEP_SUMMARY="+filepath.Join(temp, "summary.md"))
	}
	for _, j := range jobs {
		text, no := j.run(t, checkout, env, p)
		output, failed = output+text, failed || no
	}
	if strings.Contains(output, api.token) {
		t.Errorf("%s: the log holds the token:\n%s", name, output)
	}
	if summary, err := os.ReadFile(filepath.Join(temp, "summary.md")); name == "github" && p.asked && (err != nil || !bytes.Contains(summary, []byte("**"))) {
		t.Errorf("the summary of the job is %q, %v", summary, err)
	}
	return output, failed
}

func gitOutput(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command("git", args...).Output()
	if err != nil {
		t.Fatalf("git %s: %v", strings.Join(args, " "), err)
	}
	return strings.TrimSpace(string(out))
}
