package e2e_test

import (
	"fmt"
	"testing"
	"time"
)

const (
	rolls    = 10
	requests = 200_000 // at least, while it rolls
)

// Rolling drops no request: not one on a new connection, not one on a connection
// that is reused, no POST, which nobody may send twice.
func TestHitless(t *testing.T) {
	w := newWorld(t)
	w.application("demo", 4)
	d := w.watch()
	// The drain is the default here, as in production.
	const proxy = `proxies:
  edge:
    image: nginx:1.30
    constraints: [node.labels.nodetype == loadbalancer]
`
	hosts := []string{"demo.local"}
	d.rolled(w.push(toDemo(proxy, hosts...)))
	w.serves("demo.local", "/", "demo")

	const host, form = "demo.local", "who=asked&what=a+small+body"
	load := w.load("demo",
		&kind{name: "GET, kept alive", request: text("GET", host, "keep-alive", ""), keep: true, clients: 2},
		&kind{name: "GET, kept alive, pauses", request: text("GET", host, "keep-alive", ""), keep: true, clients: 20, pause: 4 * time.Second},
		&kind{name: "GET, new connection", request: text("GET", host, "close", ""), clients: 2},
		&kind{name: "POST, kept alive", request: text("POST", host, "keep-alive", form), keep: true, clients: 1},
		&kind{name: "POST, new connection", request: text("POST", host, "close", form), clients: 1},
	)
	begin := time.Now()
	rolled, during := 0, int64(0)
	table := "\n     roll  push to confirmed  requests meanwhile  failed\n"
	for rolled < rolls || during < requests && time.Since(begin) < 4*time.Minute {
		rolled++
		before := load.sum()
		hosts = append(hosts, fmt.Sprintf("host-%d.local", rolled))
		d.rolled(w.push(toDemo(proxy, hosts...)))
		took, now := time.Since(w.pushed), load.sum()
		during += now.requests - before.requests
		table += fmt.Sprintf("%9d %17.1fs %19d %7d\n", rolled, took.Seconds(), now.requests-before.requests, now.failed-before.failed)
	}
	load.stop()
	total, took := load.sum(), time.Since(begin)
	w.Logf("%s%s\n%d requests in %.0f s, %.0f/s; %d of them during the %d rolls; %d configs are left",
		table, load.table(), total.requests, took.Seconds(), float64(total.requests)/took.Seconds(), during, rolled, w.tidy())

	if total.failed > 0 {
		t.Errorf("%d of %d requests failed, want none", total.failed, total.requests)
	}
	if during < requests {
		t.Errorf("%d requests while it rolled %d times in %s, want %d at least", during, rolled, took, requests)
	}
	for _, k := range load.kinds {
		if k.sum().requests == 0 {
			t.Errorf("%s: not one request", k.name)
		}
	}
	for _, host := range hosts {
		w.serves(host, "/", "demo")
	}
}
