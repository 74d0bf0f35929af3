package server

import (
	"bytes"
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/VictoriaMetrics/metricsql"
	"gopkg.in/yaml.v3"

	"github.com/wharfinger/wharfinger/status"
)

// rules is what Prometheus reads of a file of rules (its rulefmt), as far as ours go.
type rules struct {
	Groups []struct {
		Name  string
		Rules []struct {
			Alert, Expr         string
			For                 string
			Labels, Annotations map[string]string
		}
	}
}

// asks parses an expression and holds that each metric in it exists.
func asks(t *testing.T, where, expr string, names []string) {
	t.Helper()
	parsed, err := metricsql.Parse(strings.ReplaceAll(expr, "$__rate_interval", "5m")) // which Grafana puts in
	if err != nil {
		t.Errorf("%s: %s: %v", where, expr, err)
		return
	}
	found := 0
	metricsql.VisitAll(parsed, func(e metricsql.Expr) {
		m, ok := e.(*metricsql.MetricExpr)
		if !ok {
			return
		}
		for _, f := range m.LabelFilterss[0] {
			switch f.Label {
			case "__name__":
				found++
				if name := strings.TrimSuffix(f.Value, "_bucket"); !slices.Contains(names, name) {
					t.Errorf("%s asks for %s, which there is not", where, f.Value)
				}
			case "state":
				for state := range strings.SplitSeq(f.Value, "|") {
					if !slices.Contains(status.States(), status.State(state)) {
						t.Errorf("%s asks for state %q, which there is not", where, state)
					}
				}
			}
		}
	})
	if found == 0 {
		t.Errorf("%s asks for no metric: %s", where, expr)
	}
}

// The rules are read, ask for what there is, and each stands in docs/operations.md, as
// do no others.
func TestOperateAlerts(t *testing.T) {
	data, err := os.ReadFile("../examples/monitoring/alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var all rules
	dec := yaml.NewDecoder(bytes.NewReader(data))
	dec.KnownFields(true)
	if err := dec.Decode(&all); err != nil {
		t.Fatal(err)
	}
	doc, err := os.ReadFile("../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	var rows []string
	for _, m := range regexp.MustCompile("(?m)^\\| `(Wharfinger[A-Za-z]+)` \\|").FindAllStringSubmatch(string(doc), -1) {
		rows = append(rows, m[1])
	}
	names := exported(t)
	var alerts []string
	for _, g := range all.Groups {
		for _, r := range g.Rules {
			alerts = append(alerts, r.Alert)
			asks(t, r.Alert, r.Expr, names)
			if !regexp.MustCompile(`^([0-9]+[smhd])?$`).MatchString(r.For) || r.Annotations["summary"] == "" || !slices.Contains([]string{"info", "warning", "critical"}, r.Labels["severity"]) {
				t.Errorf("%s: for %q, summary %q, severity %q", r.Alert, r.For, r.Annotations["summary"], r.Labels["severity"])
			}
		}
	}
	slices.Sort(rows)
	slices.Sort(alerts)
	if !slices.Equal(rows, alerts) || len(alerts) == 0 {
		t.Errorf("docs/operations.md has\n%v\nthe rules are\n%v", rows, alerts)
	}
}

// The dashboard is read, and each of its panels asks for what there is.
func TestOperateDashboard(t *testing.T) {
	data, err := os.ReadFile("../examples/monitoring/dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		Title, UID string
		Panels     []struct {
			ID      int
			Title   string
			Type    string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(data, &dashboard); err != nil {
		t.Fatal(err)
	}
	names := exported(t)
	ids := map[int]bool{}
	for _, p := range dashboard.Panels {
		if ids[p.ID] || p.Title == "" || p.Type == "" || len(p.Targets) == 0 {
			t.Errorf("panel %d %q of type %q has %d targets, or its number twice", p.ID, p.Title, p.Type, len(p.Targets))
		}
		ids[p.ID] = true
		for _, target := range p.Targets {
			asks(t, "panel "+p.Title, target.Expr, names)
		}
	}
	if dashboard.Title == "" || dashboard.UID == "" || len(ids) < 8 {
		t.Errorf("got %q %q with %d panels", dashboard.Title, dashboard.UID, len(ids))
	}
}
