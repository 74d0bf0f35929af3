package nginx

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/wharfinger/wharfinger/generator"
)

// Tester tests rendered files with one nginx program.
type Tester struct {
	// Path is the program, as a path or a name in PATH.
	Path string
}

// Refused is a complaint about the files: nginx's own, or, before nginx sees
// them, that of the list of directives. Paths in it are those of a proxy, and
// relative where they are below the folder of nginx.conf.
type Refused struct {
	Complaint string
	// Unasked says that nginx has not seen the files.
	Unasked bool
}

func (r *Refused) Error() string {
	if r.Unasked {
		return "the files have what a proxy must not have: " + r.Complaint
	}
	return "nginx refuses the files: " + r.Complaint
}

// Refusal returns the complaint; it marks an error that lies in the files, and
// not in the world.
func (r *Refused) Refusal() string { return r.Complaint }

// timeout bounds a test. 10,000 routes with 100,000 peers take a few seconds.
const timeout = time.Minute

// Test answers nil where nginx takes the shards as they would lie in a proxy,
// *Refused where it does not or where they have directives that are not allowed,
// and another error where nginx could not be asked.
func (t Tester) Test(ctx context.Context, shards []generator.Shard) error {
	if err := allow(shards); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	dir, err := os.MkdirTemp("", "wharfinger-test-")
	if err != nil {
		return fmt.Errorf("make a folder for the test: %v", err)
	}
	defer os.RemoveAll(dir)
	if err := write(dir, shards); err != nil {
		return fmt.Errorf("write files for the test: %v", err)
	}
	out, err := run(ctx, t.Path, dir)
	if err == nil {
		return nil
	}
	var exit *exec.ExitError
	if !errors.As(err, &exit) || !exit.Exited() {
		return fmt.Errorf("run nginx -t: %v", err)
	}
	return &Refused{Complaint: complaint(out, dir)}
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

// run starts nginx as confined as the system allows.
func run(ctx context.Context, path, dir string) (out []byte, err error) {
	for _, attr := range confinements() {
		var stderr bytes.Buffer
		cmd := exec.CommandContext(ctx, path, "-t", "-q", "-e", "stderr", "-p", dir,
			"-c", filepath.Join(dir, "nginx.conf"), "-g", "pid "+filepath.Join(dir, "nginx.pid")+";")
		cmd.Dir = dir
		cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
		cmd.Stderr = &stderr
		cmd.SysProcAttr = attr
		cmd.WaitDelay = time.Second
		err = cmd.Run()
		if cmd.Process != nil || errors.Is(err, exec.ErrNotFound) {
			return stderr.Bytes(), err
		}
	}
	return nil, err
}

// mark is what nginx starts the lines of a complaint with: once before it has
// read where its log is, and once after.
var mark = regexp.MustCompile(`^.*?\[emerg\] (\d+#\d+: )?`)

// complaint is what nginx said, without its marks, and with the paths of a proxy.
func complaint(out []byte, dir string) string {
	said := asInProxy(out, dir)
	var lines []string
	for line := range strings.Lines(said) {
		if strings.Contains(line, "[emerg]") {
			lines = append(lines, mark.ReplaceAllString(strings.TrimSpace(line), ""))
		}
	}
	if lines == nil {
		return strings.TrimSpace(said)
	}
	return strings.Join(lines, "; ")
}
