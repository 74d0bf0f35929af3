package swarm

import (
	"encoding/json"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/distribution/reference"
	api "github.com/docker/docker/api/types/swarm"

	"github.com/wharfinger/wharfinger/generator"
)

// Labels of a proxy's service. A config has the first two and labelPath.
const (
	labelProxy    = "wharfinger.proxy"    // the proxy's name in the repository
	labelRevision = "wharfinger.revision" // the revision that it came from
	labelPath     = "wharfinger.path"     // where a config lies, below folder
	labelDigest   = "wharfinger.digest"   // Rollout.Digest
	labelRollout  = "wharfinger.rollout"  // Rollout.ID
	labelApplied  = "wharfinger.applied"  // Rollout.Named, as JSON
	labelFailed   = "wharfinger.failed"   // Rollout.ID of one that was taken back
)

// Operators of Interlock find their proxies by this label.
const (
	labelType = "type"
	typeProxy = "com.docker.interlock.core.proxy"
)

// folder is where nginx looks for nginx.conf in stock images.
const folder = "/etc/nginx/"

// created is the spec of a proxy's service that is not there yet. From then on
// all that r does not name is the operators'.
func created(r generator.Rollout, refs []*api.ConfigReference) api.ServiceSpec {
	restart := time.Second // Swarm's 5 s are long for a proxy; a crash is still seen as one
	parallel := func(failure string, delay time.Duration) *api.UpdateConfig {
		return &api.UpdateConfig{
			Parallelism: 1, Order: api.UpdateOrderStartFirst, FailureAction: failure,
			Delay: delay, Monitor: 2 * time.Second,
		}
	}
	return updated(api.ServiceSpec{
		Annotations: api.Annotations{Name: r.Service, Labels: map[string]string{labelType: typeProxy}},
		TaskTemplate: api.TaskSpec{
			ContainerSpec: &api.ContainerSpec{
				StopSignal: "SIGQUIT", // nginx: finish what you have, then end
			},
			RestartPolicy: &api.RestartPolicy{Condition: api.RestartPolicyConditionAny, Delay: &restart},
			Placement:     &api.Placement{},
			Networks:      []api.NetworkAttachmentConfig{{Target: "host"}},
		},
		Mode:         api.ServiceMode{Global: &api.GlobalService{}},
		UpdateConfig: parallel(api.UpdateFailureActionRollback, betweenNodes),
		// The way back must not stop half-way because one node has a trouble of its
		// own, nor wait between nodes.
		RollbackConfig: parallel(api.UpdateFailureActionContinue, 0),
	}, r, refs)
}

// betweenNodes is how long a new proxy is watched before the next node's turn
// (UpdateConfig.Delay). An nginx that refuses its files ends within a fraction of
// it, so that a bad rollout meets one node and not all. On that node nothing is
// lost either: the old proxy was seen to get its SIGQUIT 3.1 s after the start of
// the new one (engine 20.10.24), whatever Delay and Monitor are.
const betweenNodes = time.Second

// updated is spec with r in it: our configs, the fields that Rollout.Spec has,
// and our labels. All else stays. It does not write to what spec points to.
func updated(spec api.ServiceSpec, r generator.Rollout, refs []*api.ConfigReference) api.ServiceSpec {
	container := *spec.TaskTemplate.ContainerSpec
	container.Image = r.Spec.Image
	if r.Spec.Grace != 0 {
		grace := r.Spec.Grace
		container.StopGracePeriod = &grace
	}
	container.Configs = slices.DeleteFunc(slices.Clone(container.Configs), isOurs)
	container.Configs = append(container.Configs, refs...)
	container.Secrets = secretRefs(container.Secrets, r.Spec.Secrets)
	spec.TaskTemplate.ContainerSpec = &container

	placement := api.Placement{}
	if spec.TaskTemplate.Placement != nil {
		placement = *spec.TaskTemplate.Placement
	}
	placement.Constraints = slices.Clone(r.Spec.Constraints)
	spec.TaskTemplate.Placement = &placement

	applied, err := json.Marshal(r.Named)
	if err != nil {
		panic(err) // strings and numbers always marshal
	}
	spec.Labels = withLabels(spec.Labels, map[string]string{
		labelProxy: r.Proxy, labelRevision: r.Revision, labelDigest: r.Digest,
		labelRollout: r.ID, labelApplied: string(applied), labelFailed: "",
	})
	return spec
}

// withLabels returns labels with others set; an empty value removes one.
func withLabels(labels, set map[string]string) map[string]string {
	out := maps.Clone(labels)
	if out == nil {
		out = map[string]string{}
	}
	for name, value := range set {
		if out[name] = value; value == "" {
			delete(out, name)
		}
	}
	return out
}

