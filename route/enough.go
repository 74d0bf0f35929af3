package route

import (
	"fmt"
	"reflect"
)

// Who may push could have the memory of those who read. So there is an end to
// what a revision takes and to what is told of it.
const (
	mostProblems = 500
	mostMemory   = 512 << 20 // bytes; some 60,000 routes
)

// full reports whether there is enough: reading on would cost time and memory,
// and tell nobody more.
func (d *decoder) full() bool {
	return d.before+len(d.problems) >= mostProblems || d.taken > mostMemory
}

// take counts what is about to be made, and reports whether it may be.
func (d *decoder) take(n int, of reflect.Type) bool {
	d.taken += uintptr(n) * of.Size()
	return !d.full()
}

// tooMuch tells why what comes behind is not told.
func tooMuch(taken uintptr) Problem {
	if taken > mostMemory {
		return Problem{Pos: Pos{File: "."}, Text: fmt.Sprintf("to read all of this takes more than %d MiB of memory", mostMemory>>20), Hint: "make several repositories of it, for proxies of their own"}
	}
	return Problem{Pos: Pos{File: "."}, Text: fmt.Sprintf("there are more problems than these %d", mostProblems), Hint: "mend some of them first"}
}
