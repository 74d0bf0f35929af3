package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/wharfinger/wharfinger/generator"
	"github.com/wharfinger/wharfinger/git"
	"github.com/wharfinger/wharfinger/route"
	"github.com/wharfinger/wharfinger/watcher"
)

// sourceFlags say where the routes are, beside the argument DIR|URL.
type sourceFlags struct {
	remote          git.RemoteOptions
	snippets, binds bool
}

func (f *sourceFlags) register(c *cobra.Command) {
	c.Flags().StringVar(&f.remote.Branch, "branch", "", "branch of the remote (default: the one that its HEAD names)")
	c.Flags().StringVar(&f.remote.Revision, "revision", "", "tag, branch or whole hash of a commit of the remote, in place of --branch")
	c.MarkFlagsMutuallyExclusive("branch", "revision")
	c.Flags().StringVar(&f.remote.Folder, "folder", "", "folder of the routes inside the repository (default: its root)")
	credentials := &f.remote.Credentials
	c.Flags().StringVar(&credentials.TokenFile, "git-token-file", "", "file with the token, or password, for https")
	c.Flags().StringVar(&credentials.User, "git-user", "", "name beside the token (default: git)")
	c.Flags().StringVar(&credentials.CAFile, "git-ca-file", "", "file with the certificates that vouch for the remote (default: the system's)")
	c.Flags().StringVar(&credentials.KeyFile, "ssh-key", "", "file with the private key for ssh, without a passphrase")
	c.Flags().StringVar(&credentials.KnownHostsFile, "known-hosts", "", "file with the host keys for ssh")
	c.Flags().DurationVar(&f.remote.Timeout, "git-timeout", 30*time.Second, "how long one read of the remote may take")
	limits := &f.remote.Limits
	c.Flags().IntVar(&limits.Files, "max-files", 10_000, "most route files that are read")
	c.Flags().Var(mebibytes{&limits.FileBytes}, "max-file-mib", "largest route file that is read, in MiB (default 1)")
	c.Flags().Var(mebibytes{&limits.RepositoryBytes}, "max-commit-mib", "largest commit that is downloaded, with all its files, in MiB (default 256)")
	c.Flags().StringArrayVar(&f.remote.SignedBy, "signed-by", nil, "file of public keys, OpenPGP's or SSH's: only commits that one of them signed are read (may be repeated)")
	c.Flags().BoolVar(&f.remote.AllowHTTP, "allow-http", false, "permit http://, where anybody on the way can change the routes")
	c.Flags().BoolVar(&f.snippets, "allow-snippets", false, "permit snippets: nginx's own directives, as far as they are on the list")
	c.Flags().BoolVar(&f.binds, "allow-binds", false, "permit mounts of folders of the nodes, with all that lies in them")
	c.Flags().BoolVar(&f.remote.AllowFile, "allow-file", false, "permit file://, which runs this machine's git")
}

// mebibytes is a flag for a size; until it is given, the size has its own default.
type mebibytes struct{ bytes *int64 }

func (m mebibytes) Type() string { return "int" }

func (m mebibytes) String() string {
	if m.bytes == nil || *m.bytes == 0 {
		return ""
	}
	return strconv.FormatInt(*m.bytes>>20, 10)
}

func (m mebibytes) Set(text string) error {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 1 || n > 1<<20 {
		return errors.New("must be a number between 1 and 1048576")
	}
	*m.bytes = n << 20
	return nil
}

// permissions are what the routes may have beyond what all may.
func (f *sourceFlags) permissions() []route.Permission {
	var given []route.Permission
	if f.snippets {
		given = append(given, route.Snippets)
	}
	if f.binds {
		given = append(given, route.Binds)
	}
	return given
}

func (f *sourceFlags) interval(c *cobra.Command) {
	c.Flags().DurationVar(&f.remote.Interval, "interval", 30*time.Second, "time between two looks at the remote")
}

// open takes what has a scheme, or looks like scp, for a remote, and everything
// else for a directory.
func (f *sourceFlags) open(arg string) (watcher.Source, error) {
	if isDir(arg) && len(f.remote.SignedBy) > 0 {
		return nil, fmt.Errorf("--signed-by is for commits of a remote; the files in %s are signed by nobody", arg)
	}
	if isDir(arg) {
		return git.NewDirectory(arg, f.remote.Limits)
	}
	if strings.Contains(arg, ":") {
		f.remote.URL = arg
		return git.NewRemote(f.remote)
	}
	return nil, fmt.Errorf("%s is neither a directory nor a URL", arg)
}

