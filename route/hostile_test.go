package route_test

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/wharfinger/wharfinger/route"
)

// fileSize is the largest file that a revision has by default (git.Limits).
const fileSize = 1 << 20

func filled(s string) string { return strings.Repeat(s, fileSize/len(s)) }

// growing repeats a line with its number in it.
func growing(before, line string) string {
	var b strings.Builder
	b.WriteString(before)
	for i := 0; b.Len() < fileSize; i++ {
		fmt.Fprintf(&b, line, i)
	}
	return b.String()
}

const someRoutes = "proxies: {edge: {image: nginx:1.30}}\npools: {a: {servers: [192.0.2.1:80]}}\nroutes:\n"

// bombs are files that are made to cost much: deep, wide, many, or growing by
// references to themselves.
func bombs() map[string]string {
	var laughs strings.Builder
	laughs.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x]\n")
	for i := 1; laughs.Len() < fileSize; i++ {
		fmt.Fprintf(&laughs, "a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 9), ", "))
	}
	var stairs strings.Builder
	for i := 0; stairs.Len() < fileSize; i++ {
		stairs.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	const deep = 4900 // of 10,000 that the YAML parser takes
	return map[string]string{
		"a billion laughs": laughs.String(), "an alias of itself": "a: &a [*a]\n", "a merge of itself": "a: &a {<<: *a}\n", "anchors": filled("- &a x\n"), "aliases": "a: &a x\nb:\n" + filled("- *a\n"), "merges": "a: &a {x: y}\nb:\n" + filled("  <<: *a\n"),
		"lists in lists": filled("["), "closed lists in lists": strings.Repeat("[", fileSize/2) + strings.Repeat("]", fileSize/2), "maps in maps": filled("{a: "), "lists by dashes": filled("- "), "maps by indentation": stairs.String(),
		"conditions in conditions": someRoutes + "  a: {pool: a, hosts: [a.example], when: " + strings.Repeat("{not: ", deep) + "{methods: [GET]}" + strings.Repeat("}", deep) + "}",
		"documents":                filled("---\n"), "documents with maps": filled("--- {}\n"), "documents with routes": filled("--- {routes: {a: {}}}\n"), "ends of documents": filled("...\n"),
		"unknown sections": growing("", "fielt%d: x\n"), "unknown fields": growing("routes: {a: {hosts: [a.example], ", "fielt%d: x, ") + "}}", "one unknown field": "routes: {a: {" + filled("fielt: x, ") + "}}", "nothing": filled("a:\n"),
		"routes": growing(someRoutes, "  r%d: {hosts: [a.example], pool: a}\n"), "empty routes": growing(someRoutes, "  r%d: {}\n"), "one route": someRoutes + filled("  r: {}\n"), "good routes": growing(someRoutes, "  r%[1]d: {hosts: [a.example], paths: [/p%[1]d], pool: a}\n"),
		"routes with much by policies": growing("policies: {p: {limits: {rate: 1/s}}}\n"+someRoutes, "  r%[1]d: {hosts: [a%[1]d.example], pool: a, use: [p, p, p]}\n"),
		"hosts":                        growing(someRoutes+"  a:\n    pool: a\n    hosts:\n", "    - h%d.example\n"), "one host": someRoutes + "  a: {pool: a, hosts: [" + filled("a.example, ") + "]}", "rules": someRoutes + "  a: {pool: a, hosts: [a.example], errors: [" + filled("{}, ") + "]}", "conditions": someRoutes + "  a: {pool: a, hosts: [a.example], when: {any: [" + filled("{}, ") + "]}}",
		"servers": growing("pools:\n  a:\n    servers:\n", "    - {address: \"192.0.2.1:%d\"}\n"), "headers": growing(someRoutes+"  a:\n    headers: {response: {set: {", "X-%d: a, ") + "}}}\n",
		"one word": "a: " + filled("x"), "escapes": "a: \"" + filled("\\u2028") + "\"", "folded text": "a: >\n" + filled("  x\n"), "tags": filled("- !!binary x\n"), "directives": filled("%TAG ! x\n"), "comments": filled("# x\n"),
		"keys": filled("? a\n"), "lists for keys": filled("? [a]\n: b\n"), "commas": "[" + filled(","), "quotes": filled("'"), "colons": filled(":"), "blanks": filled(" ") + "a", "tabs": filled("\t"), "bars": filled("|\n"), "brackets": filled("[]"), "braces": filled("{}"),
		"NUL": filled("\x00"), "not UTF-8": filled("\xff"), "marks": filled("\ufeff"), "wide characters": "a: " + filled("日"),
	}
}

// TestHostileYAML holds what a file costs at most, whatever is in it.
func TestHostileYAML(t *testing.T) {
	all := bombs()
	for name, text := range all {
		t.Run(name, func(t *testing.T) { bounded(t, 10*time.Second, 2<<30, route.File{Path: "a.yaml", Data: []byte(text)}) })
	}
	t.Logf("%d files of up to %d bytes", len(all), fileSize)
}

// TestBadInputHostileRevision holds the same of as many files as a revision has by default.
func TestBadInputHostileRevision(t *testing.T) {
	for _, c := range []struct {
		before, line, end string
		want              string
	}{
		{"routes:\n", "  r%d-%d: {hosts: [a.example], pool: a}\n", "", ".: to read all of this takes more than 512 MiB of memory (make several repositories of it, for proxies of their own)"},
		{"pools:\n", "  p%d-%d: {servers: [{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}]}\n", "", ".: to read all of this takes more than 512 MiB of memory (make several repositories of it, for proxies of their own)"},
		{"routes: {a: {", "fielt%d-%d: x, ", "}}", ".: there are more problems than these 500 (mend some of them first)"},
		{"streams:\n", "  s%d-%d: x\n", "", ".: there are more problems than these 500 (mend some of them first)"},
	} {
		t.Run(c.line, func(t *testing.T) {
			var files []route.File
			for i := range 64 {
				line := strings.Replace(c.line, "%d", fmt.Sprint(i), 1)
				files = append(files, route.File{Path: fmt.Sprintf("%02d.yaml", i), Data: []byte(growing(c.before, line) + c.end)})
			}
			problems := bounded(t, time.Minute, 4<<30, files...)
			if n := len(problems); n == 0 || n > 501 || problems[n-1].String() != c.want {
				t.Errorf("got %d problems, the last of them %v, want at most 501 and\n%s", n, problems[max(0, n-1):], c.want)
			}
		})
	}
}

// bounded parses files and fails where that computes for longer than limit, or
// makes more than so many bytes of memory in all.
func bounded(t *testing.T, limit time.Duration, bytes uint64, files ...route.File) route.Problems {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := computed(t)
	desired, problems := route.Parse(route.Revision{ID: "bomb", Files: files})
	took := computed(t) - start
	runtime.ReadMemStats(&after)
	made := after.TotalAlloc - before.TotalAlloc
	if took > limit || made > bytes {
		t.Errorf("it takes %s and %d MiB, want at most %s and %d MiB", took, made>>20, limit, bytes>>20)
	}
	if (desired == nil) == (len(problems) == 0) {
		t.Errorf("got Desired %v and %d problems, want one of the two", desired, len(problems))
	}
	longest := slices.MaxFunc(append(problems, route.Problem{}), func(a, b route.Problem) int { return len(a.String()) - len(b.String()) })
	if len(longest.String()) > 2000 {
		t.Errorf("a problem has %d bytes: %.200s", len(longest.String()), longest)
	}
	t.Logf("%s, %d MiB, %d problems", took.Round(time.Millisecond), made>>20, len(problems))
	return problems
}

// computed is how long this process has computed.
func computed(t *testing.T) time.Duration {
	t.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		t.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
