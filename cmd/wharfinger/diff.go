package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/spf13/cobra"

	"github.com/wharfinger/wharfinger/generator"
	"github.com/wharfinger/wharfinger/watcher"
)

func diffCommand() *cobra.Command {
	var (
		source    sourceFlags
		templates templateFlags
		cluster   clusterFlags
		live      string
	)
	c := &cobra.Command{
		Use:   "diff DIR|URL",
		Short: "Show what apply would change",
		Long: `Diff compares what a route repository makes with what the proxies carry: the
changes of each proxy in words, then the lines of the nginx files. With a live
state from a file the lines are left out, for it names the configs but does not
hold them. The exit code is 1 where there is a difference.`,
		Example: `  wharfinger diff .
  wharfinger diff . --live production.json`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			remote := c.Flags().Changed("host")
			if remote && live != "" {
				return errors.New("--live and --host name two things to compare with: leave one of them out")
			}
			own, err := templates.read()
			if err != nil {
				return err
			}
			desired, err := source.parse(c, args[0])
			if err != nil {
				return err
			}
			carried := func(string) ([]generator.Shard, error) { return nil, nil }
			var state *generator.Live
			if err = errNoLive; !remote {
				state, err = readLive(c, live, args[0])
			}
			if state != nil && live == "" {
				fmt.Fprintf(c.ErrOrStderr(), "compared with %s\n", liveFile(args[0]))
			}
			if err == errNoLive {
				swarm, connectErr := cluster.connect(c)
				if connectErr != nil {
					return connectErr
				}
				defer swarm.Close()
				carried = func(proxy string) ([]generator.Shard, error) { return swarm.Carried(c.Context(), proxy) }
				state, err = swarm.Read(c.Context())
			}
			if err != nil {
				return err
			}
			plan, err := watcher.MakePlan(own, desired, state)
			if err != nil {
				return err
			}
			printWarnings(c, plan.Problems)
			printChanges(c, plan.Rollouts)
			different := false
			for _, r := range plan.Rollouts {
				if !r.Needed() {
					continue
				}
				different = true
				old, err := carried(r.Proxy)
				if err != nil {
					return err
				}
				if old != nil {
					printLines(c.OutOrStdout(), r.Proxy, generator.Unpack(old), generator.Unpack(r.Shards))
				}
			}
			if different {
				return errNo
			}
			fmt.Fprintln(c.OutOrStdout(), "no difference")
			return nil
		},
	}
	source.register(c)
	templates.register(c)
	cluster.register(c)
	c.Flags().StringVar(&live, "live", "", "file with a live state (default: live.json in DIR without --host, or else the cluster)")
	return c
}

// printLines writes the differences of the nginx files, file by file.
func printLines(out io.Writer, proxy string, old, now []generator.File) {
	before, after := byPath(old), byPath(now)
	all := maps.Clone(before)
	maps.Copy(all, after)
	for _, path := range slices.Sorted(maps.Keys(all)) {
		name := proxy + "/" + path
		out.Write(diff.Diff("live/"+name, before[path], "new/"+name, after[path]))
	}
}

func byPath(files []generator.File) map[string][]byte {
	out := map[string][]byte{}
	for _, f := range files {
		out[f.Path] = f.Data
	}
	return out
}
