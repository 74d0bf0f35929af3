package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/wharfinger/wharfinger/lab"
)

// A command is one of a page of the documentation, as a terminal shows it there:
// the prompt, which names the node, what is typed, and what is printed.
type command struct {
	line    int    // of the page, from 1 on
	heading string // that it stands below
	node    string
	text    string
	shows   string
}

var prompt = regexp.MustCompile(`^([a-z0-9-]+)\$ (.+)$`)

// readPage returns the commands in a page's blocks of the language console.
func readPage(page string) []command {
	var (
		commands []command
		heading  string
		inside   bool   // of a console block
		typed    bool   // the line continues what is typed
		until    string // the end of a here-document
	)
	for i, line := range strings.Split(page, "\n") {
		m := prompt.FindStringSubmatch(line)
		last := len(commands) - 1
		switch {
		case !inside:
			if title, ok := strings.CutPrefix(line, "## "); ok {
				heading = title
			}
			inside = line == "```console"
			continue
		case line == "```":
			inside, typed, until = false, false, ""
			continue
		case m != nil && !typed:
			commands = append(commands, command{line: i + 1, heading: heading, node: m[1], text: m[2]})
		case typed:
			commands[last].text += "\n" + line
		case last >= 0:
			commands[last].shows += line + "\n"
			continue
		}
		if _, word, ok := strings.Cut(line, "<< "); ok && until == "" {
			until, _, _ = strings.Cut(word, " ")
		} else if line == until {
			until = ""
		}
		typed = strings.HasSuffix(line, `\`) || until != ""
	}
	return commands
}

// changing matches what is different every time: identifiers, addresses, dates.
var changing = []struct {
	pattern *regexp.Regexp
	shape   string
}{
	// What a terminal overwrites, and what curl says of its connection.
	{regexp.MustCompile(`(?m)^(overall progress:|\d+/\d+: |verify: Waiting|\* |\{ \[|\} \[).*\n`), ""},
	{regexp.MustCompile(`(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT`), "DATE"},
	{regexp.MustCompile(`\b(About )?(an?|\d+) (second|minute)s? ago\b|\bLess than a second ago\b`), "AGO"},
	{regexp.MustCompile(`\bsession=\d+\b`), "session=COOKIE"},
	{regexp.MustCompile(`\b[0-9a-z]{25}\b`), "ID"},
	{regexp.MustCompile(`(?m)^[0-9a-z]{12} `), "ID "},
	{regexp.MustCompile(`\b[0-9a-f]{32}\b`), "REQUEST"},
	{regexp.MustCompile(`\b[0-9a-f]{12}\b`), "CONTAINER"},
	{regexp.MustCompile(`\b10\.\d+\.\d+\.\d+:(32|33|34|49|5\d|60)\d+\b`), "ADDRESS:HIGH"},
	{regexp.MustCompile(`\b10\.\d+\.\d+\.\d+\b`), "ADDRESS"},
	{regexp.MustCompile(`\b\d+\.\d+\.\d+(\+\w+)?\b`), "VERSION"},
	{regexp.MustCompile(`\b\d\.\d{3}\b`), "SECONDS"},
	{regexp.MustCompile(`[ \t\r]+`), " "},
	{regexp.MustCompile(`(?m) $`), ""},
}

// form is what a terminal shows, without all that changes.
func form(shown string) string {
	for _, c := range changing {
		shown = c.pattern.ReplaceAllString(shown, c.shape)
	}
	return strings.TrimSpace(shown)
}

// A walk runs the commands of a page on a lab.
type walk struct {
	*lab.Lab
	out    io.Writer
	blanks map[string]string // what the page leaves to be filled in: <name> → text
}

// patience is how long a command that only looks may show something else: what
// it looks at takes its time.
const patience = 90 * time.Second

var onlyLooks = regexp.MustCompile(`^(curl|docker \w+ (ls|ps|inspect))\b`)

// do runs a command and checks that it shows what the page shows, in form.
func (w walk) do(ctx context.Context, c command) error {
	typed := c.text
	for name, text := range w.blanks {
		typed = strings.ReplaceAll(typed, name, text)
	}
	fmt.Fprintf(w.out, "%s$ %s\n", c.node, typed)
	end := time.Now().Add(patience)
	for {
		shown, err := w.run(ctx, c.node, typed)
		right := err == nil && form(shown) == form(c.shows)
		if !right && onlyLooks.MatchString(c.text) && time.Now().Before(end) && ctx.Err() == nil {
			time.Sleep(200 * time.Millisecond)
			continue
		}
		io.WriteString(w.out, shown)
		if err != nil {
			return fmt.Errorf("line %d: %w", c.line, err)
		}
		if !right {
			return fmt.Errorf("line %d: the page shows, in form:\n%s\nand this was shown:\n%s", c.line, form(c.shows), form(shown))
		}
		return nil
	}
}

// run returns what a command prints, both streams as they come.
func (w walk) run(ctx context.Context, node, text string) (string, error) {
	n := w.Node(node)
	if n == nil {
		return "", fmt.Errorf("there is no node %s", node)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var out bytes.Buffer
	cmd := n.Command(ctx, "sh", "-c", text)
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && ctx.Err() == nil {
		err = fmt.Errorf("exit code %d", exit.ExitCode())
	}
	// Docker shows progress over and over to what is no terminal.
	lines := slices.DeleteFunc(strings.SplitAfter(out.String(), "\n"), changing[0].pattern.MatchString)
	return strings.Join(lines, ""), err
}
