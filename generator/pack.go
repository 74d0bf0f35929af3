package generator

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"maps"
	"math/bits"
	"slices"
	"strconv"
	"strings"
)

// Shard is what one Docker config holds. Its name is made of the digest of its
// content, so equal content is never sent twice.
type Shard struct {
	Config string // the Docker config's name
	Path   string // relative to the folder of nginx.conf
	Data   []byte
}

// Rollout is everything that brings one proxy to new files: the configs to
// create and what to set in one service update.
type Rollout struct {
	Proxy    string
	Service  string
	Revision string
	// ID stands for the outcome: the files and the Spec. A rollout that failed is
	// known by it.
	ID         string
	Digest     string // of the files; the status listener answers it
	StatusPort int
	Shards     []Shard
	// Spec is what the service shall have, Named what the repository says of it.
	// The rest of Spec is an operator's.
	Spec  Spec
	Named Spec
	// From is the service that this was computed from, nil where there was none.
	// Who sends the update must find it unchanged.
	From *ProxyService
	// Changes says in words why an update is needed. Without changes there is
	// nothing to do.
	Changes []string
	// Quarantined says that exactly this failed before.
	Quarantined bool
}

// Needed reports whether the proxy's service has to be updated.
func (r Rollout) Needed() bool { return len(r.Changes) > 0 }

// Prefix starts the name of every service and config of Wharfinger's.
const Prefix = "wharfinger-"

// maxConfig is what one Docker config holds at most: engines before 2022 take
// less than 500 KiB, later ones less than 1000 KiB (swarmkit: maxConfigSize).
const maxConfig = 500<<10 - 1

// Pack turns a proxy's files into a rollout. current is the proxy's service, or
// nil where there is none yet.
func Pack(revision string, p Proxy, files Files, current *ProxyService) (Rollout, error) {
	r := Rollout{
		Proxy: p.Name, Service: Prefix + p.Name, Revision: revision,
		Digest: files.Digest, StatusPort: p.Status.Port,
		Spec: p.Spec, Named: p.Spec, From: current,
	}
	var err error
	if r.Shards, err = shards(p.Name, files.All); err != nil {
		return Rollout{}, err
	}
	if current == nil {
		if r.Spec.Grace == 0 {
			r.Spec.Grace = p.Drain + graceBeyondDrain
		}
		r.Changes = []string{"create service " + r.Service}
		r.ID = rolloutID(r)
		return r, nil
	}
	r.Spec = merge(current.Spec, current.Applied, p.Spec)
	if p.Spec.Grace == 0 && current.Applied.Grace != 0 && current.Spec.Grace == current.Applied.Grace {
		// The repository named a drain and does so no longer: a grace that was made
		// for that drain may be shorter than the default's.
		r.Spec.Grace = p.Drain + graceBeyondDrain
	}
	r.ID = rolloutID(r)
	r.Changes = append(specChanges(current.Spec, r.Spec), configChanges(current.Carried, r.Shards)...)
	r.Quarantined = current.Failed == r.ID
	return r, nil
}

// spread is the folders whose files share configs. nginx.conf includes all that
// lies in one of them at one place: routes in its http block, streams in its
// stream block.
var spread = []string{"routes/", "streams/"}

// folderOf returns the folder of spread that a path is in; empty means that the
// file has a config of its own.
func folderOf(path string) string {
	for _, folder := range spread {
		if strings.HasPrefix(path, folder) {
			return folder
		}
	}
	return ""
}

// shards puts nginx.conf and status.conf into configs of their own and spreads
// the files of each folder by a stable hash, so that a changed file changes one
// small config.
func shards(proxy string, files []File) ([]Shard, error) {
	const aim = 32 << 10 // mean bytes of a shard
	total := map[string]int{}
	for _, f := range files {
		total[folderOf(f.Path)] += len(f.Data)
	}
	shared := map[string][]byte{} // by path of the shard
	var out []Shard
	for _, f := range files {
		folder := folderOf(f.Path)
		piece := f.Data
		if folder != "" {
			piece = marked(f)
		}
		if len(piece) > maxConfig {
			return nil, fmt.Errorf("%s has %d bytes, but a Docker config holds %d: %s", f.Path, len(piece), maxConfig, shorten(f.Path))
		}
		if folder == "" {
			out = append(out, newShard(proxy, f.Path, piece))
			continue
		}
		h := fnv.New32a()
		h.Write([]byte(f.Path))
		slot := h.Sum32() % (1 << bits.Len(uint(total[folder]/aim)))
		path := fmt.Sprintf("%s%03d.conf", folder, slot)
		for part := 1; len(shared[path])+len(piece) > maxConfig; part++ {
			path = fmt.Sprintf("%s%03d-%d.conf", folder, slot, part)
		}
		shared[path] = append(shared[path], piece...)
	}
	for _, path := range slices.Sorted(maps.Keys(shared)) {
		out = append(out, newShard(proxy, path, shared[path]))
	}
	return out, nil
}

