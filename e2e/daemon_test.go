package e2e_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// A daemon is `wharfinger watch`, running on the manager.
type daemon struct {
	w    *world
	cmd  *exec.Cmd
	pid  int // of the program itself: nsenter, which started it, passes no signal on
	log  *logbook
	next int // where in the log the next search begins
	done chan struct{}
	err  error // of its end
}

// watch starts the daemon.
func (w *world) watch(args ...string) *daemon {
	w.Helper()
	d := &daemon{w: w, log: &logbook{more: make(chan struct{})}, done: make(chan struct{})}
	args = append([]string{"watch", w.url, "--allow-http", "--interval=1s", "--nginx", nginx, "--verbose"}, args...)
	// Not the test's context: its end would kill what is to be stopped.
	d.cmd = w.lab.Node(w.manager).Command(context.Background(), wharfinger, args...)
	d.cmd.Stdout, d.cmd.Stderr = d.log, d.log
	if err := d.cmd.Start(); err != nil {
		w.Fatal(err)
	}
	go func() {
		d.err = d.cmd.Wait()
		close(d.done)
	}()
	w.daemon = d
	w.eventually(5*time.Second, func() (err error) {
		d.pid, err = childOf(d.cmd.Process.Pid)
		return err
	})
	return d
}

func (d *daemon) running() bool {
	select {
	case <-d.done:
		return false
	default:
		return true
	}
}

func (d *daemon) signal(sig syscall.Signal) {
	d.w.Helper()
	if err := syscall.Kill(d.pid, sig); err != nil {
		d.w.Fatal(err)
	}
}

// childOf returns the one child of a process.
func childOf(parent int) (int, error) {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return 0, err
	}
	for _, stat := range stats {
		data, err := os.ReadFile(stat)
		if err != nil {
			continue // it ended meanwhile
		}
		// After the name in brackets: the state, and the parent.
		fields := strings.Fields(string(data[bytes.LastIndexByte(data, ')')+1:]))
		if len(fields) > 1 && fields[1] == strconv.Itoa(parent) {
			return strconv.Atoi(strings.Split(stat, "/")[2])
		}
	}
	return 0, fmt.Errorf("process %d has no child", parent)
}

// stop stops the daemon as an engine would, and checks that it minds.
func (d *daemon) stop() {
	d.w.Helper()
	start := time.Now()
	d.signal(syscall.SIGTERM)
	select {
	case <-d.done:
	case <-time.After(10 * time.Second):
		d.w.Error("the daemon still runs 10 s after SIGTERM")
		d.kill()
		return
	}
	if took := time.Since(start); d.err != nil || took > 3*time.Second {
		d.w.Errorf("after SIGTERM the daemon ended in %s with %v, want exit code 0 within 3 s", took, d.err)
	}
}

// kill gives it no chance to do anything more.
func (d *daemon) kill() {
	d.w.Helper()
	d.signal(syscall.SIGKILL)
	select {
	case <-d.done:
	case <-time.After(10 * time.Second):
		d.w.Fatal("the daemon still runs 10 s after SIGKILL")
	}
}

// line waits for a line that has all parts, from where the last one was found.
func (d *daemon) line(within time.Duration, parts ...string) string {
	d.w.Helper()
	limit := time.After(within)
	for {
		lines, more := d.log.from(d.next)
		for _, line := range lines {
			d.next++
			if containsAll(line, parts) {
				return line
			}
		}
		select {
		case <-more:
		case <-limit:
			d.w.Fatalf("after %s the log has no line with %q", within, parts)
		}
	}
}

// rolled waits until every proxy has confirmed that it serves a commit.
func (d *daemon) rolled(commit string) {
	d.w.Helper()
	if line := d.line(2*d.w.patience, "msg=pass", "revision="+commit); strings.Contains(line, ".err=") {
		d.w.Fatalf("the rollout failed: %s", line)
	}
}

func containsAll(line string, parts []string) bool {
	for _, part := range parts {
		if !strings.Contains(line, part) {
			return false
		}
	}
	return true
}

// logbook keeps what is written to it, by lines.
type logbook struct {
	mu    sync.Mutex
	lines []string
	rest  []byte        // of a line that is not at its end
	more  chan struct{} // closed when there are more lines
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rest = append(l.rest, p...)
	for {
		line, rest, ok := bytes.Cut(l.rest, []byte("\n"))
		if !ok {
			break
		}
		l.lines, l.rest = append(l.lines, string(line)), rest
	}
	close(l.more)
	l.more = make(chan struct{})
	return len(p), nil
}

func (l *logbook) from(n int) (lines []string, more <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lines[n:], l.more
}

func (l *logbook) String() string {
	lines, _ := l.from(0)
	return strings.Join(lines, "\n")
}

// command runs wharfinger on the manager to its end.
func (w *world) command(args ...string) (out string, code int) {
	w.Helper()
	return w.onManager(append([]string{wharfinger}, args...)...)
}

func (w *world) onManager(args ...string) (out string, code int) {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), 2*time.Minute)
	defer cancel()
	cmd := w.lab.Node(w.manager).Command(ctx, args[0], args[1:]...)
	text, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		w.Fatalf("%s: %v", strings.Join(args, " "), err)
	}
	return string(text), cmd.ProcessState.ExitCode()
}
