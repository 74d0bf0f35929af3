package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/wharfinger/wharfinger/status"
)

func historyCommand() *cobra.Command {
	var (
		cluster clusterFlags
		format  string
	)
	c := &cobra.Command{
		Use:   "history",
		Short: "Tell which revisions each proxy had, and when",
		Long: `History asks the Swarm itself: the revision that each proxy serves, up to twenty
that it had before, with the time at which each came, and the last one that failed
and was taken back. What came while nobody rolled with Wharfinger is not in it; a
revision that changed nothing for a proxy is not, either.`,
		Example: `  wharfinger history
  wharfinger history --format json`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			write, ok := map[string]func(io.Writer, status.History) error{
				"text": writeHistory,
				"json": func(out io.Writer, h status.History) error { return writeJSON(out, h) },
			}[format]
			if !ok {
				return fmt.Errorf("--format is text or json, not %q", format)
			}
			manager, err := cluster.connect(c)
			if err != nil {
				return err
			}
			defer manager.Close()
			entries, err := manager.History(c.Context())
			if err != nil {
				return err
			}
			return write(c.OutOrStdout(), status.History{Version: status.Version, Entries: entries})
		},
	}
	cluster.register(c)
	c.Flags().StringVar(&format, "format", "text", "text or json")
	return c
}

// writeHistory writes a table for people.
func writeHistory(out io.Writer, h status.History) error {
	if len(h.Entries) == 0 {
		return noProxy(out)
	}
	t := newTable(out, "PROXY", "REVISION", "SINCE", "UNTIL", "STATE")
	for _, e := range h.Entries {
		state := string(e.State)
		if e.Why != "" {
			state += ": " + e.Why
		}
		t.row(e.Proxy, status.Short(e.Revision), when(e.Since), when(e.Until), state)
	}
	t.end()
	return nil
}
