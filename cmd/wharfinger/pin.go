package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/wharfinger/wharfinger/swarm"
)

func pinCommand() *cobra.Command {
	var (
		source  sourceFlags
		cluster clusterFlags
	)
	c := &cobra.Command{
		Use:   "pin REVISION DIR|URL",
		Short: "Have the daemon follow one revision, whatever is pushed, until unpin",
		Long: `Pin is the emergency way back. It reads a revision of the repository once, keeps
it in the Swarm, and the daemon of that repository rolls it out within seconds and
follows it with the tasks as they move. What is pushed meanwhile waits. That holds
with git down and across restarts, until ` + "`wharfinger unpin`" + `; the daemon's log warns of
it at its start and every hour.

REVISION is a branch, a tag or the whole hash of a commit; of a directory also the
start of a hash, HEAD^ or main~2. What names the repository must be as the daemon
has it: the URL, --branch, --revision and --folder.`,
		Example: `  wharfinger pin v12 https://git.example.org/ops/routes.git --branch main
  wharfinger pin HEAD^ .`,
		Args: cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			kept, manager, err := pinOf(c, &source, &cluster, args[1])
			if err != nil {
				return err
			}
			defer manager.Close()
			from, err := source.at(args[1], args[0])
			if err != nil {
				return err
			}
			desired, err := source.parseFrom(c, from)
			if err != nil {
				return err
			}
			if err := kept.Pin(c.Context(), desired.Source()); err != nil {
				return err
			}
			fmt.Fprintf(c.OutOrStdout(), "pinned: %s is followed until `wharfinger unpin`\n", desired.Revision)
			return nil
		},
	}
	source.register(c)
	cluster.register(c)
	return c
}

func unpinCommand() *cobra.Command {
	var (
		source  sourceFlags
		cluster clusterFlags
	)
	c := &cobra.Command{
		Use:   "unpin DIR|URL",
		Short: "Have the daemon follow the repository again",
		Long: `Unpin ends what pin began: the daemon rolls out what the repository holds now. The
exit code is 1 where nothing was pinned.`,
		Example: `  wharfinger unpin https://git.example.org/ops/routes.git --branch main`,
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			kept, manager, err := pinOf(c, &source, &cluster, args[0])
			if err != nil {
				return err
			}
			defer manager.Close()
			revision, was, err := kept.Unpin(c.Context())
			if err != nil {
				return err
			}
			if !was {
				fmt.Fprintln(c.ErrOrStderr(), "nothing is pinned")
				return errNo
			}
			fmt.Fprintf(c.OutOrStdout(), "unpinned: %s gives way to what the repository holds\n", revision)
			return nil
		},
	}
	source.register(c)
	cluster.register(c)
	return c
}

// pinOf is where the revisions of a repository are kept. A name that no daemon of
// this Swarm has for its repository is refused: nothing would follow what is pinned.
func pinOf(c *cobra.Command, source *sourceFlags, cluster *clusterFlags, arg string) (swarm.Kept, *swarm.Cluster, error) {
	from, err := source.open(arg)
	if err != nil {
		return swarm.Kept{}, nil, err
	}
	manager, err := cluster.connect(c)
	if err != nil {
		return swarm.Kept{}, nil, err
	}
	name := fmt.Sprint(from)
	names, err := manager.Sources(c.Context())
	if err == nil && !slices.Contains(names, name) {
		err = fmt.Errorf("no daemon has rolled out %s in this Swarm", name)
		if len(names) > 0 {
			err = fmt.Errorf("%v; there is %s: name it as its daemon does, with --branch and --folder", err, strings.Join(names, ", "))
		}
	}
	if err != nil {
		manager.Close()
		return swarm.Kept{}, nil, err
	}
	return manager.Kept(name), manager, nil
}
