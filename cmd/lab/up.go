package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/wharfinger/wharfinger/lab"
)

func up(name *string) *cobra.Command {
	var o lab.Options
	var labels, engines []string
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Bring a lab up",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.Name, o.Log = *name, os.Stderr
			o.Labels = map[string]map[string]string{}
			for _, l := range labels {
				node, label, _ := strings.Cut(l, ":")
				key, value, ok := strings.Cut(label, "=")
				if !ok || key == "" {
					return fmt.Errorf("--label %q: want NODE:KEY=VALUE", l)
				}
				if o.Labels[node] == nil {
					o.Labels[node] = map[string]string{}
				}
				o.Labels[node][key] = value
			}
			o.Engines = map[string]string{}
			for _, e := range engines {
				node, version, ok := strings.Cut(e, "=")
				if !ok {
					return fmt.Errorf("--engine %q: want NODE=VERSION", e)
				}
				o.Engines[node] = version
			}
			_, err := lab.Up(cmd.Context(), o)
			return err
		},
	}
	f := cmd.Flags()
	f.IntVar(&o.Managers, "managers", 1, "managers: mgr-00, mgr-01, …")
	f.IntVar(&o.Workers, "workers", 2, "workers: wrk-00, wrk-01, …")
	f.StringArrayVar(&o.Nodes, "node", nil, "one more worker of this name")
	f.StringArrayVar(&labels, "label", nil, "a node label, NODE:KEY=VALUE")
	f.StringArrayVar(&engines, "engine", nil, "another engine than the machine's, NODE=VERSION: lb-00=28")
	f.BoolVar(&o.NoMigrate, "no-migrate", false, "leave net.ipv4.tcp_migrate_req off in the nodes")
	return cmd
}

func down(name *string) *cobra.Command {
	return &cobra.Command{
		Use:   "down",
		Short: "Remove a lab and all that it made; fine if there is none",
		Args:  cobra.NoArgs,
		RunE:  func(*cobra.Command, []string) error { return lab.Remove(*name) },
	}
}
