//go:build !linux

package nginx

import "syscall"

// confinements has nothing to offer here: nginx runs as the user who asks.
func confinements() []*syscall.SysProcAttr { return []*syscall.SysProcAttr{nil} }

func own(string) error { return nil }
