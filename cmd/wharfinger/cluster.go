package main

import (
	"fmt"
	"log/slog"
	"os/exec"
	"time"

	"github.com/spf13/cobra"

	"github.com/wharfinger/wharfinger/nginx"
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
	tester nginx.Tester
}

func (f *rolloutFlags) register(c *cobra.Command, cluster *clusterFlags) {
	c.Flags().StringVar(&f.tester.Path, "nginx", "nginx", "the nginx program that tests what is rolled out")
	c.Flags().DurationVar(&cluster.options.Deadline, "deadline", 5*time.Minute, "how long a rollout may take before it is taken back")
}

// check tells before anything is read whether a rollout could be tested at all.
func (f *rolloutFlags) check() error {
	if _, err := exec.LookPath(f.tester.Path); err != nil {
		return fmt.Errorf("nginx tests what is rolled out, but there is none: %v; install it, or name it with --nginx", err)
	}
	return nil
}
