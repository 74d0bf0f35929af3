package server

import (
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"testing"
	"time"
)

var aMetric = regexp.MustCompile(`\bwharfinger_[a-z_]+`)

// exported lists the names of all metrics that a daemon can tell.
func exported(t *testing.T) []string {
	t.Helper()
	site := siteOf(nil)
	site.Metrics.Took("build", time.Millisecond)
	site.Metrics.RolledOut("edge", "failed")
	site.Metrics.Asked("tasks", 200, time.Millisecond)
	w := httptest.NewRecorder()
	site.handler(true).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	var names []string
	for _, m := range regexp.MustCompile(`(?m)^# TYPE (wharfinger_\S+)`).FindAllStringSubmatch(w.Body.String(), -1) {
		names = append(names, m[1])
	}
	if len(names) < 15 {
		t.Fatalf("got %d metrics, want at least 15: %v", len(names), names)
	}
	return names
}

// Every metric stands in docs/operations.md, and every one that stands there exists.
func TestOperateMetricsAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	names := exported(t)
	var rows []string
	for _, m := range regexp.MustCompile("(?m)^\\| `(wharfinger_[a-z_]+)` \\|").FindAllStringSubmatch(string(text), -1) {
		rows = append(rows, m[1])
	}
	for _, name := range names {
		if !slices.Contains(rows, name) {
			t.Errorf("docs/operations.md has no row for %s", name)
		}
	}
	prose := regexp.MustCompile("(?s)```.*?```").ReplaceAllString(string(text), "") // commands name services, too
	for _, name := range aMetric.FindAllString(prose, -1) {
		if !slices.Contains(names, name) {
			t.Errorf("docs/operations.md names %s, which there is not", name)
		}
	}
}
