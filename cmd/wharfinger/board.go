package main

import (
	"fmt"
	"io"
	"os"
	"sync"

	"golang.org/x/term"
)

// board shows what becomes of each node during a rollout: on a terminal as a
// table that is written over, elsewhere, and where a table is higher than the
// terminal, as a line for each change.
type board struct {
	mu    sync.Mutex
	out   io.Writer
	size  func() (width, height int) // of the terminal; 0 where there is none
	plain bool                       // once a table did not fit
	rows  []row
}

type row struct{ proxy, node, state string }

func newBoard(out io.Writer) *board {
	return &board{out: out, size: func() (width, height int) {
		if f, ok := out.(*os.File); ok {
			width, height, _ = term.GetSize(int(f.Fd())) // 0 where it is no terminal
		}
		return width, height
	}}
}

func (b *board) set(proxy, node, state string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	before, known := len(b.rows), false
	for i := range b.rows {
		if b.rows[i].proxy == proxy && b.rows[i].node == node {
			b.rows[i].state, known = state, true
		}
	}
	if !known {
		b.rows = append(b.rows, row{proxy, node, state})
	}
	width, height := b.size()
	b.plain = b.plain || len(b.rows) > height-2
	if b.plain {
		fmt.Fprintf(b.out, "%s: %s %s\n", proxy, node, state)
		return
	}
	if before > 0 {
		fmt.Fprintf(b.out, "\x1b[%dA", before) // back to the first row
	}
	column := 0
	for _, r := range b.rows {
		column = max(column, len(r.proxy)+len(r.node))
	}
	for _, r := range b.rows {
		line := fmt.Sprintf("%s: %-*s  %s", r.proxy, column-len(r.proxy), r.node, r.state)
		fmt.Fprintf(b.out, "\x1b[K%s\n", cut(line, width))
	}
}

// cut keeps a line within the terminal's width: one that wraps would be two rows.
func cut(line string, width int) string {
	if runes := []rune(line); len(runes) > width {
		return string(runes[:width])
	}
	return line
}
