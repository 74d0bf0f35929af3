package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/wharfinger/wharfinger/watcher"
)

func renderCommand() *cobra.Command {
	var source sourceFlags
	var templates templateFlags
	var live, out string
	c := &cobra.Command{
		Use:   "render DIR|URL",
		Short: "Render the nginx files of every proxy",
		Long: `Render prints the nginx files that a route repository and a live state make, or
writes them below a folder, one folder a proxy. It touches nothing else and needs
no Swarm: the same input gives the same bytes everywhere.`,
		Example: `  wharfinger render examples/demo
  wharfinger live > production.json
  wharfinger render . --live production.json -o out`,
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
			if err != nil {
				return err
			}
			model, problems := (&watcher.Builder{}).Build(desired, state)
			printWarnings(c, problems)
			for _, p := range model.Proxies {
				files, err := own.Render(p)
				if err != nil {
					return fmt.Errorf("proxy %s: %v", p.Name, err)
				}
				for _, f := range files.All {
					if out == "" {
						fmt.Fprintf(c.OutOrStdout(), "# ---- %s/%s\n%s", p.Name, f.Path, f.Data)
						continue
					}
					path := filepath.Join(out, p.Name, filepath.FromSlash(f.Path))
					if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
						return fmt.Errorf("write files: %v", err)
					}
					if err := os.WriteFile(path, f.Data, 0o644); err != nil {
						return fmt.Errorf("write files: %v", err)
					}
				}
			}
			return nil
		},
	}
	source.register(c)
	templates.register(c)
	c.Flags().StringVar(&live, "live", "", "file with a live state, - for standard input (default: live.json in DIR)")
	c.Flags().StringVarP(&out, "out", "o", "", "folder to write to (default: print)")
	return c
}
