package sandbox_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/wharfinger/wharfinger/nginx/sandbox"
)

// asked is in the environment of this test's program where it is started to run
// one script and tell what it lacks.
const asked = "SANDBOX_SCRIPT"

func TestMain(m *testing.M) {
	if script := os.Getenv(asked); script != "" {
		said, lacks, err := sandbox.Run(context.Background(), sandbox.Command{
			Program: script, Folder: filepath.Dir(script), Limits: wide,
		})
		fmt.Printf("%sand %v, lacking %s\n", said, err, strings.Join(lacks, ", "))
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// wide are limits that no script of these tests meets by chance.
var wide = sandbox.Limits{Memory: 1 << 30, Address: 2 << 30, CPU: 20 * time.Second, File: 1 << 20, Time: time.Minute}

// script is a folder with a program, both of which anybody can reach.
func script(t *testing.T, text string) (program, folder string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("another user is wanted, which takes root")
	}
	folder, err := os.MkdirTemp("", "sandbox-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	program = filepath.Join(folder, "program")
	if err := errors.Join(os.Chmod(folder, 0o755), os.WriteFile(program, []byte("#!/bin/sh\n"+text+"\n"), 0o755), sandbox.Own(folder)); err != nil {
		t.Fatal(err)
	}
	return program, folder
}

func run(t *testing.T, text string, limits sandbox.Limits) (string, error) {
	t.Helper()
	program, folder := script(t, text)
	said, lacks, err := sandbox.Run(t.Context(), sandbox.Command{Program: program, Folder: folder, Limits: limits})
	if lacks != nil {
		t.Errorf("the sandbox lacks %q", lacks)
	}
	return string(said), err
}

// TestSeenFromOutside looks at a program that runs.
func TestSeenFromOutside(t *testing.T) {
	program, folder := script(t, "while :; do :; done")
	// Somebody has left a file open for those who come after.
	left, err := syscall.Open("/etc/hostname", syscall.O_RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(left)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		_, _, err := sandbox.Run(ctx, sandbox.Command{Program: program, Folder: folder, Limits: wide})
		ended <- err
	}()
	proc := processIn(t, folder, program)
	read := func(name string) string {
		data, err := os.ReadFile(filepath.Join(proc, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	for _, c := range []struct{ file, want string }{
		{"status", `\nUid:\t65534\t65534\t65534\t65534\n`},
		{"status", `\nGid:\t65534\t65534\t65534\t65534\n`},
		{"status", `\nGroups:\s*\n`},
		{"status", `\nCapPrm:\t0{13}400\n`}, // CAP_NET_BIND_SERVICE
		{"status", `\nNoNewPrivs:\t1\n`},
		{"limits", `\nMax data size +1073741824 +1073741824 `},
		{"limits", `\nMax address space +2147483648 +2147483648 `},
		{"limits", `\nMax cpu time +20 +21 `},
		{"limits", `\nMax file size +1048576 +1048576 `},
		{"limits", `\nMax processes +0 +0 `},
		{"limits", `\nMax core file size +0 +0 `},
		{"environ", `^$`},
		{"oom_score_adj", `^1000\n$`},
		{"net/dev", `^(.*\n){2} +lo:.*\n$`},
	} {
		if text := read(c.file); !regexp.MustCompile(c.want).MatchString(text) {
			t.Errorf("%s: got\n%s\nwant %s", c.file, text, c.want)
		}
	}
	var open []string
	fds, err := os.ReadDir(filepath.Join(proc, "fd"))
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		to, err := os.Readlink(filepath.Join(proc, "fd", fd.Name()))
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, fd.Name()+" "+strings.TrimRight(to, "0123456789[]"))
	}
	if want := []string{"0 /dev/null", "1 /dev/null", "10 " + program, "2 pipe:"}; !slices.Equal(open, want) {
		t.Errorf("open files: got %q, want %q", open, want)
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("a run that is ended: got %v", err)
	}
	if _, err := os.Stat(proc); err == nil {
		t.Error("the program goes on when its run is over")
	}
}

// processIn waits for the process that runs a program in a folder.
func processIn(t *testing.T, folder, program string) string {
	t.Helper()
	for range 500 {
		all, err := filepath.Glob("/proc/[0-9]*/cwd")
		if err != nil {
			t.Fatal(err)
		}
		for _, cwd := range all {
			proc := filepath.Dir(cwd)
			line, _ := os.ReadFile(filepath.Join(proc, "cmdline"))
			if to, _ := os.Readlink(cwd); to == folder && strings.HasPrefix(string(line), "/bin/sh\x00"+program) {
				return proc
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("the program does not run")
	return ""
}

// TestSeenFromInside has a program try what it must not be able to.
func TestSeenFromInside(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	for dir := filepath.Dir(secret); dir != os.TempDir(); dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(secret, []byte("secret\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	// The shell itself does all of this, for it can start nobody.
	said, err := run(t, `try() { { read -r line && echo "$1 can be read" >&2; } < $1; }
		try program; try /etc/hosts; try /etc/passwd; try /proc/self/status; try `+secret+`
		true > mine && echo mine is written >&2
		true > `+filepath.Dir(secret)+`/written
		true > /dev/shm/written
		read -r line || echo nothing on standard input >&2
		cd /root || echo no way there >&2
		( : )`, wide)
	want := []string{"program can be read", "/etc/hosts can be read", "mine is written", "nothing on standard input", "no way there"}
	var got []string
	for line := range strings.Lines(said) {
		if !strings.HasPrefix(line, "/") || strings.HasSuffix(line, "can be read\n") {
			got = append(got, strings.TrimSpace(line))
		}
	}
	if !slices.Equal(got, want) || strings.Count(said, "Permission denied") != 5 {
		t.Errorf("got %q of\n%s\nwant %q, and five denials", got, said, want)
	}
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 2 || !strings.Contains(said, "Cannot fork") {
		t.Errorf("a program starts another one: got %v, and %s", err, said)
	}
}

func TestLimits(t *testing.T) {
	const spin = "while :; do :; done"
	for _, c := range []struct {
		name, text string
		lower      func(*sandbox.Limits)
		signal     syscall.Signal // 0 for none
		said       string
	}{
		{"none", "echo fine >&2; exit 3", func(*sandbox.Limits) {}, 0, "fine\n"},
		{"CPU", spin, func(l *sandbox.Limits) { l.CPU = time.Second }, syscall.SIGXCPU, ""},
		{"file", "while :; do echo 0123456789abcdef; done > file", func(l *sandbox.Limits) { l.File = 10000 }, syscall.SIGXFSZ, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			limits := wide
			c.lower(&limits)
			said, err := run(t, c.text, limits)
			exit, ok := errors.AsType[*exec.ExitError](err)
			if !ok {
				t.Fatalf("got %v, want that the program failed", err)
			}
			if got := exit.Sys().(syscall.WaitStatus); got.Signaled() != (c.signal != 0) || got.Signaled() && got.Signal() != c.signal || !strings.Contains(said, c.said) {
				t.Errorf("got %v, saying %q", err, said)
			}
		})
	}
	t.Run("time", func(t *testing.T) {
		limits := wide
		limits.Time = 300 * time.Millisecond
		if _, err := run(t, spin, limits); err != error(sandbox.LateError{Limit: limits.Time}) {
			t.Errorf("got %v, want that it is late", err)
		}
	})
	t.Run("output", func(t *testing.T) {
		said, err := run(t, `i=0; while [ $i -lt 20000 ]; do i=$((i+1)); echo $i >&2; done`, wide)
		if err != nil || len(said) != 64<<10 || !strings.HasSuffix(said, "\n19999\n20000\n") {
			t.Errorf("got %v and %d bytes that end with %q", err, len(said), said[max(0, len(said)-20):])
		}
	})
}

// TestDenied runs where the system denies a part of the sandbox, as containers do,
// and as a user who is not root.
func TestDenied(t *testing.T) {
	for _, c := range []struct {
		name string
		as   []string
		want string
	}{
		{"root", nil, "fine\nand <nil>, lacking \n"},
		{"a container's root", []string{"--bounding-set", "-sys_admin,-sys_resource,-sys_ptrace"},
			"fine\nand <nil>, lacking a network of its own (CAP_SYS_ADMIN, or user namespaces)\n"},
		{"a container's root, with less", []string{"--bounding-set", "-sys_admin,-net_bind_service"},
			"fine\nand <nil>, lacking a network of its own (CAP_SYS_ADMIN, or user namespaces), ports below 1024 (CAP_NET_BIND_SERVICE)\n"},
		{"a user", []string{"--reuid", "65534", "--regid", "65534", "--clear-groups"}, "fine\nand <nil>, lacking \n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			program, folder := script(t, "echo fine >&2")
			own := filepath.Join(folder, "test")
			if err := copyOf(own, "/proc/self/exe"); err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), own)
			if c.as != nil {
				cmd = exec.CommandContext(t.Context(), "setpriv", append(c.as, own)...)
			}
			cmd.Env = []string{asked + "=" + program}
			out, err := cmd.CombinedOutput()
			if err != nil || string(out) != c.want {
				t.Errorf("got %v and\n%s\nwant\n%s", err, out, c.want)
			}
		})
	}
}

func copyOf(to, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