// at reads another revision of what open follows.
func (f *sourceFlags) at(arg, revision string) (fetcher, error) {
	if isDir(arg) {
		return git.NewCommit(arg, revision, f.remote.Limits)
	}
	options := f.remote
	options.URL, options.Branch, options.Revision = arg, "", revision
	return git.NewRemote(options)
}

func isDir(arg string) bool {
	info, err := os.Stat(arg)
	return err == nil && info.IsDir()
}

// folder is where the files lie as seen from here, or from the root of the remote.
func (f *sourceFlags) folder(arg string) string {
	if !isDir(arg) {
		return f.remote.Folder
	}
	if here, err := os.Getwd(); err == nil && filepath.IsAbs(arg) {
		if below, err := filepath.Rel(here, arg); err == nil && filepath.IsLocal(below) {
			arg = below
		}
	}
	return filepath.ToSlash(arg)
}

// parsed is what the routes say, or what is wrong with them.
type parsed struct {
	revision route.Revision // without files where those could not be read
	desired  *route.Desired // nil where there are problems
	problems route.Problems
}

// read reads and checks the routes once.
func (f *sourceFlags) read(c *cobra.Command, arg string) (parsed, error) {
	source, err := f.open(arg)
	if err != nil {
		return parsed{}, err
	}
	return f.fetch(c, source)
}

// fetcher is where one revision comes from.
type fetcher interface {
	Fetch(context.Context) (route.Revision, error)
}

func (f *sourceFlags) fetch(c *cobra.Command, source fetcher) (parsed, error) {
	slow := time.AfterFunc(time.Second, func() { fmt.Fprintf(c.ErrOrStderr(), "reading %s …\n", source) })
	defer slow.Stop()
	var p parsed
	var err error
	p.revision, err = source.Fetch(c.Context())
	if problems, ok := errors.AsType[route.Problems](err); ok {
		p.problems = problems
		return p, nil
	}
	if err != nil {
		return parsed{}, err
	}
	p.desired, p.problems = route.Parse(p.revision, f.permissions()...)
	return p, nil
}

// parse is read for those who need the routes. Problems are printed, and the
// answer is then no.
func (f *sourceFlags) parse(c *cobra.Command, arg string) (*route.Desired, error) {
	source, err := f.open(arg)
	if err != nil {
		return nil, err
	}
	return f.parseFrom(c, source)
}

// parseFrom is parse for a source that is open.
func (f *sourceFlags) parseFrom(c *cobra.Command, source fetcher) (*route.Desired, error) {
	p, err := f.fetch(c, source)
	if err != nil {
		return nil, err
	}
	if len(p.problems) > 0 {
		tell(c.OutOrStdout(), problem, p.problems, p.revision)
		return nil, errNo
	}
	return p.desired, nil
}

// errNoLive says that no file with a live state was named or found.
var errNoLive = errors.New("the live state is not given: add --live FILE, with what `wharfinger live` printed")

// readLive reads the live state from a file, from standard input ("-") or, where
// none is named, from live.json in the directory of the routes.
func readLive(c *cobra.Command, file, dir string) (*generator.Live, error) {
	var in io.Reader = c.InOrStdin()
	if file == "" {
		file = liveFile(dir)
		if _, err := os.Stat(file); errors.Is(err, os.ErrNotExist) {
			return nil, errNoLive
		}
	}
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, fmt.Errorf("read the live state: %v", err)
		}
		defer f.Close()
		in = f
	}
	dec := json.NewDecoder(in)
	dec.DisallowUnknownFields()
	var live generator.Live
	if err := dec.Decode(&live); err != nil {
		return nil, fmt.Errorf("read the live state: %s: %v", file, err)
	}
	return &live, nil
}

// liveFile is where a directory of routes keeps a live state.
func liveFile(dir string) string { return filepath.Join(dir, "live.json") }

func printWarnings(c *cobra.Command, problems route.Problems) {
	tell(c.ErrOrStderr(), warning, problems, route.Revision{})
}
