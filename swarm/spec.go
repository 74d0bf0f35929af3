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
	labelSince    = "wharfinger.since"    // when the revision first came, RFC 3339
	labelHistory  = "wharfinger.history"  // revisions before that one, as JSON: see past
	labelFailed   = "wharfinger.failed"   // Rollout.ID of one that was taken back
	labelFailedOf = "wharfinger.failed-revision"
	labelWhy      = "wharfinger.failed-why"
	labelWithout  = "wharfinger.without" // nodes that were lost in this rollout
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
	spec := api.ServiceSpec{
		Annotations: api.Annotations{Name: r.Service, Labels: map[string]string{labelType: typeProxy}},
		TaskTemplate: api.TaskSpec{
			ContainerSpec: &api.ContainerSpec{},
			RestartPolicy: &api.RestartPolicy{Condition: api.RestartPolicyConditionAny, Delay: &restart},
		},
		Mode: api.ServiceMode{Global: &api.GlobalService{}},
		// The way back must not stop half-way because one node has a trouble of its
		// own, nor wait between nodes.
		RollbackConfig: &api.UpdateConfig{
			Parallelism: 1, Order: r.Spec.Order, FailureAction: api.UpdateFailureActionContinue, Monitor: 2 * time.Second,
		},
	}
	if r.Spec.Replicated {
		spec.Mode = api.ServiceMode{Replicated: &api.ReplicatedService{}}
	}
	return updated(spec, r, refs)
}

// updated is spec with r in it: our configs, the fields that Rollout.Spec has,
// and our labels. All else stays. It does not write to what spec points to.
func updated(spec api.ServiceSpec, r generator.Rollout, refs []*api.ConfigReference) api.ServiceSpec {
	container := *spec.TaskTemplate.ContainerSpec
	container.Image = r.Spec.Image
	container.StopSignal = r.Spec.Signal
	if r.Spec.Grace != 0 {
		grace := r.Spec.Grace
		container.StopGracePeriod = &grace
	}
	container.Configs = slices.DeleteFunc(slices.Clone(container.Configs), func(ref *api.ConfigReference) bool {
		inPlaceOf := func(own *api.ConfigReference) bool { return ref.File != nil && ref.File.Name == own.File.Name }
		return isOurs(ref) || slices.ContainsFunc(refs, inPlaceOf) // Swarm takes one config for a path
	})
	container.Configs = append(container.Configs, refs...)
	container.Secrets = secretRefs(container.Secrets, r.Spec.Secrets)
	container.Mounts = mountRefs(container.Mounts, r.Spec.Mounts)
	container.Labels = noneAsNil(maps.Clone(r.Spec.ContainerLabels))
	spec.TaskTemplate.ContainerSpec = &container
	spec.TaskTemplate.Placement = placement(spec.TaskTemplate.Placement, r.Spec)
	spec.TaskTemplate.Resources = resources(spec.TaskTemplate.Resources, r.Spec)
	if replicated := spec.Mode.Replicated; replicated != nil && r.Spec.Replicated {
		n := uint64(r.Spec.Replicas)
		spec.Mode.Replicated = &api.ReplicatedService{Replicas: &n}
	}
	spec.UpdateConfig = updateConfig(spec.UpdateConfig, r.Spec)
	spec = meeting(spec, r, r.From == nil || r.From.Spec.OnHost())

	labels := maps.Clone(r.Spec.Labels)
	if labels == nil {
		labels = map[string]string{}
	}
	for name, value := range spec.Labels {
		if isOurLabel(name) {
			labels[name] = value
		}
	}
	since, before := labels[labelSince], labels[labelHistory]
	if since == "" || labels[labelRevision] != r.Revision {
		before = withPast(before, past{labels[labelRevision], since})
		since = time.Now().UTC().Format(time.RFC3339)
	}
	spec.Labels = withLabels(withLabels(labels, failure(generator.Rollout{}, "")), map[string]string{
		labelProxy: r.Proxy, labelRevision: r.Revision, labelDigest: r.Digest,
		labelRollout: r.ID, labelApplied: asLabel(r.Named), labelSince: since, labelHistory: before, labelWithout: "",
	})
	return spec
}

// mostWhy is how many bytes of a reason a label keeps.
const mostWhy = 400

// failure is the labels that record a rollout that failed; those of the zero Rollout
// remove the record.
func failure(r generator.Rollout, why string) map[string]string {
	if len(why) > mostWhy {
		why = strings.ToValidUTF8(why[:mostWhy], "") + "…"
	}
	return map[string]string{labelFailed: r.ID, labelFailedOf: r.Revision, labelWhy: why}
}

