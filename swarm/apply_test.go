package swarm_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wharfinger/wharfinger/generator"
	"github.com/wharfinger/wharfinger/swarm"
)

func TestApplyCreatesAndUpdates(t *testing.T) {
	w := newWorld(t, "edge")
	first := w.must()
	if got, want := w.log.taken(), "configs update confirm clean-up"; got != want {
		t.Errorf("steps: got %q, want %q", got, want)
	}
	p := w.service()
	if p.Digest != first.Digest || p.Revision != "rev-a.local" || p.Spec.Image != "nginx:1.30" || p.Failed != "" {
		t.Errorf("after the creation: got %+v", p)
	}
	carried, err := w.cluster.Carried(t.Context(), "edge")
	if err != nil {
		t.Fatal(err)
	}
	if len(carried) != len(first.Shards) {
		t.Errorf("carried: got %d configs, want %d", len(carried), len(first.Shards))
	}
	for i, want := range slices.SortedFunc(slices.Values(first.Shards), byPath) {
		if got := carried[i]; got.Config != want.Config || got.Path != want.Path || string(got.Data) != string(want.Data) {
			t.Errorf("carried %d: got %s at %s, want %s at %s", i, got.Config, got.Path, want.Config, want.Path)
		}
	}

	t.Log("the same again")
	again := w.rollout()
	if again.Needed() || again.ID != first.ID {
		t.Errorf("second rollout: changes %q, ID %s, want none and %s", again.Changes, again.ID, first.ID)
	}
	before := w.version()
	for _, r := range []generator.Rollout{again, first} {
		if err := w.apply(r); err != nil {
			t.Fatal(err)
		}
	}
	if got := w.version(); got != before {
		t.Errorf("applying what is there moved the version from %s to %s", before, got)
	}
	w.log.taken()

	t.Log("another route")
	w.host = "b.local"
	w.must()
	if got := w.service(); got.Revision != "rev-b.local" {
		t.Errorf("revision: got %s", got.Revision)
	}

	t.Log("another image")
	w.image = "nginx:1.30.6"
	w.must()
	if got := w.service(); got.Spec.Image != "nginx:1.30.6" {
		t.Errorf("image: got %s", got.Spec.Image)
	}
}

func byPath(a, b generator.Shard) int { return strings.Compare(a.Path, b.Path) }

func TestOperatorsKeepWhatIsTheirs(t *testing.T) {
	w := newWorld(t, "operated")
	w.must()
	w.docker("service", "update", "--detach", "--constraint-add=node.role==worker", "--env-add=TZ=UTC",
		"--update-delay=1s", "--label-add=team=web", "--stop-signal=SIGTERM", "wharfinger-operated")
	w.host = "b.local"
	w.must()
	p := w.service()
	if got, want := strings.Join(p.Spec.Constraints, ","), "node.labels.nodetype==loadbalancer,node.role==worker"; got != want {
		t.Errorf("constraints: got %s, want %s", got, want)
	}
	const format = "{{.Spec.TaskTemplate.ContainerSpec.Env}} {{.Spec.UpdateConfig.Delay}} {{.Spec.Labels.team}} {{.Spec.TaskTemplate.ContainerSpec.StopSignal}}"
	if got, want := w.docker("service", "inspect", "-f", format, "wharfinger-operated"), "[TZ=UTC] 1s web SIGTERM"; got != want {
		t.Errorf("the operator's: got %q, want %q", got, want)
	}
}

// TestSecrets follows a secret through a proxy's life, beside an operator's own.
func TestSecrets(t *testing.T) {
	w := newWorld(t, "secretive")
	w.makeSecret("shop-cert", "first")
	w.makeSecret("own-key", "an operator's")
	first := w.read()
	if data, err := json.Marshal(first); err != nil || !bytes.Contains(data, []byte("shop-cert")) || bytes.Contains(data, []byte("first")) {
		t.Errorf("live state: %v, %s; want names of secrets and nothing that they hold", err, data)
	}
	w.secrets = []string{"shop-cert"}
	w.must()
	const plain = "shop-cert 444 0 0"
	w.mounts(map[string]string{"/run/secrets/shop-cert": "first"}, plain)

	t.Log("the same again")
	if r := w.rollout(); r.Needed() {
		t.Errorf("changes: got %q, want none", r.Changes)
	}

	t.Log("an operator's secrets, one of them where ours has its name")
	w.docker("service", "update", "--detach", "--secret-add=own-key", "--secret-add=source=shop-cert,target=/srv/cert", "wharfinger-secretive")
	if r := w.rollout(); r.Needed() {
		t.Errorf("changes: got %q, want none", r.Changes)
	}
	w.host = "b.local"
	w.must()
	w.mounts(map[string]string{"/run/secrets/shop-cert": "first", "/run/secrets/own-key": "an operator's", "/srv/cert": "first"}, plain, "own-key 444 0 0")

	t.Log("made anew: the files stay as they are, the proxies roll")
	w.docker("service", "update", "--detach", "--secret-rm=shop-cert", "wharfinger-secretive") // both of that name
	w.docker("secret", "rm", "shop-cert")
	w.makeSecret("shop-cert", "second")
	r := w.must()
	if want := []string{"add secret shop-cert"}; !slices.Equal(r.Changes, want) {
		t.Errorf("changes: got %q, want %q", r.Changes, want)
	}
	w.mounts(map[string]string{"/run/secrets/shop-cert": "second", "/run/secrets/own-key": "an operator's"}, plain, "own-key 444 0 0")

	t.Log("named no longer")
	w.secrets = nil
	r = w.must()
	if want := []string{"remove secret shop-cert"}; !slices.Equal(r.Changes, want) {
		t.Errorf("changes: got %q, want %q", r.Changes, want)
	}
	w.mounts(map[string]string{"/run/secrets/own-key": "an operator's"}, "own-key 444 0 0")
	w.docker("secret", "rm", "shop-cert") // nobody uses it
}

