package wharfinger

import (
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/wharfinger/wharfinger/lab"
	"github.com/wharfinger/wharfinger/route"
	"github.com/wharfinger/wharfinger/route/editor"
)

// A block is one fenced block of a document.
type block struct {
	file, language, text string
}

var fence = regexp.MustCompile("(?ms)^```([a-z]*)\n(.*?)^```$")

func blocks(t *testing.T) []block {
	t.Helper()
	files, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	var all []block
	for _, file := range append(files, "README.md") {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range fence.FindAllStringSubmatch(string(text), -1) {
			all = append(all, block{file, m[1], m[2]})
		}
	}
	return all
}

// rest completes a block that shows a part of a repository.
var rest = map[string]string{
	"proxies":  "proxies: {edge: {image: nginx:1.30}}\n",
	"pools":    "pools: {shop: {service: shop, port: 8080}, shop-next: {service: shop-next, port: 8080}, legacy: {servers: [10.0.0.5:8080]}, pg: {service: pg, port: 5432, tls: {ca: pg-ca, name: pg.internal}}, dns: {service: dns, port: 53}, vault: {service: vault, port: 8200}}\n",
	"routes":   "routes: {rest: {hosts: [rest.example.org], pool: shop}}\n",
	"policies": "policies: {secure: {hsts: true}}\n",
}

func TestYAMLBlocksAreRead(t *testing.T) {
	read := 0
	for _, b := range blocks(t) {
		if b.language != "yaml" {
			continue
		}
		text := b.text
		for name, part := range rest {
			if !strings.Contains("\n"+b.text, "\n"+name+":") {
				text += part
			}
		}
		read++
		desired, problems := route.Parse(route.Revision{Files: []route.File{{Path: b.file, Data: []byte(text)}}}, route.Snippets)
		if problems != nil {
			t.Errorf("a block in %s is refused:\n%s\n%s", b.file, b.text, problems.Error())
			continue
		}
		unmarked(t, b.file, text)
		rendered(t, desired)
	}
	if read < 4 {
		t.Errorf("read %d YAML blocks, want at least 4: is the pattern right?", read)
	}
}

// unmarked holds that an editor has nothing against what Parse takes.
func unmarked(t *testing.T, where, text string) {
	t.Helper()
	marks, err := editor.Look([]byte(text))
	if err != nil {
		t.Errorf("%s: %v", where, err)
	}
	for _, m := range marks {
		t.Errorf("%s: an editor marks %v in\n%s", where, m, text)
	}
}

// table is one of a document's: the section (##) that it stands in, what is said
// around it, which are the heading, the line above and its own head, and the
// fields that its rows begin with.
type table struct {
	section, about string
	fields         []string
	text           string
}

func tables(text string) []table {
	var all []table
	section, heading, above := "", "", ""
	var now *table
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch row := strings.HasPrefix(line, "|"); {
		case row && now == nil:
			all = append(all, table{section: section, about: strings.ToLower(heading + " " + above + " " + line)})
			now = &all[len(all)-1]
		case row:
			for _, m := range codeSpan.FindAllStringSubmatch(strings.Split(line, "|")[1], -1) {
				now.fields = append(now.fields, m[1])
			}
			now.text += line + "\n"
		default:
			now = nil
			if name, ok := strings.CutPrefix(line, "## "); ok {
				section, heading = name, name
			} else if strings.HasPrefix(line, "###") {
				heading = line
			}
			if line != "" {
				above = line
			}
		}
	}
	return all
}

// documents says how the tables tell of a type, which people write under the name
// of a field: one is about it and has its fields, no more and no less; or the row
// of the field itself names them all. What belongs to a thing as a whole may be
// spread over tables of its section that have nothing else. It returns the fields
// that are missing.
func documents(all []table, under string, fields []string) []string {
	var spread []string
	word := regexp.MustCompile(`\b` + strings.ToLower(under) + `\b`)
	row := regexp.MustCompile("(?m)^\\| `" + under + "` \\|.*$")
	for _, tab := range all {
		within := !slices.ContainsFunc(tab.fields, func(f string) bool { return !slices.Contains(fields, f) })
		if within && tab.section == under {
			spread = append(spread, tab.fields...)
		}
		if within && word.MatchString(tab.about) && len(tab.fields) == len(fields) {
			return nil
		}
		for _, line := range row.FindAllString(tab.text, -1) {
			if !slices.ContainsFunc(fields, func(f string) bool { return !strings.Contains(line, "`"+f+"`") }) {
				return nil
			}
		}
	}
	return slices.DeleteFunc(slices.Clone(fields), func(f string) bool { return slices.Contains(spread, f) })
}

