// Wharfinger is GitOps routing for Docker Swarm: it merges the routes of a git
// repository with the tasks of a Swarm and rolls the result onto stock nginx.
//
// Exit codes: 0 fine, 1 the answer is no (problems, differences), 2 it could not
// run.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// What there was to say is printed already.
var (
	errNo   = errors.New("the answer is no")
	errTold = errors.New("it could not run")
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root := &cobra.Command{
		Use:   "wharfinger",
		Short: "GitOps routing for Docker Swarm",
		Long: `Wharfinger merges the routes of a git repository with the tasks of a Docker
Swarm, renders nginx.conf and rolls it onto the proxies as versioned Docker
configs.

Every command goes the same way and stops at some point of it:

  read, check           check
  … merge, render       render
  … compare             diff
  … test, roll, confirm apply
  … again and again     watch, with pin and unpin

Each flag may also stand in the environment, --git-user as WHARFINGER_GIT_USER, or
in a YAML file that --config names, as git-user: …. A flag comes before the
environment, and that before the file; one file serves all commands.

Exit codes: 0 fine, 1 the answer is no (problems, differences), 2 it could not run.`,
		SilenceUsage:  true,
		SilenceErrors: true,

		PersistentPreRunE: configure,
	}
	root.PersistentFlags().String("config", "", "YAML file with flags, as name: value (default: none)")
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(checkCommand(), renderCommand(), diffCommand(), applyCommand(), watchCommand(), statusCommand(), historyCommand(), pinCommand(), unpinCommand(), liveCommand(), importCommand(), schemaCommand(), versionCommand())
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errNo):
		return 1
	case errors.Is(err, errTold):
		return 2
	}
	fmt.Fprintf(stderr, "wharfinger: %v\n", err)
	return 2
}
