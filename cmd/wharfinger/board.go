package main

import (
	"fmt"
	"io"
	"os"
	"sync"

	"golang.org/x/term"
)

// board shows what becomes of each node during a rollout: on a terminal as a
// table that is written over, elsewhere as a line for each change.
type board struct {
	mu       sync.Mutex
	out      io.Writer
	terminal bool
	rows     []row
}

type row struct{ proxy, node, state string }

func newBoard(out io.Writer) *board {
	f, ok := out.(*os.File)
	return &board{out: out, terminal: ok && term.IsTerminal(int(f.Fd()))}
}

func (b *board) set(proxy, node, state string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.terminal {
		fmt.Fprintf(b.out, "%s: %s %s\n", proxy, node, state)
		return
	}
	if len(b.rows) > 0 {
		fmt.Fprintf(b.out, "\x1b[%dA", len(b.rows)) // back to the first row
	}
	known := false
	for i := range b.rows {
		if b.rows[i].proxy == proxy && b.rows[i].node == node {
			b.rows[i].state, known = state, true
		}
	}
	if !known {
		b.rows = append(b.rows, row{proxy, node, state})
	}
	width := 0
	for _, r := range b.rows {
		width = max(width, len(r.proxy)+len(r.node))
	}
	for _, r := range b.rows {
		fmt.Fprintf(b.out, "\x1b[K%s: %-*s  %s\n", r.proxy, width-len(r.proxy), r.node, r.state)
	}
}
