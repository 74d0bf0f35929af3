package main

import (
	"context"
	"net/http"

	"github.com/spf13/cobra"

	"github.com/wharfinger/wharfinger/lab"
)

// gitServer is what the demo leaves running; nobody needs it by hand.
func gitServer() *cobra.Command {
	return &cobra.Command{
		Use:    "git-server DIR ADDRESS",
		Short:  "Serve the bare git repositories below DIR over HTTP",
		Hidden: true,
		Args:   cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			handler, err := lab.GitHandler(args[0])
			if err != nil {
				return err
			}
			server := &http.Server{Addr: args[1], Handler: handler}
			context.AfterFunc(cmd.Context(), func() { server.Close() })
			return server.ListenAndServe()
		},
	}
}
