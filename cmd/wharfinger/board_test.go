package main

import (
	"bytes"
	"strings"
	"testing"
)

func TestBoard(t *testing.T) {
	for _, c := range []struct {
		name          string
		width, height int
		want          string
	}{
		{"no terminal", 0, 0, "edge: lb-00 starting\nedge: lb-01 pending\nedge: lb-00 running\n"},
		{"terminal", 80, 24, "\x1b[Kedge: lb-00  starting\n" +
			"\x1b[1A\x1b[Kedge: lb-00  starting\n\x1b[Kedge: lb-01  pending\n" +
			"\x1b[2A\x1b[Kedge: lb-00  running\n\x1b[Kedge: lb-01  pending\n"},
		{"narrow", 15, 4, "\x1b[Kedge: lb-00  st\n" +
			"\x1b[1A\x1b[Kedge: lb-00  st\n\x1b[Kedge: lb-01  pe\n" +
			"\x1b[2A\x1b[Kedge: lb-00  ru\n\x1b[Kedge: lb-01  pe\n"},
		{"low", 80, 3, "\x1b[Kedge: lb-00  starting\nedge: lb-01 pending\nedge: lb-00 running\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out bytes.Buffer
			b := newBoard(&out)
			if c.height > 0 {
				b.size = func() (int, int) { return c.width, c.height }
			}
			b.set("edge", "lb-00", "starting")
			b.set("edge", "lb-01", "pending")
			b.set("edge", "lb-00", "running")
			if got := out.String(); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", strings.ReplaceAll(got, "\x1b", "ESC"), strings.ReplaceAll(c.want, "\x1b", "ESC"))
			}
		})
	}
}
