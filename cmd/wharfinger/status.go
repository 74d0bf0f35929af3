package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/wharfinger/wharfinger/route"
	"github.com/wharfinger/wharfinger/status"
	"github.com/wharfinger/wharfinger/swarm"
	"github.com/wharfinger/wharfinger/watcher"
)

// statusEvery is how often --watch looks.
const statusEvery = 2 * time.Second

func statusCommand() *cobra.Command {
	var (
		cluster clusterFlags
		format  string
		follow  bool
	)
	c := &cobra.Command{
		Use:   "status",
		Short: "Tell what is live on which proxy, since when, and what is wrong",
		Long: `Status asks the Swarm itself, so it works without the daemon: which revision each
proxy serves since when, how a rollout is doing, what was rolled back and why. The
peers of pools, and what the cluster lacks, are worked out anew from the last good
revision, which watch keeps in the Swarm. The daemon's own /status also knows how
its repository is, and what it holds back.`,
		Example: `  wharfinger status
  wharfinger status --watch
  wharfinger status --format json --host tcp://manager:2376`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			write, ok := map[string]func(io.Writer, status.Status) error{
				"text": writeStatus,
				"json": func(out io.Writer, s status.Status) error { return writeJSON(out, s) },
			}[format]
			if !ok {
				return fmt.Errorf("--format is text or json, not %q", format)
			}
			manager, err := cluster.connect(c)
			if err != nil {
				return err
			}
			defer manager.Close()
			look := func(out io.Writer) error {
				s, err := statusOf(c.Context(), manager)
				if err != nil {
					return err
				}
				return write(out, s)
			}
			if !follow {
				return look(c.OutOrStdout())
			}
			return eachChange(c.Context(), c.OutOrStdout(), look)
		},
	}
	cluster.register(c)
	c.Flags().StringVar(&format, "format", "text", "text or json")
	c.Flags().BoolVar(&follow, "watch", false, "look every two seconds, and tell again what changed, until it is stopped")
	return c
}

// eachChange writes what look does, now and whenever it is something else, until ctx
// ends. On a terminal it is written over what was there. A manager that cannot be
// asked for a while is told of and asked again.
func eachChange(ctx context.Context, out io.Writer, look func(io.Writer) error) error {
	var last string
	for {
		var now bytes.Buffer
		if err := look(&now); err != nil && ctx.Err() == nil {
			fmt.Fprintf(&now, "wharfinger: %v\n", err)
		}
		if ctx.Err() != nil {
			return nil
		}
		if text := now.String(); text != last {
			if terminalOf(out).width > 0 {
				fmt.Fprint(out, "\x1b[H\x1b[2J") // to the corner, and clear
			}
			if _, err := io.WriteString(out, text); err != nil {
				return err
			}
			last = text
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(statusEvery):
		}
	}
}

// statusOf asks the Swarm.
func statusOf(ctx context.Context, manager *swarm.Cluster) (status.Status, error) {
	out := status.Status{Version: status.Version}
	live, err := manager.Read(ctx)
	if err != nil {
		return out, err
	}
	if out.Proxies, err = manager.Status(ctx, live); err != nil {
		return out, err
	}
	sources, err := manager.Sources(ctx)
	if err != nil {
		return out, err
	}
	var lacking route.Problems
	for _, source := range sources {
		pinned, since, err := manager.Kept(source).Pinned(ctx)
		if err != nil {
			return out, err
		}
		if !since.IsZero() {
			out.Pinned = append(out.Pinned, status.Pin{Source: source, Revision: pinned.ID, Since: since.UTC()})
		}
		rev, ok, err := manager.Kept(source).Last(ctx)
		if err != nil {
			return out, err
		}
		desired, _ := route.Parse(rev, route.Snippets, route.Binds) // what was taken once
		if !ok || desired == nil {
			continue
		}
		pools, problems := watcher.Pools(desired, live)
		lacking = append(lacking, problems...)
		for i, p := range out.Proxies {
			if pools[p.Name] != nil {
				out.Proxies[i].Pools = pools[p.Name]
			}
		}
	}
	out.Problems = status.Problems(nil, lacking)
	return out, nil
}

