package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
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
	remote   git.RemoteOptions
	snippets bool
}

func (f *sourceFlags) register(c *cobra.Command) {
	c.Flags().StringVar(&f.remote.Branch, "branch", "", "branch of the remote (default: the one that its HEAD names)")
	c.Flags().StringVar(&f.remote.Folder, "folder", "", "folder of the routes inside the repository (default: its root)")
	c.Flags().BoolVar(&f.remote.AllowHTTP, "allow-http", false, "permit http://, where anybody on the way can change the routes")
	c.Flags().BoolVar(&f.snippets, "allow-snippets", false, "permit snippets: nginx's own directives, as far as they are on the list")
	c.Flags().BoolVar(&f.remote.AllowFile, "allow-file", false, "permit file://, which runs this machine's git")
}

// permissions are what the routes may have beyond what all may.
func (f *sourceFlags) permissions() []route.Permission {
	if f.snippets {
		return []route.Permission{route.Snippets}
	}
	return nil
}

func (f *sourceFlags) interval(c *cobra.Command) {
	c.Flags().DurationVar(&f.remote.Interval, "interval", 30*time.Second, "time between two looks at the remote")
}

// open takes what has a scheme, or looks like scp, for a remote, and everything
// else for a directory.
func (f *sourceFlags) open(arg string) (watcher.Source, error) {
	if info, err := os.Stat(arg); err == nil && info.IsDir() {
		return git.NewDirectory(arg, git.Limits{})
	}
	if strings.Contains(arg, ":") {
		f.remote.URL = arg
		return git.NewRemote(f.remote)
	}
	return nil, fmt.Errorf("%s is neither a directory nor a URL", arg)
}

// parse reads and checks the routes once. Problems are printed on out, and the
// answer is then no.
func (f *sourceFlags) parse(c *cobra.Command, arg string) (*route.Desired, error) {
	source, err := f.open(arg)
	if err != nil {
		return nil, err
	}
	slow := time.AfterFunc(time.Second, func() { fmt.Fprintf(c.ErrOrStderr(), "reading %s …\n", source) })
	defer slow.Stop()
	var desired *route.Desired
	rev, err := source.Fetch(c.Context())
	problems, mistakes := errors.AsType[route.Problems](err)
	if err != nil && !mistakes {
		return nil, err
	}
	if err == nil {
		desired, problems = route.Parse(rev, f.permissions()...)
	}
	if len(problems) > 0 {
		fmt.Fprintln(c.OutOrStdout(), problems.Error())
		return nil, errNo
	}
	return desired, nil
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
	for _, p := range problems {
		fmt.Fprintf(c.ErrOrStderr(), "warning: %s\n", p)
	}
}
