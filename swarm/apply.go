package swarm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	api "github.com/docker/docker/api/types/swarm"

	"github.com/wharfinger/wharfinger/generator"
)

// ErrChanged says that somebody changed the proxy's service after the rollout
// was computed from it. Nothing was overwritten: read the cluster and compute
// the rollout again.
var ErrChanged = errors.New("the proxy's service was changed by somebody else meanwhile; what they did was left as it is")

// Apply brings a proxy to a rollout and returns once every one of its proxies
// serves it. Where the service has all of it already, nothing is sent, and the
// proxies are asked all the same: what was killed half-way ends here.
//
// progress, if not nil, is called when a node's state changes: "pending" (the
// old proxy serves), "starting", "running" (but the new files are not answered
// yet), and "serves 01f08b50", the start of the rollout's digest.
//
// Errors: a *Failed for a rollout that Swarm or the deadline ended, or that wants a
// port which another program has; ErrChanged;
// ctx.Err() as soon as ctx ends, with the rollout left to go on by itself; any
// other is of one request and can be tried again.
func (c *Cluster) Apply(ctx context.Context, r generator.Rollout, progress func(node, state string)) error {
	defer c.replica.marks.others() // the stream may tell of it later than the leader
	svc, err := c.proxyService(ctx, r)
	if err != nil {
		return err
	}
	sent := false
	if svc == nil || !carries(svc.Spec, r) {
		if svc != nil && !r.Quarantined {
			if err := c.unrecorded(ctx, r, *svc); err != nil {
				return err
			}
		}
		if !sameBase(svc, r.From) {
			return ErrChanged
		}
		if svc != nil {
			if err := c.taken(ctx, r, *svc); err != nil {
				return err
			}
		}
		c.step("configs", r)
		ids, err := c.makeConfigs(ctx, r)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			return fmt.Errorf("%w; the service was not touched", err)
		}
		c.step("update", r)
		if sent, err = c.update(ctx, r, ids); err != nil {
			return err
		}
	}
	c.step("confirm", r)
	if err := c.confirm(ctx, r, sent, progress); err != nil {
		return err
	}
	c.step("clean-up", r)
	return c.cleanUp(ctx, r)
}

func (c *Cluster) step(name string, r generator.Rollout) {
	c.log.Debug("apply", "step", name, "proxy", r.Proxy, "rollout", r.ID, "digest", r.Digest)
}

// service returns a service by its name, or nil where there is none.
func (c *Cluster) service(ctx context.Context, name string) (*api.Service, error) {
	svc, err := call(ctx, func(ctx context.Context) (api.Service, error) {
		svc, _, err := c.docker.ServiceInspectWithRaw(ctx, name, api.ServiceInspectOptions{})
		return svc, err
	})
	if errdefs.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read service %s: %w", name, err)
	}
	return &svc, nil
}

// proxyService returns the service that r is for, or nil where there is none.
// One that has the name but is not Wharfinger's is left alone.
func (c *Cluster) proxyService(ctx context.Context, r generator.Rollout) (*api.Service, error) {
	svc, err := c.service(ctx, r.Service)
	if err != nil || svc == nil {
		return nil, err
	}
	if p, ok := proxyOf(*svc); !ok || p.Proxy != r.Proxy {
		return nil, fmt.Errorf("service %s is not Wharfinger's: it lacks the label %s=%s; rename the proxy or remove the service",
			r.Service, labelProxy, r.Proxy)
	}
	return svc, nil
}

// sameBase reports whether the service still is what a rollout was computed
// from. The version index would be too strict: Swarm moves it by itself.
func sameBase(svc *api.Service, from *generator.ProxyService) bool {
	if svc == nil || from == nil {
		return svc == nil && from == nil
	}
	p, _ := proxyOf(*svc)
	return maps.Equal(p.Carried, from.Carried) && sameSpec(p.Spec, from.Spec) && sameSpec(p.Applied, from.Applied)
}

func sameSpec(a, b generator.Spec) bool { return asLabel(withoutNames(a)) == asLabel(withoutNames(b)) }