func (w *world) makeSecret(name, content string) {
	w.Helper()
	file := filepath.Join(w.TempDir(), "secret")
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		w.Fatal(err)
	}
	w.docker("secret", "create", name, file)
}

// mounts checks what the user of nginx's workers reads in the newest proxy of
// each node, and what /run/secrets has: names, modes, owners.
func (w *world) mounts(contents map[string]string, folder ...string) {
	w.Helper()
	for _, node := range []string{"lb-00", "lb-01"} {
		inside := func(args ...string) string {
			containers, err := w.lab.Docker(w.Context(), node, "ps", "-q", "--filter=label=com.docker.swarm.service.name=wharfinger-"+w.proxy)
			if err != nil {
				w.Fatal(err)
			}
			newest, _, _ := strings.Cut(containers, "\n")
			out, err := w.lab.Docker(w.Context(), node, append([]string{"exec", "--user=nginx", newest}, args...)...)
			if err != nil {
				return err.Error()
			}
			return out
		}
		for path, want := range contents {
			if got := inside("cat", path); got != want {
				w.Errorf("%s has %q in %s, want %q", node, got, path, want)
			}
		}
		slices.Sort(folder)
		if got, want := inside("sh", "-c", "cd /run/secrets && stat -c '%n %a %u %g' *"), strings.Join(folder, "\n"); got != want {
			w.Errorf("%s has in /run/secrets:\n%s\nwant\n%s", node, got, want)
		}
	}
}

func TestSomebodyChangedTheService(t *testing.T) {
	w := newWorld(t, "changed")
	w.must()
	w.host = "b.local"
	r := w.rollout()
	w.docker("service", "update", "--detach", "--constraint-add=node.role==worker", "wharfinger-changed")
	before := w.version()
	if err := w.apply(r); !errors.Is(err, swarm.ErrChanged) {
		t.Errorf("got %v, want ErrChanged", err)
	}
	if got := w.version(); got != before {
		t.Errorf("the operator's change was overwritten: version %s, was %s", got, before)
	}
}

func TestUpdateOutOfSequence(t *testing.T) {
	w := newWorld(t, "overtaken")
	w.must()
	w.host = "b.local"
	r := w.rollout()
	// Somebody writes to the service between our reading and our writing, and nothing
	// that a repository can name.
	updates := 0
	w.cluster = w.through(func(method, path string) {
		if method != http.MethodPost || !strings.HasSuffix(path, "/update") {
			return
		}
		if updates++; updates <= 2 {
			w.docker("service", "update", "--detach", fmt.Sprintf("--rollback-delay=%ds", updates), "wharfinger-overtaken")
		}
	})
	if err := w.apply(r); err != nil {
		t.Fatal(err)
	}
	w.serves(r.Digest)
	if updates != 3 {
		t.Errorf("%d updates were sent, want 3: two of them overtaken", updates)
	}
	if got := w.docker("service", "inspect", "-f", "{{.Spec.RollbackConfig.Delay}}", "wharfinger-overtaken"); got != "2s" {
		t.Errorf("the other's delay: got %q, want 2s", got)
	}
}

// through connects through something that sees each request before the engine.
func (w *world) through(before func(method, path string)) *swarm.Cluster {
	w.Helper()
	socket := w.lab.Node("mgr-00").Socket
	forward := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.Out.URL.Scheme, r.Out.URL.Host = "http", "engine" },
		Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		}},
		ErrorLog: log.New(io.Discard, "", 0), // requests that a test cut off
	}
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		before(r.Method, r.URL.Path)
		forward.ServeHTTP(rw, r)
	}))
	w.Cleanup(server.Close)
	return w.connectTo(strings.Replace(server.URL, "http://", "tcp://", 1), 45*time.Second)
}

func TestServiceOfSomebodyElse(t *testing.T) {
	w := newWorld(t, "foreign")
	w.docker("service", "create", "--detach", "--name=wharfinger-foreign", "--replicas=0", "nginx:1.30")
	err := w.apply(w.rollout())
	if err == nil || !strings.Contains(err.Error(), "lacks the label wharfinger.proxy=foreign") {
		t.Errorf("got %v, want a refusal", err)
	}
}

func TestNoNodeFits(t *testing.T) {
	w := newWorld(t, "nowhere")
	w.extra = "    constraints: [node.labels.nodetype == none]\n"
	if err := w.apply(w.rollout()); err != nil {
		t.Fatal(err)
	}
	if said := w.log.said(); len(said) != 1 || !strings.Contains(said[0], "no node fits") {
		t.Errorf("log: got %q, want one warning", said)
	}
}
