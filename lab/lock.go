package lab

import (
	"context"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// lockDir takes an exclusive lock on a directory that exists, waiting for it
// as long as ctx allows. The lock is the kernel's: it goes when the returned
// file is closed in this process and in those that inherited it, however they end.
func lockDir(ctx context.Context, dir string) (*os.File, error) {
	for {
		f, err := os.Open(dir)
		if err != nil {
			return nil, err
		}
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			// The directory may have been removed, and made again, in between.
			held, err1 := f.Stat()
			there, err2 := os.Stat(dir)
			if err1 == nil && err2 == nil && os.SameFile(held, there) {
				return f, nil
			}
		}
		f.Close()
		if err != nil && err != unix.EWOULDBLOCK {
			return nil, fmt.Errorf("lock %s: %w", dir, err)
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("%s: another process works on it: %w", dir, ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}
