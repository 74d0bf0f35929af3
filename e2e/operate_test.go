package e2e_test

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// told is what the tests look at in a status.
type told struct {
	Version int
	Source  *struct{ Revision, Followed, Error string }
	Proxies []struct {
		Name, State, Revision, Digest string
		Since                         time.Time
		Nodes                         []struct{ Name, State string }
		Failed                        *struct{ Revision, Why string }
		Pools                         []struct {
			Name   string
			Peers  []string
			Routes []string
		}
	}
	Problems []struct {
		Text    string
		Refuses bool
	}
}

// What is live is told by the daemon and, the same, by the Swarm alone: across pushes,
// a rollout that fails, and the end of the daemon.
func TestOperateStatus(t *testing.T) {
	w := newWorld(t)
	w.application("demo", 2)
	token := filepath.Join(t.TempDir(), "token")
	const secret = "a-token-for-the-status"
	if err := os.WriteFile(token, []byte(secret), 0o600); err != nil {
		t.Fatal(err)
	}
	f := w.newForge()
	args := append(f.flags(), "--deadline", "20s", "--listen", w.lab.Node(w.manager).Address+":8085", "--listen-token-file", token)
	d := w.watch(args...)
	get := func(path, bearer string) (string, int) {
		t.Helper()
		r, err := http.NewRequest("GET", "http://"+w.lab.Node(w.manager).Address+":8085"+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+bearer)
		res, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(text), res.StatusCode
	}
	read := func(text string) told {
		t.Helper()
		var s told
		if err := json.Unmarshal([]byte(text), &s); err != nil || s.Version != 1 || len(s.Proxies) != 1 {
			t.Fatalf("%v, want one proxy: %s", err, text)
		}
		return s
	}
	daemon := func() told {
		t.Helper()
		text, _ := get("/status", secret)
		return read(text)
	}
	command := func() told {
		t.Helper()
		out, code := w.command("status", "--format", "json")
		if code != 0 {
			t.Fatalf("status: exit code %d: %s", code, out)
		}
		return read(out)
	}
	first := w.push(toDemo(edge, "demo.local"))
	d.rolled(first)
	f.hears(w, first, "pending: on its way to the proxies", "success: every proxy serves it")
	time.Sleep(3 * time.Second) // the daemon reads what it did
	peers := w.instances("demo")
	for name, s := range map[string]told{"the daemon": daemon(), "status": command()} {
		p := s.Proxies[0]
		if p.Name != "edge" || p.State != "live" || p.Revision != first || p.Digest != w.proxy().Spec.Labels["wharfinger.digest"] || time.Since(p.Since).Abs() > time.Minute {
			t.Errorf("%s: got %+v, want edge live with %s", name, p, first)
		}
		if len(p.Nodes) != 2 || p.Nodes[0].Name != "lb-00" || p.Nodes[0].State != "running" {
			t.Errorf("%s: got nodes %v", name, p.Nodes)
		}
		if len(p.Pools) != 1 || p.Pools[0].Name != "demo" || len(p.Pools[0].Peers) != len(peers) || !slices.Equal(p.Pools[0].Routes, []string{"demo"}) {
			t.Errorf("%s: got pools %v, want demo with %d peers", name, p.Pools, len(peers))
		}
	}
	since := command().Proxies[0].Since

	w.part("metrics", func() {
		text, _ := get("/metrics", secret)
		for _, want := range []string{
			"wharfinger_ready 1", `wharfinger_proxy_state{proxy="edge",state="live"} 1`, `wharfinger_pool_peers{pool="demo",proxy="edge"} 2`,
			`wharfinger_rollouts_total{outcome="confirmed",proxy="edge"} 1`, "wharfinger_source_up 1", `revision="` + first + `"`,
		} {
			if !strings.Contains(text, want) {
				t.Errorf("the metrics have no %s:\n%s", want, text)
			}
		}
		for about := range strings.SplitSeq("tasks nodes services networks secrets configs", " ") {
			if !strings.Contains(text, `wharfinger_docker_requests_total{about="`+about+`",code="20`) {
				t.Errorf("no request about %s is counted", about)
			}
		}
		for _, path := range []string{"/status", "/metrics"} {
			if text, code := get(path, "another-token-0123456789"); code != http.StatusUnauthorized {
				t.Errorf("%s with the wrong token: got %d %s", path, code, text)
			}
		}
		if text, code := get("/healthz", ""); code != http.StatusOK {
			t.Errorf("/healthz: got %d %s", code, text)
		}
	})
	w.part("a moved task", func() {
		before := command().Proxies[0].Pools[0].Peers
		w.move("demo")
		d.rolled(first)
		if after := command().Proxies[0].Pools[0].Peers; slices.Equal(after, before) {
			t.Errorf("after the move the peers are still %s", after)
		}
		if again := command().Proxies[0]; !again.Since.Equal(since) || again.Revision != first {
			t.Errorf("got %s since %s, want %s since %s", again.Revision, again.Since, first, since)
		}
	})
	w.part("a failed rollout", func() {
		bad := w.push(toDemo(strings.Replace(edge, "image: nginx:1.30", "image: crash:1.30\n    nginx: 1.30", 1), "demo.local", "new.local"))
		d.line(60*time.Second, "level=ERROR", "is not brought to the revision")
		d.line(10*time.Second, "msg=pass", "edge.err=")
		for end := time.Now().Add(10 * time.Second); daemon().Proxies[0].State == "rolling" && time.Now().Before(end); {
			time.Sleep(100 * time.Millisecond) // until the daemon has read what it did
		}
		for name, s := range map[string]told{"the daemon": daemon(), "status": command()} {
			if p := s.Proxies[0]; p.State != "rolled back" || p.Revision != first || !p.Since.Equal(since) {
				t.Errorf("%s: got %+v, want rolled back to %s since %s", name, p, first, since)
			}
		}
		d.kill()
		p := command().Proxies[0]
		if p.Failed == nil || p.Failed.Revision != bad || !strings.Contains(p.Failed.Why, "non-zero exit (1)") {
			t.Errorf("without the daemon: got %+v, want %s and why", p.Failed, bad)
		}
		out, code := w.command("status")
		t.Logf("status:\n%s", out)
		if code != 0 || !strings.Contains(out, "edge: rollout ") || !strings.Contains(out, "non-zero exit (1)") {
			t.Errorf("exit code %d: %s", code, out)
		}
		out, code = w.command("history")
		t.Logf("history:\n%s", out)
		if code != 0 || !strings.Contains(out, "failed: ") || !strings.Contains(out, bad[:12]) || !strings.Contains(out, first[:12]) {
			t.Errorf("history: exit code %d: %s", code, out)
		}
	})
	w.part("another daemon", func() {
		d = w.watch(args...)
		good := w.push(toDemo(edge, "demo.local", "new.local"))
		d.rolled(good)
		time.Sleep(3 * time.Second)
		for name, s := range map[string]told{"the daemon": daemon(), "status": command()} {
			if p := s.Proxies[0]; p.State != "live" || p.Revision != good || !p.Since.After(since) || p.Failed != nil {
				t.Errorf("%s: got %+v, want live with %s", name, p, good)
			}
		}
		out, code := w.command("history", "--format", "json")
		var history struct {
			Entries []struct{ Proxy, Revision, State string }
		}
		if err := json.Unmarshal([]byte(out), &history); code != 0 || err != nil || len(history.Entries) != 2 ||
			history.Entries[0].Revision != good || history.Entries[0].State != "live" || history.Entries[1].Revision != first || history.Entries[1].State != "before" {
			t.Errorf("history: exit code %d, %v, want %s live and %s before: %s", code, err, good, first, out)
		}
		broken := w.push("routes: {broken: {hosts: [x.local], pool: nowhere}}\n")
		d.line(20*time.Second, "revision refused")
		f.hears(w, broken, "failure: refused: routes.yaml:1:10: there is no proxy to serve route broken (add one, like proxies: {edge: {image: nginx:1.30}}) and 1 more")
		time.Sleep(time.Second)
		if s := daemon(); len(s.Problems) == 0 || !s.Problems[0].Refuses || s.Source.Followed != good {
			t.Errorf("with a bad revision: got %+v", s)
		}
	})
}