// isOurs tells our configs from an operator's by name and place. The labels of
// a config would need one more request.
func isOurs(ref *api.ConfigReference) bool {
	return ref.File != nil && strings.HasPrefix(ref.File.Name, folder) && strings.HasPrefix(ref.ConfigName, generator.Prefix)
}

// refsOf mounts a rollout's configs; ids has the configs' IDs by name.
func refsOf(shards []generator.Shard, ids map[string]string) []*api.ConfigReference {
	var refs []*api.ConfigReference
	for _, s := range shards {
		refs = append(refs, &api.ConfigReference{
			ConfigID: ids[s.Config], ConfigName: s.Config,
			File: &api.ConfigReferenceFileTarget{Name: path.Join(folder, s.Path), UID: "0", GID: "0", Mode: 0o444},
		})
	}
	slices.SortFunc(refs, func(a, b *api.ConfigReference) int { return strings.Compare(a.File.Name, b.File.Name) })
	return refs
}

// proxyOf reads back what created and updated wrote. A service that merely
// copies a proxy's labels, under another name, is none.
func proxyOf(svc api.Service) (generator.ProxyService, bool) {
	labels := svc.Spec.Labels
	p := generator.ProxyService{
		Proxy: labels[labelProxy], Service: svc.Spec.Name,
		Digest: labels[labelDigest], Revision: labels[labelRevision], Failed: failedOf(svc),
	}
	if p.Proxy == "" || p.Service != generator.Prefix+p.Proxy {
		return generator.ProxyService{}, false
	}
	// A label that an operator broke says that nothing was applied: then all that
	// the service has is taken for the operator's and stays.
	if json.Unmarshal([]byte(labels[labelApplied]), &p.Applied) != nil {
		p.Applied = generator.Spec{}
	}
	p.Spec = specOf(svc.Spec.TaskTemplate, p.Applied.Image)
	p.Carried = carriedBy(svc.Spec.TaskTemplate)
	return p, true
}

// specOf reads the fields that a repository can name. The engine's client
// writes images in its own way, as nginx:1.30 for docker.io/library/nginx:1.30;
// an image that was applied comes back as it was written.
func specOf(task api.TaskSpec, applied string) generator.Spec {
	var s generator.Spec
	if c := task.ContainerSpec; c != nil {
		s.Image = imageAsWritten(c.Image, applied)
		if c.StopGracePeriod != nil {
			s.Grace = *c.StopGracePeriod
		}
		s.Secrets = secretsOf(c)
	}
	if p := task.Placement; p != nil && len(p.Constraints) > 0 {
		s.Constraints = p.Constraints
	}
	return s
}

// imageAsWritten returns an image of a service in the words of the one that was
// applied, where it is the same: whole, or but for a digest behind its name.
func imageAsWritten(image, applied string) string {
	if image == engineName(applied) {
		return applied
	}
	name, digest, pinned := strings.Cut(image, "@")
	written, _, _ := strings.Cut(applied, "@")
	switch {
	case name != engineName(written):
		return image
	case pinned:
		return written + "@" + digest
	}
	return written
}

// engineName is an image as the engine's client sends it
// (client.imageWithTagString).
func engineName(image string) string {
	named, err := reference.ParseNormalizedNamed(image)
	if err != nil {
		return image
	}
	return reference.FamiliarString(reference.TagNameOnly(named))
}

// carriedBy returns the names of our configs in a task, by path.
func carriedBy(task api.TaskSpec) map[string]string {
	if task.ContainerSpec == nil {
		return nil
	}
	var carried map[string]string
	for _, ref := range task.ContainerSpec.Configs {
		if !isOurs(ref) {
			continue
		}
		if carried == nil {
			carried = map[string]string{}
		}
		carried[strings.TrimPrefix(ref.File.Name, folder)] = ref.ConfigName
	}
	return carried
}

// carries reports whether a task is what r asks for. Swarm knows constraints as
// a set.
func carries(task api.TaskSpec, r generator.Rollout) bool {
	want := map[string]string{}
	for _, s := range r.Shards {
		want[s.Path] = s.Config
	}
	has := specOf(task, r.Spec.Image)
	return maps.Equal(carriedBy(task), want) && has.Image == r.Spec.Image &&
		(r.Spec.Grace == 0 || has.Grace == r.Spec.Grace) && slices.Equal(has.Secrets, r.Spec.Secrets) &&
		slices.Equal(slices.Sorted(slices.Values(has.Constraints)), slices.Sorted(slices.Values(r.Spec.Constraints)))
}
