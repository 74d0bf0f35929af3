package generator

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"math/bits"
	"slices"
	"strconv"
	"strings"

	"github.com/wharfinger/wharfinger/route"
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
	// OrderNamed says that the repository names the order of updates.
	OrderNamed bool
	// From is the service that this was computed from, nil where there was none.
	// Who sends the update must find it unchanged.
	From *ProxyService
	// Changes says in words why an update is needed. Without changes there is
	// nothing to do.
	Changes []string
	// Notes says that the service is as it shall be, and that only what the repository
	// names of it by now has to be noted there: else a later hand of somebody's could
	// not be told from a push.
	Notes bool
	// Drift says in words what somebody changed by hand of what the repository names,
	// and whether it is brought back.
	Drift []string
	// Held are the problems of the cluster for which this is not to be sent: the proxy
	// keeps what it serves until they are mended.
	Held route.Problems
	// Quarantined says that exactly this failed before.
	Quarantined bool
}

// Needed reports whether the proxy's service has to be updated.
func (r Rollout) Needed() bool { return len(r.Changes) > 0 }

// OfService are the Changes of the service's specification, OfFiles those of its
// configs.
func (r Rollout) OfService() []string {
	files := r.OfFiles()
	return slices.DeleteFunc(slices.Clone(r.Changes), func(change string) bool { return slices.Contains(files, change) })
}

// OfFiles: see OfService. Where there is no service yet, all configs are new.
func (r Rollout) OfFiles() []string {
	if r.From == nil {
		return nil
	}
	return configChanges(r.From.Carried, r.Shards)
}

// Prefix starts the name of every service and config of Wharfinger's.
const Prefix = "wharfinger-"

// maxConfig is what one Docker config holds at most: engines before 2022 take
// less than 500 KiB, later ones less than 1000 KiB (swarmkit: maxConfigSize).
const maxConfig = 500<<10 - 1

// Pack turns a proxy's files into a rollout. current is the proxy's service, or
// nil where there is none yet. The error is route.Problems: a file that fits into
// no Docker config.
func Pack(revision string, p Proxy, files Files, current *ProxyService) (Rollout, error) {
	return new(sheet).pack(revision, p, files.Digest, fragmentsOf(files.All), current)
}

