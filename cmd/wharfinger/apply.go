package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/wharfinger/wharfinger/generator"
	"github.com/wharfinger/wharfinger/route"
	"github.com/wharfinger/wharfinger/swarm"
	"github.com/wharfinger/wharfinger/watcher"
)

func applyCommand() *cobra.Command {
	var (
		source    sourceFlags
		templates templateFlags
		cluster   clusterFlags
		rollout   rolloutFlags
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
			if err := rollout.check(); err != nil {
				return err
			}
			own, err := templates.read()
			if err != nil {
				return err
			}
			desired, err := source.parse(c, args[0])
			if err != nil {
				return err
			}
			if err := fits(c.Context(), rollout.tester, desired); err != nil {
				return err
			}
			rollout.tester.Lacks = warnOfSandbox(c)
			manager, err := cluster.connect(c)
			if err != nil {
				return err
			}
			defer manager.Close()
			// A service that somebody changes in this very moment is looked at again.
			for try := 1; ; try++ {
				again, err := applyOnce(c, own, desired, manager, rollout)
				if try == 3 || !again {
					return err
				}
			}
		},
	}
	source.register(c)
	templates.register(c)
	cluster.register(c)
	rollout.register(c, &cluster)
	return c
}

// applyOnce makes one pass and tells what became of each proxy, and whether
// another pass may do better.
func applyOnce(c *cobra.Command, own generator.Templates, desired *route.Desired, manager *swarm.Cluster, flags rolloutFlags) (again bool, err error) {
	live, err := manager.Read(c.Context())
	if err != nil {
		return false, err
	}
	plan, err := watcher.MakePlan(own, desired, live)
	if err != nil {
		return false, err
	}
	printWarnings(c, plan.Problems)
	printChanges(c, plan.Rollouts)
	passer := watcher.Passer{Cluster: manager, Tester: flags.tester, Progress: newBoard(c.OutOrStdout()).set, Retry: true}
	outcomes := passer.Apply(c.Context(), plan, func(generator.Rollout) bool { return false })
	return conclude(c, outcomes)
}

// conclude tells what became of each proxy. Another pass is worth while where
// services were changed meanwhile and nothing else went wrong: a rollout that
// failed is not sent a second time. The error is errNo where all that went
// wrong lies in the rollouts: nginx refused them, or the Swarm took them back.
func conclude(c *cobra.Command, outcomes []watcher.Outcome) (again bool, err error) {
	changed, no, other := false, false, false
	for _, o := range outcomes {
		r := o.Rollout
		switch {
		case o.Err != nil:
			printError(c, r.Proxy, o.Err)
			switch {
			case errors.Is(o.Err, swarm.ErrChanged):
				changed = true
			case errors.Is(o.Err, watcher.ErrHeldBack): // the proxy that it waited for decides
			case watcher.IsRefusal(o.Err):
				no = true
			default:
				other = true
			}
		case r.Needed():
			fmt.Fprintf(c.OutOrStdout(), "%s: rolled out in %s, every task serves %.8s\n", r.Proxy, o.Apply.Round(100*time.Millisecond), r.Digest)
		default:
			fmt.Fprintf(c.OutOrStdout(), "%s: nothing to do, every task serves %.8s\n", r.Proxy, r.Digest)
		}
	}
	switch {
	case changed || other:
		return changed && !no && !other, errTold
	case no:
		return false, errNo
	}
	return false, nil
}

// printError writes why a proxy was not brought to its rollout, and below that the
// problems of the repository, if it is for these.
func printError(c *cobra.Command, proxy string, err error) {
	refused, ok := errors.AsType[*watcher.Refused](err)
	if !ok {
		fmt.Fprintf(c.ErrOrStderr(), "wharfinger: proxy %s: %v\n", proxy, err)
		return
	}
	fmt.Fprintf(c.ErrOrStderr(), "wharfinger: proxy %s: the files did not pass their test\n", proxy)
	fmt.Fprintln(c.OutOrStdout(), refused.Problems.Error())
}

// warnOfSandbox tells once what the system denies the test.
func warnOfSandbox(c *cobra.Command) func([]string) {
	return once(func(what string) { fmt.Fprintf(c.ErrOrStderr(), "warning: nginx -t runs without %s\n", what) })
}

// printChanges writes what each proxy's update consists of, a line each.
func printChanges(c *cobra.Command, rollouts []generator.Rollout) {
	for _, r := range rollouts {
		for _, drift := range r.Drift {
			fmt.Fprintf(c.OutOrStdout(), "%s: drift: %s\n", r.Proxy, drift)
		}
		for _, change := range r.Changes {
			fmt.Fprintf(c.OutOrStdout(), "%s: %s\n", r.Proxy, change)
		}
	}
}
