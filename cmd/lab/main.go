// Command lab runs a real Docker Swarm on this machine: see package lab.
//
//	lab up --workers 2 --node lb-00 --node lb-01
//	lab images
//	lab exec mgr-00 docker node ls
//	lab stop mgr-00 --kill
//	lab down
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/wharfinger/wharfinger/lab"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := root().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "lab:", err)
		os.Exit(1)
	}
}

func root() *cobra.Command {
	name := os.Getenv("LAB_NAME")
	if name == "" {
		name = lab.DefaultName
	}
	cmd := &cobra.Command{
		Use:           "lab",
		Short:         "A real Docker Swarm on this machine",
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	cmd.PersistentFlags().StringVar(&name, "name", name, "the lab's name ($LAB_NAME)")
	cmd.AddCommand(up(&name), images(&name), execute(&name), status(&name), stop(&name), start(&name), down(&name), nginx(), demo(&name), demoDown(&name), gitServer())
	return cmd
}

// node opens the lab and finds a node in it.
func node(labName, name string) (*lab.Node, error) {
	l, err := lab.Open(labName)
	if err != nil {
		return nil, err
	}
	n := l.Node(name)
	if n == nil {
		return nil, fmt.Errorf("no node named %q: lab status lists them", name)
	}
	return n, nil
}
