package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// These make the test binary bring a lab of that name up, or remove it, and wait
// to be killed.
const (
	upVariable     = "LAB_TEST_UP"
	removeVariable = "LAB_TEST_REMOVE"
)

func TestMain(m *testing.M) {
	if name := os.Getenv(upVariable); name != "" {
		_, err := Up(context.Background(), Options{Name: name, Managers: 1, Workers: 1})
		fmt.Println("up:", err)
		time.Sleep(time.Minute)
		os.Exit(1)
	}
	if name := os.Getenv(removeVariable); name != "" {
		fmt.Println("remove:", Remove(name))
		time.Sleep(time.Minute)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// needRoot fails rather than skips: a gap that nobody sees is worse than a red test.
func needRoot(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: brings up real engines")
	}
	if os.Geteuid() != 0 {
		t.Fatal("bringing up engines needs root (or go test -short)")
	}
}

func testName(t *testing.T) string {
	t.Helper()
	name := fmt.Sprintf("t%d-%d", os.Getpid(), time.Now().UnixNano()%1e6)
	t.Cleanup(func() {
		if err := Remove(name); err != nil {
			t.Error(err)
		}
	})
	return name
}

func TestLab(t *testing.T) {
	needRoot(t)
	t.Run("engines of this machine", func(t *testing.T) { testLab(t, "", "20.10.") })
	t.Run("engine 28 beside them", func(t *testing.T) { testLab(t, "28", "28.") })
}

// testLab has a manager with this machine's engine and a load balancer with the
// given one, whose version begins as told.
func testLab(t *testing.T, engine, version string) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	before := lookAround(t)
	l, err := Up(ctx, Options{
		Name: testName(t), Managers: 1, Nodes: []string{"lb-00"},
		Labels:  map[string]map[string]string{"lb-00": {"nodetype": "loadbalancer"}},
		Engines: map[string]string{"lb-00": engine},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.BuildImages(ctx, "demo"); err != nil {
		t.Fatal(err)
	}

	// The name is one of Docker Hub, and must come from the lab's registry. The
	// overlay is there for the traces that it might leave.
	mustDocker(t, l, "network", "create", "--driver=overlay", "apps")
	mustDocker(t, l, "service", "create", "--name=demo", "--detach", "--network=apps", "--publish=mode=host,target=8080,published=8080",
		"--env=METADATA=there", "--constraint=node.labels.nodetype==loadbalancer", "ehazlett/docker-demo")
	lb := l.Node("lb-00")
	url := "http://" + lb.Address + ":8080/ping"
	const want = `"metadata":"there"`
	if got := eventually(ctx, url, want); !strings.Contains(got, want) {
		t.Fatalf("demo answers %q, want %s in it; tasks:\n%s", got, want, mustDocker(t, l, "service", "ps", "--no-trunc", "demo"))
	}

	t.Run("command runs on the node", func(t *testing.T) {
		out, err := lb.Command(ctx, "sh", "-c", "hostname; docker info -f '{{.Name}}'; docker version -f '{{.Server.Version}}' | grep -o '^"+version+"'; cat /proc/sys/net/ipv4/tcp_migrate_req /proc/sys/net/ipv4/tcp_retries2; pwd; exit 3").Output()
		wd, _ := os.Getwd()
		if got, want := string(out), "lb-00\nlb-00\n"+version+"\n1\n5\n"+wd+"\n"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 3 {
			t.Errorf("got %v, want exit code 3", err)
		}
	})
	t.Run("a second lab keeps apart", func(t *testing.T) {
		other, err := Up(ctx, Options{Name: testName(t), Managers: 1})
		if err != nil {
			t.Fatal(err)
		}
		if other.Registry() == l.Registry() {
			t.Errorf("both labs have the registry %s", l.Registry())
		}
		if _, err := Up(ctx, Options{Name: other.Name(), Managers: 1}); err == nil {
			t.Error("a lab came up under a name in use")
		}
		if err := other.Down(); err != nil {
			t.Error(err)
		}
	})
	t.Run("a node comes back with its data", func(t *testing.T) {
		for _, kill := range []bool{false, true} {
			if err := lb.Stop(kill); err != nil {
				t.Fatal(err)
			}
			if got := lb.Pid(); got != 0 {
				t.Errorf("stopped node has process %d", got)
			}
			if err := lb.Start(ctx); err != nil {
				t.Fatal(err)
			}
			if got := eventually(ctx, url, want); !strings.Contains(got, want) {
				t.Errorf("after a stop with kill=%t demo answers %q, want %s in it", kill, got, want)
			}
		}
	})

	living := processesOf(t, l)
	if len(living) < 4 { // two engines, a shim, the demo
		t.Errorf("found %d processes in the lab, too few to tell whether they go", len(living))
	}
	if err := l.Down(); err != nil {
		t.Fatal(err)
	}
	for _, p := range living {
		if p.alive() {
			t.Errorf("process %d outlived the lab", p.pid)
		}
	}
	if _, err := Open(l.Name()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Open after Down: got %v, want fs.ErrNotExist", err)
	}
	compare(t, before)
}

func TestRemoveAfterKill(t *testing.T) {
	needRoot(t)
	// Up takes about 1.3 s with two nodes: these moments are all along it.
	for _, after := range []time.Duration{2, 10, 30, 60, 100, 150, 250, 500, 900, 2500} {
		after *= time.Millisecond
		t.Run(after.String(), func(t *testing.T) {
			before := lookAround(t)
			name := testName(t)
			// Counted from the moment that there is something to forget.
			runAndKill(t, upVariable, name, after, func() bool {
				_, err := os.Stat(filepath.Join(baseDir, name))
				return err == nil
			})
			if err := Remove(name); err != nil {
				t.Fatal(err)
			}
			compare(t, before)
		})
	}
}

func TestRemoveAfterKilledRemove(t *testing.T) {
	needRoot(t)
	for _, after := range []time.Duration{20, 60, 120, 200} {
		after *= time.Millisecond
		t.Run(after.String(), func(t *testing.T) {
			before := lookAround(t)
			l, err := Up(t.Context(), Options{Name: testName(t), Managers: 1})
			if err != nil {
				t.Fatal(err)
			}
			runAndKill(t, removeVariable, l.Name(), after, func() bool { return true })
			if err := l.Down(); err != nil {
				t.Fatal(err)
			}
			compare(t, before)
		})
	}
}

// runAndKill runs the test binary as variable tells it to, and kills it some time
// after begun.
func runAndKill(t *testing.T, variable, value string, after time.Duration, begun func() bool) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), variable+"="+value)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(5 * time.Second); !begun() && time.Now().Before(end); {
		time.Sleep(100 * time.Microsecond)
	}
	time.Sleep(after)
	cmd.Process.Kill()
	cmd.Wait()
}

