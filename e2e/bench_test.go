package e2e_test

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// BenchmarkPush is how long it takes from the hook that tells of a push until every
// proxy answers for the new route and no former one does any more, against a bare
// `docker config create` and `docker service update` that bring a route by hand to the
// same service, by turns.
func BenchmarkPush(b *testing.B) {
	const pairs = 5
	w := newWorld(b)
	w.application("demo", 2)
	secret := filepath.Join(b.TempDir(), "hook-secret")
	if err := os.WriteFile(secret, []byte("0123456789abcdef\n"), 0o600); err != nil {
		b.Fatal(err)
	}
	watch := func() *daemon {
		return w.watch("--interval", "1h", "--hook-secret-file", secret, "--listen", w.lab.Node(w.manager).Address+":8080")
	}
	host := "host-0.local"
	commit := w.push(toDemo(edge, host))
	d := watch()
	d.rolled(commit)
	var ours, bare, ratios []float64
	for b.Loop() {
		for i := range pairs {
			w.settled()
			before := host
			host = fmt.Sprintf("host-%d.local", i+1)
			commit = w.push(toDemo(edge, before, host))
			start := time.Now()
			hook(b, w.lab.Node(w.manager).Address)
			w.serves(host, "/", "demo")
			ours = append(ours, time.Since(start).Seconds())
			d.rolled(commit)
			d.stop()

			w.settled()
			start = time.Now()
			w.replaceByHand(before, fmt.Sprintf("bare-%d.local", i))
			w.serves(fmt.Sprintf("bare-%d.local", i), "/", "demo")
			bare = append(bare, time.Since(start).Seconds())
			ratios = append(ratios, ours[len(ours)-1]/bare[len(bare)-1])
			d = watch() // and all is as git has it
			d.rolled(commit)
		}
	}
	for _, list := range [][]float64{ours, bare, ratios} {
		slices.Sort(list)
	}
	b.ReportMetric(ratios[len(ratios)/2], "of-bare-update")
	b.ReportMetric(ratios[0], "lowest")
	b.ReportMetric(ratios[len(ratios)-1], "highest")
	b.ReportMetric(1000*ours[len(ours)/2], "ms")
	b.ReportMetric(1000*bare[len(bare)/2], "ms-bare-update")
	b.ReportMetric(0, "ns/op")
}

// replaceByHand has the proxies serve one host in the place of another one, as somebody
// would who has nothing but docker.
func (w *world) replaceByHand(from, to string) {
	w.Helper()
	var list []struct {
		Spec struct {
			TaskTemplate struct {
				ContainerSpec struct {
					Configs []struct {
						ConfigName string
						File       struct{ Name string }
					}
				}
			}
		}
	}
	w.decode(&list, "service", "inspect", "wharfinger-edge")
	for _, c := range list[0].Spec.TaskTemplate.ContainerSpec.Configs {
		if !strings.Contains(c.File.Name, "/routes/") {
			continue
		}
		var configs []struct{ Spec struct{ Data []byte } }
		w.decode(&configs, "config", "inspect", c.ConfigName)
		file := filepath.Join(w.TempDir(), "conf")
		if err := os.WriteFile(file, bytes.ReplaceAll(configs[0].Spec.Data, []byte(from), []byte(to)), 0o644); err != nil {
			w.Fatal(err)
		}
		w.docker("config", "create", to, file)
		w.docker("service", "update", "--detach", "--quiet", "--config-rm", c.ConfigName, "--config-add", "source="+to+",target="+c.File.Name, "wharfinger-edge")
	}
}

func hook(b *testing.B, manager string) {
	b.Helper()
	request, err := http.NewRequestWithContext(b.Context(), http.MethodPost, "http://"+manager+":8080/hooks/generic", nil)
	if err != nil {
		b.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer 0123456789abcdef")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		b.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode >= 300 {
		b.Fatalf("the hook is answered %s", answer.Status)
	}
}

// settled waits until Swarm has nothing more to do for the last update, and the former
// proxies are gone.
func (w *world) settled() {
	w.Helper()
	w.eventually(time.Minute, func() error {
		if state := w.docker("service", "inspect", "-f", "{{if .UpdateStatus}}{{.UpdateStatus.State}}{{end}}", "wharfinger-edge"); state != "completed" && state != "" {
			return fmt.Errorf("the update is %s", state)
		}
		return nil
	})
	time.Sleep(5 * time.Second)
}

// BenchmarkRolls rolls the proxies a hundred times, one push after the other, under
// all the load that the machine gives.
func BenchmarkRolls(b *testing.B) {
	const rolls = 100
	w := newWorld(b)
	w.application("demo", 4)
	d := w.watch()
	// The drain is the default here: some clients pause for longer than that of edge.
	proxy := strings.Replace(edge, "    drain: 2s\n", "", 1)
	d.rolled(w.push(toDemo(proxy, "demo.local")))
	w.serves("demo.local", "/", "demo")
	const host, form = "demo.local", "who=asked&what=a+small+body"
	load := w.load("demo",
		&kind{name: "GET, kept alive", request: text("GET", host, "keep-alive", ""), keep: true, clients: 2},
		&kind{name: "GET, kept alive, pauses", request: text("GET", host, "keep-alive", ""), keep: true, clients: 20, pause: 4 * time.Second},
		&kind{name: "GET, new connection", request: text("GET", host, "close", ""), clients: 1},
		&kind{name: "POST, new connection", request: text("POST", host, "close", form), clients: 1},
	)
	begin := time.Now()
	for b.Loop() {
		for i := range rolls {
			d.rolled(w.push(toDemo(proxy, "demo.local", fmt.Sprintf("host-%d.local", i))))
		}
	}
	took := time.Since(begin)
	load.stop()
	total := load.sum()
	b.ReportMetric(float64(total.failed), "failed")
	b.ReportMetric(float64(total.requests), "requests")
	b.ReportMetric(took.Seconds()/rolls, "s/roll")
	b.ReportMetric(0, "ns/op")
	if total.failed > 0 {
		b.Errorf("%d of %d requests failed over %d rolls:\n%s", total.failed, total.requests, rolls, load.table())
	}
}
