package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wharfinger/wharfinger/lab"
)

// does runs a command that must go well, and returns what it prints.
func does(t *testing.T, args ...string) []byte {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if code := run(args, &stdout, &stderr); code != 0 {
		t.Fatalf("%s: exit code %d\n%s%s", strings.Join(args, " "), code, stdout.String(), stderr.String())
	}
	return stdout.Bytes()
}

// repositoryOf is a folder with some files, by name and content in turn.
func repositoryOf(t *testing.T, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	for i := 0; i < len(files); i += 2 {
		if err := os.WriteFile(filepath.Join(dir, files[i]), []byte(files[i+1]), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestImportedLabels holds that what is imported from the labels of a cluster makes the
// same files, byte for byte, as the labels themselves. The cluster has every label, in
// all kinds of order and disorder.
func TestImportedLabels(t *testing.T) {
	const example = "../../examples/interlock-labels"
	live := filepath.Join(example, "live.json")
	text, err := os.ReadFile(filepath.Join(example, "routes.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	without := strings.NewReplacer("    labels: interlock\n", "", "    labels: {read: interlock, cluster: us-east}\n", "").Replace(string(text))
	if strings.Contains(without, "labels:") {
		t.Fatalf("the example still reads labels:\n%s", without)
	}
	settled := repositoryOf(t, "routes.yaml", without, "interlock.yaml", string(does(t, "import", "interlock", example, "--live", live)))
	rendersAlike(t, example, settled, live)

	toml := filepath.Join(repositoryOf(t, "interlock.toml", `
[Extensions.mesh]
  PublishMode = "host"
  ProxyConstraints = ["node.labels.nodetype == loadbalancer"]
  [Extensions.mesh.Config]
    ReadTimeout = 300
[Extensions.east]
  PublishMode = "host"
  ServiceCluster = "us-east"
  PublishedPort = 8080
  PublishedSSLPort = 8443
`), "interlock.toml")
	rendersAlike(t,
		repositoryOf(t, "interlock.yaml", string(does(t, "import", "interlock", toml))),
		repositoryOf(t, "interlock.yaml", string(does(t, "import", "interlock", toml, "--live", live))), live)

	alone := repositoryOf(t, "interlock.yaml", string(does(t, "import", "interlock", "--live", live)))
	if files := string(does(t, "render", alone, "--live", live)); !strings.Contains(files, `server_name "demo.local";`) || !strings.Contains(files, "us-east/nginx.conf") {
		t.Errorf("labels alone make\n%s", files)
	}
}

func rendersAlike(t *testing.T, labels, settled, live string) {
	t.Helper()
	want, got := does(t, "render", labels, "--live", live), does(t, "render", settled, "--live", live)
	if len(want) < 10_000 {
		t.Errorf("labels make %d bytes of files: are they read?", len(want))
	}
	if !bytes.Equal(got, want) {
		t.Errorf("without labels it becomes\n%s\nwant\n%s", got, want)
	}
}

// TestImportedFiles holds that the file of the documentation of host mode, as it stands
// there, and one that UCP made pass check when they are imported.
func TestImportedFiles(t *testing.T) {
	for _, name := range []string{"host-mode", "service-clusters"} {
		toml := "../../interlock/testdata/" + name + ".toml"
		for _, more := range [][]string{nil, {"--allow-snippets"}} {
			dir := repositoryOf(t, "interlock.yaml", string(does(t, append([]string{"import", "interlock", toml}, more...)...)))
			if out := string(does(t, append([]string{"check", dir}, more...)...)); !strings.HasPrefix(out, "fine: 0 routes, 0 pools, ") {
				t.Errorf("%s: %s", name, out)
			}
		}
	}
}

// TestImportedForNginx has nginx look at all that can be taken over of a file.
func TestImportedForNginx(t *testing.T) {
	if testing.Short() {
		t.Skip("the lab's nginx is fetched as root")
	}
	program, err := lab.Nginx(t.Context(), "1.30")
	if err != nil {
		t.Fatal(err)
	}
	toml := filepath.Join(repositoryOf(t, "interlock.toml", `
[Extensions.default]
  ProxyImage = "nginx:1.30.6"
  ProxyStopGracePeriod = "5s"
  PublishMode = "host"
  PublishedPort = 8080
  PublishedSSLPort = 8443
  [Extensions.default.Config]
    ConnectTimeout = 5
    SendTimeout = 600
    ReadTimeout = 600
    KeepaliveTimeout = "120s"
    ClientMaxBodySize = "32m"
    ClientBodyBufferSize = "8k"
    ClientHeaderBufferSize = "4k"
    LargeClientHeaderBuffers = "8 16k"
    ClientBodyTimeout = "60s"
    UnderscoresInHeaders = true
    SSLProtocols = "TLSv1.2"
    HideInfoHeaders = false
    WorkerProcesses = 2
    MaxConnections = 2048
    RLimitNoFile = 65535
    HTTPOptions = ["proxy_buffer_size 8k;", "map $http_user_agent $robot { default 0; ~*bot 1; }"]
`), "interlock.toml")
	live := "../../examples/interlock-labels/live.json"
	dir := repositoryOf(t, "interlock.yaml", string(does(t, "import", "interlock", toml, "--live", live, "--allow-snippets")))
	if out := string(does(t, "check", dir, "--live", live, "--allow-snippets", "--nginx", program)); !strings.HasPrefix(out, "fine: ") {
		t.Error(out)
	}
}
