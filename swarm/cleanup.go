package swarm

import (
	"context"
	"fmt"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/filters"
	api "github.com/docker/docker/api/types/swarm"

	"github.com/wharfinger/wharfinger/generator"
)

// unusedFor is how long a config stays that no service uses yet. Another
// Wharfinger, such as an operator's `apply` beside the daemon, may have made it
// and be about to update the service, which takes seconds.
const unusedFor = time.Minute

// cleanUp removes the proxy's old configs. It keeps what the service's spec
// names, and what PreviousSpec names, which an engine would let go and which a
// rollback needs. That something cannot be removed is logged: the next clean-up
// meets it again, and the rollout is confirmed all the same.
func (c *Cluster) cleanUp(ctx context.Context, r generator.Rollout) error {
	configs, err := call(ctx, func(ctx context.Context) ([]api.Config, error) {
		ours := filters.NewArgs(filters.Arg("label", labelProxy+"="+r.Proxy))
		return c.docker.ConfigList(ctx, api.ConfigListOptions{Filters: ours})
	})
	if err == nil {
		// The service is read after the configs, so that all that it named
		// when they were listed, or names since, is kept.
		var svc *api.Service
		if svc, err = c.proxyService(ctx, r); err == nil && svc != nil {
			err = c.removeConfigs(ctx, outdated(configs, *svc, c.unusedFor))
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		c.log.Warn("some old configs stay until the next clean-up", "proxy", r.Proxy, "error", err)
	}
	return nil
}

// outdated returns the configs that neither of the service's specs names. Age
// is told by the managers' clocks alone: what was made shortly before the
// service's last change, or after it, is young.
func outdated(configs []api.Config, svc api.Service, unusedFor time.Duration) []api.Config {
	used := map[string]bool{}
	specs := []api.ServiceSpec{svc.Spec}
	if svc.PreviousSpec != nil {
		specs = append(specs, *svc.PreviousSpec)
	}
	for _, spec := range specs {
		if spec.TaskTemplate.ContainerSpec == nil {
			continue
		}
		for _, ref := range spec.TaskTemplate.ContainerSpec.Configs {
			used[ref.ConfigID] = true
		}
	}
	var old []api.Config
	for _, config := range configs {
		if !used[config.ID] && config.CreatedAt.Before(svc.UpdatedAt.Add(-unusedFor)) {
			old = append(old, config)
		}
	}
	return old
}

// removeConfigs removes all that it can and returns the last error. An engine
// refuses what a service still uses: somebody mounted one elsewhere.
func (c *Cluster) removeConfigs(ctx context.Context, configs []api.Config) error {
	var last error
	for _, config := range configs {
		_, err := call(ctx, func(ctx context.Context) (struct{}, error) {
			return struct{}{}, c.docker.ConfigRemove(ctx, config.ID)
		})
		if err != nil && !errdefs.IsNotFound(err) {
			last = fmt.Errorf("remove config %s: %w", config.Spec.Name, err)
		}
	}
	return last
}
