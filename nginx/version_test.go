package nginx_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wharfinger/wharfinger/nginx"
	"github.com/wharfinger/wharfinger/route"
)

// speaks returns a program that writes a line to standard error, as nginx does.
func speaks(t *testing.T, line string) nginx.Tester {
	t.Helper()
	path := filepath.Join(t.TempDir(), "nginx")
	if err := os.WriteFile(path, []byte("#!/bin/sh\necho '"+line+"' >&2\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return nginx.Tester{Path: path}
}

func TestVersion(t *testing.T) {
	for line, want := range map[string]route.Version{
		"nginx version: nginx/1.30.6":          {Major: 1, Minor: 30, Patch: 6},
		"nginx version: nginx/1.22.1 (Ubuntu)": {Major: 1, Minor: 22, Patch: 1},
		"nginx version: openresty/1.27.1.2":    {Major: 1, Minor: 27, Patch: 1},
	} {
		got, err := speaks(t, line).Version(t.Context())
		if err != nil || got != want {
			t.Errorf("%s: got %v, %v, want %v", line, got, err, want)
		}
	}
	if got, err := speaks(t, "hello").Version(t.Context()); err == nil || !strings.Contains(err.Error(), "does not tell") {
		t.Errorf("no nginx: got %v, %v, want an error", got, err)
	}
	if got, err := tester(t).Version(t.Context()); err != nil || got.Major != 1 || got.Minor != 30 {
		t.Errorf("the lab's nginx: got %v, %v, want 1.30", got, err)
	}
}

func TestKnows(t *testing.T) {
	for _, c := range []struct {
		tester, proxy route.Version
		want          bool
	}{
		{route.Version{Major: 1, Minor: 22, Patch: 1}, route.Version{Major: 1, Minor: 30, Patch: -1}, false},
		{route.Version{Major: 1, Minor: 30, Patch: 0}, route.Version{Major: 1, Minor: 30, Patch: -1}, true},
		{route.Version{Major: 1, Minor: 30, Patch: 0}, route.Version{Major: 1, Minor: 30, Patch: 6}, true}, // stable
		{route.Version{Major: 1, Minor: 30, Patch: 0}, route.Version{Major: 1, Minor: 22, Patch: 1}, true},
		{route.Version{Major: 1, Minor: 27, Patch: 0}, route.Version{Major: 1, Minor: 27, Patch: 4}, false},
		{route.Version{Major: 1, Minor: 27, Patch: 5}, route.Version{Major: 1, Minor: 27, Patch: 4}, true},
		{route.Version{Major: 1, Minor: 30, Patch: 6}, route.Version{Major: 2, Minor: 0, Patch: -1}, false},
	} {
		if got := nginx.Knows(c.tester, c.proxy); got != c.want {
			t.Errorf("nginx %v for a proxy of %v: got %t, want %t", c.tester, c.proxy, got, c.want)
		}
	}
}
