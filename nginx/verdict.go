package nginx

import (
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"unicode/utf8"

	"github.com/wharfinger/wharfinger/generator"
)

// verdict is the error for a test that failed: *Refused where it lies in the
// files. said is what nginx said of it.
func (t Tester) verdict(shards []generator.Shard, said string, lacks []string, err error) error {
	refused := func(c generator.Complaint) error { return &Refused{About: []generator.Complaint{c}} }
	exit, ran := errors.AsType[*exec.ExitError](err)
	if !ran {
		return fmt.Errorf("run nginx -t: %w", err)
	}
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		switch signal := status.Signal(); signal {
		case syscall.SIGXCPU:
			return refused(generator.Complaint{Text: fmt.Sprintf("it computes for more than %s", t.limited().CPU), Hint: "look for sizes of hash tables that are too large"})
		case syscall.SIGXFSZ:
			return refused(generator.Complaint{Text: fmt.Sprintf("it writes a file of more than %d bytes", t.limited().File), Hint: "leave out what has it written"})
		case syscall.SIGSEGV, syscall.SIGBUS, syscall.SIGABRT, syscall.SIGFPE, syscall.SIGILL:
			return refused(generator.Complaint{Text: fmt.Sprintf("it breaks (%s)", signal), Hint: "leave out what came last, and tell nginx's developers"})
		}
	}
	// Without this line, nginx has not even begun.
	if !strings.Contains(said, " test failed\n") {
		return fmt.Errorf("run nginx -t: %v: %s", err, lastLine(said))
	}
	c := gravest(said, shards)
	switch {
	case len(lacks) > 0 && bindFailed.MatchString(c.Text):
		return fmt.Errorf("nginx -t cannot listen: %s; it lacks %s", c.Text, strings.Join(lacks, "; "))
	case strings.Contains(c.Text, "(12: Cannot allocate memory)"):
		c.Hint = fmt.Sprintf("nginx -t may take %s of memory, and %s with all shared zones; make the sizes smaller", ofSize(t.limited().Memory), ofSize(t.limited().Address))
	}
	return refused(c)
}

// ofSize writes a size as nginx does.
func ofSize(n uint64) string {
	for _, unit := range []string{"", "k", "m"} {
		if n < 1<<10 || n%(1<<10) != 0 {
			return fmt.Sprintf("%d%s", n, unit)
		}
		n >>= 10
	}
	return fmt.Sprintf("%dg", n)
}

// bindFailed is a listener that is not the files' fault where others listen, too.
var bindFailed = regexp.MustCompile(`^bind\(\) to .* failed \(`)

// mark is what nginx starts a line with: once before it has read where its log
// is, and once after.
var mark = regexp.MustCompile(`(?m)^(?:nginx: |[0-9/]{10} [0-9:]{8} )\[([a-z]+)\] (?:\d+#\d+: )?`)

// gravest is the first of the gravest things that nginx said: it ends there, and
// what it still says follows from it.
func gravest(said string, shards []generator.Shard) generator.Complaint {
	at := mark.FindAllStringSubmatchIndex(said, -1)
	for _, level := range []string{"emerg", "alert", "crit", "error"} {
		for i, m := range at {
			if said[m[2]:m[3]] != level {
				continue
			}
			end := len(said)
			if i+1 < len(at) {
				end = at[i+1][0]
			}
			return complaint(said[m[1]:end], shards)
		}
	}
	return complaint(lastLine(said), shards)
}

// complaint reads one. What a file says that is none of ours is not told: nginx
// quotes what it does not understand.
func complaint(text string, shards []generator.Shard) generator.Complaint {
	text, _, _ = strings.Cut(text, "\nnginx: configuration file ")
	words, path, line := placed(strings.TrimSpace(text))
	switch {
	case path == "":
		return generator.Complaint{Text: oneLine(words)}
	case !slices.ContainsFunc(shards, func(s generator.Shard) bool { return s.Path == path }):
		return generator.Complaint{Text: fmt.Sprintf("it does not take what stands in %s", oneLine(path)), Hint: "leave out what leads there"}
	}
	path, line = generator.Locate(shards, path, line)
	return generator.Complaint{Path: path, Line: line, Text: oneLine(words)}
}

// placeForm is the end of a complaint about a place in a file.
var placeForm = regexp.MustCompile(`(?s)^(.*?),? in ([^\s"]+):(\d{1,9})$`)

// placed takes the place off a complaint; its path is empty where there is none.
func placed(text string) (words, path string, line int) {
	m := placeForm.FindStringSubmatch(text)
	if m == nil {
		return text, "", 0
	}
	line, _ = strconv.Atoi(m[3]) // at most nine digits
	return m[1], m[2], line
}

// oneLine keeps what nginx quotes at one line that can be read.
func oneLine(text string) string {
	const most = 500
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 127 {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	if len(text) > most {
		cut := most
		for !utf8.RuneStart(text[cut]) {
			cut--
		}
		text = text[:cut] + "…"
	}
	return text
}

func lastLine(said string) string {
	said = strings.TrimSpace(said)
	return oneLine(said[strings.LastIndexByte(said, '\n')+1:])
}