func asLabel(s generator.Spec) string {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err) // strings and numbers always marshal
	}
	return string(text)
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
		Digest: labels[labelDigest], Revision: labels[labelRevision],
	}
	p.Failed, p.FailedRevision, p.FailedWhy = failedOf(svc)
	p.Since, _ = time.Parse(time.RFC3339, labels[labelSince])
	if p.Proxy == "" || p.Service != generator.Prefix+p.Proxy {
		return generator.ProxyService{}, false
	}
	// A label that an operator broke says that nothing was applied: then all that
	// the service has is taken for the operator's and stays.
	if json.Unmarshal([]byte(labels[labelApplied]), &p.Applied) != nil {
		p.Applied = generator.Spec{}
	}
	p.Spec = specOf(svc.Spec, p.Applied)
	p.Carried = carriedBy(svc.Spec.TaskTemplate)
	return p, true
}

// specOf reads the fields that a repository can name. The engine's client
// writes images in its own way, as nginx:1.30 for docker.io/library/nginx:1.30;
// an image that was applied comes back as it was written.
func specOf(spec api.ServiceSpec, applied generator.Spec) generator.Spec {
	s := generator.Spec{Networks: networksOf(spec, applied.Networks), Publish: publishOf(spec), Labels: labelsOf(spec.Labels)}
	s.Update.Parallelism = 1 // Swarm's own where nobody says
	if u := spec.UpdateConfig; u != nil {
		s.Order = u.Order
		s.Update = generator.Update{Parallelism: int(u.Parallelism), Delay: u.Delay, Monitor: u.Monitor, Failure: u.FailureAction}
	}
	if m := spec.Mode.Replicated; m != nil {
		s.Replicated = true
		if m.Replicas != nil {
			s.Replicas = int(*m.Replicas)
		}
	}
	if c := spec.TaskTemplate.ContainerSpec; c != nil {
		s.Image = imageAsWritten(c.Image, applied.Image)
		s.Signal = c.StopSignal
		if c.StopGracePeriod != nil {
			s.Grace = *c.StopGracePeriod
		}
		s.Secrets = secretsOf(c)
		s.Mounts = mountsOf(c.Mounts)
		s.ContainerLabels = noneAsNil(maps.Clone(c.Labels))
	}
	if p := spec.TaskTemplate.Placement; p != nil {
		if len(p.Constraints) > 0 {
			s.Constraints = p.Constraints
		}
		s.PerNode = int(p.MaxReplicas)
		s.Preferences = spreadOver(p.Preferences)
	}
	if r := spec.TaskTemplate.Resources; r != nil {
		if l := r.Limits; l != nil {
			s.Limits = generator.Amounts{CPUs: l.NanoCPUs, Memory: l.MemoryBytes}
		}
		if l := r.Reservations; l != nil {
			s.Reservations = generator.Amounts{CPUs: l.NanoCPUs, Memory: l.MemoryBytes}
		}
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

// carries reports whether a service is what r asks for. Swarm knows constraints as
// a set. The order of updates counts for the next one, and is no part of what is,
// unless the repository names it.
func carries(spec api.ServiceSpec, r generator.Rollout) bool {
	want := map[string]string{}
	for _, s := range r.Shards {
		want[s.Path] = s.Config
	}
	has := specOf(spec, r.Spec)
	if !r.OrderNamed {
		has.Order = r.Spec.Order
	}
	if r.Notes && spec.Labels[labelApplied] != asLabel(r.Named) {
		return false
	}
	return maps.Equal(carriedBy(spec.TaskTemplate), want) && sameSpec(sorted(has), sorted(r.Spec))
}

// sorted is a spec with its constraints in order.
func sorted(s generator.Spec) generator.Spec {
	s.Constraints = slices.Sorted(slices.Values(s.Constraints))
	return s
}

// withoutNames is a spec without the names of networks, which a service does not tell.
func withoutNames(s generator.Spec) generator.Spec {
	s.Networks = slices.Clone(s.Networks)
	for i := range s.Networks {
		if s.Networks[i].ID != "" {
			s.Networks[i].Name = ""
		}
	}
	return s
}

// carriesIn is carries for a task, which does not tell what is its service's alone.
func carriesIn(task api.TaskSpec, r generator.Rollout) bool {
	if task.ContainerSpec == nil {
		return false
	}
	whole := updated(api.ServiceSpec{TaskTemplate: task}, r, nil)
	whole.TaskTemplate = task
	if r.Spec.Replicated {
		n := uint64(r.Spec.Replicas)
		whole.Mode.Replicated = &api.ReplicatedService{Replicas: &n}
	}
	return carries(whole, r)
}
