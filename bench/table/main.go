// Command table reads what the benchmarks say and makes one table of it: each figure
// with its spread, what it is compared with, and what is wanted. With a file it also
// writes the table there, between two marks.
//
//	go test -bench . … | go run ./bench/table docs/performance.md
package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
)

// row is one figure of a benchmark.
type row struct {
	benchmark, unit string
	what, against   string
	wanted          float64
	atLeast         bool // else at most
}

var rows = []row{
	{"Requests/http/1", "of-hand-written", "requests for a second of nginx's processor time, 1 route, http", "a file written by hand", 0.98, true},
	{"Requests/https/1", "of-hand-written", "the same over TLS", "a file written by hand", 0.98, true},
	{"Requests/http/10000", "of-hand-written", "the same with 10,000 routes, http", "a file written by hand", 0.98, true},
	{"Requests/https/10000", "of-hand-written", "the same over TLS", "a file written by hand", 0.98, true},
	{"FullPass", "of-nginx-t", "a full pass, from YAML to shards", "nginx -t on the result", 0.20, false},
	{"MovedTask", "of-full-pass", "the pass after a task has moved", "a full pass", 0.01, false},
	{"ChangedRoute", "of-full-pass", "the pass after a route was changed", "a full pass", 0.05, false},
	{"TestOfChange", "of-full-test", "nginx's test of a changed route", "the test of all files", 0.1, false},
	{"MovedTask", "KiB-sent", "KiB of new configs after a task has moved", "", 128, false},
	{"ChangedRoute", "KiB-sent", "KiB of new configs after a route was changed", "", 128, false},
	{"ChangedRoute", "configs-sent", "new configs after a route was changed", "", 2, false},
	{"Memory", "of-nginx", "memory of the daemon at rest", "nginx with the same files", 0.6, false},
	{"EventToWake", "of-bare-watch", "from a manager's event to the wake, the slowest of 100", "a bare watch client", 1.5, false},
	{"EventToWake", "lists/minute", "lists that a quiet manager is asked for in a minute", "", 0, false},
	{"Push", "of-bare-update", "from the hook to the new route on every proxy", "docker service update by hand", 1.25, false},
	{"Rolls", "failed", "failed requests over 100 rolls under load", "", 0, false},
	{"DNS", "of-unbound", "answers of DNS for a second of a processor", "unbound", 1, true},
}

const begin, end = "<!-- make bench -->\n", "<!-- end -->\n"

func main() {
	if err := run(os.Stdin, os.Stdout, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "table:", err)
		os.Exit(1)
	}
}

func run(in io.Reader, out io.Writer, files []string) error {
	figures, err := read(in, out)
	if err != nil {
		return err
	}
	text := table(figures)
	fmt.Fprint(out, "\n", text)
	for _, file := range files {
		if err := write(file, text); err != nil {
			return err
		}
	}
	var missing []string
	for _, r := range rows {
		if _, known := figures[r.benchmark][r.unit]; !known {
			missing = append(missing, r.unit+" of "+r.benchmark)
		}
	}
	if missing != nil {
		return fmt.Errorf("not measured: %s", strings.Join(missing, ", "))
	}
	return nil
}

// line is what a benchmark says, as go test prints it.
var line = regexp.MustCompile(`^Benchmark(\S+?)(?:-\d+)?\s+\d+\s+(.*)$`)

// read takes figures by benchmark and unit, and passes on what it reads.
func read(in io.Reader, out io.Writer) (map[string]map[string]float64, error) {
	figures := map[string]map[string]float64{}
	scanner := bufio.NewScanner(in)
	for scanner.Scan() {
		fmt.Fprintln(out, scanner.Text())
		m := line.FindStringSubmatch(scanner.Text())
		if m == nil {
			continue
		}
		figures[m[1]] = map[string]float64{}
		fields := strings.Fields(m[2])
		for i := 0; i+1 < len(fields); i += 2 {
			value, err := strconv.ParseFloat(fields[i], 64)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", m[1], err)
			}
			figures[m[1]][fields[i+1]] = value
		}
	}
	return figures, scanner.Err()
}

func table(figures map[string]map[string]float64) string {
	lines := [][]string{{"what", "figure", "against", "wanted", ""}}
	for _, r := range rows {
		all, there := figures[r.benchmark]
		value, known := all[r.unit]
		cells := []string{r.what, "not measured", r.against, r.want(), ""}
		if there && known {
			cells[1] = short(value)
			if low, ok := all["lowest"]; ok && strings.HasPrefix(r.unit, "of-") {
				cells[1] += fmt.Sprintf(" (%s to %s)", short(low), short(all["highest"]))
			}
			if !r.met(value) {
				cells[4] = "missed"
			}
		}
		lines = append(lines, cells)
	}
	return aligned(lines)
}

func (r row) want() string {
	if r.atLeast {
		return "≥ " + short(r.wanted)
	}
	return "≤ " + short(r.wanted)
}

func (r row) met(value float64) bool {
	if r.atLeast {
		return value >= r.wanted
	}
	return value <= r.wanted
}

// short has three digits that count.
func short(f float64) string { return strconv.FormatFloat(f, 'g', 3, 64) }

// aligned is a table of Markdown that can be read as it is.
func aligned(lines [][]string) string {
	widths := make([]int, len(lines[0]))
	for _, cells := range lines {
		for i, cell := range cells {
			widths[i] = max(widths[i], len([]rune(cell)))
		}
	}
	var out strings.Builder
	for n, cells := range lines {
		for i, cell := range cells {
			fmt.Fprintf(&out, "| %-*s ", widths[i], cell)
		}
		out.WriteString("|\n")
		if n == 0 {
			for _, width := range widths {
				out.WriteString("|" + strings.Repeat("-", width+2))
			}
			out.WriteString("|\n")
		}
	}
	return out.String()
}

// write puts the table between the marks of a file.
func write(file, text string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	before, rest, ok := strings.Cut(string(data), begin)
	_, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		return fmt.Errorf("%s has no place for the table: %s… %s", file, begin, end)
	}
	return os.WriteFile(file, []byte(before+begin+"\n"+text+"\n"+end+after), 0o644)
}
