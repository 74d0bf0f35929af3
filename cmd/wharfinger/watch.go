package main

import (
	"fmt"
	"log/slog"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/wharfinger/wharfinger/dns"
	"github.com/wharfinger/wharfinger/server"
	"github.com/wharfinger/wharfinger/swarm"
	"github.com/wharfinger/wharfinger/watcher"
)

func watchCommand() *cobra.Command {
	var (
		source    sourceFlags
		templates templateFlags
		cluster   clusterFlags
		rollout   rolloutFlags
		hooks     hookFlags
		feedback  feedbackFlags
		site      server.Site
		names     dns.Server
		holdoff   = watcher.DefaultHoldoff()
		format    string
		verbose   bool
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
			if err := holdoff.Check(); err != nil {
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
			desk, err := feedback.open(&source, args[0], log.With("component", "feedback"))
			if err != nil {
				return err
			}
			site.Metrics = server.NewMetrics(version())
			cluster.options.Log, cluster.options.Asked = log.With("component", "swarm"), site.Metrics.Asked
			manager, err := cluster.connect(c)
			if err != nil {
				return err
			}
			defer manager.Close()
			rollout.tester.Lacks = once(func(what string) { log.Warn("the sandbox of nginx -t lacks something", "what", what) })
			loop := &watcher.Loop{Source: from, Cluster: manager, Tester: rollout.tester, Memory: manager.Kept(fmt.Sprint(from)), Log: log, Permissions: source.permissions(), Templates: own, Name: fmt.Sprint(from), Meter: site.Metrics, Holdoff: holdoff}
			taken, woken := hooks.open(log.With("component", "hooks"))
			loop.Woken = woken
			if names.Address != "" {
				loop.Names, names.Answered = names.Publish, site.Metrics.Named
			}
			site.Ready, site.Status, site.Hooks = loop.Ready, loop.Status, taken
			log.Info("start", "version", version(), "source", fmt.Sprint(from), "listen", site.Address)
			group, ctx := errgroup.WithContext(c.Context())
			group.Go(func() error { return server.Serve(ctx, site) })
			group.Go(func() error { return loop.Run(ctx) })
			if names.Address != "" {
				group.Go(func() error { return names.Run(ctx) })
			}
			if desk != nil {
				loop.Audience = desk
				group.Go(func() error { return desk.Run(ctx) })
			}
			err = group.Wait()
			log.Info("stop")
			return err
		},
	}
	source.register(c)
	templates.register(c)
	source.interval(c)
	c.Flags().DurationVar(&holdoff.Settle, "settle", holdoff.Settle, "how long it must be quiet before a burst of changes is looked at; the first in quiet is at once")
	c.Flags().DurationVar(&holdoff.Patience, "patience", holdoff.Patience, "how long a burst is waited for at most")
	c.Flags().DurationVar(&holdoff.Pace, "pace", holdoff.Pace, "time between the first rollouts that only follow tasks; doubled for each more, and a push never waits")
	c.Flags().DurationVar(&holdoff.LongestPace, "longest-pace", holdoff.LongestPace, "time between such rollouts at most")
	cluster.register(c)
	rollout.register(c, &cluster)
	feedback.register(c)
	c.Flags().StringVar(&site.Address, "listen", "127.0.0.1:8080", "address that answers /healthz, /readyz, /status and /metrics, and takes hooks")
	c.Flags().StringVar(&site.Access.TokenFile, "listen-token-file", "", "file with the token that /status and /metrics ask for; without it, and without TLS, they answer on a loopback address alone")
	c.Flags().StringVar(&site.Access.CertFile, "listen-cert", "", "file with the certificate, in PEM, to answer over TLS; read again when it changes")
	c.Flags().StringVar(&site.Access.KeyFile, "listen-key", "", "file with the certificate's key")
	c.MarkFlagsRequiredTogether("listen-cert", "listen-key")
	c.Flags().StringVar(&cluster.options.ControlSocket, "control-socket", swarm.DefaultControlSocket, "socket by which the local manager tells of tasks at once; without it they are looked for every two seconds")
	c.Flags().StringVar(&names.Address, "dns", "", "address that answers DNS for pools, by UDP and TCP, as 10.0.0.11:8053; without it nothing does")
	c.Flags().StringVar(&hooks.secretFile, "hook-secret-file", "", "file with the secret of webhooks; without it none are taken")
	c.Flags().StringVar(&format, "log-format", "text", "text or json")
	c.Flags().BoolVar(&verbose, "verbose", false, "log passes that change nothing, too")
	return c
}

// hookFlags say whose hooks are taken.
type hookFlags struct{ secretFile string }

// open answers what takes hooks, and what is woken by them; both are nil where there
// is no secret.
func (f *hookFlags) open(log *slog.Logger) (*server.Hooks, <-chan struct{}) {
	if f.secretFile == "" {
		return nil, nil
	}
	woken := make(chan struct{}, 1)
	wake := func() {
		select {
		case woken <- struct{}{}:
		default: // the look that is due covers this one
		}
	}
	return &server.Hooks{SecretFile: f.secretFile, Wake: wake, Log: log}, woken
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
