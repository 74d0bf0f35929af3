package swarm

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/docker/docker/api/types/filters"
	api "github.com/docker/docker/api/types/swarm"

	"github.com/wharfinger/wharfinger/generator"
	"github.com/wharfinger/wharfinger/status"
)

// mostPast is how many revisions a service remembers that it had before: enough for a
// bad week, and 2 KB.
const mostPast = 20

// past is a revision that a proxy had before, and when it came.
type past struct {
	Revision string `json:"revision"`
	Since    string `json:"since,omitempty"` // RFC 3339
}

// pastOf reads labelHistory, the newest first. What somebody broke is no history.
func pastOf(label string) []past {
	var all []past
	if json.Unmarshal([]byte(label), &all) != nil {
		return nil
	}
	return all
}

// withPast is labelHistory with one more. Swarm's rollback brings back the labels with
// the files, so what was taken back is never in it.
func withPast(label string, p past) string {
	if p.Revision == "" {
		return label
	}
	all := append([]past{p}, pastOf(label)...)
	text, err := json.Marshal(all[:min(len(all), mostPast)])
	if err != nil {
		panic(err) // texts always marshal
	}
	return string(text)
}

// History tells which revisions each proxy had, as far as the Swarm remembers, by
// proxy, the newest first: what it serves, what it had before, and what failed last.
func (c *Cluster) History(ctx context.Context) ([]status.Entry, error) {
	services, err := c.proxies(ctx)
	if err != nil {
		return nil, err
	}
	out := []status.Entry{}
	for _, svc := range services {
		p, _ := proxyOf(svc)
		var failedAt time.Time
		if p.Failed != "" {
			if failedAt, err = c.madeFor(ctx, p); err != nil {
				return nil, err
			}
		}
		out = append(out, historyOf(svc, p, failedAt)...)
	}
	return out, nil
}

// historyOf is the history of one proxy. failedAt is when its last failed rollout began,
// zero where that is not known.
func historyOf(svc api.Service, p generator.ProxyService, failedAt time.Time) []status.Entry {
	var out []status.Entry
	if p.Failed != "" {
		out = append(out, status.Entry{Proxy: p.Proxy, Revision: p.FailedRevision, Since: failedAt, State: status.Refused, Why: p.FailedWhy})
	}
	if updateState(svc) != api.UpdateStatePaused { // else it is the one that failed
		out = append(out, status.Entry{Proxy: p.Proxy, Revision: p.Revision, Since: p.Since, State: status.Current})
	}
	until := p.Since
	for _, before := range pastOf(svc.Spec.Labels[labelHistory]) {
		since, _ := time.Parse(time.RFC3339, before.Since)
		out = append(out, status.Entry{Proxy: p.Proxy, Revision: before.Revision, Since: since, Until: until, State: status.Former})
		until = since
	}
	return out
}

// madeFor is when the first config was made for the revision of a proxy that failed;
// zero where there is none any more.
func (c *Cluster) madeFor(ctx context.Context, p generator.ProxyService) (time.Time, error) {
	configs, err := call(ctx, func(ctx context.Context) ([]api.Config, error) {
		ours := filters.NewArgs(filters.Arg("label", labelProxy+"="+p.Proxy))
		return c.docker.ConfigList(ctx, api.ConfigListOptions{Filters: ours})
	})
	if err != nil {
		return time.Time{}, fmt.Errorf("read configs: %w", err)
	}
	var first time.Time
	for _, config := range configs {
		if at := config.CreatedAt; config.Spec.Labels[labelRevision] == p.FailedRevision && (first.IsZero() || at.Before(first)) {
			first = at.UTC().Truncate(time.Second)
		}
	}
	return first, nil
}
