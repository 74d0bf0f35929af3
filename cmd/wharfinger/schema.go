package main

import (
	"github.com/spf13/cobra"

	"github.com/wharfinger/wharfinger/route"
)

func schemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of route files",
		Long: `Schema prints the format of route files as a JSON Schema (draft 7). With it an
editor completes fields and values, explains them, and marks most mistakes while
they are made; check tells all of them. Where it lies, a file can say in its first
line:

  # yaml-language-server: $schema=wharfinger.schema.json`,
		Example: `  wharfinger schema > wharfinger.schema.json`,
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			_, err := c.OutOrStdout().Write(route.Schema())
			return err
		},
	}
}
