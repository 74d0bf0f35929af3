// Package e2e_test goes the whole way, from git push to a routed request: a real
// git server, the wharfinger program as it is shipped, real engines in one
// Swarm, stock nginx. Nothing on the way is a mock. Each test proves one of the
// promises of docs/design.md, seen as users see it: by requests to the proxies.
//
// All tests but those of the eight nodes share one lab and run one after the
// other. Each has a route repository of its own and leaves the Swarm empty. It needs root; -short leaves
// the package out.
package e2e_test

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/wharfinger/wharfinger/lab"
)

// labName is the lab, and what the names of the others begin with. A second run
// beside one needs another, in E2E_LAB.
var labName = cmp.Or(os.Getenv("E2E_LAB"), "e2e")

// What all tests use: the Swarm, the programs and the git server.
var (
	theLab     *lab.Lab
	wharfinger string // the program under test
	nginx      string // the nginx that it tests with
	gitServer  *server
)

const manager = "mgr-00"

var balancers = []string{"lb-00", "lb-01"}

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) (code int) {
	flag.Parse()
	if testing.Short() {
		fmt.Println("e2e: left out by -short")
		return 0
	}
	if os.Geteuid() != 0 {
		fmt.Fprintln(os.Stderr, "e2e: bringing up engines needs root (or go test -short)")
		return 1
	}
	unlock, err := alone()
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		return 1
	}
	defer unlock()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	over := context.AfterFunc(ctx, func() { // Remove waits for an Up that is at work
		fmt.Fprintln(os.Stderr, "e2e: called off;", errors.Join(errors.New("removing the labs"), removeLabs()))
		os.Exit(130)
	})
	defer over()
	defer func() {
		if err := removeLabs(); err != nil {
			fmt.Fprintln(os.Stderr, "e2e:", err)
			code = 1
		}
	}()
	begin := time.Now()
	if err := setUp(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		return 1
	}
	fmt.Printf("e2e: set up in %.1f s\n", time.Since(begin).Seconds())
	return m.Run()
}

// alone keeps a second run from removing the labs of this one.
func alone() (unlock func(), err error) {
	f, err := os.OpenFile("/run/wharfinger-"+labName+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, fmt.Errorf("another run with the lab "+labName+" is under way: %w", err)
	}
	return func() { f.Close() }, nil
}

func setUp(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	if err := removeLabs(); err != nil { // of a run that was killed
		return err
	}
	loadbalancer := map[string]string{"nodetype": "loadbalancer"}
	var err error
	theLab, err = lab.Up(ctx, lab.Options{
		Name: labName, Managers: 1, Workers: 2, Nodes: balancers,
		Labels: map[string]map[string]string{"lb-00": loadbalancer, "lb-01": loadbalancer},
	})
	if err != nil {
		return err
	}
	if err := theLab.BuildImages(ctx, "nginx:1.30", "demo", "wharfinger"); err != nil {
		return err
	}
	if nginx, err = lab.Nginx(ctx, "1.30"); err != nil {
		return err
	}
	if err := pushCrashing(ctx, theLab); err != nil {
		return err
	}
	wharfinger = filepath.Join(theLab.Dir(), "wharfinger")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-o", wharfinger,
		"github.com/wharfinger/wharfinger/cmd/wharfinger")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build wharfinger: %w: %s", err, out)
	}
	gitServer, err = newServer(filepath.Join(theLab.Dir(), "git"), theLab.Gateway()+":8000")
	return err
}

func removeLabs() error {
	return errors.Join(lab.Remove(labName), lab.Remove(eightName), lab.Remove(mixedName))
}

// pushCrashing makes an image that is nginx to the eye and whose container ends
// at once: crash:1.30.
func pushCrashing(ctx context.Context, l *lab.Lab) error {
	root, err := filepath.EvalSymlinks(nginx)
	if err != nil {
		return err
	}
	layer, err := lab.DirLayer(filepath.Join(filepath.Dir(root), "root"))
	if err != nil {
		return err
	}
	return l.Push(ctx, lab.Image{
		Names: []string{"library/crash:1.30"}, Layers: []lab.Layer{layer},
		Config: lab.Config{Cmd: []string{"/bin/sh", "-c", "echo no luck >&2; exit 1"}},
	})
}

// server is the git server, which tests stop and start again.
type server struct {
	dir, address string
	http         *http.Server
}

func newServer(dir, address string) (*server, error) {
	s := &server{dir: dir, address: address}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	return s, s.start()
}
