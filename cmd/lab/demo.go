package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/wharfinger/wharfinger/lab"
)

const demoName = "demo"

func demo(name *string) *cobra.Command {
	var nodes int
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Bring a Swarm up and route a request through it",
		Long: `Demo brings a Swarm up and routes a request through it: with 5 nodes by git
push, with 8 by the labels of a service, as ` + hostModePage + ` tells it.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			demos := map[int]func(context.Context, string) error{5: pushDemo, 8: hostModeDemo}
			run, ok := demos[nodes]
			if !ok {
				return fmt.Errorf("there is a demo with 5 nodes and one with 8, none with %d", nodes)
			}
			if os.Geteuid() != 0 {
				return errors.New("the demo needs root: it makes network namespaces and runs engines")
			}
			name := nameOfDemo(cmd, *name)
			if _, err := lab.Open(name); !errors.Is(err, fs.ErrNotExist) {
				return errors.Join(err, errors.New("the demo is up already: make demo-down removes it"))
			}
			return run(cmd.Context(), name)
		},
	}
	cmd.Flags().IntVar(&nodes, "nodes", 5, "5 or 8")
	return cmd
}

func demoDown(name *string) *cobra.Command {
	return &cobra.Command{
		Use:   "demo-down",
		Short: "Remove everything that the demo made",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := lab.Remove(nameOfDemo(cmd, *name)); err != nil {
				return err
			}
			fmt.Println("The demo is gone.")
			return nil
		},
	}
}

// nameOfDemo is a lab's name that is not the one of a lab made by hand.
func nameOfDemo(cmd *cobra.Command, name string) string {
	if cmd.Flags().Changed("name") {
		return name
	}
	return demoName
}

// demoRoutes is the repository; the second push adds a host.
const demoRoutes = `proxies:
  edge:
    image: nginx:1.30
    constraints: [node.labels.nodetype == loadbalancer]

pools:
  demo:
    service: demo
    port: 8080

routes:
  demo:
    hosts: [%s]
    pool: demo
`

func pushDemo(ctx context.Context, name string) error {
	step("A Swarm: 1 manager, 2 load balancers, 2 workers")
	loadbalancer := map[string]string{"nodetype": "loadbalancer"}
	l, err := lab.Up(ctx, lab.Options{
		Name: name, Managers: 1, Workers: 2, Nodes: []string{"lb-00", "lb-01"},
		Labels: map[string]map[string]string{"lb-00": loadbalancer, "lb-01": loadbalancer},
		Log:    os.Stdout,
	})
	if err != nil {
		return err
	}
	d := &demonstration{Lab: l, clone: filepath.Join(l.Dir(), "routes")}
	return stays(d.run(ctx))
}

func stays(err error) error {
	if err != nil {
		return fmt.Errorf("%w; the Swarm stays up to be looked at: make demo-down removes it", err)
	}
	return nil
}

type demonstration struct {
	*lab.Lab
	url   string // of the route repository
	clone string // a work tree of it
}

func (d *demonstration) run(ctx context.Context) error {
	step("The images: stock nginx, Wharfinger, a demo application")
	if err := d.BuildImages(ctx, "nginx:1.30", "wharfinger", "demo"); err != nil {
		return err
	}
	step("A git repository, served over http")
	if err := d.serveGit(ctx); err != nil {
		return fmt.Errorf("git: %w", err)
	}
	step("Wharfinger, a service on the manager")
	if err := d.docker(ctx, "service", "create", "--name", "wharfinger", "--detach=false", "--quiet",
		"--mount", "src=/var/run/docker.sock,dst=/var/run/docker.sock,type=bind",
		"--constraint", "node.role==manager",
		"--publish", "mode=host,target=8080",
		"wharfinger/wharfinger:dev", "watch", d.url, "--allow-http", "--interval", "1s", "--listen", ":8080"); err != nil {
		return err
	}
	step("The demo service")
	if err := d.docker(ctx, "service", "create", "--name", "demo", "--detach=false", "--quiet",
		"--label", "com.docker.lb.hosts=demo.local", "--label", "com.docker.lb.port=8080",
		"--publish", "mode=host,target=8080", "--env", "METADATA=demo", "ehazlett/docker-demo"); err != nil {
		return err
	}
	step("git push: demo.local leads to the demo service")
	took, err := d.push(ctx, "route demo.local", "demo.local")
	if err != nil {
		return err
	}
	fmt.Printf("Both proxies answer demo.local %.1f s after the push; they were created on the way.\n\n", took.Seconds())
	if err := d.curl(ctx); err != nil {
		return err
	}
	step("git push: shop.local leads there, too")
	if took, err = d.push(ctx, "route shop.local", "demo.local, shop.local"); err != nil {
		return err
	}
	fmt.Printf("Both proxies answer shop.local %.1f s after the push.\n", took.Seconds())
	d.whatNext()
	return nil
}

func step(text string) { fmt.Printf("\n== %s\n", text) }

// docker shows the command line before it runs it.
func (d *demonstration) docker(ctx context.Context, args ...string) error {
	fmt.Printf("$ docker %s\n", strings.Join(args, " "))
	out, err := d.Docker(ctx, "mgr-00", args...)
	if err == nil && out != "" {
		fmt.Println(out)
	}
	return err
}

func (d *demonstration) serveGit(ctx context.Context) error {
	repositories := filepath.Join(d.Dir(), "git")
	bare := filepath.Join(repositories, "routes.git")
	if err := d.git(ctx, d.Dir(), "init", "--quiet", "--bare", "--initial-branch=main", bare); err != nil {
		return err
	}
	program, err := os.Executable()
	if err != nil {
		return err
	}
	address := net.JoinHostPort(d.Gateway(), "8000")
	if err := d.Launch("git-server", program, "git-server", repositories, address); err != nil {
		return err
	}
	d.url = "http://" + address + "/routes.git"
	err = await(ctx, 10*time.Second, func() error {
		resp, err := http.Get(d.url + "/HEAD")
		if err == nil {
			resp.Body.Close()
		}
		return err
	})
	if err != nil {
		return err
	}
	return d.git(ctx, d.Dir(), "clone", "--quiet", d.url, d.clone)
}

// git runs without the settings of this machine's user.
func (d *demonstration) git(ctx context.Context, dir string, args ...string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=Demo", "GIT_AUTHOR_EMAIL=demo@example.org",
		"GIT_COMMITTER_NAME=Demo", "GIT_COMMITTER_EMAIL=demo@example.org", "GIT_TERMINAL_PROMPT=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("git %s: %w: %s", strings.Join(args, " "), err, out)
	}
	return nil
}

// push writes the routes, pushes them and waits until both proxies answer the
// last of the hosts. It returns how long that took from the push on.
func (d *demonstration) push(ctx context.Context, message, hosts string) (time.Duration, error) {
	file := filepath.Join(d.clone, "routes.yaml")
	if err := os.WriteFile(file, fmt.Appendf(nil, demoRoutes, hosts), 0o644); err != nil {
		return 0, err
	}
	for _, args := range [][]string{{"add", "routes.yaml"}, {"commit", "--quiet", "-m", message}, {"push", "--quiet", "origin", "HEAD:main"}} {
		if err := d.git(ctx, d.clone, args...); err != nil {
			return 0, err
		}
	}
	start := time.Now()
	all := strings.Split(hosts, ", ")
	for _, node := range []string{"lb-00", "lb-01"} {
		if err := await(ctx, 2*time.Minute, func() error { return d.answers(ctx, node, all[len(all)-1]) }); err != nil {
			return 0, err
		}
	}
	return time.Since(start), nil
}

// answers asks a proxy on a connection of its own.
func (d *demonstration) answers(ctx context.Context, node, host string) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+d.Node(node).Address+"/ping", nil)
	if err != nil {
		return err
	}
	req.Host, req.Close = host, true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s with %s", node, host, resp.Status)
	}
	return nil
}

func (d *demonstration) curl(ctx context.Context) error {
	address := d.Node("lb-00").Address
	fmt.Printf("$ curl -vs -H \"Host: demo.local\" http://%s/ping\n", address)
	cmd := exec.CommandContext(ctx, "curl", "-vs", "--max-time", "10", "-H", "Host: demo.local", "http://"+address+"/ping")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stdout
	return cmd.Run()
}

func (d *demonstration) whatNext() {
	step("It stays up. What to try next")
	fmt.Printf(`Push a route of your own:
    git clone %s && cd routes && $EDITOR routes.yaml && git commit -am mine && git push
    curl -H "Host: demo.local" http://%s/ping
Look at the Swarm:
    go run ./cmd/lab --name demo exec mgr-00 docker service ls
    go run ./cmd/lab --name demo exec mgr-00 docker service logs wharfinger
Move tasks, and see the proxies follow:
    go run ./cmd/lab --name demo exec mgr-00 docker service scale demo=4
    go run ./cmd/lab --name demo exec mgr-00 docker node update --availability drain wrk-00
Remove everything:
    make demo-down
`, d.url, d.Node("lb-00").Address)
}

// await tries until what is asked for is so.
func await(ctx context.Context, limit time.Duration, try func() error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for {
		err := try()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("after %s: %w", limit, err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}
