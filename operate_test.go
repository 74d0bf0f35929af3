package wharfinger

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/wharfinger/wharfinger/lab"
)

// TestOperateDockerfile holds that the image which people build is the one that all
// tests run: the same nginx, program and entry point as the lab's.
func TestOperateDockerfile(t *testing.T) {
	read := func(name string) string {
		t.Helper()
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	file, images, mod := read("Dockerfile"), read("lab/images.go"), read("go.mod")
	var froms []string
	for _, m := range regexp.MustCompile(`(?m)^FROM (\S+)`).FindAllStringSubmatch(file, -1) {
		froms = append(froms, m[1])
	}
	if len(froms) != 2 {
		t.Fatalf("the Dockerfile is from %q, want two stages", froms)
	}
	lab := images[strings.Index(images, "func wharfingerImage"):]
	if base := regexp.MustCompile(`nginxImage\(ctx, "([^"]+)"\)`).FindStringSubmatch(lab); base == nil || froms[1] != "nginx:"+base[1] {
		t.Errorf("the image stands on %s, the lab's on nginx %v", froms[1], base)
	}
	if version := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(mod); version == nil || froms[0] != "golang:"+version[1] {
		t.Errorf("the program is built with %s, go.mod says %v", froms[0], version)
	}
	if entry := regexp.MustCompile(`Entrypoint: \[\]string\{("[^}]+")\}`).FindStringSubmatch(lab); entry == nil || !strings.Contains(file, "ENTRYPOINT ["+entry[1]+"]") {
		t.Errorf("the entry point is not the lab's, %v", entry)
	}
	for _, flag := range []string{"CGO_ENABLED=0", "-trimpath", "-s -w", "./cmd/wharfinger"} {
		if !strings.Contains(file, flag) {
			t.Errorf("the program is built without %s, which the lab's has", flag)
		}
	}
}

// TestOperateUnit holds that systemd takes the unit, where there is one to ask, and
// that the sandbox of nginx -t lacks nothing with what the unit leaves a process: no
// capability, none to be had, and a user who owns nothing.
func TestOperateUnit(t *testing.T) {
	const unit = "examples/run/wharfinger.service"
	data, err := os.ReadFile(unit)
	if err != nil {
		t.Fatal(err)
	}
	for i, line := range strings.Split(string(data), "\n") {
		if !regexp.MustCompile(`^(#.*|\[(Unit|Service|Install)\]|[A-Z][A-Za-z]+=.*|)$`).MatchString(line) {
			t.Errorf("%s:%d: is no line of a unit: %s", unit, i+1, line)
		}
	}
	for _, want := range []string{"CapabilityBoundingSet=", "NoNewPrivileges=yes", "DynamicUser=yes", "RestrictNamespaces=user net ipc"} {
		if !strings.Contains(string(data), "\n"+want+"\n") {
			t.Errorf("%s has no %s, which this test goes by", unit, want)
		}
	}
	dir, err := os.MkdirTemp("", "unit") // nobody can look into t.TempDir
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "wharfinger")
	build := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", program, "./cmd/wharfinger")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	if _, err := exec.LookPath("systemd-analyze"); err == nil {
		there := filepath.Join(dir, "wharfinger.service")
		if err := os.WriteFile(there, bytes.ReplaceAll(data, []byte("/usr/local/bin/wharfinger "), []byte(program+" ")), 0o644); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command("systemd-analyze", "verify", there).CombinedOutput(); err != nil || bytes.Contains(out, []byte("wharfinger.service:")) {
			t.Errorf("systemd-analyze verify: %v\n%s", err, out)
		}
	}

	if testing.Short() || os.Geteuid() != 0 {
		t.Skip("to become somebody with less power takes root, and the lab's nginx")
	}
	nginx, err := lab.Nginx(t.Context(), "1.30")
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("cp", "-R", "examples/demo", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cmd := exec.Command("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all", "--no-new-privs",
		program, "check", "demo", "--nginx", nginx)
	cmd.Dir, cmd.Env = dir, []string{"TMPDIR=" + os.TempDir()}
	out, err := cmd.CombinedOutput()
	if err != nil || string(out) != "fine: 1 route, 1 pool, 1 proxy\n" {
		t.Errorf("with what the unit leaves: %v\n%swant a sandbox that lacks nothing", err, out)
	}
}
