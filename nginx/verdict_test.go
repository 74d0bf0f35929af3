package nginx_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wharfinger/wharfinger/generator"
	"github.com/wharfinger/wharfinger/nginx"
	"github.com/wharfinger/wharfinger/nginx/sandbox"
)

// TestLimits gives nginx files that take too much of something.
func TestLimits(t *testing.T) {
	tester := tester(t)
	for _, c := range []struct {
		name, routes string
		lower        func(*sandbox.Limits)
		want         string
	}{
		{"memory", "map_hash_max_size 3000000000; map $host $x { a b; c d; }", func(*sandbox.Limits) {},
			"malloc(6000000000) failed (12: Cannot allocate memory) (nginx -t may take 4g of memory, and 256g with all shared zones; make the sizes smaller)"},
		{"zones", "upstream demo { zone demo 300000m; server 192.0.2.1; }", func(*sandbox.Limits) {},
			"mmap(MAP_ANON|MAP_SHARED, 314572800000) failed (12: Cannot allocate memory) (nginx -t may take 4g of memory, and 256g with all shared zones; make the sizes smaller)"},
		{"CPU", slowTypes() + " server { }", func(l *sandbox.Limits) { l.CPU = time.Second },
			"it computes for more than 1s (look for sizes of hash tables that are too large)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := tester.Limited(c.lower).Test(t.Context(), shards(c.routes))
			refused, ok := errors.AsType[*nginx.Refused](err)
			if !ok || refused.Refusal() != c.want {
				t.Errorf("got %v\nwant %s", err, c.want)
			}
		})
	}
	t.Run("file", func(t *testing.T) {
		// Whatever the list lets through writes none, so this goes past it: a log, and
		// something to write into it.
		all := shards("upstream demo { zone demo 300000m; server 192.0.2.1; }")
		all[0].Data = []byte("error_log test.log;" + mainFile)
		err := tester.Limited(func(l *sandbox.Limits) { l.File = 0 }).Ask(t.Context(), all)
		if refused, ok := errors.AsType[*nginx.Refused](err); !ok || refused.Refusal() != "it writes a file of more than 0 bytes (leave out what has it written)" {
			t.Errorf("got %v, want that it writes too much", err)
		}
	})
	t.Run("time", func(t *testing.T) {
		err := tester.Limited(func(l *sandbox.Limits) { l.Time = time.Millisecond }).Test(t.Context(), shards(""))
		if _, refused := errors.AsType[*nginx.Refused](err); refused || err == nil || err.Error() != "run nginx -t: it did not end within 1ms" {
			t.Errorf("got %v, want that it is late", err)
		}
	})
}

// TestForeignFiles holds that nobody reads in a complaint what stands in a file
// that is none of a proxy's, even where the list of directives had a hole and the
// sandbox none of its own files.
func TestForeignFiles(t *testing.T) {
	for _, c := range []struct{ routes, want string }{
		{"include /etc/passwd;", `open() "/etc/passwd" failed (13: Permission denied) in routes/000.conf:1`},
		{"include /etc/hosts;", `it does not take what stands in /etc/hosts (leave out what leads there)`},
		{"types { include /etc/hosts; }", `it does not take what stands in /etc/hosts (leave out what leads there)`},
	} {
		err := tester(t).Ask(t.Context(), shards(c.routes))
		refused, ok := errors.AsType[*nginx.Refused](err)
		if !ok || refused.Refusal() != c.want {
			t.Errorf("%s: got %v\nwant %s", c.routes, err, c.want)
		}
	}
}

