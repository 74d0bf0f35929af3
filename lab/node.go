package lab

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// The two roles that a node can have in the Swarm.
const (
	RoleManager = "manager"
	RoleWorker  = "worker"
)

// A Node is one engine with a network, a host name and a /run of its own.
type Node struct {
	Name    string
	Role    string // RoleManager or RoleWorker
	Address string // its IPv4 address on the lab's bridge
	Engine  string // its version, "28"; "" is the machine's own
	Netns   string // a file that is its network namespace, for nsenter --net=
	Socket  string // the engine's Unix socket, in reach from outside the node
	Control string // the Unix socket of swarmkit's gRPC API, likewise; managers only

	lab *Lab
	dir string
}

// startScript runs as the first process of a node's namespaces, after the
// network one has been entered. $1 is the node's directory, $2 its name, and the
// rest starts the engine. It finds a machine of its own: /run, /proc, host name, and
// a resolver that refuses at once instead of letting look-ups of public names time
// out. docker-init reaps the engine's orphans and passes signals on.
const startScript = `set -e
dir=$1 name=$2
shift 2
mount --make-rslave /
mount -t proc proc /proc
mount --bind "$dir/run" /run
resolv=$(readlink -m /etc/resolv.conf)
[ -e "$resolv" ] || { mkdir -p "${resolv%/*}" && : >"$resolv"; }
mount --bind "$dir/resolv.conf" "$resolv"
echo "$name" >/proc/sys/kernel/hostname
exec docker-init -- "$@"
`

// Pid returns the id of the node's first process, whose namespaces are the
// node's, and 0 if the node is stopped.
func (n *Node) Pid() int {
	if p, err := readPidFile(n.pidFile()); err == nil && p.alive() {
		return p.pid
	}
	return 0
}

// Log returns the path of the engine's log.
func (n *Node) Log() string { return filepath.Join(n.dir, "engine.log") }

func (n *Node) pidFile() string { return filepath.Join(n.dir, "engine.pid") }

// Start starts a stopped node with the data that it had and returns once its
// engine answers. A node that runs is left alone.
func (n *Node) Start(ctx context.Context) error {
	lock, err := lockDir(ctx, n.lab.plan.dir())
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := n.start(ctx); err != nil {
		return fmt.Errorf("start %s: %w", n.Name, err)
	}
	return nil
}

