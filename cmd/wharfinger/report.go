package main

import (
	"encoding/json"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/wharfinger/wharfinger/route"
)

// verdict is what a check has found.
type verdict struct {
	problems, warnings route.Problems
	revision           route.Revision // whose files they are in
	// folder is where the files lie, as seen from where the program runs, with
	// slashes; empty where that is the same.
	folder string
	fine   string // what to say where there is no problem
}

// forms are the ways to write a verdict, by the name that --format takes. What
// people are to hear beside it goes to the second writer.
var forms = map[string]func(v verdict, out, errOut io.Writer) error{
	"text":   verdict.text,
	"json":   verdict.json,
	"github": verdict.github,
}

// text writes problems to out and warnings to errOut, as other commands do.
func (v verdict) text(out, errOut io.Writer) error {
	tell(errOut, warning, v.warnings, v.revision)
	if len(v.problems) > 0 {
		tell(out, problem, v.problems, v.revision)
		return nil
	}
	_, err := fmt.Fprintln(out, v.fine)
	return err
}

// told is a problem or a warning in JSON. All fields are always there; what there
// is none of is empty or 0.
type told struct {
	File     string `json:"file"`   // relative to the root of the routes
	Line     int    `json:"line"`   // from 1
	Column   int    `json:"column"` // from 1, in characters
	Object   string `json:"object"` // in place of a file, what is meant in the cluster
	Text     string `json:"text"`
	Hint     string `json:"hint"`
	Severity string `json:"severity"` // error or warning
}

// json writes one object with two lists.
func (v verdict) json(out, _ io.Writer) error {
	return writeJSON(out, struct {
		Problems []told `json:"problems"`
		Warnings []told `json:"warnings"`
	}{toldOf(v.problems, "error"), toldOf(v.warnings, "warning")})
}

func toldOf(problems route.Problems, severity string) []told {
	all := []told{}
	for _, p := range problems {
		all = append(all, told{p.Pos.File, p.Pos.Line, p.Pos.Col, p.Object, p.Text, p.Hint, severity})
	}
	return all
}

// writeJSON writes it for programs that people look at, too.
func writeJSON(out io.Writer, value any) error {
	enc := json.NewEncoder(out)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(value)
}

// What GitHub's runner reads back in the values of a workflow command, and in its
// properties (actions/toolkit, command.ts).
var (
	commandValue    = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	commandProperty = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

// github writes workflow commands, of which GitHub makes annotations. It finds a
// file by its path from the root of the checkout, where commands run unless they
// are told otherwise.
func (v verdict) github(out, _ io.Writer) error {
	command := func(name string, problems route.Problems) {
		for _, p := range problems {
			var properties []string
			add := func(key string, value any) {
				properties = append(properties, key+"="+commandProperty.Replace(fmt.Sprint(value)))
			}
			if p.Object == "" {
				add("file", path.Join(v.folder, p.Pos.File))
			}
			if p.Pos.Line > 0 {
				add("line", p.Pos.Line)
				add("col", p.Pos.Col)
			}
			text := p.Text
			if p.Object != "" {
				text = p.Object + ": " + text
			}
			if p.Hint != "" {
				text += "\n" + p.Hint
			}
			fmt.Fprintf(out, "::%s::%s\n", strings.TrimSpace(name+" "+strings.Join(properties, ",")), commandValue.Replace(text))
		}
	}
	command("error", v.problems)
	command("warning", v.warnings)
	if len(v.problems) > 0 {
		return nil
	}
	_, err := fmt.Fprintln(out, v.fine)
	return err
}
