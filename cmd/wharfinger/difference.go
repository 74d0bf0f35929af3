package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/diff"

	"github.com/wharfinger/wharfinger/generator"
	"github.com/wharfinger/wharfinger/route"
)

// difference is what diff has found.
type difference struct {
	base, now side
	changes   []found
	lines     []fileLines
}

// side is one of the two that are compared.
type side struct {
	name string // as people named it
	parsed
}

// String names the side and, where it is one, the commit.
func (s side) String() string {
	if id := s.revision.ID; id != "" && !strings.HasPrefix(id, "dir-") && id != s.name {
		return fmt.Sprintf("%s (%.7s)", s.name, id)
	}
	return s.name
}

// found is a change, of a proxy where it is of what one carries.
type found struct {
	proxy string
	route.Change
}

// fileLines are the lines of one nginx file that are different, as diff -u has them.
type fileLines struct{ proxy, file, lines string }

// addLines compares nginx files by proxy and path.
func (d *difference) addLines(from string, old, now map[string][]generator.File) {
	for _, proxy := range slices.Sorted(maps.Keys(both(old, now))) {
		before, after := byPath(old[proxy]), byPath(now[proxy])
		for _, path := range slices.Sorted(maps.Keys(both(before, after))) {
			name := proxy + "/" + path
			lines := string(diff.Diff(from+"/"+name, before[path], "new/"+name, after[path]))
			if _, lines, _ := strings.Cut(lines, "\n"); !digestAlone(lines) { // the first line repeats the next two
				d.lines = append(d.lines, fileLines{proxy, path, lines})
			}
		}
	}
}

// digestAlone reports whether nothing is different but the digest of all files,
// which always is.
func digestAlone(lines string) bool {
	n := 0
	for line := range strings.Lines(lines) {
		n++
		const headers = 2
		if n > headers && (line[0] == '+' || line[0] == '-') && !strings.Contains(line, `location = "/digest/`) {
			return false
		}
	}
	return true
}

func byPath(files []generator.File) map[string][]byte {
	out := map[string][]byte{}
	for _, f := range files {
		out[f.Path] = f.Data
	}
	return out
}

func both[T any](a, b map[string]T) map[string]T {
	out := map[string]T{}
	maps.Copy(out, a)
	maps.Copy(out, b)
	return out
}

// different reports whether there is a difference, or no way to tell.
func (d difference) different() bool {
	return len(d.changes) > 0 || d.broken()
}

// broken reports whether one of the two has problems.
func (d difference) broken() bool { return len(d.base.problems)+len(d.now.problems) > 0 }

// counts says how many changes there are, of each sort.
func (d difference) counts() string {
	all := map[route.What]int{}
	for _, c := range d.changes {
		all[c.What]++
	}
	var parts []string
	for _, what := range []route.What{route.New, route.Changed, route.Renamed, route.Gone} {
		if all[what] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", all[what], what))
		}
	}
	return strings.Join(parts, ", ")
}

// differenceForms are the ways to write a difference, by the name that --format
// takes. What people are to hear beside it goes to the second writer.
var differenceForms = map[string]func(d difference, out, errOut io.Writer) error{
	"text":     difference.text,
	"json":     difference.json,
	"markdown": difference.markdown,
}

// unable says why nothing is compared. A base with problems is refused by all who
// follow it; they serve what was good before.
func (d difference) unable() (of side, why string) {
	if len(d.now.problems) > 0 {
		return d.now, fmt.Sprintf("%s has %s, so there is nothing to compare", d.now, count(len(d.now.problems), "problem"))
	}
	return d.base, fmt.Sprintf("%s has %s and is refused, so there is nothing to compare with: name the last good revision with --base", d.base, count(len(d.base.problems), "problem"))
}

func (d difference) text(out, errOut io.Writer) error {
	if d.broken() {
		of, why := d.unable()
		if d.base.name != "" {
			fmt.Fprintln(errOut, why)
		}
		if len(d.now.problems) == 0 {
			of.problems, of.revision = within(of)
		}
		tell(out, problem, of.problems, of.revision)
		return nil
	}
	fmt.Fprintf(errOut, "compared with %s\n", d.base)
	if !d.different() {
		_, err := fmt.Fprintln(out, "no difference")
		return err
	}
	t, width, proxy := terminalOf(out), d.width(), ""
	for _, c := range d.changes {
		if c.proxy != proxy {
			proxy = c.proxy
			fmt.Fprintf(out, "%s\n", t.coloured(bold, "proxy "+proxy))
		}
		t.change(out, c, width)
	}
	fmt.Fprintln(out, d.counts())
	for _, f := range d.lines {
		fmt.Fprintln(out)
		for line := range strings.Lines(f.lines) {
			line = strings.TrimSuffix(line, "\n")
			if t.width > 0 {
				line = string(printable(line))
			}
			fmt.Fprintln(out, t.coloured(lineColours[line[0]], line))
		}
	}
	return nil
}

