package nginx

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/wharfinger/wharfinger/generator"
	"github.com/wharfinger/wharfinger/nginx/sandbox"
)

// Tester tests rendered files with one nginx program.
type Tester struct {
	// Path is the program, as a path or a name in PATH.
	Path string
	// Lacks, where it is there, is told after each test in words what the sandbox
	// of nginx lacked because the system denies it, if there was anything.
	Lacks func([]string)

	limits *sandbox.Limits // nil for the standard ones
}

// Refused is what is wrong with the files: nginx's own complaint, or, before nginx
// sees them, those of the list of directives. Paths in it are those of a proxy,
// and relative where they are below the folder of nginx.conf.
type Refused struct {
	About []generator.Complaint
	// Unasked says that nginx has not seen the files.
	Unasked bool
}

func (r *Refused) Error() string {
	if r.Unasked {
		return "the files have what a proxy must not have: " + r.Refusal()
	}
	return "nginx refuses the files: " + r.Refusal()
}

// Refusal returns the complaints on one line; it marks an error that lies in the
// files, and not in the world.
func (r *Refused) Refusal() string {
	var lines []string
	for _, c := range r.About {
		line := c.Text
		if c.Path != "" {
			line += fmt.Sprintf(" in %s:%d", c.Path, c.Line)
		}
		if c.Hint != "" {
			line += " (" + c.Hint + ")"
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "; ")
}

// Complaints are what is wrong, each with its place. They say when they are nginx's
// own words.
func (r *Refused) Complaints() []generator.Complaint {
	if r.Unasked {
		return r.About
	}
	out := slices.Clone(r.About)
	for i := range out {
		out[i].Text = "nginx: " + out[i].Text
	}
	return out
}

// Test answers nil where nginx takes the shards as they would lie in a proxy,
// *Refused where it does not or where they have directives that are not allowed,
// and another error where nginx could not be asked.
func (t Tester) Test(ctx context.Context, shards []generator.Shard) error {
	if err := Allow(shards); err != nil {
		return err
	}
	return t.ask(ctx, shards)
}

// ask asks nginx alone.
func (t Tester) ask(ctx context.Context, shards []generator.Shard) error {
	dir, err := os.MkdirTemp("", "wharfinger-test-")
	if err != nil {
		return fmt.Errorf("make a folder for the test: %v", err)
	}
	defer os.RemoveAll(dir)
	if err := write(dir, shards); err != nil {
		return fmt.Errorf("write files for the test: %v", err)
	}
	said, lacks, err := t.run(ctx, dir, "-t", "-q", "-e", "stderr", "-p", dir,
		"-c", filepath.Join(dir, "nginx.conf"), "-g", "pid "+filepath.Join(dir, "nginx.pid")+";")
	if len(lacks) > 0 && t.Lacks != nil {
		t.Lacks(lacks)
	}
	if err == nil {
		return nil
	}
	return t.verdict(shards, asInProxy(said, dir), lacks, err)
}

// run runs the program in its sandbox. dir is the folder that it may write to, and
// in which it runs.
func (t Tester) run(ctx context.Context, dir string, args ...string) (said []byte, lacks []string, err error) {
	program, err := exec.LookPath(t.Path)
	if err != nil {
		return nil, nil, err
	}
	if program, err = filepath.Abs(program); err != nil {
		return nil, nil, err
	}
	return sandbox.Run(ctx, sandbox.Command{Program: program, Args: args, Folder: dir, Limits: t.limited()})
}

// standard is what nginx -t may take. 10,000 routes with 100,000 peers were seen to
// take 1 GB of memory, 1.6 GB of address space and, on an idle machine, 5.5 s; the
// rest of the address space is for limits of routes, whose zones have 10m each, of
// which nginx -t touches 0.6 %. It writes nothing but its pid.
var standard = sandbox.Limits{Memory: 4 << 30, Address: 256 << 30, CPU: time.Minute, File: 1 << 20, Time: 3 * time.Minute}

func (t Tester) limited() sandbox.Limits {
	if t.limits != nil {
		return *t.limits
	}
	return standard
}

func write(dir string, shards []generator.Shard) error {
	if err := makePlaces(dir); err != nil {
		return err
	}
	for _, s := range shards {
		data, secrets := move(s.Data)
		if err := os.WriteFile(filepath.Join(dir, filepath.FromSlash(s.Path)), data, 0o644); err != nil {
			return err
		}
		if err := makeSecrets(dir, secrets); err != nil {
			return err
		}
	}
	return nil
}
