package e2e_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// An answer is what a client gets.
type answer struct {
	Code     int
	Instance string `json:"instance"` // of the demo application
	Service  string `json:"metadata"`
}

// client opens a connection for every request, so nothing is ever retried, and
// follows no redirect.
var client = &http.Client{
	Timeout:       5 * time.Second,
	Transport:     &http.Transport{DisableKeepAlives: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// ask asks the proxy on a node.
func (w *world) ask(node, host, path string) (answer, error) {
	return w.askWith(client, node, host, path)
}

func (w *world) askWith(client *http.Client, node, host, path string) (answer, error) {
	req, err := http.NewRequest(http.MethodGet, "http://"+w.lab.Node(node).Address+path, nil)
	if err != nil {
		return answer{}, err
	}
	req.Host = host
	resp, err := client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	a := answer{Code: resp.StatusCode}
	body, err := io.ReadAll(resp.Body)
	if err != nil || a.Code != http.StatusOK {
		return a, err
	}
	return a, json.Unmarshal(body, &a)
}

// inARow is how many answers, each on a connection of its own, must be right: as
// long as an old and a new proxy share a port, one may be luck.
const inARow = 20

// answers waits until all proxies answer with a status.
func (w *world) answers(host, path string, code int) {
	w.Helper()
	w.until(host, path, answer{Code: code})
}

// serves waits until all proxies answer from a service.
func (w *world) serves(host, path, service string) {
	w.Helper()
	w.until(host, path, answer{Code: http.StatusOK, Service: service})
}

func (w *world) until(host, path string, want answer) {
	w.Helper()
	w.eventually(w.patience, func() error {
		for range inARow {
			for _, node := range w.asked {
				got, err := w.ask(node, host, path)
				if got.Instance = ""; err != nil || got != want {
					return fmt.Errorf("%s answers %s%s with %+v (%v), want %+v", node, host, path, got, err, want)
				}
			}
		}
		return nil
	})
}

// spread waits until all proxies answer from exactly the tasks that the service
// has now, and those of others that share the host. It returns them.
func (w *world) spread(host, service string, replicas int, others ...string) []string {
	w.Helper()
	var want []string
	w.eventually(w.patience, func() error {
		if want = w.instances(service); len(want) != replicas {
			return fmt.Errorf("%s has %d tasks that run, want %d", service, len(want), replicas)
		}
		for _, other := range others {
			want = append(want, w.instances(other)...)
		}
		slices.Sort(want)
		for _, node := range w.asked {
			got := map[string]bool{}
			for range 10 * len(want) {
				a, err := w.ask(node, host, "/")
				if err != nil {
					return err
				}
				if a.Code != http.StatusOK {
					return fmt.Errorf("%s answers %d", node, a.Code)
				}
				got[a.Instance] = true
			}
			if got := slices.Sorted(maps.Keys(got)); !slices.Equal(got, want) {
				return fmt.Errorf("%s answers from %s, want %s", node, got, want)
			}
		}
		return nil
	})
	return want
}

// patrol asks all proxies for a host all the time, on new connections, until
// end is called. Then each request must have been answered with 200.
func (w *world) patrol(host string) (end func()) {
	var (
		mu       sync.Mutex
		asked    int
		failures []string
		group    sync.WaitGroup
		over     = make(chan struct{})
	)
	for _, node := range w.asked {
		group.Go(func() {
			for {
				select {
				case <-over:
					return
				case <-time.After(5 * time.Millisecond):
				}
				a, err := w.ask(node, host, "/")
				mu.Lock()
				if asked++; err != nil || a.Code != http.StatusOK {
					failures = append(failures, fmt.Sprintf("%s %s: %d, %v", time.Now().Format("15:04:05.000"), node, a.Code, err))
				}
				mu.Unlock()
			}
		})
	}
	ended := false
	end = func() {
		w.Helper()
		if ended {
			return
		}
		ended = true
		close(over)
		group.Wait()
		if len(failures) > 0 {
			w.Errorf("%d of %d requests for %s failed meanwhile:\n%s", len(failures), asked, host, strings.Join(failures[:min(10, len(failures))], "\n"))
		} else {
			w.Logf("%d requests for %s meanwhile, none failed", asked, host)
		}
	}
	w.Cleanup(end)
	return end
}
