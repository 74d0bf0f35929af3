package swarm_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/wharfinger/wharfinger/lab"
	"github.com/wharfinger/wharfinger/route"
)

// TestOperateSocketProxy brings a proxy's service about by the socket proxy of the
// example, with all that a daemon asks of a manager, and holds that it lets nothing
// else through.
func TestOperateSocketProxy(t *testing.T) {
	w := newWorld(t, "behind-socket")
	socket := w.socketProxy("docker-proxy.conf")
	w.cluster = w.connectTo("unix://"+socket, 45*time.Second)

	first := w.must()
	w.host = "b.local"
	if second := w.must(); second.Digest == first.Digest {
		t.Error("the second rollout is the first one")
	}
	carried, err := w.cluster.Carried(t.Context(), w.proxy)
	if err != nil || len(carried) == 0 {
		t.Errorf("carried: got %d configs, %v", len(carried), err)
	}
	kept := w.cluster.Kept(t.Name())
	small, large := revision("c0ffee", 1000), revision("decade", 1_200_000)
	for _, rev := range []route.Revision{small, large, small} { // parts of 500 KB, which go again
		if err := kept.Keep(t.Context(), rev); err != nil {
			t.Error(err)
		}
	}
	w.wantLast(t.Name(), &small)

	wake := make(chan struct{}, 1)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- w.cluster.Watch(ctx, wake) }()
	<-wake
	stop()
	if err := <-done; err != nil {
		t.Errorf("watch: %v", err)
	}

	w.refuses(socket, "what Wharfinger needs",
		"GET /containers/json", "GET /v1.41/containers/json", "POST /containers/create", "POST /v1.41/containers/x/exec",
		"POST /exec/x/start", "GET /images/json", "POST /images/create", "POST /build", "GET /info", "GET /swarm",
		"POST /swarm/leave", "POST /swarm/update", "POST /nodes/x/update", "DELETE /nodes/x", "POST /secrets/create",
		"DELETE /secrets/x", "GET /secrets/x", "DELETE /services/x", "GET /tasks/x/logs", "GET /services/x/logs",
		"DELETE /networks/x", "POST /networks/create", "GET /configs/../containers/json", "GET /services/..%2fcontainers/json",
		"GET /services/..", "GET /networks/%2e%2e/info", "GET //containers/json", "POST /services/x/update/../../../containers/create",
		"GET /_ping/../info", "PUT /configs", "GET /plugins", "GET /system/df", "GET /volumes")

	t.Log("the read-only view")
	socket = w.socketProxy("docker-view.conf")
	view := w.connectTo("unix://"+socket, 45*time.Second)
	seen, err := view.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if all, err := w.cluster.Read(t.Context()); err != nil || !reflect.DeepEqual(seen, all) {
		t.Errorf("by the view\n%+v, want\n%+v (%v)", seen, all, err)
	}
	if again, err := view.Carried(t.Context(), w.proxy); err != nil || !reflect.DeepEqual(again, carried) {
		t.Errorf("carried, by the view: got %d configs, %v", len(again), err)
	}
	w.refuses(socket, "what Wharfinger reads",
		"POST /configs/create", "POST /services/create", "POST /services/x/update", "DELETE /configs/x", "GET /events", "GET /containers/json",
		"POST /v1.41/services/x/update", "GET /secrets/x", "PUT /services", "GET /services/..", "GET /info", "POST /containers/create")
}

// refuses holds that a socket proxy itself refuses such requests.
func (w *world) refuses(socket, words string, requests ...string) {
	w.Helper()
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", socket)
		},
	}}
	for _, request := range requests {
		method, path, _ := strings.Cut(request, " ")
		req, err := http.NewRequest(method, "http://docker", nil)
		if err != nil {
			w.Fatal(err)
		}
		req.URL.Opaque = "//docker" + path // as it is written
		resp, err := client.Do(req)
		if err != nil {
			w.Errorf("%s: %v", request, err)
			continue
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if refusedByNginx := bytes.Contains(body, []byte(words)) || resp.StatusCode == http.StatusBadRequest; !refusedByNginx || resp.StatusCode < 400 {
			w.Errorf("%s: got %s, %s; want it refused by the socket proxy", request, resp.Status, body)
		}
	}
}

// socketProxy starts nginx with an example in front of the manager's socket.
func (w *world) socketProxy(example string) string {
	w.Helper()
	program, err := lab.Nginx(w.Context(), "1.30")
	if err != nil {
		w.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "socket") // t.TempDir is too long for the name of a socket
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { os.RemoveAll(dir) })
	text, err := os.ReadFile(filepath.Join("../examples/run", example))
	if err != nil {
		w.Fatal(err)
	}
	socket, file := filepath.Join(dir, "docker.sock"), filepath.Join(dir, "nginx.conf")
	// The nginx of the lab was built for folders that are not on this machine.
	var temporary strings.Builder
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		fmt.Fprintf(&temporary, "    %s_temp_path %s/%s;\n", kind, dir, kind)
	}
	conf := strings.NewReplacer("    access_log off;\n", "    access_log off;\n"+temporary.String(), "/run/wharfinger", dir, "/var/run/docker.sock", w.lab.Node("mgr-00").Socket, "user www-data docker;", "user root;", "listen 2375;", "listen unix:"+socket+";").Replace(string(text))
	if err := os.WriteFile(file, []byte(conf), 0o644); err != nil {
		w.Fatal(err)
	}
	var said bytes.Buffer
	cmd := exec.Command(program, "-p", dir, "-e", "stderr", "-c", file, "-g", "daemon off;")
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		cmd.Wait()
		if w.Failed() {
			w.Logf("the socket proxy said:\n%s", said.String())
		}
	})
	w.eventually("the socket proxy listens", 10*time.Second, func() bool {
		conn, err := net.Dial("unix", socket)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	return socket
}
