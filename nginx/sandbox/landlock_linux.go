package sandbox

import (
	"errors"
	"path/filepath"
	"unsafe"

	"golang.org/x/sys/unix"
)

// landlockVersion is what the kernel has of Landlock; 0 is nothing.
func landlockVersion() int {
	version, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 {
		return 0
	}
	return int(version)
}

// Rights for files, and what folders have besides.
const (
	mayExecute = unix.LANDLOCK_ACCESS_FS_EXECUTE | unix.LANDLOCK_ACCESS_FS_READ_FILE
	mayRead    = unix.LANDLOCK_ACCESS_FS_READ_FILE
	mayWrite   = unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_WRITE_FILE
	mayList    = unix.LANDLOCK_ACCESS_FS_READ_DIR

	all = 1<<13 - 1 // of the first version
)

// visible is what a program needs of a system besides its own folder: programs,
// libraries and the configuration of OpenSSL, which gives up where it may not read
// it. Private keys that lie there nobody may read.
var visible = map[uint64][]string{
	mayExecute | mayList: {"/bin", "/lib", "/lib32", "/lib64", "/nix/store", "/opt", "/sbin", "/usr"},
	mayRead | mayList:    {"/etc/crypto-policies", "/etc/pki/tls", "/etc/ssl"},
	mayRead:              {"/dev/random", "/dev/urandom", "/etc/hosts", "/etc/ld.so.cache", "/etc/nsswitch.conf", "/etc/resolv.conf"},
	mayWrite:             {"/dev/null"},
}

// landlock leaves this thread, and what it becomes, the visible part of the file
// system, the program's folder and the one to write to, and takes connections and
// signals to others away, as far as the kernel can (landlock(7)).
func landlock(folder, program string) error {
	version := landlockVersion()
	if version == 0 {
		return nil
	}
	handled := unix.LandlockRulesetAttr{Handled_access_fs: all}
	for _, more := range []struct {
		since  int
		rights *uint64
		right  uint64
	}{
		{2, &handled.Handled_access_fs, unix.LANDLOCK_ACCESS_FS_REFER},
		{3, &handled.Handled_access_fs, unix.LANDLOCK_ACCESS_FS_TRUNCATE},
		{4, &handled.Handled_access_net, unix.LANDLOCK_ACCESS_NET_CONNECT_TCP},
		{5, &handled.Handled_access_fs, unix.LANDLOCK_ACCESS_FS_IOCTL_DEV},
		{6, &handled.Scoped, unix.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET | unix.LANDLOCK_SCOPE_SIGNAL},
	} {
		if version >= more.since {
			*more.rights |= more.right
		}
	}
	rules, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&handled)), unsafe.Sizeof(handled), 0)
	if errno != 0 {
		return errno
	}
	allow := func(path string, rights uint64) error {
		fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
		if err != nil {
			return nil // it is not there
		}
		beneath := unix.LandlockPathBeneathAttr{Allowed_access: rights & handled.Handled_access_fs, Parent_fd: int32(fd)}
		_, _, errno := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, rules, unix.LANDLOCK_RULE_PATH_BENEATH, uintptr(unsafe.Pointer(&beneath)), 0, 0, 0)
		if errno != 0 {
			return errors.New(path + ": " + errno.Error())
		}
		return nil
	}
	for rights, paths := range visible {
		for _, path := range paths {
			if err := allow(path, rights); err != nil {
				return err
			}
		}
	}
	program, err := filepath.EvalSymlinks(program)
	if err != nil {
		return err
	}
	if err := allow(filepath.Dir(program), mayExecute|mayList); err != nil {
		return err
	}
	if err := allow(folder, handled.Handled_access_fs); err != nil {
		return err
	}
	if _, _, errno := unix.Syscall(unix.SYS_LANDLOCK_RESTRICT_SELF, rules, 0, 0); errno != 0 {
		return errno
	}
	return nil
}
