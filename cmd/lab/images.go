package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/wharfinger/wharfinger/lab"
)

func images(name *string) *cobra.Command {
	return &cobra.Command{
		Use:   "images [IMAGE…]",
		Short: "Build images and push them to the lab's registry: nginx:1.30, nginx:1.22, wharfinger, demo",
		RunE: func(cmd *cobra.Command, args []string) error {
			l, err := lab.Open(*name)
			if err != nil {
				return err
			}
			l.Log(os.Stderr)
			return l.BuildImages(cmd.Context(), args...)
		},
	}
}

func nginx() *cobra.Command {
	return &cobra.Command{
		Use:   "nginx VERSION",
		Short: "Print the path of an nginx 1.30 or 1.22 that runs on this machine without Docker",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			path, err := lab.Nginx(cmd.Context(), args[0])
			if err == nil {
				fmt.Println(path)
			}
			return err
		},
	}
}
