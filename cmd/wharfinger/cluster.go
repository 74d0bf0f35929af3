package main

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/wharfinger/wharfinger/nginx"
	"github.com/wharfinger/wharfinger/route"
	"github.com/wharfinger/wharfinger/swarm"
)

// clusterFlags say which manager is spoken to.
type clusterFlags struct {
	options swarm.Options
}

func (f *clusterFlags) register(c *cobra.Command) {
	c.Flags().StringVarP(&f.options.Host, "host", "H", "", "a manager's engine (default: DOCKER_HOST, or the local socket)")
}

func (f *clusterFlags) connect(c *cobra.Command) (*swarm.Cluster, error) {
	if f.options.Log == nil {
		f.options.Log = slog.New(slog.NewTextHandler(c.ErrOrStderr(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	}
	return swarm.Connect(f.options)
}

// rolloutFlags say how rollouts are tested and bounded.
type rolloutFlags struct {
	tester  nginx.Tester
	cluster *clusterFlags
}

// shortestDeadline is what one node's roll alone takes, and a little: below it
// every rollout would be taken back.
const shortestDeadline = 10 * time.Second

func (f *rolloutFlags) register(c *cobra.Command, cluster *clusterFlags) {
	f.cluster = cluster
	c.Flags().StringVar(&f.tester.Path, "nginx", "nginx", "the nginx program that tests what is rolled out")
	c.Flags().DurationVar(&cluster.options.Deadline, "deadline", 5*time.Minute, "how long a rollout may take before it is taken back")
}

// check tells before anything is read whether a rollout could be tested and
// brought about at all.
func (f *rolloutFlags) check() error {
	if d := f.cluster.options.Deadline; d < shortestDeadline {
		return fmt.Errorf("--deadline %s is too short for any rollout: give it %s or more", d, shortestDeadline)
	}
	if _, err := exec.LookPath(f.tester.Path); err != nil {
		return fmt.Errorf("nginx tests what is rolled out, but there is none: %v; install it, or name it with --nginx", err)
	}
	return nil
}

// fits tells whether the nginx that tests knows what the proxies' nginx knows.
// An older one would refuse good files for directives that it has never met.
func fits(ctx context.Context, tester nginx.Tester, desired *route.Desired) error {
	have, err := tester.Version(ctx)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(desired.Proxies)) {
		if want := desired.Proxies[name].Nginx.Value; !nginx.Knows(have, want) {
			return fmt.Errorf("nginx to test with is %s, but proxy %s runs %s: name a newer one with --nginx", have, name, want)
		}
	}
	return nil
}

// once tells once what the sandbox of a test lacks.
func once(tell func(what string)) func([]string) {
	var told sync.Once
	return func(lacks []string) {
		told.Do(func() { tell(strings.Join(lacks, "; ")) })
	}
}
