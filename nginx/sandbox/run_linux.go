package sandbox

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	nobodyID          = 65534 // the user and group that own nothing
	capNetBindService = 10    // linux/capability.h: bind ports below 1024
)

// way is a way to start a program.
type way struct {
	attr syscall.SysProcAttr
	// lacks is what the system has denied the ways before this one.
	lacks []string
}

const (
	noNetwork  = "a network of its own (CAP_SYS_ADMIN, or user namespaces)"
	noPorts    = "ports below 1024 (CAP_NET_BIND_SERVICE)"
	noLandlock = "a file system of its own (Landlock, Linux 5.13)"
)

// ways lists the ways to start a program, the safest first.
func ways() []way {
	const alone = syscall.CLONE_NEWNET | syscall.CLONE_NEWIPC
	bind := []uintptr{capNetBindService}
	if os.Geteuid() == 0 {
		nobody := &syscall.Credential{Uid: nobodyID, Gid: nobodyID}
		return []way{
			{syscall.SysProcAttr{Credential: nobody, AmbientCaps: bind, Cloneflags: alone}, nil},
			{syscall.SysProcAttr{Credential: nobody, AmbientCaps: bind}, []string{noNetwork}},
			{syscall.SysProcAttr{Credential: nobody}, []string{noNetwork, noPorts}},
		}
	}
	uid, gid := os.Geteuid(), os.Getegid()
	return []way{
		{syscall.SysProcAttr{AmbientCaps: bind, Cloneflags: alone | syscall.CLONE_NEWUSER,
			UidMappings: []syscall.SysProcIDMap{{ContainerID: uid, HostID: uid, Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{ContainerID: gid, HostID: gid, Size: 1}}}, nil},
		{syscall.SysProcAttr{}, []string{noNetwork, noPorts}},
	}
}

// Run runs a command to its end and returns the last 64 KiB of what it said on
// standard error, and in words what its sandbox lacks because the system denies
// it. The error is a *exec.ExitError where the program failed, or a LateError.
//
// A process may lower the limits of another user's only with a power that
// containers do not have (CAP_SYS_RESOURCE), but always its own. So this program
// starts itself again, lowers what it has, and then becomes the other one.
func Run(ctx context.Context, c Command) (said []byte, lacks []string, err error) {
	late := LateError{c.Limits.Time}
	ctx, cancel := context.WithTimeoutCause(ctx, c.Limits.Time, late)
	defer cancel()
	// The death of the thread that starts a process counts as its parent's.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for _, w := range ways() {
		var started bool
		said, started, err = run(ctx, c, w.attr)
		if !started {
			continue
		}
		if landlockVersion() == 0 {
			w.lacks = append(w.lacks, noLandlock)
		}
		if err != nil && ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return said, w.lacks, err
	}
	return nil, nil, err
}

func run(ctx context.Context, c Command, attr syscall.SysProcAttr) (said []byte, started bool, err error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, false, err
	}
	defer read.Close()
	defer write.Close()
	if attr.Credential != nil { // or it could not open /dev/stderr
		if err := write.Chown(int(attr.Credential.Uid), int(attr.Credential.Gid)); err != nil {
			return nil, false, err
		}
	}
	attr.Pdeathsig = syscall.SIGKILL
	cmd := exec.CommandContext(ctx, "/proc/self/exe")
	cmd.Args = c.order()
	cmd.Env, cmd.Dir, cmd.Stderr, cmd.SysProcAttr = []string{}, c.Folder, write, &attr
	if err := cmd.Start(); err != nil {
		return nil, false, err
	}
	write.Close()
	var end tail
	all := make(chan struct{})
	go func() {
		io.Copy(&end, read)
		close(all)
	}()
	err = cmd.Wait()
	read.SetReadDeadline(time.Now().Add(time.Second)) // nobody else has the other end
	<-all
	return end.data, true, err
}

// confined is the name under which this program is started to become another one.
const confined = "wharfinger-confined"

// order is how this program is started then.
func (c Command) order() []string {
	out := []string{confined}
	for _, n := range []uint64{c.Limits.Memory, c.Limits.Address, uint64(c.Limits.CPU / time.Second), c.Limits.File} {
		out = append(out, strconv.FormatUint(n, 10))
	}
	return append(append(out, c.Folder, c.Program), c.Args...)
}

// This package imports little, so that it comes before those that take long to
// get ready.
func init() {
	if os.Args[0] != confined {
		return
	}
	err := become(os.Args[1:5], os.Args[5], os.Args[6:])
	os.Stderr.WriteString(confined + ": " + err.Error() + "\n")
	os.Exit(125)
}

// become returns only where it fails.
func become(limits []string, folder string, command []string) error {
	// Where memory runs out, this process goes first. It may be denied.
	os.WriteFile("/proc/self/oom_score_adj", []byte("1000"), 0)
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return err
	}
	for _, f := range open {
		if fd, err := strconv.Atoi(f.Name()); err == nil && fd > 2 {
			unix.CloseOnExec(fd)
		}
	}
	for i, resource := range []int{unix.RLIMIT_DATA, unix.RLIMIT_AS, unix.RLIMIT_CPU, unix.RLIMIT_FSIZE} {
		most, err := strconv.ParseUint(limits[i], 10, 64)
		if err != nil {
			return err
		}
		limit := unix.Rlimit{Cur: most, Max: most}
		if resource == unix.RLIMIT_CPU {
			limit.Max++ // at the first one it gets SIGXCPU, at the other SIGKILL
		}
		if err := unix.Setrlimit(resource, &limit); err != nil {
			return errors.New("limit " + strconv.Itoa(resource) + ": " + err.Error())
		}
	}
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		return errors.New("no core: " + err.Error())
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return errors.New("no new privileges: " + err.Error())
	}
	if err := landlock(folder, command[0]); err != nil {
		return errors.New("Landlock: " + err.Error())
	}
	return replace(command)
}

// replace becomes a command that can start no process. Without one, Go's runtime
// cannot make a thread either: so nothing else may run between the two calls.
func replace(command []string) error {
	path, err := unix.BytePtrFromString(command[0])
	if err != nil {
		return err
	}
	args, err := syscall.SlicePtrFromStrings(command)
	if err != nil {
		return err
	}
	environment, none := []*byte{nil}, unix.Rlimit{}
	runtime.GOMAXPROCS(1)
	_, _, errno := unix.RawSyscall6(unix.SYS_PRLIMIT64, 0, unix.RLIMIT_NPROC, uintptr(unsafe.Pointer(&none)), 0, 0, 0)
	if errno == 0 {
		_, _, errno = unix.RawSyscall(unix.SYS_EXECVE, uintptr(unsafe.Pointer(path)), uintptr(unsafe.Pointer(&args[0])), uintptr(unsafe.Pointer(&environment[0])))
	}
	return errors.New(command[0] + ": " + errno.Error())
}

func own(path string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	return os.Chown(path, nobodyID, nobodyID)
}
