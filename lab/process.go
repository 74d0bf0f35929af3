package lab

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A process is known by its id and its start time, so that a recycled id is
// never taken for it.
type process struct {
	pid   int
	start string // clock ticks since boot, as /proc has it
}

// launch starts cmd so that it never runs unrecorded: it holds before its first
// step until its pid file is written, and ends by itself if that never happens.
func launch(cmd *exec.Cmd, pidFile string) error {
	gate, open, err := os.Pipe()
	if err != nil {
		return err
	}
	defer open.Close()
	cmd.Args = append([]string{"sh", "-c", `read -r go || exit 1; exec "$@" </dev/null`, "sh"}, cmd.Args...)
	cmd.Path = "/bin/sh"
	cmd.Stdin = gate
	err = cmd.Start()
	gate.Close()
	if err != nil {
		return err
	}
	go cmd.Wait() // so that it does not stay a zombie while this process lives

	start, _, err := processStat(cmd.Process.Pid)
	if err != nil {
		return err
	}
	record := fmt.Sprintf("%d %s\n", cmd.Process.Pid, start)
	if err := writeWhole(pidFile, []byte(record)); err != nil {
		return err
	}
	_, err = open.WriteString("go\n")
	return err
}

// processStat reads a process's start time and state letter.
func processStat(pid int) (start, state string, err error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", "", err
	}
	// The second field is the command's name in brackets and may hold anything.
	fields := strings.Fields(string(data[strings.LastIndexByte(string(data), ')')+1:]))
	if len(fields) < 20 {
		return "", "", fmt.Errorf("/proc/%d/stat: %d fields", pid, len(fields))
	}
	return fields[19], fields[0], nil
}

// readPidFile returns the process that launch recorded, and no process if there
// is no record.
func readPidFile(path string) (process, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return process{}, nil
	}
	if err != nil {
		return process{}, err
	}
	pid, start, _ := strings.Cut(strings.TrimSpace(string(data)), " ")
	n, err := strconv.Atoi(pid)
	if err != nil {
		return process{}, fmt.Errorf("%s: %w", path, err)
	}
	return process{pid: n, start: start}, nil
}

func (p process) alive() bool {
	if p.pid == 0 {
		return false
	}
	start, state, err := processStat(p.pid)
	return err == nil && start == p.start && state != "Z" && state != "X"
}

// signal sends a signal to this very process; one that is gone is no error.
func (p process) signal(sig syscall.Signal) error {
	if p.pid == 0 {
		return nil
	}
	// The descriptor is opened before the check: from then on the id cannot
	// come to mean another process.
	fd, err := unix.PidfdOpen(p.pid, 0)
	if err == unix.ESRCH {
		return nil
	}
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if !p.alive() {
		return nil
	}
	if err := unix.PidfdSendSignal(fd, sig, nil, 0); err != nil && err != unix.ESRCH {
		return fmt.Errorf("signal %d: %w", p.pid, err)
	}
	return nil
}

// gone waits for the process's end.
func (p process) gone(limit time.Duration) bool {
	for end := time.Now().Add(limit); p.alive(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			return false
		}
	}
	return true
}

// kill ends the process at once and waits for it.
func (p process) kill() error {
	if err := p.signal(syscall.SIGKILL); err != nil {
		return err
	}
	if !p.gone(10 * time.Second) {
		return fmt.Errorf("process %d outlived SIGKILL by 10 s", p.pid)
	}
	return nil
}

// killInside ends every process in a network namespace.
func killInside(netns string) error {
	want, err := os.Stat(netns)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	links, err := filepath.Glob("/proc/[0-9]*/ns/net")
	if err != nil {
		return err
	}
	for _, link := range links {
		pid, _ := strconv.Atoi(strings.Split(link, "/")[2])
		start, _, err := processStat(pid)
		if err != nil {
			continue // it ended meanwhile
		}
		if got, err := os.Stat(link); err != nil || !os.SameFile(got, want) {
			continue
		}
		if err := (process{pid, start}).kill(); err != nil {
			return err
		}
	}
	return nil
}
