package swarm

import (
	"archive/tar"
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/filters"
	api "github.com/docker/docker/api/types/swarm"

	"github.com/wharfinger/wharfinger/generator"
	"github.com/wharfinger/wharfinger/route"
)

// Labels of the configs that hold a revision. These have labelRevision, too.
const (
	labelSource = "wharfinger.source" // where the last good revision is from
	labelPinned = "wharfinger.pinned" // where a pinned one is from
	labelPart   = "wharfinger.part"   // which part this is, as 1/2
)

// partSize is what goes into one config: engines before 2022 take no more than
// 500 KB (Docker's MaxConfigSize).
const partSize = 500_000

// mostKept bounds what a kept revision may unpack to. Four times what a source
// takes by default leaves room for those who raise that.
const mostKept = 256 << 20

// Kept is a revision of a source, in Docker configs of the Swarm, where a Wharfinger
// that is started anew finds it, also without git. It is a tar archive under gzip, in
// as many configs as it takes.
type Kept struct {
	cluster *Cluster
	source  string
	label   string // that its configs have, with the source
	prefix  string // of their names
}

// Kept returns where the last good revision of a source is kept. source is what the
// source is called; each has its own. No proxy's configs can be called as its are.
func (c *Cluster) Kept(source string) Kept {
	return Kept{c, source, labelSource, generator.Prefix + "_"}
}

// pin is where the revision is kept that stands in the place of the source's.
func (k Kept) pin() Kept {
	return Kept{k.cluster, k.source, labelPinned, generator.Prefix + "_pinned_"}
}

// Keep stores a revision in place of the one before, which goes when the new one is
// there as a whole. What is there already is not stored again.
func (k Kept) Keep(ctx context.Context, rev route.Revision) error {
	archive, err := pack(rev)
	if err != nil {
		return fmt.Errorf("keep the revision: %v", err)
	}
	configs, err := k.list(ctx)
	if err != nil {
		return err
	}
	name := k.name(rev.ID, archive)
	there := map[string]bool{}
	for _, config := range configs {
		there[config.Spec.Name] = true
	}
	parts := slices.Collect(slices.Chunk(archive, partSize))
	for i, part := range parts {
		one := fmt.Sprintf("%s-%d", name, i+1)
		if there[one] {
			continue
		}
		_, err := call(ctx, func(ctx context.Context) (api.ConfigCreateResponse, error) {
			return k.cluster.docker.ConfigCreate(ctx, api.ConfigSpec{
				Annotations: api.Annotations{Name: one, Labels: map[string]string{
					k.label: k.source, labelRevision: rev.ID, labelPart: fmt.Sprintf("%d/%d", i+1, len(parts)),
				}},
				Data: part,
			})
		})
		// Another Wharfinger may have been faster.
		if err != nil && !errdefs.IsConflict(err) && !errdefs.IsAlreadyExists(err) {
			return fmt.Errorf("keep the revision: create config %s: %w", one, err)
		}
	}
	old := slices.DeleteFunc(configs, func(c api.Config) bool { return stem(c.Spec.Name) == name })
	if err := k.cluster.removeConfigs(ctx, old); err != nil {
		return fmt.Errorf("keep the revision: %w", err)
	}
	return nil
}

// Last returns the revision that was kept last, or false where there is none. One
// that is not there as a whole counts as none: whoever kept it was killed on the
// way, and had not removed the one before.
func (k Kept) Last(ctx context.Context) (route.Revision, bool, error) {
	rev, since, err := k.last(ctx)
	return rev, !since.IsZero(), err
}

// last is Last, and tells since when it is kept, which is zero where none is.
func (k Kept) last(ctx context.Context) (route.Revision, time.Time, error) {
	configs, err := k.list(ctx)
	if err != nil {
		return route.Revision{}, time.Time{}, err
	}
	slices.SortStableFunc(configs, func(a, b api.Config) int { return b.CreatedAt.Compare(a.CreatedAt) })
	seen := map[string]bool{}
	for _, config := range configs {
		name := stem(config.Spec.Name)
		if seen[name] {
			continue
		}
		seen[name] = true
		archive, ok := joined(configs, name)
		id := config.Spec.Labels[labelRevision]
		if !ok || k.name(id, archive) != name {
			continue
		}
		files, err := unpack(archive)
		if err != nil {
			return route.Revision{}, time.Time{}, fmt.Errorf("read the kept revision %s: %v", id, err)
		}
		return route.Revision{ID: id, Files: files}, config.CreatedAt, nil
	}
	return route.Revision{}, time.Time{}, nil
}

