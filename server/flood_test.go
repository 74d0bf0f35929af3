package server_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/wharfinger/wharfinger/generator"
	"github.com/wharfinger/wharfinger/git"
	"github.com/wharfinger/wharfinger/lab"
	"github.com/wharfinger/wharfinger/route"
	"github.com/wharfinger/wharfinger/server"
	"github.com/wharfinger/wharfinger/watcher"
)

// noSwarm is a manager that cannot be reached: all that is of interest here happens
// before it is asked.
type noSwarm struct{}

func (noSwarm) Read(context.Context) (*generator.Live, error) {
	return nil, errors.New("there is no Swarm")
}
func (noSwarm) Apply(context.Context, generator.Rollout, func(node, state string)) error {
	return errors.New("there is no Swarm")
}
func (noSwarm) Last(context.Context) (route.Revision, bool, error) {
	return route.Revision{}, false, errors.New("there is no Swarm")
}
func (noSwarm) Pinned(context.Context) (route.Revision, time.Time, error) {
	return route.Revision{}, time.Time{}, errors.New("there is no Swarm")
}
func (noSwarm) Keep(context.Context, route.Revision) error         { return errors.New("there is no Swarm") }
func (noSwarm) Streams() bool                                      { return false }
func (noSwarm) Watch(ctx context.Context, _ chan<- struct{}) error { <-ctx.Done(); return nil }

// TestHooksFlood sends genuine hooks as fast as it can, to the daemon's own server and
// loop, with a real git server behind.
func TestHooksFlood(t *testing.T) {
	dir := t.TempDir()
	for _, args := range [][]string{
		{"init", "-q", "--bare", "-b", "main", "served/routes.git"}, {"init", "-q", "-b", "main", "work"},
		{"-C", "work", "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-q", "--allow-empty", "-m", "m"},
		{"-C", "work", "push", "-q", "../served/routes.git", "main"},
	} {
		cmd := exec.Command("git", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v: %s", args, err, out)
		}
	}
	backend, err := lab.GitHandler(filepath.Join(dir, "served"))
	if err != nil {
		t.Fatal(err)
	}
	var fetches atomic.Int32
	remote := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet { // the list of branches, which begins each fetch
			fetches.Add(1)
		}
		backend.ServeHTTP(w, r)
	}))
	defer remote.Close()
	source, err := git.NewRemote(git.RemoteOptions{URL: remote.URL + "/routes.git", AllowHTTP: true, Interval: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	secretFile := filepath.Join(dir, "secret")
	if err := os.WriteFile(secretFile, []byte("0123456789abcdef"), 0o600); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()

	woken := make(chan struct{}, 1)
	wake := func() {
		select {
		case woken <- struct{}{}:
		default:
		}
	}
	log := slog.New(slog.DiscardHandler)
	loop := &watcher.Loop{Source: source, Cluster: noSwarm{}, Memory: noSwarm{}, Log: log, Woken: woken, Holdoff: watcher.DefaultHoldoff()}
	ctx, stop := context.WithCancel(t.Context())
	var daemon errgroup.Group
	daemon.Go(func() error { return loop.Run(ctx) })
	daemon.Go(func() error {
		return server.Serve(ctx, server.Site{Address: address, Ready: loop.Ready, Status: loop.Status, Metrics: server.NewMetrics("test"),
			Hooks: &server.Hooks{SecretFile: secretFile, Wake: wake, Log: log}})
	})
	defer func() {
		stop()
		if err := daemon.Wait(); err != nil {
			t.Error(err)
		}
	}()
	for end := time.Now().Add(20 * time.Second); fetches.Load() == 0 || !listens(address); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the daemon does not come up")
		}
	}

	flood := func(hooks int) (took time.Duration) {
		start := time.Now()
		transport := &http.Transport{MaxIdleConnsPerHost: 20}
		defer transport.CloseIdleConnections()
		client := &http.Client{Transport: transport, Timeout: 20 * time.Second}
		var senders errgroup.Group
		senders.SetLimit(20)
		for range hooks {
			senders.Go(func() error {
				req, err := http.NewRequest(http.MethodPost, "http://"+address+"/hooks/generic", nil)
				if err != nil {
					return err
				}
				req.Header.Set("Authorization", "Bearer 0123456789abcdef")
				resp, err := client.Do(req)
				if err != nil {
					return err
				}
				defer resp.Body.Close()
				io.Copy(io.Discard, resp.Body)
				if resp.StatusCode != http.StatusAccepted {
					return errors.New(resp.Status)
				}
				return nil
			})
		}
		if err := senders.Wait(); err != nil {
			t.Error(err)
		}
		return time.Since(start)
	}
	memory := func() (heap uint64, goroutines int) {
		time.Sleep(2 * time.Second) // what the last hook woke is done, and connections are closed
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc, runtime.NumGoroutine()
	}
	flood(100)
	heap, goroutines := memory()
	before := fetches.Load()
	const hooks = 5000
	took := flood(hooks)
	afterHeap, afterGoroutines := memory()
	made := fetches.Load() - before
	// One for each second that was begun, one for what came while the last second ran.
	if most := int32(took/time.Second) + 2; made < 1 || made > most {
		t.Errorf("%d hooks in %s: %d fetches, want between 1 and %d", hooks, took, made, most)
	}
	if afterHeap > heap+2<<20 || afterGoroutines > goroutines+5 {
		t.Errorf("before %d bytes and %d goroutines, after %d and %d", heap, goroutines, afterHeap, afterGoroutines)
	}
	t.Logf("%d hooks in %s: %d fetches; heap %d KiB before and %d after, goroutines %d and %d",
		hooks, took.Round(time.Millisecond), made, heap>>10, afterHeap>>10, goroutines, afterGoroutines)
}

func listens(address string) bool {
	conn, err := net.DialTimeout("tcp", address, time.Second)
	if err != nil {
		return false
	}
	conn.Close()
	return true
}
