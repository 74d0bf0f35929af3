package nginx

import (
	"os"
	"syscall"
)

const (
	nobodyID          = 65534 // the user and group that own nothing
	capNetBindService = 10    // linux/capability.h: bind ports below 1024
)

// confinements lists ways to start nginx, the safest first. Each runs it as a
// user that owns nothing and may do nothing beyond binding the ports of the
// files; the first also takes the network away.
func confinements() []*syscall.SysProcAttr {
	if os.Geteuid() == 0 {
		nobody := &syscall.Credential{Uid: nobodyID, Gid: nobodyID}
		caps := []uintptr{capNetBindService}
		return []*syscall.SysProcAttr{
			{Credential: nobody, AmbientCaps: caps, Cloneflags: syscall.CLONE_NEWNET},
			{Credential: nobody, AmbientCaps: caps},
			{Credential: nobody},
		}
	}
	return []*syscall.SysProcAttr{
		{
			Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET,
			UidMappings: []syscall.SysProcIDMap{{ContainerID: os.Geteuid(), HostID: os.Geteuid(), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{ContainerID: os.Getegid(), HostID: os.Getegid(), Size: 1}},
			AmbientCaps: []uintptr{capNetBindService},
		},
		nil,
	}
}

func own(dir string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	return os.Chown(dir, nobodyID, nobodyID)
}
