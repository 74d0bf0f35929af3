package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wharfinger/wharfinger/status"
)

func TestOperateStatusTable(t *testing.T) {
	s := status.Status{
		Version: status.Version,
		Proxies: []status.Proxy{
			{Name: "edge", State: status.RolledBack, Why: "it crashed", Revision: strings.Repeat("a1", 20), Since: time.Date(2024, 1, 2, 3, 4, 5, 0, time.Local),
				Digest: "01f08b5012345678", Nodes: []status.Node{{Name: "lb-00", State: "running"}, {Name: "lb-01", State: "preparing"}},
				Failed: &status.Failed{Rollout: "1234567890", Revision: "b2", Why: "it crashed"}, Drift: []string{"image is \x1b[31mred"},
				Pools: []status.Pool{{Name: "shop", Peers: []string{"10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80", "10.0.0.4:80", "10.0.0.5:80"}, Routes: []string{"shop"}, Streams: []string{"raw"}}, {Name: "gone"}}},
			{Name: "inner", State: status.Stopped, Why: "Swarm stands still"},
		},
		Problems: []status.Problem{{Object: "service demo", Text: "it has no tasks"}},
	}
	var out bytes.Buffer
	if err := writeStatus(&out, s); err != nil {
		t.Fatal(err)
	}
	want := `PROXY  REVISION      SINCE                STATE        NODES  DIGEST
edge   a1a1a1a1a1a1  2024-01-02 03:04:05  rolled back  1/2    01f08b50
inner  -             -                    stopped      0/0    -
edge: rollout 12345678 of revision b2 failed: it crashed
edge: lb-01 is preparing
edge: drift: image is ` + "\ufffd" + `[31mred
inner: stopped: Swarm stands still

PROXY  POOL  PEERS                                               ROUTES AND STREAMS
edge   shop  10.0.0.1:80 10.0.0.2:80 10.0.0.3:80 10.0.0.4:80 +1  shop raw
edge   gone  none                                                none

service demo: it has no tasks
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

// status --watch tells again what changed, and nothing while nothing does; a manager
// that is away for a while does not end it.
func TestOperateEachChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		looks := 0
		look := func(out io.Writer) error {
			looks++
			switch {
			case looks < 4:
				fmt.Fprintln(out, "one")
			case looks < 6:
				return errors.New("no leader")
			case looks < 8:
				fmt.Fprintln(out, "two")
			default:
				stop()
			}
			return nil
		}
		var out bytes.Buffer
		if err := eachChange(ctx, &out, look); err != nil {
			t.Fatal(err)
		}
		if want := "one\nwharfinger: no leader\ntwo\n"; out.String() != want {
			t.Errorf("got %q, want %q", out.String(), want)
		}
	})
}

func TestOperateHistoryTable(t *testing.T) {
	at := func(hour int) time.Time { return time.Date(2024, 1, 2, hour, 0, 0, 0, time.Local) }
	h := status.History{Entries: []status.Entry{
		{Proxy: "edge", Revision: "bad", Since: at(3), State: status.Refused, Why: "it crashed"},
		{Proxy: "edge", Revision: strings.Repeat("a1", 20), Since: at(2), State: status.Current},
		{Proxy: "edge", Revision: "old", Until: at(2), State: status.Former},
	}}
	var out bytes.Buffer
	if err := writeHistory(&out, h); err != nil {
		t.Fatal(err)
	}
	want := `PROXY  REVISION      SINCE                UNTIL                STATE
edge   bad           2024-01-02 03:00:00  -                    failed: it crashed
edge   a1a1a1a1a1a1  2024-01-02 02:00:00  -                    live
edge   old           -                    2024-01-02 02:00:00  before
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}
