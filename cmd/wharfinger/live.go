package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"
)

func liveCommand() *cobra.Command {
	var cluster clusterFlags
	c := &cobra.Command{
		Use:   "live",
		Short: "Print the Swarm's live state as JSON",
		Long: `Live prints what routing sees of the Swarm: nodes, services, tasks with their
ports, secrets by name, and the proxies with the configs that they carry. check,
render and diff read it back, so that any state of production can be looked at again.`,
		Example: `  wharfinger live > production.json
  wharfinger live --host tcp://manager:2376`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			swarm, err := cluster.connect(c)
			if err != nil {
				return err
			}
			defer swarm.Close()
			live, err := swarm.Read(c.Context())
			if err != nil {
				return err
			}
			text, err := json.MarshalIndent(live, "", "  ")
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(c.OutOrStdout(), "%s\n", text)
			return err
		},
	}
	cluster.register(c)
	return c
}
