package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/wharfinger/wharfinger/generator"
	"github.com/wharfinger/wharfinger/watcher"
)

func applyCommand() *cobra.Command {
	var (
		source  sourceFlags
		cluster clusterFlags
		rollout rolloutFlags
	)
	c := &cobra.Command{
		Use:   "apply DIR|URL",
		Short: "Roll a route repository onto the proxies, once",
		Long: `Apply brings every proxy to what the repository and the Swarm say now, and
returns when each of its tasks has answered with the new files. Where that is so
already it changes nothing. It tries again what failed before.`,
		Example: `  wharfinger apply .
  wharfinger apply https://git.example.org/ops/routes.git --host tcp://manager:2376`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			desired, err := source.parse(c, args[0])
			if err != nil {
				return err
			}
			swarm, err := cluster.connect(c)
			if err != nil {
				return err
			}
			defer swarm.Close()
			live, err := swarm.Read(c.Context())
			if err != nil {
				return err
			}
			plan, err := watcher.MakePlan(desired, live)
			if err != nil {
				return err
			}
			printWarnings(c, plan.Problems)
			for _, r := range plan.Rollouts {
				for _, change := range r.Changes {
					fmt.Fprintf(c.OutOrStdout(), "%s: %s\n", r.Proxy, change)
				}
			}
			board := newBoard(c.OutOrStdout())
			passer := watcher.Passer{Cluster: swarm, Tester: rollout.tester, Progress: board.set, Retry: true}
			outcomes := passer.Apply(c.Context(), plan, func(generator.Rollout) bool { return false })
			failed := false
			for _, o := range outcomes {
				r := o.Rollout
				switch {
				case o.Err != nil:
					failed = true
					fmt.Fprintf(c.ErrOrStderr(), "wharfinger: proxy %s: %v\n", r.Proxy, o.Err)
				case r.Needed():
					fmt.Fprintf(c.OutOrStdout(), "%s: rolled out in %s, every task serves %.8s\n", r.Proxy, o.Apply.Round(100*time.Millisecond), r.Digest)
				default:
					fmt.Fprintf(c.OutOrStdout(), "%s: nothing to do, every task serves %.8s\n", r.Proxy, r.Digest)
				}
			}
			if failed {
				return errNo
			}
			return nil
		},
	}
	source.register(c)
	cluster.register(c)
	rollout.register(c, &cluster)
	return c
}
