package swarm

import (
	"cmp"
	"path"
	"slices"

	api "github.com/docker/docker/api/types/swarm"

	"github.com/wharfinger/wharfinger/generator"
)

// plainRef mounts a secret as `docker service update --secret-add NAME` does: at
// generator.SecretFolder, under its own name. Everybody may read it, for nginx
// reads passwords as the user of its workers. Only what is mounted so counts as
// one of Spec.Secrets; the same secret elsewhere, or with another mode, is an
// operator's affair.
func plainRef(s generator.Secret) *api.SecretReference {
	return &api.SecretReference{
		SecretID: s.ID, SecretName: s.Name,
		File: &api.SecretReferenceFileTarget{Name: s.Name, UID: "0", GID: "0", Mode: 0o444},
	}
}

func isPlain(ref *api.SecretReference) bool {
	return ref.File != nil && *ref.File == *plainRef(generator.Secret{Name: ref.SecretName}).File
}

// secretsOf returns the secrets that a container has as plainRef mounts them.
func secretsOf(c *api.ContainerSpec) []generator.Secret {
	var secrets []generator.Secret
	for _, ref := range c.Secrets {
		if isPlain(ref) {
			secrets = append(secrets, generator.Secret{ID: ref.SecretID, Name: ref.SecretName})
		}
	}
	slices.SortFunc(secrets, bySecretName)
	return secrets
}

// secretRefs returns refs with secrets as the only plain ones. What lies in the
// place of one of them gives way, for Swarm refuses two at one place.
func secretRefs(refs []*api.SecretReference, secrets []generator.Secret) []*api.SecretReference {
	taken := map[string]bool{}
	for _, s := range secrets {
		taken[placeOf(plainRef(s))] = true
	}
	out := slices.DeleteFunc(slices.Clone(refs), func(ref *api.SecretReference) bool {
		return isPlain(ref) || taken[placeOf(ref)]
	})
	for _, s := range secrets {
		out = append(out, plainRef(s))
	}
	return out
}

// placeOf is where a secret lies in the container; empty for one that is no file.
func placeOf(ref *api.SecretReference) string {
	switch {
	case ref.File == nil:
		return ""
	case path.IsAbs(ref.File.Name):
		return path.Clean(ref.File.Name)
	}
	return path.Join(generator.SecretFolder, ref.File.Name)
}

func bySecretName(a, b generator.Secret) int { return cmp.Compare(a.Name, b.Name) }
