package generator

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"

	"github.com/wharfinger/wharfinger/route"
)

// SecretFolder is where a proxy finds its secrets, each as a file of its name.
const SecretFolder = "/run/secrets/"

// secret has the proxy mount a secret and returns where it lies there. Where the
// Swarm has no secret of that name, this is told at pos: "there is no secret NAME
// in the Swarm, so INSTEAD".
func (b *proxyBuilder) secret(pos route.Pos, name, instead string) (path string, ok bool) {
	id, ok := b.secrets[name]
	if !ok {
		b.problem(pos, fmt.Sprintf("there is no secret %s in the Swarm, so %s", name, instead),
			b.create(fmt.Sprintf("create it with docker secret create %s FILE", name), name, maps.Keys(b.secrets)))
		b.lacks = append(b.lacks, b.last())
		return "", false
	}
	b.mounts[name] = Secret{ID: id, Name: name}
	return SecretFolder + name, true
}

// secretFile is a secret that somebody may name, and where its path goes.
type secretFile struct {
	name route.At[string]
	path *string
}

// allSecrets mounts those that are named, and reports whether all of them are
// there.
func (b *proxyBuilder) allSecrets(instead string, files ...secretFile) bool {
	all := true
	for _, f := range files {
		if f.name.Given() {
			path, ok := b.secret(f.name.Pos, f.name.Value, instead)
			*f.path, all = path, all && ok
		}
	}
	return all
}

// ownSecrets mounts those that the proxy names itself, and returns the problems with
// those that are not there. What a program of the image's own does without them,
// nobody knows; so the proxy waits for them.
func (b *proxyBuilder) ownSecrets(p *route.Proxy) route.Problems {
	b.lacks = nil
	for _, name := range p.Secrets {
		b.secret(name.Pos, name.Value, fmt.Sprintf("proxy %s is not rolled", p.Name))
	}
	return b.lacks
}

// secretPath finds the secrets that nginx's files name.
var secretPath = regexp.MustCompile(regexp.QuoteMeta(SecretFolder) + `([a-zA-Z0-9_.-]+)`)

// secretsIn lists the secrets that a file names, each as often as it does.
func secretsIn(data []byte) []string {
	var out []string
	for _, m := range secretPath.FindAllSubmatch(data, -1) {
		out = append(out, string(m[1]))
	}
	return out
}

// loses reports whether a rollout takes a secret away from something that has it
// now. Where secrets are missing, that is TLS or a password for which there is no
// other yet, and the old one is better than none.
func (r Rollout) loses(current ProxyService) bool {
	if current.Applied.Uses == nil { // of a version that did not count
		for _, s := range current.Applied.Secrets {
			if _, ok := secretNamed(r.Named.Secrets, s.Name); !ok {
				return true
			}
		}
	}
	for name, n := range current.Applied.Uses {
		if r.Named.Uses[name] < n {
			return true
		}
	}
	return false
}

// mounted returns the secrets of the proxy, sorted by name.
func (b *proxyBuilder) mounted() []Secret {
	return slices.SortedFunc(maps.Values(b.mounts), bySecretName)
}

func bySecretName(a, b Secret) int { return cmp.Compare(a.Name, b.Name) }

// secretNamed returns the secret of a name.
func secretNamed(secrets []Secret, name string) (Secret, bool) {
	i := slices.IndexFunc(secrets, func(s Secret) bool { return s.Name == name })
	if i < 0 {
		return Secret{}, false
	}
	return secrets[i], true
}

// mergeSecrets is merge for secrets, which are told apart by their names alone:
// one that was removed and made anew has another ID and is still the same one.
func mergeSecrets(live, applied, named []Secret) []Secret {
	out := slices.Clone(named)
	for _, s := range live {
		_, isNamed := secretNamed(named, s.Name)
		_, wasApplied := secretNamed(applied, s.Name)
		if !isNamed && !wasApplied {
			out = append(out, s)
		}
	}
	slices.SortFunc(out, bySecretName)
	return out
}

func secretChanges(live, want []Secret) []string {
	var changes []string
	for _, s := range want {
		switch is, ok := secretNamed(live, s.Name); {
		case !ok:
			changes = append(changes, "add secret "+s.Name)
		case is.ID != s.ID:
			changes = append(changes, "replace secret "+s.Name)
		}
	}
	for _, s := range live {
		if _, ok := secretNamed(want, s.Name); !ok {
			changes = append(changes, "remove secret "+s.Name)
		}
	}
	return changes
}