func (n *Node) start(ctx context.Context) error {
	if n.Pid() != 0 {
		return nil
	}
	// A machine comes up with an empty /run and its cable plugged in.
	run := filepath.Join(n.dir, "run")
	if err := os.RemoveAll(run); err != nil {
		return err
	}
	for _, name := range []string{"lock", "tmp"} {
		if err := os.MkdirAll(filepath.Join(run, name), 0o755); err != nil {
			return err
		}
	}
	if err := n.plug(ctx, "up"); err != nil {
		return err
	}
	engine, err := n.engine(ctx)
	if err != nil {
		return err
	}
	log, err := os.OpenFile(n.Log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command("nsenter", append([]string{"--net=" + n.Netns, "sh", "-c", startScript, "sh", n.dir, n.Name}, engine...)...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Dir = "/"
	// The caller's proxies and Docker settings are not the node's.
	cmd.Env = []string{"PATH=/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "TMPDIR=/run/tmp"}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Setsid:     true,
		Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS | syscall.CLONE_NEWUTS,
	}
	if err := launch(cmd, n.pidFile()); err != nil {
		return err
	}
	return n.answers(ctx)
}

// engine is the command that starts the node's engine.
func (n *Node) engine(ctx context.Context) ([]string, error) {
	start := []string{"dockerd", "--config-file", filepath.Join(n.dir, "daemon.json")}
	if n.Engine == "" {
		return start, nil
	}
	dir, err := engineRoot(ctx, n.Engine)
	if err != nil {
		return nil, err
	}
	return append([]string{"unshare", "--mount", "sh", "-c", engineScript, "sh", filepath.Join(dir, "root"), n.dir}, start...), nil
}

// writeConfig writes the engine's configuration and the node's resolv.conf.
func (n *Node) writeConfig() error {
	if err := os.MkdirAll(n.dir, 0o755); err != nil {
		return err
	}
	config := map[string]any{
		"data-root":           filepath.Join(n.dir, "data"),
		"hosts":               []string{"unix:///run/docker.sock"},
		"exec-opts":           []string{"native.cgroupdriver=cgroupfs"}, // no systemd in the node
		"cgroup-parent":       n.lab.plan.Cgroup + "/" + n.Name,
		"insecure-registries": []string{n.lab.Registry()},
		"registry-mirrors":    []string{"http://" + n.lab.Registry()}, // plain Docker Hub names
		"dns":                 []string{"127.0.0.1"},                  // containers: refuse at once too
	}
	data, err := json.MarshalIndent(config, "", "\t")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(n.dir, "daemon.json"), append(data, '\n'), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(n.dir, "resolv.conf"),
		[]byte("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n"), 0o644)
}

// answers waits until the engine answers, or is seen to have ended.
func (n *Node) answers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		err := n.call(ctx, http.MethodGet, "/_ping", nil, nil)
		if err == nil {
			return nil
		}
		if n.Pid() == 0 {
			return fmt.Errorf("the engine ended; its log closes with: %s", logTail(n.Log()))
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the engine does not answer: %w: %w; its log closes with: %s", context.Cause(ctx), err, logTail(n.Log()))
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Stop stops a node's engine and everything that runs on it, and waits for the
// end. Without kill it is a shutdown: the engine gets 20 s to stop its containers.
// With kill it is a power cut: the cable is unplugged first, so that peers see
// silence and not closed connections.
func (n *Node) Stop(kill bool) error {
	lock, err := lockDir(context.Background(), n.lab.plan.dir())
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := n.stop(kill); err != nil {
		return fmt.Errorf("stop %s: %w", n.Name, err)
	}
	return nil
}

func (n *Node) stop(kill bool) error {
	p, err := readPidFile(n.pidFile())
	if err != nil {
		return err
	}
	if kill {
		if err := n.plug(context.Background(), "down"); err != nil {
			return err
		}
	} else if err := p.signal(syscall.SIGTERM); err != nil {
		return err
	} else {
		p.gone(20 * time.Second)
	}
	// Whatever is left goes with the namespace's first process, and also what
	// somebody started in the node by Command while it was stopped.
	if err := p.kill(); err != nil {
		return err
	}
	return killInside(n.Netns)
}

// plug sets the node's cable up or down.
func (n *Node) plug(ctx context.Context, state string) error {
	link := ""
	for _, np := range n.lab.plan.Nodes {
		if np.Name == n.Name {
			link = np.Link
		}
	}
	if _, err := net.InterfaceByName(link); err != nil {
		return fmt.Errorf("cable %s: %w", link, err)
	}
	return n.lab.plan.run(ctx, "", "ip", "link", "set", link, state)
}

// Command returns a command that runs on the node: in its namespaces, with its
// /run, and with DOCKER_HOST set to its engine, in the caller's directory. On a
// node that is stopped it runs in the network namespace only. When ctx ends, the
// command and its children are killed.
func (n *Node) Command(ctx context.Context, name string, args ...string) *exec.Cmd {
	enter := []string{"--net=" + n.Netns}
	if pid := n.Pid(); pid != 0 {
		enter = []string{fmt.Sprintf("--target=%d", pid), "--mount", "--uts", "--net", "--pid"}
		// Entering a mount namespace leads to its root.
		if wd, err := os.Getwd(); err == nil {
			if _, err := os.Stat(fmt.Sprintf("/proc/%d/root%s", pid, wd)); err == nil {
				enter = append(enter, "--wdns="+wd)
			}
		}
	}
	cmd := exec.CommandContext(ctx, "nsenter", append(append(enter, "--", name), args...)...)
	cmd.Env = n.environ()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	return cmd
}

// environ is the caller's environment without its Docker settings and with the
// node's. The client that belongs to the engine comes first in PATH: newer ones
// found elsewhere refuse to speak to older engines.
func (n *Node) environ() []string {
	var env []string
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "DOCKER_") && !strings.HasPrefix(kv, "PATH=") {
			env = append(env, kv)
		}
	}
	return append(env,
		"PATH="+filepath.Join(n.lab.plan.dir(), "bin")+":"+os.Getenv("PATH"),
		"DOCKER_HOST=unix://"+n.Socket,
		"DOCKER_CONFIG="+filepath.Join(n.lab.plan.dir(), "docker-config"))
}

func logTail(path string) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	return lastLines(data, 5)
}