func TestUpRefuses(t *testing.T) {
	needRoot(t)
	for _, test := range []struct {
		name string
		o    Options
		want string
	}{
		{"no manager", Options{Name: "refused", Workers: 1}, "manager"},
		{"odd name", Options{Name: "../refused", Managers: 1}, "name"},
		{"node twice", Options{Name: "refused", Managers: 1, Nodes: []string{"mgr-00"}}, "unique"},
		{"label of nobody", Options{Name: "refused", Managers: 1, Labels: map[string]map[string]string{"x": {"a": "b"}}}, "no such node"},
		{"engine of nobody", Options{Name: "refused", Managers: 1, Engines: map[string]string{"x": "28"}}, "no such node"},
		{"unknown engine", Options{Name: "refused", Managers: 1, Engines: map[string]string{"mgr-00": "19"}}, "only 28 is known"},
	} {
		t.Run(test.name, func(t *testing.T) {
			l, err := Up(t.Context(), test.o)
			if err == nil {
				l.Down()
				t.Fatal("it came up")
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %q, want %q in it", err, test.want)
			}
		})
	}
}

func mustDocker(t *testing.T, l *Lab, args ...string) string {
	t.Helper()
	out, err := l.Docker(t.Context(), "mgr-00", args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// eventually gets a URL until the answer holds want, for 30 s, and returns the
// last answer.
func eventually(ctx context.Context, url, want string) (got string) {
	client := http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	for end := time.Now().Add(time.Minute); time.Now().Before(end) && ctx.Err() == nil; time.Sleep(50 * time.Millisecond) {
		resp, err := client.Get(url)
		if err != nil {
			got = err.Error()
			continue
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if got = string(body); strings.Contains(got, want) {
			break
		}
	}
	return got
}
