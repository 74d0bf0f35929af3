package watcher

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/wharfinger/wharfinger/generator"
	"github.com/wharfinger/wharfinger/route"
)

// TestVerify holds that a pass is held now and then to one that starts anew, and what
// becomes of one that differs.
func TestVerify(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(*Plan)
		told  bool
	}{
		{"the same", func(*Plan) {}, false},
		{"another rollout", func(p *Plan) { p.Rollouts[0].ID = "another" }, true},
	} {
		w := newWorld()
		var log bytes.Buffer
		desired, problems := route.Parse(w.rev)
		if problems != nil {
			t.Fatal(problems)
		}
		l := &Loop{Log: slog.New(slog.NewTextHandler(&log, nil)), desired: desired, live: w.live, parser: new(route.Parser)}
		plan, err := makePlan(generator.Templates{}, &l.builder, desired, l.live)
		if err != nil {
			t.Fatal(err)
		}
		c.spoil(plan)
		before := l.parser
		for range verifyAfter {
			if log.Len() > 0 || l.changed {
				t.Errorf("%s: it is looked at before %d passes have gone by", c.name, verifyAfter)
			}
			l.verify(plan, nil)
		}
		if told := strings.Contains(log.String(), "please report it"); told != c.told || l.changed != c.told || (l.parser != before) != c.told {
			t.Errorf("%s: told %t, made again %t, forgotten %t, want all %t:\n%s", c.name, told, l.changed, l.parser != before, c.told, log.String())
		}
	}
}