func (s *sheet) pack(revision string, p Proxy, digest string, files []*fragment, current *ProxyService) (Rollout, error) {
	r := Rollout{
		Proxy: p.Name, Service: Prefix + p.Name, Revision: revision,
		Digest: digest, StatusPort: p.Status.Port,
		Spec: p.after(current), Named: p.Spec, From: current, OrderNamed: p.OrderNamed, Held: p.Held,
	}
	r.Named.Uses = usesOfSecrets(files)
	if r.Spec.OnHost() {
		r.Named.Listens = p.Ports
	}
	var err error
	if r.Shards, err = s.shards(p.Name, files); err != nil {
		return Rollout{}, err
	}
	if current == nil {
		r.Changes = []string{"create service " + r.Service}
		r.ID = rolloutID(r)
		return r, nil
	}
	if !p.OrderNamed && (r.Named.Order == stopFirst || !current.Spec.OnHost()) {
		r.Named.Order = r.Spec.Order // else it may be an operator's
	}
	r.ID = rolloutID(r)
	r.Changes = append(specChanges(current.Spec, r.Spec), configChanges(current.Carried, r.Shards)...)
	if (r.Needed() || p.OrderNamed) && current.Spec.Order != r.Spec.Order {
		r.Changes = append(r.Changes, fmt.Sprintf("update order %s -> %s", current.Spec.Order, r.Spec.Order))
	}
	if !r.Needed() && p.Spec.says(current.Applied) {
		r.Notes, r.Changes = true, []string{"note what the repository names"}
	}
	r.Quarantined = current.Failed == r.ID
	r.Drift = r.drift(*current)
	if r.Needed() && r.loses(*current) {
		r.Held = append(slices.Clone(r.Held), p.Lacks...)
	}
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
// small config. Those whose files are all the same as last time are the same.
func (s *sheet) shards(proxy string, files []*fragment) ([]Shard, error) {
	const aim = 32 << 10 // mean bytes of a shard
	total := map[string]int{}
	for _, f := range files {
		total[folderOf(f.Path)] += len(f.Data)
	}
	type place struct {
		folder string
		slot   uint32
		part   int // 1 and up where one config does not hold all of a slot
	}
	shared := map[place]*gathered{}
	var out []Shard
	for _, f := range files {
		folder := folderOf(f.Path)
		if len(f.piece) > maxConfig {
			return nil, route.Problems{{Object: "proxy " + proxy, Text: fmt.Sprintf("%s has %d bytes, but a Docker config holds %d", f.Path, len(f.piece), maxConfig), Hint: shorten(f.Path)}}
		}
		if folder == "" {
			out = append(out, newShard(proxy, f.Path, f.piece))
			continue
		}
		at := place{folder, f.spread % (1 << bits.Len(uint(total[folder]/aim))), 0}
		for shared[at].size()+len(f.piece) > maxConfig {
			at.part++
		}
		g := shared[at]
		if g == nil {
			g = &gathered{}
			shared[at] = g
		}
		g.files, g.bytes = append(g.files, f), g.bytes+len(f.piece)
	}
	last := s.gathered
	s.gathered = map[string]*gathered{}
	for at, g := range shared {
		path := fmt.Sprintf("%s%03d.conf", at.folder, at.slot)
		if at.part > 0 {
			path = fmt.Sprintf("%s%03d-%d.conf", at.folder, at.slot, at.part)
		}
		s.gathered[path] = g
	}
	for _, path := range slices.Sorted(maps.Keys(s.gathered)) {
		g := s.gathered[path]
		if was := last[path]; was != nil && slices.Equal(was.files, g.files) {
			g.shard = was.shard
		} else {
			g.shard = newShard(proxy, path, g.data())
		}
		out = append(out, g.shard)
	}
	return out, nil
}

// gathered is files that make one shard.
type gathered struct {
	files []*fragment
	bytes int
	shard Shard
}

func (g *gathered) size() int {
	if g == nil {
		return 0
	}
	return g.bytes
}

func (g *gathered) data() []byte {
	data := make([]byte, 0, g.bytes)
	for _, f := range g.files {
		data = append(data, f.piece...)
	}
	return data
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
		return slices.Concat([]byte(fileMark+f.Path+"\n"), f.Data)
	}
	return fmt.Appendf(nil, "%s%s %d\n%s\n", fileMark, f.Path, len(f.Data), f.Data)
}

// Unpack returns the files that shards were made of, sorted by path.
func Unpack(shards []Shard) []File {
	var files []File
	for _, s := range shards {
		for _, p := range pieces(s) {
			files = append(files, p.File)
		}
	}
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return files
}

// Locate finds the file that a line of a shard belongs to, and its line there. It
// answers the shard's own where that holds no files.
func Locate(shards []Shard, path string, line int) (string, int) {
	for _, s := range shards {
		if s.Path != path {
			continue
		}
		for _, p := range slices.Backward(pieces(s)) {
			if line >= p.line-1 { // its mark belongs to it
				return p.Path, max(1, line-p.line+1)
			}
		}
	}
	return path, line
}

// packed is one file in a shard.
type packed struct {
	File
	line int // of the shard on which the file begins, from 1
}

// pieces are the files that a shard was made of, in its order.
func pieces(s Shard) []packed {
	if folderOf(s.Path) == "" {
		return []packed{{File{s.Path, s.Data}, 1}}
	}
	var out []packed
	at := 1
	for rest := s.Data; len(rest) > 0; {
		end := bytes.IndexByte(rest, '\n') + 1
		if end == 0 {
			end = len(rest)
		}
		var line []byte
		line, rest = rest[:end], rest[end:]
		at++
		if mark, ok := bytes.CutPrefix(line, []byte(fileMark)); ok {
			path, length, _ := strings.Cut(strings.TrimSpace(string(mark)), " ")
			out = append(out, packed{File{Path: path}, at})
			if n, err := strconv.Atoi(length); err == nil && n >= 0 && n < len(rest) {
				out[len(out)-1].Data = rest[:n:n]
				at += bytes.Count(rest[:n+1], []byte("\n"))
				rest = rest[n+1:]
			}
			continue
		}
		if len(out) > 0 {
			last := &out[len(out)-1]
			last.Data = append(last.Data, line...)
		}
	}
	return out
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