// makeConfigs creates the configs that are missing and returns the IDs of all
// by name. One that is there must hold what its name promises.
func (c *Cluster) makeConfigs(ctx context.Context, r generator.Rollout) (map[string]string, error) {
	names := make([]string, len(r.Shards))
	for i, s := range r.Shards {
		names[i] = s.Config
	}
	there, err := c.configs(ctx, names)
	if err != nil {
		return nil, err
	}
	ids := map[string]string{}
	for _, s := range r.Shards {
		config, ok := there[s.Config]
		if !ok {
			id, err := c.makeConfig(ctx, r, s)
			if err == nil {
				ids[s.Config] = id
				continue
			}
			if !errdefs.IsConflict(err) && !errdefs.IsAlreadyExists(err) {
				return nil, fmt.Errorf("create config %s: %w", s.Config, err)
			}
			// Another Wharfinger was faster.
			there, err := c.configs(ctx, []string{s.Config})
			if err != nil {
				return nil, err
			}
			config = there[s.Config]
		}
		if !bytes.Equal(config.Spec.Data, s.Data) {
			return nil, fmt.Errorf("config %s does not hold what its name says: somebody else made it; remove it", s.Config)
		}
		ids[s.Config] = config.ID
	}
	return ids, nil
}

func (c *Cluster) makeConfig(ctx context.Context, r generator.Rollout, s generator.Shard) (string, error) {
	res, err := call(ctx, func(ctx context.Context) (api.ConfigCreateResponse, error) {
		return c.docker.ConfigCreate(ctx, api.ConfigSpec{
			Annotations: api.Annotations{Name: s.Config, Labels: map[string]string{
				labelProxy: r.Proxy, labelRevision: r.Revision, labelPath: s.Path,
			}},
			Data: s.Data,
		})
	})
	return res.ID, err
}

// updateTries is how often an update is tried that Swarm's own writes overtook.
// Swarm writes to a service a few times in a rollout, not all the time.
const updateTries = 8

// update creates the service or updates it, once. sent is false if another
// Wharfinger did so first.
func (c *Cluster) update(ctx context.Context, r generator.Rollout, ids map[string]string) (sent bool, err error) {
	refs := refsOf(r.Shards, ids)
	for try := 1; ; try++ {
		svc, err := c.proxyService(ctx, r)
		switch {
		case err != nil:
			return false, err
		case svc != nil && carries(svc.Spec, r):
			return false, nil
		case !sameBase(svc, r.From):
			return false, ErrChanged
		case svc == nil:
			_, err = call(ctx, func(ctx context.Context) (api.ServiceCreateResponse, error) {
				return c.docker.ServiceCreate(ctx, created(r, refs), api.ServiceCreateOptions{})
			})
		default:
			err = c.send(ctx, *svc, updated(svc.Spec, r, refs), api.RegistryAuthFromSpec)
		}
		if err == nil {
			return true, nil
		}
		if try == updateTries || !errdefs.IsConflict(err) && !outOfSequence(err) {
			return false, fmt.Errorf("update service %s: %w", r.Service, err)
		}
		if err := sleep(ctx, 50*time.Millisecond); err != nil {
			return false, err
		}
	}
}

// send updates a service. credentials says where those for the registry stay:
// in the spec that is replaced, or in the one before it.
func (c *Cluster) send(ctx context.Context, svc api.Service, spec api.ServiceSpec, credentials string) error {
	res, err := call(ctx, func(ctx context.Context) (api.ServiceUpdateResponse, error) {
		return c.docker.ServiceUpdate(ctx, svc.ID, svc.Version, spec, api.ServiceUpdateOptions{RegistryAuthFrom: credentials})
	})
	for _, warning := range res.Warnings {
		c.log.Warn("the manager warns", "service", spec.Name, "warning", warning)
	}
	return err
}

// outOfSequence recognises an update that was based on an older version. It
// comes as status 500, like any trouble of the manager's.
func outOfSequence(err error) bool {
	return err != nil && strings.Contains(err.Error(), "update out of sequence")
}

// sleep waits, or returns ctx.Err() if ctx ends first.
func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
