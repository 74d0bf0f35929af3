package main

import (
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/wharfinger/wharfinger/feedback"
)

// feedbackFlags say who hears what becomes of revisions.
type feedbackFlags struct{ options feedback.Options }

func (f *feedbackFlags) register(c *cobra.Command) {
	c.Flags().StringVar(&f.options.Forge, "commit-status", "", "set the status of each commit at the forge: github, gitlab or gitea (Forgejo, too)")
	c.Flags().StringVar(&f.options.URL, "forge-url", "", "the forge's own URL (default: https and the host of URL)")
	c.Flags().StringVar(&f.options.TokenFile, "forge-token-file", "", "file with a token that may set the status of commits")
	c.Flags().StringVar(&f.options.NotifyFile, "notify-file", "", "file with the URLs of webhooks and chats that are told what becomes of a revision, one a line")
}

// open answers who is told of what comes from there; nil where nobody is.
func (f *feedbackFlags) open(source *sourceFlags, from string, log *slog.Logger) (*feedback.Desk, error) {
	o := f.options
	o.Source, o.Folder, o.Log = from, source.remote.Folder, log
	o.CAFile, o.AllowHTTP = source.remote.Credentials.CAFile, source.remote.AllowHTTP
	return feedback.Open(o)
}
