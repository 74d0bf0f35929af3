package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/wharfinger/wharfinger/generator"
	"github.com/wharfinger/wharfinger/route"
	"github.com/wharfinger/wharfinger/watcher"
)

func checkCommand() *cobra.Command {
	var source sourceFlags
	var templates templateFlags
	var live string
	c := &cobra.Command{
		Use:   "check DIR|URL",
		Short: "Check a route repository",
		Long: `Check reads every *.yaml file of a route repository and prints all problems,
one a line, as file:line:column, and whether what they make fits into Docker
configs. With a live state it also warns of what the Swarm lacks: services that
are not there, ports that no task publishes.`,
		Example: `  wharfinger check .
  wharfinger check . --live production.json
  wharfinger check https://git.example.org/ops/routes.git --branch next`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			own, err := templates.read()
			if err != nil {
				return err
			}
			desired, err := source.parse(c, args[0])
			if err != nil {
				return err
			}
			state, err := readLive(c, live, args[0])
			if err != nil && !errors.Is(err, errNoLive) {
				return err
			}
			given := state != nil
			if !given {
				state = imagined(desired)
			}
			plan, err := watcher.MakePlan(own, desired, state)
			if err != nil {
				fmt.Fprintln(c.OutOrStdout(), err)
				return errNo
			}
			if given {
				printWarnings(c, plan.Problems)
			}
			fmt.Fprintf(c.OutOrStdout(), "fine: %s, %s, %s\n", count(len(desired.Routes), "route"), count(len(desired.Pools), "pool"), count(len(desired.Proxies), "proxy"))
			return nil
		},
	}
	source.register(c)
	templates.register(c)
	c.Flags().StringVar(&live, "live", "", "file with a live state (default: live.json in DIR, if it is there)")
	return c
}

// imagined is a Swarm in which every service that is named has one task, and
// every secret is there: enough to see whether the files fit into Docker configs.
func imagined(desired *route.Desired) *generator.Live {
	const node = "imagined"
	live := &generator.Live{Nodes: []generator.Node{{ID: node, Hostname: node, Role: "worker", State: "ready", Addr: "192.0.2.1"}}}
	for _, pool := range desired.Pools {
		service := pool.Service.Value
		if service == "" {
			continue
		}
		live.Services = append(live.Services, generator.Service{ID: service, Name: service})
		live.Tasks = append(live.Tasks, generator.Task{ID: pool.Name, Service: service, Node: node, State: "running",
			Ports: []generator.Port{{Protocol: "tcp", Target: pool.Port.Value, Published: 32768}}})
	}
	for _, name := range desired.Secrets() {
		live.Secrets = append(live.Secrets, generator.Secret{ID: name, Name: name})
	}
	return live
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
