package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/wharfinger/wharfinger/generator"
)

func checkCommand() *cobra.Command {
	var source sourceFlags
	var live string
	c := &cobra.Command{
		Use:   "check DIR|URL",
		Short: "Check a route repository",
		Long: `Check reads every *.yaml file of a route repository and prints all problems,
one a line, as file:line:column. With a live state it also warns of what the
Swarm lacks: services that are not there, ports that no task publishes.`,
		Example: `  wharfinger check .
  wharfinger check . --live production.json
  wharfinger check https://git.example.org/ops/routes.git --branch next`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			desired, err := source.parse(c, args[0])
			if err != nil {
				return err
			}
			state, err := readLive(c, live, args[0])
			if err != nil && !errors.Is(err, errNoLive) {
				return err
			}
			if state != nil {
				_, problems := generator.Build(desired, state)
				printWarnings(c, problems)
			}
			fmt.Fprintf(c.OutOrStdout(), "fine: %s, %s, %s\n", count(len(desired.Routes), "route"), count(len(desired.Pools), "pool"), count(len(desired.Proxies), "proxy"))
			return nil
		},
	}
	source.register(c)
	c.Flags().StringVar(&live, "live", "", "file with a live state (default: live.json in DIR, if it is there)")
	return c
}

func count(n int, what string) string {
	switch {
	case n == 1:
	case what == "proxy":
		what = "proxies"
	default:
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}
