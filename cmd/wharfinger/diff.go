package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/wharfinger/wharfinger/generator"
	"github.com/wharfinger/wharfinger/git"
	"github.com/wharfinger/wharfinger/route"
	"github.com/wharfinger/wharfinger/watcher"
)

func diffCommand() *cobra.Command {
	var d differ
	var format string
	c := &cobra.Command{
		Use:   "diff DIR|URL",
		Short: "Show what is different from what the proxies carry, or from another revision",
		Long: `Diff says in words what a route repository changes. Without --base it compares
with what the proxies carry: the hosts, routes and streams that come, go and
change, the pools and their peers, and the service of each proxy. A live state
from a file names the files that a proxy carries and does not hold them, so then
only their names are told.

With --base it compares two revisions of the repository: the routes, streams,
pools, policies and proxies. What means the same is no difference, wherever and
however it is written. A policy's change is told with the routes that it reaches.
REV is a branch, a tag or a commit of the repository that DIR lies in, as main,
v2, HEAD^ or 1a2b3c4; of a URL it is a branch, a tag or the whole hash of a
commit. What starts with /, ./ or ../ is a directory.

The exit code is 0 where there is no difference, 1 where there is one or where one
of the two has problems and cannot be compared, 2 where it could not run.`,
		Example: `  wharfinger diff .
  wharfinger diff . --live production.json
  wharfinger diff . --base main
  wharfinger diff . --base HEAD^ --format markdown > comment.md
  wharfinger diff https://git.example.org/ops/routes.git --branch next --base main`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			write, ok := differenceForms[format]
			if !ok {
				return fmt.Errorf("--format is text, json or markdown, not %q", format)
			}
			if err := d.check(c); err != nil {
				return err
			}
			out, err := d.compare(c, args[0])
			if err != nil {
				return err
			}
			if err := write(out, c.OutOrStdout(), c.ErrOrStderr()); err != nil {
				return err
			}
			if out.different() {
				return errNo
			}
			return nil
		},
	}
	d.source.register(c)
	d.templates.register(c)
	d.cluster.register(c)
	c.Flags().StringVar(&d.base, "base", "", "compare with this revision, or directory, and not with the proxies")
	c.Flags().BoolVar(&d.lines, "lines", false, "show the lines of the nginx files, too")
	c.Flags().StringVar(&d.live, "live", "", "file with a live state (default: live.json in DIR without --host, or else the cluster)")
	c.Flags().StringVar(&format, "format", "text", "text, json or markdown")
	instead(c, "base", "host")
	instead(c, "live", "host")
	instead(c, "host", "base", "live")
	return c
}

// differ is what diff is asked for.
type differ struct {
	source     sourceFlags
	templates  templateFlags
	cluster    clusterFlags
	base, live string
	lines      bool
}

// check tells of flags that do not go together.
func (d *differ) check(c *cobra.Command) error {
	host, base := c.Flags().Changed("host"), c.Flags().Changed("base")
	switch {
	case base && d.base == "":
		return errors.New("--base is empty: name a branch, tag or commit, or a directory")
	case base && host:
		return errors.New("--base and --host name two things to compare with: leave one of them out")
	case host && d.live != "":
		return errors.New("--live and --host name two things to compare with: leave one of them out")
	case base && d.live != "" && !d.lines:
		return errors.New("--live has no use beside --base, but for the lines of the nginx files: add --lines, or leave it out")
	}
	return nil
}

func (d *differ) compare(c *cobra.Command, arg string) (difference, error) {
	own, err := d.templates.read()
	if err != nil {
		return difference{}, err
	}
	now, err := d.source.read(c, arg)
	if err != nil {
		return difference{}, err
	}
	out := difference{now: side{name: arg, parsed: now}}
	if !isDir(arg) {
		out.now.name = git.Redact(arg)
	}
	if d.base != "" {
		return d.compareRevisions(c, arg, own, out)
	}
	return d.compareCluster(c, arg, own, out)
}

// compareRevisions compares two revisions in words and, if asked, the lines that
// they make of the same live state.
func (d *differ) compareRevisions(c *cobra.Command, arg string, own generator.Templates, out difference) (difference, error) {
	source, err := d.openBase(arg)
	if err != nil {
		return out, err
	}
	base, err := d.source.fetch(c, source)
	switch {
	case errors.Is(err, git.ErrNothing): // the first routes of a repository
		fmt.Fprintf(c.ErrOrStderr(), "%s has no routes yet\n", d.base)
		base.desired = &route.Desired{}
	case err != nil && !isPath(d.base) && isDir(d.base):
		return out, fmt.Errorf("%v; for the directory write --base ./%s", err, filepath.ToSlash(d.base))
	case err != nil:
		return out, err
	}
	out.base = side{name: d.base, parsed: base}
	if out.now.desired == nil || base.desired == nil {
		return out, nil
	}
	for _, change := range route.Compare(base.desired, out.now.desired) {
		out.changes = append(out.changes, found{Change: change})
	}
	if !d.lines {
		return out, nil
	}
	state, err := readLive(c, d.live, arg)
	if err != nil && !errors.Is(err, errNoLive) {
		return out, err
	}
	if state == nil {
		fmt.Fprintln(c.ErrOrStderr(), "the lines are for an imagined Swarm, in which every service has one task; name another with --live")
	}
	old, err := renderAll(own, base.desired, state)
	if err != nil {
		return out, fmt.Errorf("%s: %v", d.base, err)
	}
	files, err := renderAll(own, out.now.desired, state)
	if err != nil {
		return out, err
	}
	out.addLines("base", old, files)
	return out, nil
}

