package git_test

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// The table in docs/operations.md has the faults that are tested, and no others.
func TestGitFaultsAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(text), "\n## Faults\n")
	if !found {
		t.Fatal("docs/operations.md has no section Faults")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	var rows [][]string
	for line := range strings.Lines(section) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		if len(cells) != 4 || strings.HasPrefix(line, "| fault |") {
			continue
		}
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		rows = append(rows, cells)
	}
	for _, f := range slices.Concat(gitFaults, proxyFaults) {
		want := []string{f.name, "`" + f.says + "`", f.again}
		if f.again == taken {
			want[1] = "the new revision"
		}
		i := slices.IndexFunc(rows, func(row []string) bool { return row[0] == f.name })
		if i < 0 {
			t.Errorf("docs/operations.md has no line for the fault %s", f.name)
			continue
		}
		if !slices.Equal(rows[i][:3], want) {
			t.Errorf("docs/operations.md says\n%q, want\n%q", rows[i][:3], want)
		}
		if rows[i][3] == "" {
			t.Errorf("docs/operations.md does not say what to do: %s", f.name)
		}
		rows = slices.Delete(rows, i, i+1)
	}
	for _, row := range rows {
		t.Errorf("docs/operations.md has a fault that nobody tests: %s", row[0])
	}
}
