package swarm

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/docker/docker/api/types/filters"
	api "github.com/docker/docker/api/types/swarm"

	"github.com/wharfinger/wharfinger/generator"
	"github.com/wharfinger/wharfinger/status"
)

// proxies lists the services of all proxies, by the proxies' names.
func (c *Cluster) proxies(ctx context.Context) ([]api.Service, error) {
	services, err := call(ctx, func(ctx context.Context) ([]api.Service, error) {
		return c.docker.ServiceList(ctx, api.ServiceListOptions{Filters: filters.NewArgs(filters.Arg("label", labelProxy))})
	})
	if err != nil {
		return nil, fmt.Errorf("read services: %w", err)
	}
	services = slices.DeleteFunc(services, func(s api.Service) bool {
		_, ok := proxyOf(s)
		return !ok
	})
	slices.SortFunc(services, func(a, b api.Service) int { return cmp.Compare(a.Spec.Name, b.Spec.Name) })
	return services, nil
}

// Status tells of all proxies, as the Swarm does: what they serve, how their tasks
// are, and what Swarm is at. live is what Read returned just before. It knows no pools.
func (c *Cluster) Status(ctx context.Context, live *generator.Live) ([]status.Proxy, error) {
	services, err := c.proxies(ctx)
	if err != nil {
		return nil, err
	}
	out := []status.Proxy{}
	for _, svc := range services {
		service, _ := proxyOf(svc)
		out = append(out, withUpdate(status.Of(service, live), svc))
	}
	return out, nil
}

// withUpdate adds what Swarm is at to what is told of a proxy.
func withUpdate(p status.Proxy, svc api.Service) status.Proxy {
	switch state := updateState(svc); {
	case moving(state):
		p.State, p.Why = status.Rolling, svc.UpdateStatus.Message
	case state == api.UpdateStatePaused || state == api.UpdateStateRollbackPaused:
		p.State, p.Why = status.Stopped, svc.UpdateStatus.Message
	case p.State == status.Live && p.Failed != nil:
		p.State, p.Why = status.RolledBack, cmp.Or(p.Failed.Why, "a rollout failed")
	}
	return p
}
