// Package sandbox runs a program on input that nobody trusts.
//
// The program has its own folder to write to, an empty environment, nothing on its
// standard input and no other open file. It runs as nobody, or as the user who
// asks where that is not root, can bind ports and gain no other power, starts no
// process, leaves no core and ends with the one who asks. Limits bound what it
// takes. Where the kernel allows it, it has an empty network of its own and sees
// the programs and libraries of the system and its folder, but no other file.
package sandbox

import (
	"fmt"
	"time"
)

// Command is what is run.
type Command struct {
	// Program is an absolute path, and Args what stands behind it.
	Program string
	Args    []string
	// Folder may be written to. The program runs in it.
	Folder string
	Limits Limits
}

// Limits are what a program may take.
type Limits struct {
	// Memory is its own memory in bytes (RLIMIT_DATA), Address that and what it
	// shares or has mapped (RLIMIT_AS).
	Memory, Address uint64
	// CPU is the time that it computes, in whole seconds (RLIMIT_CPU).
	CPU time.Duration
	// File is the size in bytes of each file that it writes (RLIMIT_FSIZE).
	File uint64
	// Time is how long it may take by the clock.
	Time time.Duration
}

// LateError says that a program was ended because it took too long by the clock.
type LateError struct{ Limit time.Duration }

func (e LateError) Error() string { return fmt.Sprintf("it did not end within %s", e.Limit) }

// Own makes a file or folder that of the user whom programs run as.
func Own(path string) error { return own(path) }

// tail keeps the end of what is written to it.
type tail struct{ data []byte }

const longestTail = 64 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.data = append(t.data, p...)
	if over := len(t.data) - longestTail; over > 0 {
		t.data = append(t.data[:0], t.data[over:]...)
	}
	return len(p), nil
}