// TestVerdict has programs in the place of nginx that end as nginx hardly does.
func TestVerdict(t *testing.T) {
	const failed = "\necho nginx: configuration file /x/nginx.conf test failed >&2; exit 1"
	for _, c := range []struct {
		name, program string
		refused       bool
		want          string
	}{
		{"fine", "exit 0", false, ""},
		{"a warning", "echo 'nginx: [warn] hm in routes/000.conf:1' >&2", false, ""},
		{"several lines", "echo 'nginx: [warn] hm\nnginx: [emerg] one in routes/000.conf:1\n2026/01/01 00:00:00 [emerg] 7#7: two' >&2" + failed, true, "one in routes/000.conf:1"},
		{"no line for it", "echo '2026/01/01 00:00:00 [crit] 7#7: no memory in zone \"a\"' >&2" + failed, true, `no memory in zone "a"`},
		{"another file", "echo 'nginx: [emerg] unknown directive \"secret\" in /etc/shadow:1' >&2" + failed, true, "it does not take what stands in /etc/shadow (leave out what leads there)"},
		{"another file, oddly told", "echo 'nginx: [emerg] unknown directive \"a\nb\tc\" in routes/000.conf:1' >&2" + failed, true, `unknown directive "a b c" in routes/000.conf:1`},
		{"broken", "kill -SEGV $$", true, "it breaks (segmentation fault) (leave out what came last, and tell nginx's developers)"},
		{"killed", "kill -KILL $$", false, "run nginx -t: signal: killed: "},
		{"not nginx", "echo whatever >&2; exit 127", false, "run nginx -t: exit status 127: whatever"},
		{"no word", "exit 1", false, "run nginx -t: exit status 1: "},
		{"no loader", "exec /nonexistent/ld.so", false, "run nginx -t: exit status 127: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := instead(t, c.program).Ask(t.Context(), shards(""))
			refused, ok := errors.AsType[*nginx.Refused](err)
			switch {
			case ok != c.refused || (err == nil) != (c.want == ""):
				t.Errorf("got %v, want refused: %t", err, c.refused)
			case ok && refused.Refusal() != c.want, err != nil && !ok && !strings.HasPrefix(err.Error(), c.want):
				t.Errorf("got %v\nwant %s", err, c.want)
			}
		})
	}
}

// slowTypes have extensions whose hashes are one. They fit into no bucket, and
// nginx tries every size.
func slowTypes() string {
	var b strings.Builder
	b.WriteString("types_hash_max_size 1000000; types { text/plain")
	for i := range 32 {
		b.WriteString(" ")
		for _, bit := range fmt.Sprintf("%05b", i) {
			b.WriteString([]string{"az", "b["}[bit-'0'])
		}
	}
	b.WriteString("; }")
	return b.String()
}

// instead is a tester with a shell script in the place of nginx.
func instead(t *testing.T, script string) nginx.Tester {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("a program that another user can run takes root")
	}
	folder, err := os.MkdirTemp("", "verdict-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	program := filepath.Join(folder, "nginx")
	if err := errors.Join(os.Chmod(folder, 0o755), os.WriteFile(program, []byte("#!/bin/sh\n"+script+"\n"), 0o755)); err != nil {
		t.Fatal(err)
	}
	return nginx.Tester{Path: program}
}

// TestListensBesideOthers holds that a port which is not to be had in a test is no
// complaint about the files, where the system denies the test a network.
func TestListensBesideOthers(t *testing.T) {
	said := "2026/01/01 00:00:00 [emerg] 7#7: bind() to 0.0.0.0:80 failed (13: Permission denied)\nnginx: configuration file /x/nginx.conf test failed\n"
	for _, lacks := range [][]string{nil, {"a network of its own"}} {
		err := nginx.Verdict(said, lacks)
		_, refused := errors.AsType[*nginx.Refused](err)
		if refused != (lacks == nil) || lacks != nil && !strings.Contains(err.Error(), "it lacks a network of its own") {
			t.Errorf("lacking %q: got %v", lacks, err)
		}
	}
	var told []string
	tester := tester(t)
	tester.Lacks = func(lacks []string) { told = lacks }
	if err := tester.Test(t.Context(), []generator.Shard{{Path: "nginx.conf", Data: []byte(mainFile)}}); err != nil || told != nil {
		t.Errorf("got %v and that the sandbox lacks %q, want neither", err, told)
	}
}
