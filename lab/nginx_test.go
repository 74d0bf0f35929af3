package lab

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestNginx(t *testing.T) {
	needRoot(t) // to fetch it the first time
	dir := t.TempDir()
	conf := filepath.Join(dir, "nginx.conf")
	// stream without load_module, as in nginx's own images; "pid" comes by -g.
	text := "events {}\nstream { server { listen 127.0.0.1:1; return x; } }\nhttp { access_log off; }\n"
	if err := os.WriteFile(conf, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, version := range []string{"1.22", "1.30"} {
		path, err := Nginx(t.Context(), version)
		if err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(path, "-v").CombinedOutput()
		if want := "nginx/" + version + "."; err != nil || !strings.Contains(string(out), want) {
			t.Errorf("%s -v: got %q and %v, want %q in it", path, out, err, want)
		}
		out, err = exec.Command(path, "-t", "-e", "stderr", "-c", conf, "-g", "pid "+dir+"/pid;").CombinedOutput()
		if err != nil {
			t.Errorf("nginx %s -t: %v: %s", version, err, out)
		}
		if _, err := os.Stat(dir + "/pid"); err != nil {
			t.Errorf("nginx %s did not see the caller's -g: %v", version, err)
		}
		os.Remove(dir + "/pid")
	}
	if _, err := Nginx(t.Context(), "1.31"); err == nil {
		t.Error("an nginx that is nowhere to be had was found")
	}
}

func TestFileLayerIsDeterministic(t *testing.T) {
	dir := t.TempDir()
	files := map[string]string{}
	for _, name := range []string{"usr/bin/b", "usr/bin/a", "c"} {
		path := filepath.Join(dir, filepath.Base(name))
		if err := os.WriteFile(path, []byte(name), 0o755); err != nil {
			t.Fatal(err)
		}
		files[name] = path
	}
	first, err := FileLayer(files)
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		again, err := FileLayer(files)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := describe("", again).Digest, describe("", first).Digest; got != want {
			t.Fatalf("got %s, want %s", got, want)
		}
	}
}