// writeStatus writes tables for people.
func writeStatus(out io.Writer, s status.Status) error {
	if len(s.Proxies) == 0 {
		return noProxy(out)
	}
	for _, p := range s.Pinned {
		fmt.Fprintf(out, "PINNED since %s: revision %s of %s; what is pushed waits until `wharfinger unpin`\n",
			when(p.Since), printableText(status.Short(p.Revision)), printableText(p.Source))
	}
	t := newTable(out, "PROXY", "REVISION", "SINCE", "STATE", "NODES", "DIGEST")
	for _, p := range s.Proxies {
		running := 0
		for _, n := range p.Nodes {
			if n.State == "running" {
				running++
			}
		}
		t.row(p.Name, status.Short(p.Revision), when(p.Since), string(p.State), fmt.Sprintf("%d/%d", running, len(p.Nodes)), short(p.Digest, 8))
	}
	t.end()
	for _, p := range s.Proxies {
		for _, line := range aboutProxy(p) {
			fmt.Fprintf(out, "%s: %s\n", p.Name, printableText(line))
		}
	}
	if slices.ContainsFunc(s.Proxies, func(p status.Proxy) bool { return len(p.Pools) > 0 }) {
		fmt.Fprintln(out)
		t = newTable(out, "PROXY", "POOL", "PEERS", "ROUTES AND STREAMS")
		for _, p := range s.Proxies {
			for _, pool := range p.Pools {
				t.row(p.Name, pool.Name, some(pool.Peers, "none"), some(slices.Concat(pool.Routes, pool.Streams), "none"))
			}
		}
		t.end()
	}
	if len(s.Problems) > 0 {
		fmt.Fprintln(out)
	}
	for _, p := range s.Problems {
		fmt.Fprintln(out, printableText(route.Problem{Pos: route.Pos{File: p.File, Line: p.Line, Col: p.Column}, Object: p.Object, Text: p.Text, Hint: p.Hint}.String()))
	}
	return nil
}

func noProxy(out io.Writer) error {
	_, err := fmt.Fprintln(out, "there is no proxy of Wharfinger's in this Swarm")
	return err
}

// aboutProxy says what the row of a proxy cannot.
func aboutProxy(p status.Proxy) []string {
	var out []string
	if p.Why != "" && (p.Failed == nil || p.State != status.RolledBack) {
		out = append(out, string(p.State)+": "+p.Why)
	}
	if f := p.Failed; f != nil {
		words := "rollout " + short(f.Rollout, 8)
		if f.Revision != "" {
			words += " of revision " + status.Short(f.Revision)
		}
		words += " failed"
		if f.Why != "" {
			words += ": " + f.Why
		}
		out = append(out, words)
	}
	for _, n := range p.Nodes {
		if n.State != "running" {
			out = append(out, n.Name+" is "+n.State)
		}
	}
	for _, drift := range p.Drift {
		out = append(out, "drift: "+drift)
	}
	return out
}

func short(text string, digits int) string { return text[:min(digits, len(text))] }

// when is a time as people read it, or a dash for one that is not known.
func when(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Local().Format("2006-01-02 15:04:05")
}

// some are the first of a list, so that a row can be read.
func some(all []string, none string) string {
	const most = 4
	switch {
	case len(all) == 0:
		return none
	case len(all) > most:
		return fmt.Sprintf("%s +%d", strings.Join(all[:most], " "), len(all)-most)
	}
	return strings.Join(all, " ")
}

// table writes columns side by side.
type table struct{ out *tabwriter.Writer }

func newTable(out io.Writer, head ...string) table {
	t := table{tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)}
	t.row(head...)
	return t
}

func (t table) row(cells ...string) {
	for i, cell := range cells {
		cells[i] = printableText(cell)
		if cell == "" {
			cells[i] = "-"
		}
	}
	fmt.Fprintln(t.out, strings.Join(cells, "\t"))
}

func (t table) end() { t.out.Flush() }

// printableText is text of the Swarm's without what a terminal would obey.
func printableText(text string) string { return string(printable(text)) }
