package git_test

import (
	"bufio"
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// daemon is `wharfinger watch`, and all that it writes.
type daemon struct {
	t     *testing.T
	addr  string // where it answers
	cmd   *exec.Cmd
	lines chan string
	all   strings.Builder
}

func program(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "wharfinger")
	if out, err := exec.Command("go", "build", "-o", name, "../cmd/wharfinger").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return name
}

func watchDaemon(t *testing.T, env string, args ...string) *daemon {
	t.Helper()
	// No Swarm is needed to read routes: what is written of it is of no account here.
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	free.Close()
	args = append([]string{"watch", "--verbose", "--interval", "1s", "--listen", free.Addr().String(),
		"--host", "unix://" + filepath.Join(t.TempDir(), "no-engine"), "--nginx", "true"}, args...)
	w := &daemon{t: t, addr: free.Addr().String(), cmd: exec.Command(program(t), args...), lines: make(chan string, 1000)}
	w.cmd.Env = []string{env, "PATH=" + os.Getenv("PATH")}
	r, pipe := io.Pipe()
	w.cmd.Stdout, w.cmd.Stderr = pipe, pipe
	if err := w.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(w.lines)
		for s := bufio.NewScanner(r); s.Scan(); {
			w.lines <- s.Text()
		}
	}()
	t.Cleanup(func() { w.cmd.Process.Kill() })
	go func() {
		pipe.CloseWithError(w.cmd.Wait())
	}()
	return w
}

// line waits for a line that has all parts.
func (w *daemon) line(parts ...string) {
	w.t.Helper()
	limit := time.After(60 * time.Second)
	for {
		select {
		case line, ok := <-w.lines:
			if !ok {
				w.t.Fatalf("the daemon ended before it wrote %q:\n%s", parts, w.all.String())
			}
			w.all.WriteString(line + "\n")
			found := true
			for _, part := range parts {
				found = found && strings.Contains(line, part)
			}
			if found {
				return
			}
		case <-limit:
			w.t.Fatalf("the daemon did not write %q:\n%s", parts, w.all.String())
		}
	}
}

// shows adds to what the daemon writes what it shows to whom asks.
func (w *daemon) shows() {
	w.t.Helper()
	for path, want := range map[string]string{"/status": `"version"`, "/metrics": "wharfinger_"} {
		res, err := http.Get("http://" + w.addr + path)
		if err != nil {
			w.t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || !strings.Contains(string(body), want) {
			w.t.Fatalf("%s: got %v and %s, want %s in it", path, err, body, want)
		}
		w.all.Write(body)
	}
}

// stop ends the daemon and answers all that it wrote.
func (w *daemon) stop() string {
	w.t.Helper()
	if err := w.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		w.t.Fatal(err)
	}
	for line := range w.lines {
		w.all.WriteString(line + "\n")
	}
	if code := w.cmd.ProcessState.ExitCode(); code != 0 {
		w.t.Errorf("the daemon ended with %d, want 0:\n%s", code, w.all.String())
	}
	return w.all.String()
}

const routes = "proxies: {edge: {image: nginx:1.30}}\npools: {shop: {service: shop, port: 8080}}\nroutes: {shop: {hosts: [shop.example.org], pool: shop}}\n"

// The daemon goes through faults and neither writes nor shows anything of the token
// and of the proxy's password, whatever the server makes of them.
func TestGitFaultDaemon(t *testing.T) {
	w := newFaults(t, false)
	behind := w.behind()
	w.write("routes.yaml", routes)
	first := w.push()
	d := watchDaemon(t, behind.env, behind.URL, "--git-token-file", w.file("token"), "--git-ca-file", w.file("ca.pem"))
	const forNow, untilSomebodyActs = `"the repository cannot be read for now;`, `"the repository cannot be read until somebody acts;`
	d.line("msg=revision", first)

	w.token.Store("planted-second-token")
	d.line(untilSomebodyActs, "the remote refuses the token in "+w.file("token")+" for the user git")
	d.shows()
	w.write("routes.yaml", "# the second\n"+routes)
	second := w.push()
	w.useToken("planted-second-token")
	d.line(`"well again" what=source`)
	d.line("msg=revision", second)

	w.proxy.gate.down()
	d.line(forNow, "connection refused")
	w.proxy.gate.up()
	d.line(`"well again" what=source`)
	w.proxy.password.Store("another")
	d.line(untilSomebodyActs, "the proxy refuses")
	d.shows()
	w.proxy.password.Store(proxyPassword)
	d.line(`"well again" what=source`)

	w.set(func(rw http.ResponseWriter, req *http.Request) bool {
		rw.Header().Set("Content-Type", "application/x-git-upload-pack-advertisement")
		_, token, _ := req.BasicAuth()
		io.WriteString(rw, pktLine("# service=git-upload-pack\n")+"0000"+pktLine("ERR "+token+" "+req.Header.Get("Authorization")))
		return false
	})
	d.line(forNow, "***")
	d.shows()
	w.set(nil)
	d.line(`"well again" what=source`)

	log := d.stop()
	w.keepsSecrets(log)
	for _, pair := range []string{"git:planted-first-token", "git:planted-second-token", "me:" + proxyPassword} {
		if strings.Contains(log, base64.StdEncoding.EncodeToString([]byte(pair))) {
			t.Errorf("the log tells %s, encoded:\n%s", pair, log)
		}
	}
}

// What is written into the wrong place is not repeated either.
func TestCredentialsInTheWrongPlace(t *testing.T) {
	wharfinger := program(t)
	for url, want := range map[string]string{
		"https://me:planted-secret@git.example.org/routes.git":    "credentials do not belong in a URL",
		"ssh://me:planted-secret@git.example.org/routes.git":      "credentials do not belong in a URL",
		"https://git.example.org/routes.git?token=planted-secret": "must not have a query",
		"https://planted-secret:%zz@git.example.org/routes.git":   "is not a URL",
	} {
		out, err := exec.Command(wharfinger, "check", url).CombinedOutput()
		if err == nil || !strings.Contains(string(out), want) || strings.Contains(string(out), "planted-secret") {
			t.Errorf("check %s: got error %v and %s, want %q and no secret", url, err, out, want)
		}
	}
}
