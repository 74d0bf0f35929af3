package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/wharfinger/wharfinger/generator"
	"github.com/wharfinger/wharfinger/interlock"
	"github.com/wharfinger/wharfinger/route"
	"github.com/wharfinger/wharfinger/watcher"
)

func importCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "import",
		Short: "Write what other routers were told as a route repository",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(importInterlockCommand())
	return c
}

// importFlags say what of Interlock is read beside the argument, and where to.
type importFlags struct {
	source      sourceFlags
	cluster     clusterFlags
	fromCluster bool
	live, out   string
}

func importInterlockCommand() *cobra.Command {
	var f importFlags
	c := &cobra.Command{
		Use:   "interlock [FILE|DIR]",
		Short: "Write Interlock's configuration and labels as a file of a repository",
		Long: `Import interlock writes what Interlock was told as a file of a route repository.

FILE is the configuration of Interlock 2 or 3, in TOML; - is standard input. Each of
its extensions becomes a proxy that takes its routes from the labels of services.
What has no equivalent becomes a comment with the reason, and a line on standard
error with its place.

With --from-cluster or --live, what those labels ask for today is written as routes,
and the proxies no longer read labels. Without FILE there is a proxy for each service
cluster. DIR is a repository whose proxies read labels already: then their routes
alone are written, to be added to it when labels: is taken out.

docs/interlock.md tells what becomes of each key and label, and how to move.

Exit codes: 0 fine, 1 the file has problems, or labels make no routes, 2 it could not
run.`,
		Example: `  wharfinger import interlock interlock.toml -o interlock.yaml
  docker config inspect --format '{{ printf "%s" .Spec.Data }}' com.docker.ucp.interlock.conf-1 |
    wharfinger import interlock - -o interlock.yaml
  wharfinger import interlock interlock.toml --from-cluster -o interlock.yaml
  wharfinger import interlock . --live production.json`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			arg := ""
			if len(args) > 0 {
				arg = args[0]
			}
			data, err := f.read(c, arg)
			if err != nil {
				return err
			}
			return f.write(c, data)
		},
	}
	c.Flags().BoolVar(&f.fromCluster, "from-cluster", false, "write what the labels of a manager's services ask for, too")
	c.Flags().StringVar(&f.live, "live", "", "the same by a file with a live state, - for standard input")
	c.Flags().BoolVar(&f.source.snippets, "allow-snippets", false, "write nginx's own directives as snippets, as far as they are on the list")
	c.Flags().StringVarP(&f.out, "out", "o", "", "file to write, which must not be there yet (default: print)")
	instead(c, "from-cluster", "live")
	instead(c, "live", "from-cluster")
	f.cluster.register(c)
	return c
}

// read makes the file. Problems are printed.
func (f *importFlags) read(c *cobra.Command, arg string) ([]byte, error) {
	labels := f.fromCluster || f.live != ""
	switch {
	case f.fromCluster && f.live != "":
		return nil, errors.New("labels come from one place: --from-cluster or --live")
	case f.live == "-" && arg == "-":
		return nil, errors.New("standard input is one file: name the other one")
	case !labels && (arg == "" || isDir(arg)):
		return nil, errors.New("nothing says what to import: name Interlock's file, or add --from-cluster or --live FILE")
	}
	var imported interlock.Imported
	var desired *route.Desired
	var err error
	switch {
	case isDir(arg):
		desired, err = f.repository(c, arg)
	case arg != "":
		imported, err = f.file(c, arg)
	}
	if err != nil || !labels {
		return imported.Data, err
	}
	live, err := f.state(c)
	if err != nil {
		return nil, err
	}
	data, problems := settled(imported, desired, watcher.Labelled(live))
	printWarnings(c, problems)
	if data == nil {
		fmt.Fprintln(c.ErrOrStderr(), "no service has labels that make a route")
		return nil, errNo
	}
	return data, nil
}

// settled writes what labels ask for beside a repository, in a file of its proxies, or
// with proxies of their own.
func settled(imported interlock.Imported, desired *route.Desired, cluster interlock.Cluster) ([]byte, route.Problems) {
	if desired != nil {
		return interlock.Settle(desired, cluster)
	}
	if imported.Desired == nil {
		var ok bool
		if imported, ok = interlock.Proxies(cluster); !ok {
			return nil, nil
		}
	}
	return imported.Settle(cluster)
}

// repository reads the repository whose proxies read labels.
func (f *importFlags) repository(c *cobra.Command, dir string) (*route.Desired, error) {
	desired, err := f.source.parse(c, dir)
	if err != nil {
		return nil, err
	}
	for _, p := range desired.Proxies {
		if p.Labels.Read.Given() {
			return desired, nil
		}
	}
	return nil, fmt.Errorf("no proxy of %s reads labels: add labels: interlock to one", dir)
}

// file imports Interlock's own.
func (f *importFlags) file(c *cobra.Command, name string) (interlock.Imported, error) {
	in := c.InOrStdin()
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return interlock.Imported{}, fmt.Errorf("read Interlock's file: %v", err)
		}
		defer file.Close()
		in = file
	}
	data, err := io.ReadAll(io.LimitReader(in, interlock.MaxFile+1))
	if err != nil {
		return interlock.Imported{}, fmt.Errorf("read Interlock's file: %v", err)
	}
	file := route.File{Path: name, Data: data}
	imported, problems := interlock.Import(file, f.source.permissions()...)
	if problems != nil {
		tell(c.ErrOrStderr(), problem, problems, route.Revision{Files: []route.File{file}})
		return interlock.Imported{}, errNo
	}
	printWarnings(c, imported.Notes)
	return imported, nil
}

// state is what the labels are read from.
func (f *importFlags) state(c *cobra.Command) (*generator.Live, error) {
	if f.live != "" {
		return readLive(c, f.live, "")
	}
	manager, err := f.cluster.connect(c)
	if err != nil {
		return nil, err
	}
	defer manager.Close()
	return manager.Read(c.Context())
}

// write prints the file, or makes it where there is none yet: what stands in a
// repository may have been changed by hand since.
func (f *importFlags) write(c *cobra.Command, data []byte) error {
	if f.out == "" {
		_, err := c.OutOrStdout().Write(data)
		return err
	}
	file, err := os.OpenFile(f.out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return fmt.Errorf("write the file: %v", err)
	}
	if _, err := file.Write(data); err != nil {
		file.Close()
		return fmt.Errorf("write the file: %v", err)
	}
	if err := file.Close(); err != nil {
		return fmt.Errorf("write the file: %v", err)
	}
	return nil
}
