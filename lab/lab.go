package lab

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// Options say what kind of lab to bring up.
type Options struct {
	Name     string                       // of the lab; "" is "lab"
	Managers int                          // mgr-00, mgr-01, …; at least 1
	Workers  int                          // wrk-00, wrk-01, …
	Nodes    []string                     // more workers, by name
	Labels   map[string]map[string]string // node labels, by node name
	// Engines are versions of engines, by node name: "28". The others have the one
	// in the environment variable LAB_ENGINE, or else the machine's own.
	Engines map[string]string
	Log     io.Writer // progress, one line per step; nil is silence

	// NoMigrate leaves net.ipv4.tcp_migrate_req off in the nodes. The lab sets
	// it, as the set-up guide asks operators to.
	NoMigrate bool
}

func (o Options) engine(node string) string { return cmp.Or(o.Engines[node], os.Getenv("LAB_ENGINE")) }

// A Lab is a Swarm on this machine.
type Lab struct {
	plan  *plan
	nodes []*Node
	log   io.Writer
}

// Up brings a lab up: engines running, one Swarm of them all, every node ready,
// the registry serving. On an error, nothing is left of it.
func Up(ctx context.Context, o Options) (*Lab, error) {
	if o.Name == "" {
		o.Name = DefaultName
	}
	if os.Geteuid() != 0 {
		return nil, errors.New("a lab needs root: it makes network namespaces and runs engines")
	}
	// Here, for what is fetched the first time is not the lab's and takes longer.
	if err := o.fetchEngines(ctx); err != nil {
		return nil, fmt.Errorf("lab %s: %w", o.Name, err)
	}
	p, err := claim(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("lab %s: %w", o.Name, err)
	}
	defer p.unlock()
	l := newLab(p)
	if o.Log != nil {
		l.log = o.Log
	}
	if err := l.up(ctx); err != nil {
		return nil, fmt.Errorf("lab %s: %w", o.Name, errors.Join(err, l.remove()))
	}
	return l, nil
}

// DefaultName is the name of a lab that nobody named.
const DefaultName = "lab"

func (l *Lab) up(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	begin := time.Now()
	if err := l.furnish(); err != nil {
		return err
	}
	if err := makeNetwork(ctx, l.plan); err != nil {
		return fmt.Errorf("network: %w", err)
	}
	group, groupCtx := errgroup.WithContext(ctx)
	group.Go(func() error { return l.startRegistry(groupCtx) })
	for _, n := range l.nodes {
		group.Go(func() error {
			if err := n.start(groupCtx); err != nil {
				return fmt.Errorf("start %s: %w", n.Name, err)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	l.say("%d engines answer after %.1f s", len(l.nodes), time.Since(begin).Seconds())
	if err := makeSwarm(ctx, l); err != nil {
		return fmt.Errorf("swarm: %w", err)
	}
	l.say("the Swarm is ready after %.1f s", time.Since(begin).Seconds())
	return nil
}

// furnish writes the files that the lab's processes read.
func (l *Lab) furnish() error {
	for _, name := range []string{"bin", "docker-config"} {
		if err := os.MkdirAll(filepath.Join(l.plan.dir(), name), 0o755); err != nil {
			return err
		}
	}
	if err := os.Symlink(dockerClient, filepath.Join(l.plan.dir(), "bin/docker")); err != nil {
		return err
	}
	for _, n := range l.nodes {
		if err := n.writeConfig(); err != nil {
			return err
		}
	}
	return nil
}

// dockerClient is the client of the package that the engine comes from.
const dockerClient = "/usr/bin/docker"

func newLab(p *plan) *Lab {
	l := &Lab{plan: p, log: io.Discard}
	for _, np := range p.Nodes {
		dir := filepath.Join(p.dir(), "nodes", np.Name)
		n := &Node{
			Name: np.Name, Role: np.Role, Address: np.Address, Engine: np.Engine,
			Netns:  p.netns(np.Name),
			Socket: filepath.Join(dir, "run/docker.sock"),
			lab:    l, dir: dir,
		}
		if np.Role == RoleManager {
			n.Control = filepath.Join(dir, "run/docker/swarm/control.sock")
		}
		l.nodes = append(l.nodes, n)
	}
	return l
}

// Open returns a lab that another process brought up. There being none is an
// error that is fs.ErrNotExist.
func Open(name string) (*Lab, error) {
	p, err := readPlan(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("no lab named %q is up: %w", name, fs.ErrNotExist)
	}
	if err != nil {
		return nil, err
	}
	return newLab(p), nil
}

// Name returns the lab's name.
func (l *Lab) Name() string { return l.plan.Name }

// Nodes returns all nodes, managers first.
func (l *Lab) Nodes() []*Node { return l.nodes }

// Node returns the node of that name, or nil.
func (l *Lab) Node(name string) *Node {
	for _, n := range l.nodes {
		if n.Name == name {
			return n
		}
	}
	return nil
}

// Docker runs the docker client against a node's engine and returns what it
// printed, without the spaces around it. It takes a minute at most: some of
// docker's commands would wait for ever.
func (l *Lab) Docker(ctx context.Context, node string, args ...string) (string, error) {
	n := l.Node(node)
	if n == nil {
		return "", fmt.Errorf("no node named %q", node)
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, dockerClient, args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = n.environ(), &stdout, &stderr
	cmd.WaitDelay = time.Second
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return "", fmt.Errorf("docker %s: %w: %s", strings.Join(args, " "), err, lastLines(stderr.Bytes(), 10))
	}
	return strings.TrimSpace(stdout.String()), nil
}

// Log sends progress lines to w from now on.
func (l *Lab) Log(w io.Writer) { l.log = w }

func (l *Lab) say(format string, args ...any) {
	fmt.Fprintf(l.log, "lab: "+format+"\n", args...)
}
