package lab

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// lookAround lists all that a lab could leave behind on this machine. Other
// labs may come and go meanwhile, so what is theirs by their plans is left out.
func lookAround(t *testing.T) []string {
	t.Helper()
	var seen []string
	see := func(kind, what string) { seen = append(seen, kind+" "+what) }

	links, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, link := range links {
		see("link", link.Name)
	}
	for _, file := range []string{"/proc/self/mountinfo", "/proc/self/net/route"} {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(data)) {
			see(file, strings.TrimSpace(line))
		}
	}
	for _, command := range [][]string{{"iptables-save"}, {"ip", "netns"}} {
		out, err := exec.Command(command[0], command[1:]...).Output()
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(out)) {
			if !strings.HasPrefix(line, "#") { // time stamps
				see(command[0], strings.TrimSpace(line))
			}
		}
	}
	for _, pattern := range []string{"/sys/fs/cgroup/*/*/", "/sys/fs/cgroup/*/wharfinger-lab/*/", baseDir + "/*", "/run/netns/*"} {
		found, _ := filepath.Glob(pattern)
		for _, path := range found {
			see("file", path)
		}
	}
	// Processes that have a lab's directory in their arguments or mounts.
	procs, _ := filepath.Glob("/proc/[0-9]*")
	for _, proc := range procs {
		args, _ := os.ReadFile(proc + "/cmdline")
		mounts, _ := os.ReadFile(proc + "/mounts")
		for _, text := range []string{string(args), string(mounts)} {
			if i := strings.Index(text, baseDir+"/"); i >= 0 {
				name, _, _ := strings.Cut(text[i+len(baseDir)+1:], "/")
				see("process", fmt.Sprintf("%s of %s/%s", proc, baseDir, name))
			}
		}
	}
	return withoutOthers(t, seen)
}

// withoutOthers leaves out lines that belong to labs that are there right now.
func withoutOthers(t *testing.T, seen []string) []string {
	names, err := Names()
	if err != nil {
		t.Fatal(err)
	}
	var theirs []string
	for _, name := range names {
		if p, err := readPlan(name); err == nil {
			theirs = append(theirs, p.Bridge, p.dir(), p.Cgroup)
		}
	}
	return slices.DeleteFunc(seen, func(line string) bool {
		if len(names) > 0 && (strings.HasSuffix(line, baseDir) || strings.HasSuffix(line, "/wharfinger-lab/")) {
			return true
		}
		return slices.ContainsFunc(theirs, func(s string) bool { return strings.Contains(line, s) })
	})
}

// compare fails if there is more now than there was before. The kernel and
// processes that end by themselves get two seconds.
func compare(t *testing.T, before []string) {
	t.Helper()
	var more []string
	for end := time.Now().Add(2 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		more = slices.DeleteFunc(lookAround(t), func(line string) bool { return slices.Contains(before, line) })
		if len(more) == 0 {
			return
		}
	}
	t.Errorf("left behind:\n%s", strings.Join(more, "\n"))
}

// processesOf lists every process in a lab's process namespaces and those below.
func processesOf(t *testing.T, l *Lab) []process {
	t.Helper()
	roots := map[int]bool{}
	for _, n := range l.Nodes() {
		roots[n.Pid()] = true
	}
	var found []process
	procs, _ := filepath.Glob("/proc/[0-9]*")
	for _, proc := range procs {
		pid, _ := strconv.Atoi(filepath.Base(proc))
		for up := pid; up > 1; {
			if roots[up] {
				start, _, err := processStat(pid)
				if err == nil {
					found = append(found, process{pid, start})
				}
				break
			}
			data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", up))
			if err != nil {
				break
			}
			_, rest, _ := strings.Cut(string(data), "PPid:")
			parent, _, _ := strings.Cut(strings.TrimSpace(rest), "\n")
			up, _ = strconv.Atoi(parent)
		}
	}
	return found
}
