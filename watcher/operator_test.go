package watcher

import (
	"bytes"
	"strings"
	"testing"

	"github.com/wharfinger/wharfinger/generator"
	"github.com/wharfinger/wharfinger/route"
)

// TestOperatorDecides holds that permissions and templates are the daemon's own,
// whatever is pushed.
func TestOperatorDecides(t *testing.T) {
	w := newWorld()
	snippet := func(host string) {
		w.push(host)
		w.rev.Files[0].Data = bytes.Replace(w.rev.Files[0].Data, []byte("pool: demo}}"), []byte("pool: demo, snippet: internal;}}"), 1)
	}
	log := run(t, w, func(l *Loop) {
		w.change(w.source, func() { snippet("b.example") })
		l.Permissions = []route.Permission{route.Snippets}
		w.change(w.source, func() { snippet("c.example") })
		var err error
		if l.Templates, err = generator.OwnTemplates(map[string]string{"upstream.conf.tmpl": "{{ .Colour }}"}); err != nil {
			t.Fatal(err)
		}
		w.change(w.source, func() { w.push("d.example") })
		l.Templates = generator.Templates{}
		w.change(w.source, func() { w.push("e.example") })
	})
	w.wantApplied(t, "a.example", "c.example", "e.example")
	for _, want := range []string{"snippets are not allowed here", "upstream.conf.tmpl:1:3"} {
		if strings.Count(log, want) != 1 {
			t.Errorf("the log holds %q %d times, want once:\n%s", want, strings.Count(log, want), log)
		}
	}
}

// TestDaemonDoesNotNag holds that what is odd is counted once, and rolled out.
func TestDaemonDoesNotNag(t *testing.T) {
	w := newWorld()
	log := run(t, w, func(*Loop) {
		w.change(w.source, func() {
			w.push("b.example")
			w.rev.Files[0].Data = append(w.rev.Files[0].Data, "policies: {spare: {hsts: true}, other: {hsts: false}}\n"...)
		})
		w.change(w.cluster, func() { w.live.Tasks = []generator.Task{task("t2", 32769)} })
	})
	w.wantApplied(t, "a.example", "b.example", "b.example")
	if strings.Count(log, "warnings=") != 1 || !strings.Contains(log, "warnings=2\n") || strings.Contains(log, "spare") {
		t.Errorf("the log shall count two warnings, once:\n%s", log)
	}
}
