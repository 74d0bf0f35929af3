package main

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/wharfinger/wharfinger/lab"
)

func execute(name *string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "exec NODE COMMAND [ARG…]",
		Short: "Run a command on a node, DOCKER_HOST being its engine",
		Args:  cobra.MinimumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := node(*name, args[0])
			if err != nil {
				return err
			}
			c := n.Command(cmd.Context(), args[1], args[2:]...)
			path, err := exec.LookPath(c.Args[0])
			if err != nil {
				return err
			}
			// This process becomes the command: terminal, signals and exit
			// code are the command's own.
			return syscall.Exec(path, c.Args, c.Env)
		},
	}
	cmd.Flags().SetInterspersed(false) // flags behind NODE are the command's
	return cmd
}

func status(name *string) *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "List the nodes",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			l, err := lab.Open(*name)
			if err != nil {
				return err
			}
			w := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', 0)
			fmt.Fprintln(w, "NAME\tROLE\tADDRESS\tPID\tSTATE")
			for _, n := range l.Nodes() {
				pid, state := fmt.Sprint(n.Pid()), "running"
				if n.Pid() == 0 {
					pid, state = "-", "stopped"
				}
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", n.Name, n.Role, n.Address, pid, state)
			}
			return w.Flush()
		},
	}
}

func stop(name *string) *cobra.Command {
	var kill bool
	cmd := &cobra.Command{
		Use:   "stop NODE",
		Short: "Stop a node's engine and everything on it",
		Args:  cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			n, err := node(*name, args[0])
			if err != nil {
				return err
			}
			return n.Stop(kill)
		},
	}
	cmd.Flags().BoolVar(&kill, "kill", false, "as if the power was cut")
	return cmd
}

func start(name *string) *cobra.Command {
	return &cobra.Command{
		Use:   "start NODE",
		Short: "Start a stopped node again, with the data that it had",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := node(*name, args[0])
			if err != nil {
				return err
			}
			return n.Start(cmd.Context())
		},
	}
}