// Sources are what the sources are called of which a revision is kept, sorted.
func (c *Cluster) Sources(ctx context.Context) ([]string, error) {
	configs, err := c.labelled(ctx, labelSource)
	if err != nil {
		return nil, fmt.Errorf("read the kept revisions: %w", err)
	}
	var out []string
	for _, config := range configs {
		out = append(out, config.Spec.Labels[labelSource])
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// labelled lists the configs that have a label.
func (c *Cluster) labelled(ctx context.Context, label string) ([]api.Config, error) {
	return call(ctx, func(ctx context.Context) ([]api.Config, error) {
		return c.docker.ConfigList(ctx, api.ConfigListOptions{Filters: filters.NewArgs(filters.Arg("label", label))})
	})
}

func (k Kept) list(ctx context.Context) ([]api.Config, error) {
	configs, err := k.cluster.labelled(ctx, k.label)
	if err != nil {
		return nil, fmt.Errorf("read the kept revision: %w", err)
	}
	return slices.DeleteFunc(configs, func(c api.Config) bool { return c.Spec.Labels[k.label] != k.source }), nil
}

// name is what the configs of a revision are called, but for their numbers.
func (k Kept) name(id string, archive []byte) string {
	sum := sha256.New()
	fmt.Fprintf(sum, "%q %q ", k.source, id)
	sum.Write(archive)
	return k.prefix + hex.EncodeToString(sum.Sum(nil)[:8])
}

// stem is a part's name without its number.
func stem(name string) string {
	return name[:max(0, strings.LastIndexByte(name, '-'))]
}

// joined puts the parts of that name together.
func joined(configs []api.Config, name string) ([]byte, bool) {
	type part struct {
		number int
		data   []byte
	}
	var parts []part
	total := 0
	for _, config := range configs {
		if stem(config.Spec.Name) != name {
			continue
		}
		number, of, _ := strings.Cut(config.Spec.Labels[labelPart], "/")
		n, err1 := strconv.Atoi(number)
		all, err2 := strconv.Atoi(of)
		if err1 != nil || err2 != nil {
			return nil, false
		}
		parts, total = append(parts, part{n, config.Spec.Data}), all
	}
	if len(parts) != total {
		return nil, false
	}
	slices.SortFunc(parts, func(a, b part) int { return cmp.Compare(a.number, b.number) })
	var archive []byte
	for _, p := range parts {
		archive = append(archive, p.data...)
	}
	return archive, true
}

// pack writes a revision's files so that the same files are the same bytes.
func pack(rev route.Revision) ([]byte, error) {
	var out bytes.Buffer
	zip := gzip.NewWriter(&out)
	archive := tar.NewWriter(zip)
	for _, f := range rev.Files {
		err := archive.WriteHeader(&tar.Header{Name: f.Path, Mode: 0o444, Size: int64(len(f.Data)), Format: tar.FormatPAX})
		if err == nil {
			_, err = archive.Write(f.Data)
		}
		if err != nil {
			return nil, err
		}
	}
	if err := errors.Join(archive.Close(), zip.Close()); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

func unpack(data []byte) ([]route.File, error) {
	zip, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	limited := &io.LimitedReader{R: zip, N: mostKept}
	archive := tar.NewReader(limited)
	var files []route.File
	for {
		header, err := archive.Next()
		if limited.N <= 0 {
			return nil, fmt.Errorf("it is larger than %d MiB", mostKept>>20)
		}
		if err == io.EOF {
			return files, nil
		}
		if err != nil {
			return nil, err
		}
		content, err := io.ReadAll(archive)
		if err != nil {
			return nil, err
		}
		files = append(files, route.File{Path: header.Name, Data: content})
	}
}
