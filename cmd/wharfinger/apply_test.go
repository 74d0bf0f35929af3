package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/wharfinger/wharfinger/generator"
	"github.com/wharfinger/wharfinger/nginx"
	"github.com/wharfinger/wharfinger/swarm"
	"github.com/wharfinger/wharfinger/watcher"
)

func TestApplyConcludes(t *testing.T) {
	var (
		failed  = &swarm.Failed{Proxy: "a"}
		refused = &nginx.Refused{About: []generator.Complaint{{Text: "no"}}}
		changed = fmt.Errorf("meanwhile: %w", swarm.ErrChanged)
		gone    = errors.New("the manager went away")
	)
	for _, c := range []struct {
		name  string
		errs  []error
		again bool
		want  error
	}{
		{"all well", []error{nil, nil}, false, nil},
		{"failed", []error{nil, failed}, false, errNo},
		{"failed, wrapped", []error{fmt.Errorf("proxy: %w", failed)}, false, errNo},
		{"refused", []error{refused, nil}, false, errNo},
		{"refused, and the other held back", []error{watcher.ErrHeldBack, refused}, false, errNo},
		{"not tested, and the other held back", []error{watcher.ErrHeldBack, gone}, false, errTold},
		{"quarantined", []error{watcher.ErrQuarantined}, false, errNo},
		{"manager gone", []error{gone, nil}, false, errTold},
		{"interrupted", []error{context.Canceled}, false, errTold},
		{"manager gone and failed", []error{failed, gone}, false, errTold},
		{"changed", []error{changed, nil}, true, errTold},
		{"all changed", []error{changed, changed}, true, errTold},
		{"changed and failed", []error{failed, changed}, false, errTold},
		{"changed and manager gone", []error{changed, gone}, false, errTold},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out bytes.Buffer
			cmd := &cobra.Command{}
			cmd.SetOut(&out)
			cmd.SetErr(&out)
			var outcomes []watcher.Outcome
			for i, err := range c.errs {
				outcomes = append(outcomes, watcher.Outcome{Rollout: generator.Rollout{Proxy: fmt.Sprint("p", i)}, Err: err})
			}
			again, err := conclude(cmd, outcomes)
			if again != c.again || err != c.want {
				t.Errorf("got again %t, error %v; want %t, %v", again, err, c.again, c.want)
			}
			if got := bytes.Count(out.Bytes(), []byte("\n")); got != len(c.errs) {
				t.Errorf("got %d lines, want one for each of %d proxies:\n%s", got, len(c.errs), out.String())
			}
		})
	}
}

func TestDeadlineIsLongEnough(t *testing.T) {
	var flags rolloutFlags
	cluster := clusterFlags{options: swarm.Options{Deadline: 10 * time.Second}}
	flags.register(&cobra.Command{}, &cluster)
	flags.tester.Path = "sh" // any program that is there
	for deadline, fine := range map[time.Duration]bool{
		10 * time.Second: true, 5 * time.Minute: true, 9 * time.Second: false, 0: false, -time.Minute: false,
	} {
		cluster.options.Deadline = deadline
		if err := flags.check(); (err == nil) != fine {
			t.Errorf("--deadline %s: got %v, want fine %t", deadline, err, fine)
		}
	}
}
