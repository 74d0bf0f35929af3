package swarm

import (
	"maps"
	"slices"
	"strings"

	"github.com/docker/docker/api/types/mount"
	api "github.com/docker/docker/api/types/swarm"

	"github.com/wharfinger/wharfinger/generator"
)

// placement is where a proxy's tasks run. What else an operator said of it stays.
func placement(is *api.Placement, s generator.Spec) *api.Placement {
	out := api.Placement{}
	if is != nil {
		out = *is
	}
	out.Constraints = slices.Clone(s.Constraints)
	out.MaxReplicas = uint64(s.PerNode)
	out.Preferences = nil
	for _, label := range s.Preferences {
		out.Preferences = append(out.Preferences, api.PlacementPreference{Spread: &api.SpreadOver{SpreadDescriptor: label}})
	}
	return &out
}

// spreadOver lists the labels of preferences; Swarm knows no others than to spread.
func spreadOver(preferences []api.PlacementPreference) []string {
	var out []string
	for _, p := range preferences {
		if p.Spread != nil {
			out = append(out, p.Spread.SpreadDescriptor)
		}
	}
	return out
}

// resources are what a task can have and needs. A limit of processes and generic
// resources are an operator's.
func resources(is *api.ResourceRequirements, s generator.Spec) *api.ResourceRequirements {
	if is == nil && s.Limits == (generator.Amounts{}) && s.Reservations == (generator.Amounts{}) {
		return nil
	}
	out := api.ResourceRequirements{}
	if is != nil {
		out = *is
	}
	if out.Limits != nil || s.Limits != (generator.Amounts{}) {
		limits := api.Limit{}
		if out.Limits != nil {
			limits = *out.Limits
		}
		limits.NanoCPUs, limits.MemoryBytes = s.Limits.CPUs, s.Limits.Memory
		out.Limits = &limits
	}
	if out.Reservations != nil || s.Reservations != (generator.Amounts{}) {
		reserved := api.Resources{}
		if out.Reservations != nil {
			reserved = *out.Reservations
		}
		reserved.NanoCPUs, reserved.MemoryBytes = s.Reservations.CPUs, s.Reservations.Memory
		out.Reservations = &reserved
	}
	return &out
}

// mountRefs has the mounts as the only ones. What else an operator said of one, as
// the driver of a volume, stays.
func mountRefs(is []mount.Mount, mounts []generator.Mount) []mount.Mount {
	var out []mount.Mount
	for _, m := range mounts {
		ref := mount.Mount{Type: mount.Type(m.Type), Source: m.Source, Target: m.Target, ReadOnly: m.ReadOnly}
		if i := slices.IndexFunc(is, func(r mount.Mount) bool { return mountOf(r) == m }); i >= 0 {
			ref = is[i]
		}
		out = append(out, ref)
	}
	return out
}

func mountOf(m mount.Mount) generator.Mount {
	return generator.Mount{Target: m.Target, Source: m.Source, Type: string(m.Type), ReadOnly: m.ReadOnly}
}

// mountsOf lists the mounts of a container, sorted by their targets.
func mountsOf(mounts []mount.Mount) []generator.Mount {
	var out []generator.Mount
	for _, m := range mounts {
		out = append(out, mountOf(m))
	}
	slices.SortFunc(out, func(a, b generator.Mount) int { return strings.Compare(a.Target, b.Target) })
	return out
}

// updateConfig is how Swarm replaces tasks. The order is given by meeting.
func updateConfig(is *api.UpdateConfig, s generator.Spec) *api.UpdateConfig {
	out := api.UpdateConfig{}
	if is != nil {
		out = *is
	}
	u := s.Update
	out.Parallelism, out.Delay, out.Monitor, out.FailureAction = uint64(u.Parallelism), u.Delay, u.Monitor, u.Failure
	return &out
}

// isOurLabel tells Wharfinger's own labels of a service from all others.
func isOurLabel(name string) bool {
	return name == labelType || strings.HasPrefix(name, "wharfinger.")
}

// labelsOf are a service's labels but for our own.
func labelsOf(labels map[string]string) map[string]string {
	out := maps.Clone(labels)
	maps.DeleteFunc(out, func(name, _ string) bool { return isOurLabel(name) })
	return noneAsNil(out)
}
