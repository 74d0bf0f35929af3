package main

import (
	"fmt"
	"log/slog"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/wharfinger/wharfinger/server"
	"github.com/wharfinger/wharfinger/watcher"
)

func watchCommand() *cobra.Command {
	var (
		source         sourceFlags
		templates      templateFlags
		cluster        clusterFlags
		rollout        rolloutFlags
		listen, format string
		verbose        bool
	)
	c := &cobra.Command{
		Use:   "watch DIR|URL",
		Short: "Keep the proxies true, for as long as it runs",
		Long: `Watch is the daemon: it follows the repository and the Swarm, and rolls every
change onto the proxies. A directory is followed as files are saved, a remote is
looked at every --interval. It runs on a manager, or anywhere with --host.

It keeps no state: stop it, kill it, start it elsewhere; the next one goes on.
SIGTERM stops it cleanly, also in the middle of a rollout.`,
		Example: `  wharfinger watch https://git.example.org/ops/routes.git --branch main
  wharfinger watch ./routes --host unix:///var/run/docker.sock`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			log, err := newLog(c, format, verbose)
			if err != nil {
				return err
			}
			if err := rollout.check(); err != nil {
				return err
			}
			own, err := templates.read()
			if err != nil {
				return err
			}
			from, err := source.open(args[0])
			if err != nil {
				return err
			}
			cluster.options.Log = log.With("component", "swarm")
			swarm, err := cluster.connect(c)
			if err != nil {
				return err
			}
			defer swarm.Close()
			loop := &watcher.Loop{Source: from, Cluster: swarm, Tester: rollout.tester, Log: log, Permissions: source.permissions(), Templates: own}
			log.Info("start", "version", version(), "source", fmt.Sprint(from), "listen", listen)
			group, ctx := errgroup.WithContext(c.Context())
			group.Go(func() error { return server.Serve(ctx, listen, loop.Ready) })
			group.Go(func() error { return loop.Run(ctx) })
			err = group.Wait()
			log.Info("stop")
			return err
		},
	}
	source.register(c)
	templates.register(c)
	source.interval(c)
	cluster.register(c)
	rollout.register(c, &cluster)
	c.Flags().StringVar(&listen, "listen", "127.0.0.1:8080", "address that answers /healthz and /readyz")
	c.Flags().StringVar(&format, "log-format", "text", "text or json")
	c.Flags().BoolVar(&verbose, "verbose", false, "log passes that change nothing, too")
	return c
}

func newLog(c *cobra.Command, format string, verbose bool) (*slog.Logger, error) {
	options := &slog.HandlerOptions{Level: slog.LevelInfo}
	if verbose {
		options.Level = slog.LevelDebug
	}
	switch format {
	case "text":
		return slog.New(slog.NewTextHandler(c.ErrOrStderr(), options)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(c.ErrOrStderr(), options)), nil
	}
	return nil, fmt.Errorf("--log-format is text or json, not %q", format)
}
