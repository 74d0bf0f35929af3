package lab

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// removeCgroups removes the control groups of a lab's containers. They all lie
// under one parent, which the engines are told to use instead of the usual
// /docker, so that nobody else's are ever touched. Version 1 has one tree per
// controller, version 2 a single one.
func removeCgroups(p *plan) error {
	trees, err := filepath.Glob("/sys/fs/cgroup/*" + p.Cgroup)
	if err != nil {
		return err
	}
	if _, err := os.Stat("/sys/fs/cgroup" + p.Cgroup); err == nil {
		trees = append(trees, "/sys/fs/cgroup"+p.Cgroup)
	}
	var errs []error
	for _, tree := range trees {
		errs = append(errs, removeCgroup(tree))
		os.Remove(filepath.Dir(tree)) // shared by all labs: goes with the last one
	}
	return errors.Join(errs...)
}

// removeCgroup removes a group and those below it. The kernel takes a moment to
// let go of processes that have just died, so it is tried for a while.
func removeCgroup(tree string) error {
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		var dirs []string
		filepath.WalkDir(tree, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				dirs = append(dirs, path)
			}
			return nil
		})
		for _, dir := range slices.Backward(dirs) { // children first
			killGroup(dir)
			os.Remove(dir)
		}
		if _, err := os.Stat(tree); errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("control group %s is still in use", tree)
		}
	}
}

// killGroup ends what is left in one of the lab's own groups.
func killGroup(dir string) {
	data, _ := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
	for _, field := range strings.Fields(string(data)) {
		pid, err := strconv.Atoi(field)
		if err != nil || pid <= 0 {
			continue
		}
		if start, _, err := processStat(pid); err == nil {
			process{pid, start}.kill()
		}
	}
}
