package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTable(t *testing.T) {
	const said = `goos: linux
BenchmarkFullPass-2   	       1	         0.2539 highest	         0.2173 lowest	      2447 ms	         0.2379 of-nginx-t
BenchmarkRequests/https/10000-2   	       1	         1.02 highest	         0.98 lowest	         0.991 of-hand-written
BenchmarkRolls-2   	       1	         0 failed	   5 requests
PASS
`
	file := filepath.Join(t.TempDir(), "page.md")
	if err := os.WriteFile(file, []byte("# Page\n\n"+begin+"old\n"+end+"more\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := run(strings.NewReader(said), &out, []string{file}); err == nil || !strings.Contains(err.Error(), "of-bare-update of Push") {
		t.Errorf("what was not measured is not told: %v", err)
	}
	page, _ := os.ReadFile(file)
	for _, want := range []string{"0.238 (0.217 to 0.254)", "nginx -t on the result", "≤ 0.2 ", "missed", "0.991 (0.98 to 1.02)", "not measured"} {
		if !strings.Contains(out.String(), want) || !strings.Contains(string(page), want) {
			t.Errorf("%q is missing in\n%s", want, page)
		}
	}
	if text := string(page); strings.Contains(text, "old") || !strings.HasPrefix(text, "# Page\n\n"+begin) || !strings.HasSuffix(text, end+"more\n") {
		t.Errorf("the page around the table has changed:\n%s", text)
	}
	if strings.Count(out.String(), "missed") != 1 {
		t.Errorf("one figure is missed:\n%s", out.String())
	}
	if err := os.WriteFile(file, []byte("no place"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := run(strings.NewReader(said), &out, []string{file}); err == nil {
		t.Error("a page without a place for the table is taken")
	}
}