// within puts the name of the side before the files of its problems, as git does:
// they are not the files that lie here.
func within(s side) (route.Problems, route.Revision) {
	problems, rev := slices.Clone(s.problems), s.revision
	for i := range problems {
		if problems[i].Object == "" {
			problems[i].Pos.File = s.name + ":" + problems[i].Pos.File
		}
	}
	rev.Files = slices.Clone(rev.Files)
	for i := range rev.Files {
		rev.Files[i].Path = s.name + ":" + rev.Files[i].Path
	}
	return problems, rev
}

var (
	marks = map[route.What]struct{ sign, colour string }{
		route.New: {"+", green}, route.Gone: {"-", red}, route.Changed: {"~", yellow}, route.Renamed: {"~", yellow},
	}
	lineColours = map[byte]string{'+': green, '-': red, '@': cyan}
)

func title(c found) string { return strings.TrimSpace(c.Kind+" "+c.Name) + ":" }

// width is that of the longest title; one that is much longer than others has no
// say.
func (d difference) width() int {
	const most = 34
	width := 0
	for _, c := range d.changes {
		if n := len(title(c)); n <= most {
			width = max(width, n)
		}
	}
	return width
}

// change writes one change, its lines below each other.
func (t terminal) change(out io.Writer, c found, width int) {
	mark := marks[c.What]
	fmt.Fprintf(out, "%s %s%s", t.coloured(mark.colour, mark.sign), t.coloured(bold, title(c)), strings.Repeat(" ", max(0, width-len(title(c)))))
	for i, line := range c.Lines() {
		if i > 0 {
			fmt.Fprint(out, strings.Repeat(" ", width+2))
		}
		fmt.Fprintf(out, " %s\n", line)
	}
}

// In JSON all fields are always there; what there is none of is empty.
type (
	jsonSide struct {
		Name     string `json:"name"`
		Revision string `json:"revision"` // the commit, or "dir-" and a digest
		Problems []told `json:"problems"`
	}
	jsonChange struct {
		Proxy   string       `json:"proxy"` // whose files it is in; none between two revisions
		Kind    string       `json:"kind"`
		Name    string       `json:"name"`
		Change  route.What   `json:"change"`
		Was     string       `json:"was"`
		Summary string       `json:"summary"`
		Details []jsonDetail `json:"details"`
		Routes  []string     `json:"routes"`
		Text    []string     `json:"text"`
	}
	jsonDetail struct {
		Field   string   `json:"field"`
		Old     string   `json:"old"`
		New     string   `json:"new"`
		Added   []string `json:"added"`
		Removed []string `json:"removed"`
	}
	jsonLines struct {
		Proxy string `json:"proxy"`
		File  string `json:"file"`
		Lines string `json:"lines"`
	}
)

func (d difference) json(out, _ io.Writer) error {
	ofSide := func(s side) jsonSide { return jsonSide{s.name, s.revision.ID, toldOf(s.problems, "error")} }
	changes, lines := []jsonChange{}, []jsonLines{}
	for _, c := range d.changes {
		details := []jsonDetail{}
		for _, d := range c.Details {
			details = append(details, jsonDetail{d.Field, d.Old, d.New, there(d.Added), there(d.Removed)})
		}
		changes = append(changes, jsonChange{c.proxy, c.Kind, c.Name, c.What, c.Was, c.Summary, details, there(c.Routes), there(c.Lines())})
	}
	for _, f := range d.lines {
		lines = append(lines, jsonLines{f.proxy, f.file, f.lines})
	}
	return writeJSON(out, struct {
		Base      jsonSide     `json:"base"`
		New       jsonSide     `json:"new"`
		Different bool         `json:"different"`
		Changes   []jsonChange `json:"changes"`
		Lines     []jsonLines  `json:"lines"`
	}{ofSide(d.base), ofSide(d.now), d.different(), changes, lines})
}

// there is a list that is no null in JSON.
func there(list []string) []string { return append([]string{}, list...) }