// shorten says what makes a file smaller.
func shorten(path string) string {
	switch folder := folderOf(path); {
	case strings.HasPrefix(path, folder+"upstream."):
		return "spread its tasks or servers over more pools"
	case path == passthroughFile:
		return "let wildcards stand for more of its hosts"
	case folder == "streams/":
		return "spread its streams over more ports"
	}
	return "spread its routes over more hosts"
}

func newShard(proxy, path string, data []byte) Shard {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%s", path, data))
	return Shard{Config: Prefix + proxy + "-" + hex.EncodeToString(sum[:8]), Path: path, Data: data}
}

// fileMark is the line before each file in a shard that holds several.
const fileMark = "# file "

// marked is a file with its mark. One that has such a line itself, or that does
// not end with a line's end, has its length behind its path.
func marked(f File) []byte {
	plain := bytes.HasSuffix(f.Data, []byte("\n")) && !bytes.HasPrefix(f.Data, []byte(fileMark)) && !bytes.Contains(f.Data, []byte("\n"+fileMark))
	if plain {
		return append([]byte(fileMark+f.Path+"\n"), f.Data...)
	}
	return fmt.Appendf(nil, "%s%s %d\n%s\n", fileMark, f.Path, len(f.Data), f.Data)
}

// Unpack returns the files that shards were made of, sorted by path.
func Unpack(shards []Shard) []File {
	var files []File
	for _, s := range shards {
		if folderOf(s.Path) == "" {
			files = append(files, File{s.Path, s.Data})
			continue
		}
		for rest := s.Data; len(rest) > 0; {
			end := bytes.IndexByte(rest, '\n') + 1
			if end == 0 {
				end = len(rest)
			}
			var line []byte
			line, rest = rest[:end], rest[end:]
			if mark, ok := bytes.CutPrefix(line, []byte(fileMark)); ok {
				path, length, _ := strings.Cut(strings.TrimSpace(string(mark)), " ")
				files = append(files, File{Path: path})
				if n, err := strconv.Atoi(length); err == nil && n >= 0 && n < len(rest) {
					files[len(files)-1].Data, rest = rest[:n:n], rest[n+1:]
				}
				continue
			}
			if len(files) > 0 {
				last := &files[len(files)-1]
				last.Data = append(last.Data, line...)
			}
		}
	}
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return files
}

// merge brings back what the repository names and keeps what it does not. A
// constraint or secret that Wharfinger set before and the repository no longer
// names goes; one that it never set is an operator's and stays.
func merge(live, applied, named Spec) Spec {
	out := live
	// A digest behind the same name is the engine's own and stays, unless the
	// repository named it and does so no longer.
	if image, _, _ := strings.Cut(live.Image, "@"); image != named.Image || live.Image == applied.Image {
		out.Image = named.Image
	}
	if named.Grace != 0 {
		out.Grace = named.Grace
	}
	out.Constraints = slices.Clone(named.Constraints)
	for _, c := range live.Constraints {
		if !slices.Contains(named.Constraints, c) && !slices.Contains(applied.Constraints, c) {
			out.Constraints = append(out.Constraints, c)
		}
	}
	out.Secrets = mergeSecrets(live.Secrets, applied.Secrets, named.Secrets)
	return out
}

func specChanges(live, want Spec) []string {
	var changes []string
	if live.Image != want.Image {
		changes = append(changes, fmt.Sprintf("image %s -> %s", live.Image, want.Image))
	}
	if live.Grace != want.Grace {
		changes = append(changes, fmt.Sprintf("stop grace period %s -> %s", live.Grace, want.Grace))
	}
	for _, c := range want.Constraints {
		if !slices.Contains(live.Constraints, c) {
			changes = append(changes, "add constraint "+c)
		}
	}
	for _, c := range live.Constraints {
		if !slices.Contains(want.Constraints, c) {
			changes = append(changes, "remove constraint "+c)
		}
	}
	return append(changes, secretChanges(live.Secrets, want.Secrets)...)
}

func configChanges(carried map[string]string, shards []Shard) []string {
	var changes []string
	want := map[string]bool{}
	for _, s := range shards {
		want[s.Path] = true
		switch carried[s.Path] {
		case s.Config:
		case "":
			changes = append(changes, "add "+s.Path)
		default:
			changes = append(changes, "replace "+s.Path)
		}
	}
	for _, path := range slices.Sorted(maps.Keys(carried)) {
		if !want[path] {
			changes = append(changes, "remove "+path)
		}
	}
	return changes
}

func rolloutID(r Rollout) string {
	spec, err := json.Marshal(r.Spec)
	if err != nil {
		panic(err) // strings and numbers always marshal
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%s", r.Digest, spec))
	return hex.EncodeToString(sum[:16])
}