func TestEveryFieldIsDocumented(t *testing.T) {
	text, err := os.ReadFile("docs/format.md")
	if err != nil {
		t.Fatal(err)
	}
	all := tables(string(text))
	found := 0
	type place struct {
		typ   reflect.Type
		under string
	}
	seen := map[place]bool{}
	var walk func(reflect.Type, string)
	walk = func(typ reflect.Type, under string) {
		for typ.Kind() == reflect.Map || typ.Kind() == reflect.Slice || typ.Kind() == reflect.Pointer {
			typ = typ.Elem()
		}
		if typ == reflect.TypeFor[route.Options]() {
			under = "routes" // whoever else has them
		}
		if typ.Kind() != reflect.Struct || seen[place{typ, under}] {
			return
		}
		seen[place{typ, under}] = true
		var fields []string
		for _, f := range reflect.VisibleFields(typ) {
			embedded := len(f.Index) > 1
			if embedded && typ.FieldByIndex(f.Index[:1]).Type == reflect.TypeFor[route.Options]() {
				continue // told by themselves
			}
			switch name := f.Tag.Get("yaml"); {
			case name != "":
				fields = append(fields, name)
				if f.Type != reflect.SliceOf(typ) && f.Type != reflect.PointerTo(typ) {
					walk(f.Type, name)
				}
			case f.Type == reflect.TypeFor[route.Options]():
				walk(f.Type, under)
			case typ == reflect.TypeFor[route.Desired]():
				walk(f.Type, strings.ToLower(f.Name))
			}
		}
		found += len(fields)
		if len(fields) == 0 {
			return
		}
		if missing := documents(all, under, fields); len(missing) > 0 {
			t.Errorf("docs/format.md: of %s below %s, no table has %s", typ.Name(), under, strings.Join(missing, ", "))
		}
	}
	walk(reflect.TypeFor[route.Desired](), "")
	if found < 100 {
		t.Errorf("found %d fields, want at least 100: does the test still understand the format?", found)
	}
}

// TestEveryDependencyIsTold holds that design.md says why each module is there.
func TestEveryDependencyIsTold(t *testing.T) {
	mod, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	design, err := os.ReadFile("docs/design.md")
	if err != nil {
		t.Fatal(err)
	}
	direct := regexp.MustCompile(`(?m)^\t(?:[^/\s]+/)*?([^/\s]+)(?:/v[0-9]+)? v\S+$`).FindAllStringSubmatch(string(mod), -1)
	for _, m := range direct {
		if !regexp.MustCompile(`(?m)^\| [^|]*\b` + regexp.QuoteMeta(m[1]) + `\b[^|]* \|`).Match(design) {
			t.Errorf("docs/design.md does not say what %s is for", m[1])
		}
	}
	if len(direct) < 10 {
		t.Errorf("found %d modules, want at least 10: is the pattern right?", len(direct))
	}
}

// elsewhere says which command lines of the documents other tests run, and
// which of them.
var elsewhere = map[string]string{
	"make demo": ".ci/run",
	"make test": ".ci/run",
	"dig @10.0.0.11 -p 8053 SRV _http._tcp.chat.wharfinger.internal": "e2e: TestDiscovery/dig",
}

