package lab

import (
	"net/http"
	"net/http/cgi"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sync/errgroup"
)

// GitHandler serves the bare repositories below dir over HTTP with git's own
// http-backend, for reading and, without a password, for pushing.
func GitHandler(dir string) (http.Handler, error) {
	execPath, err := exec.Command("git", "--exec-path").Output()
	if err != nil {
		return nil, err
	}
	return &cgi.Handler{
		Path: filepath.Join(strings.TrimSpace(string(execPath)), "git-http-backend"),
		Env: []string{
			"GIT_PROJECT_ROOT=" + dir, "GIT_HTTP_EXPORT_ALL=1", "REMOTE_USER=lab",
			// The repositories belong to whoever made them, and nothing else of this
			// machine's settings shall matter.
			"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null",
			"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*",
		},
	}, nil
}

// Gateway returns the address that this machine has on the lab's bridge: where
// the nodes reach what runs beside the lab.
func (l *Lab) Gateway() string { return l.plan.gateway() }

// Dir returns the lab's directory. What is put there goes with the lab.
func (l *Lab) Dir() string { return l.plan.dir() }

// Launch starts a process that stays when this one ends and goes with the lab.
// It gets no input; its output goes to processes/NAME.log in the lab's directory.
func (l *Lab) Launch(name string, command ...string) error {
	dir := filepath.Join(l.plan.dir(), "processes")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(dir, name+".log"))
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stdout, cmd.Stderr, cmd.Dir = log, log, "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	return launch(cmd, filepath.Join(dir, name+".pid"))
}

// stopLaunched ends what Launch started.
func (l *Lab) stopLaunched() error {
	files, err := filepath.Glob(filepath.Join(l.plan.dir(), "processes", "*.pid"))
	if err != nil {
		return err
	}
	var group errgroup.Group
	for _, file := range files {
		group.Go(func() error {
			p, err := readPidFile(file)
			if err != nil {
				return err
			}
			return p.kill()
		})
	}
	return group.Wait()
}
