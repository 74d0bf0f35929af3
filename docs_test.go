package wharfinger

import (
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/wharfinger/wharfinger/generator"
	"github.com/wharfinger/wharfinger/route"
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
		model, _ := generator.Build(desired, &generator.Live{})
		for _, p := range model.Proxies {
			if _, err := generator.Render(p); err != nil {
				t.Errorf("a block in %s is not rendered: %v\n%s", b.file, err, b.text)
			}
		}
	}
	if read < 4 {
		t.Errorf("read %d YAML blocks, want at least 4: is the pattern right?", read)
	}
}

func TestEveryFieldIsDocumented(t *testing.T) {
	text, err := os.ReadFile("docs/format.md")
	if err != nil {
		t.Fatal(err)
	}
	fields := 0
	seen := map[reflect.Type]bool{}
	var walk func(reflect.Type)
	walk = func(typ reflect.Type) {
		for typ.Kind() == reflect.Map || typ.Kind() == reflect.Slice || typ.Kind() == reflect.Pointer {
			typ = typ.Elem()
		}
		if typ.Kind() != reflect.Struct || seen[typ] {
			return
		}
		seen[typ] = true
		for _, f := range reflect.VisibleFields(typ) {
			name := f.Tag.Get("yaml")
			if name != "" {
				fields++
				if !strings.Contains(string(text), "`"+name+"`") {
					t.Errorf("docs/format.md does not name the field %s of %s", name, typ.Name())
				}
			}
			if name != "" || typ == reflect.TypeFor[route.Desired]() {
				walk(f.Type)
			}
		}
	}
	walk(reflect.TypeFor[route.Desired]())
	if fields < 100 {
		t.Errorf("found %d fields, want at least 100: does the test still understand the format?", fields)
	}
}

// elsewhere says which command lines of the documents other tests run, and
// which of them.
var elsewhere = map[string]string{
	"make demo": ".ci/run",
	"make test": ".ci/run",
}

// TestCommandsRun runs the command lines of sh blocks. What needs a Swarm is run
// by the end-to-end tests and by the demo; here its flags are read.
func TestCommandsRun(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "wharfinger")
	if out, err := exec.Command("go", "build", "-o", program, "./cmd/wharfinger").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	ran := 0
	for _, b := range blocks(t) {
		if b.language != "sh" {
			continue
		}
		for line := range strings.Lines(strings.ReplaceAll(b.text, "\\\n", " ")) {
			command, _, _ := strings.Cut(line, " # ")
			command = strings.TrimSpace(command)
			if command == "" || elsewhere[command] != "" {
				continue
			}
			args := strings.Fields(command)
			switch {
			case args[0] == "docker":
				// The daemon's own arguments stand behind its image.
				for i, arg := range args {
					if arg == "wharfinger/wharfinger" {
						args = append([]string{"wharfinger"}, args[i+1:]...)
					}
				}
				args = append(args, "--help")
			case args[0] != "wharfinger":
				t.Errorf("%s: no test runs %q", b.file, command)
				continue
			case args[1] == "apply" || args[1] == "watch" || args[1] == "live":
				args = append(args, "--help")
			}
			cmd := exec.Command(program, args[1:]...)
			if !strings.Contains(command, "examples/") {
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