// TestCommandsRun runs the command lines of sh blocks. What needs a Swarm is run
// by the end-to-end tests and by the demo; here its flags are read.
func TestCommandsRun(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "wharfinger")
	if out, err := exec.Command("go", "build", "-o", program, "./cmd/wharfinger").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	clone, first := cloneOfDemo(t)
	moving := t.TempDir() // of somebody who comes from Interlock
	if out, err := exec.Command("cp", "interlock/testdata/host-mode.toml", filepath.Join(moving, "interlock.toml")).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	ran := 0
	for _, b := range blocks(t) {
		if b.language == "console" && b.file != "docs/host-mode.md" { // whose commands the demo runs
			t.Errorf("%s: no test runs the commands of\n%s", b.file, b.text)
		}
		if b.language != "sh" {
			continue
		}
		for line := range strings.Lines(strings.ReplaceAll(b.text, "\\\n", " ")) {
			command, _, _ := strings.Cut(line, " # ")
			command = strings.TrimSpace(command)
			if command == "" || elsewhere[command] != "" || ofTrust(b.file, command) {
				continue
			}
			args := strings.Fields(command)
			switch {
			case args[0] == "docker" && slices.Contains(args, "wharfinger/wharfinger"):
				// The daemon's own arguments stand behind its image.
				args = append([]string{"wharfinger"}, args[slices.Index(args, "wharfinger/wharfinger")+1:]...)
				args = append(args, "--help")
			case args[0] == "docker":
				args = append(args, "--help")
				if _, err := exec.LookPath("docker"); err != nil && testing.Short() {
					continue
				}
			case args[0] != "wharfinger":
				t.Errorf("%s: no test runs %q", b.file, command)
				continue
			case args[1] == "apply" || args[1] == "watch" || args[1] == "live" || args[1] == "status" || args[1] == "history" || args[1] == "pin" || args[1] == "unpin" || slices.Contains(args, "--from-cluster") || testing.Short() && slices.Contains(args, "--nginx"):
				args = append(args, "--help")
			case slices.Contains(args, "--nginx"):
				nginx, err := lab.Nginx(t.Context(), "1.30") // a bare machine has none
				if err != nil {
					t.Fatal(err)
				}
				args[slices.Index(args, "--nginx")+1] = nginx
			}
			cmd := exec.Command(program, args[1:]...)
			switch {
			case args[0] == "docker":
				cmd = exec.Command("docker", args[1:]...)
			case strings.Contains(command, "--base"): // as a shell runs it in CI
				cmd = exec.Command("sh", "-c", command)
				cmd.Dir = clone
				cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"), "CI_MERGE_REQUEST_DIFF_BASE_SHA="+first)
			case args[1] == "import":
				cmd.Dir = moving
			case !strings.Contains(command, "examples/"):
				cmd.Dir = "examples/demo" // "." is somebody's repository
			}
			out, err := cmd.CombinedOutput()
			if code := cmd.ProcessState.ExitCode(); code != 0 && !(args[1] == "diff" && code == 1) {
				t.Errorf("%s: %s: %v\n%s", b.file, command, err, out)
			}
			ran++
		}
	}
	if ran < 5 {
		t.Errorf("ran %d command lines, want at least 5: is the pattern right?", ran)
	}
}

// cloneOfDemo is a clone of a repository with an example in its second commit, as
// CI has one, and its first commit.
func cloneOfDemo(t *testing.T) (clone, first string) {
	t.Helper()
	origin, clone := t.TempDir(), filepath.Join(t.TempDir(), "clone")
	run := func(name string, args ...string) string {
		t.Helper()
		cmd := exec.Command(name, args...)
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null",
			"GIT_AUTHOR_NAME=test", "GIT_AUTHOR_EMAIL=test@example.org", "GIT_COMMITTER_NAME=test", "GIT_COMMITTER_EMAIL=test@example.org")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
		}
		return strings.TrimSpace(string(out))
	}
	run("git", "init", "--quiet", "-b", "main", origin)
	run("cp", "-R", "examples/two-proxies/.", origin)
	run("git", "-C", origin, "add", "--all")
	run("git", "-C", origin, "commit", "--quiet", "-m", "first")
	run("git", "-C", origin, "rm", "--quiet", "-r", ".")
	run("cp", "-R", "examples/demo/.", origin)
	run("git", "-C", origin, "add", "--all")
	run("git", "-C", origin, "commit", "--quiet", "-m", "second")
	run("git", "clone", "--quiet", origin, clone)
	run("git", "-C", clone, "checkout", "--quiet", "--detach")
	run("git", "-C", clone, "branch", "--quiet", "-D", "main")
	run("git", "-C", clone, "fetch", "--quiet", "origin", "main")
	return clone, run("git", "-C", clone, "rev-parse", "HEAD^")
}