// openBase opens what --base names.
func (d *differ) openBase(arg string) (fetcher, error) {
	switch {
	case isPath(d.base):
		if !isDir(d.base) {
			return nil, fmt.Errorf("%s is not a directory", d.base)
		}
		return git.NewDirectory(d.base, d.source.remote.Limits)
	}
	return d.source.at(arg, d.base)
}

// isPath reports whether a base is written as a directory. No branch can be.
func isPath(base string) bool {
	slashed := filepath.ToSlash(base)
	return base == "." || base == ".." || strings.HasPrefix(slashed, "./") || strings.HasPrefix(slashed, "../") || filepath.IsAbs(base)
}

// renderAll renders the files of every proxy, by proxy. Without a live state it
// imagines one.
func renderAll(own generator.Templates, desired *route.Desired, live *generator.Live) (map[string][]generator.File, error) {
	if live == nil {
		live = imagined(desired)
	}
	model, _ := generator.Build(desired, live)
	out := map[string][]generator.File{}
	for _, p := range model.Proxies {
		files, err := own.Render(p)
		if err != nil {
			return nil, fmt.Errorf("proxy %s: %v", p.Name, err)
		}
		out[p.Name] = files.All
	}
	return out, nil
}

// compareCluster compares with what the proxies carry, as a manager or a file
// tells.
func (d *differ) compareCluster(c *cobra.Command, arg string, own generator.Templates, out difference) (difference, error) {
	if out.now.desired == nil {
		return out, nil
	}
	var state *generator.Live
	err := errNoLive
	if !c.Flags().Changed("host") {
		state, err = readLive(c, d.live, arg)
	}
	carried := func(string) ([]generator.Shard, error) { return nil, nil }
	switch {
	case err == nil && d.lines:
		return out, errors.New("a live state names the files that proxies carry, and does not hold them: for their lines compare with the cluster itself, by --host, or with a revision, by --base")
	case err == nil:
		out.base.name = d.live
		if d.live == "" {
			out.base.name = liveFile(arg)
		}
	case err == errNoLive:
		swarm, err := d.cluster.connect(c)
		if err != nil {
			return out, err
		}
		defer swarm.Close()
		if state, err = swarm.Read(c.Context()); err != nil {
			return out, err
		}
		out.base.name = "the cluster"
		carried = func(proxy string) ([]generator.Shard, error) { return swarm.Carried(c.Context(), proxy) }
	default:
		return out, err
	}
	plan, err := watcher.MakePlan(own, out.now.desired, state)
	if problems, ok := errors.AsType[route.Problems](err); ok {
		out.now.problems = problems
		return out, nil
	}
	if err != nil {
		return out, err
	}
	printWarnings(c, plan.Problems)
	for _, r := range plan.Rollouts {
		if !r.Needed() && len(r.Drift)+len(r.Held) == 0 {
			continue
		}
		old, err := carried(r.Proxy)
		if err != nil {
			return out, err
		}
		out.addRollout(r, old)
		if d.lines {
			out.addLines("live", map[string][]generator.File{r.Proxy: generator.Unpack(old)}, map[string][]generator.File{r.Proxy: generator.Unpack(r.Shards)})
		}
	}
	return out, nil
}

// addRollout tells what a rollout changes. old is what the proxy carries; it is
// empty where there is no proxy yet, or where what it carries is not known.
func (out *difference) addRollout(r generator.Rollout, old []generator.Shard) {
	add := func(changes ...route.Change) {
		for _, change := range changes {
			out.changes = append(out.changes, found{r.Proxy, change})
		}
	}
	if len(r.Held) > 0 {
		var why []string
		for _, p := range r.Held {
			why = append(why, p.String())
		}
		add(route.Change{Kind: "held back", Name: r.Service, What: route.Changed, Words: why})
	}
	if len(r.Drift) > 0 {
		add(route.Change{Kind: "drift", Name: r.Service, What: route.Changed, Words: r.Drift})
	}
	switch words := r.OfService(); {
	case r.From == nil:
		add(route.Change{Kind: "service", Name: r.Service, What: route.New, Summary: r.Spec.Image})
	case len(words) > 0:
		add(route.Change{Kind: "service", Name: r.Service, What: route.Changed, Words: words})
	}
	if old != nil || r.From == nil {
		add(generator.Changes(old, r.Shards)...)
	} else if words := r.OfFiles(); len(words) > 0 {
		add(route.Change{Kind: "files", What: route.Changed, Words: words})
	}
}
