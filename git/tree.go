package git

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/storer"

	"github.com/wharfinger/wharfinger/route"
)

// maxEntries bounds the walk: a few trees that hold each other many times over
// can stand for more paths than can ever be visited.
const maxEntries = 1_000_000

// reading is how the route files of a commit are read.
type reading struct {
	objects storer.EncodedObjectStorer
	limits  Limits
	folder  string // below the root, with slashes; "." is the root
	of      string // what people call the commit
	missing string // what it means when the content of a file is not there
}

// read answers the route files of a tree, straight from the objects.
func (r reading) read(ctx context.Context, tree plumbing.Hash) ([]route.File, error) {
	folder, err := findFolder(r.objects, tree, r.folder)
	if err != nil {
		return nil, err
	}
	w := walker{ctx: ctx, objects: r.objects, missing: r.missing, found: collector{limits: r.limits}}
	if err := w.walk(folder, ""); err != nil {
		return nil, err
	}
	where := "the root of " + r.of
	if r.folder != "." {
		where = "folder " + r.folder + " of " + r.of
	}
	return w.found.finish(where)
}

// findFolder answers the tree of a folder; go-git's own look-up cannot tell a
// folder that is missing from one that could not be read.
func findFolder(objects storer.EncodedObjectStorer, root plumbing.Hash, folder string) (plumbing.Hash, error) {
	if folder == "." {
		return root, nil
	}
next:
	for name := range strings.SplitSeq(folder, "/") {
		tree, err := object.GetTree(objects, root)
		if err != nil {
			return root, fmt.Errorf("tree %s: %s", root, oneLine(err))
		}
		for _, e := range tree.Entries {
			if e.Name == name && e.Mode == filemode.Dir {
				root = e.Hash
				continue next
			}
		}
		return root, nothing(fmt.Sprintf("folder %s does not exist in the repository", folder))
	}
	return root, nil
}

// walker visits the trees of a commit. It is not go-git's, which ends quietly
// at a tree that it cannot find.
type walker struct {
	ctx     context.Context
	objects storer.EncodedObjectStorer
	missing string
	found   collector
	entries int
}

func (w *walker) walk(hash plumbing.Hash, dir string) error {
	if err := w.ctx.Err(); err != nil {
		return err
	}
	tree, err := object.GetTree(w.objects, hash)
	if err != nil {
		return fmt.Errorf("tree %s: %s", hash, oneLine(err))
	}
	for _, e := range tree.Entries {
		if w.entries++; w.entries > maxEntries {
			return lastingf("more than %d files and folders", maxEntries)
		}
		name := path.Join(dir, e.Name)
		switch {
		case strings.HasPrefix(e.Name, "."):
			// Nothing below it is a route file.
		case strings.Contains(e.Name, "/") || len(name) > maxPath:
			return lastingf("tree %s: the name %.80q is not possible", hash, e.Name)
		case e.Mode == filemode.Dir:
			err = w.walk(e.Hash, name)
		case e.Mode == filemode.Submodule:
			w.found.submodule(name)
		case !route.IsRouteFile(name):
		case e.Mode == filemode.Symlink:
			w.found.symlink(name)
		case e.Mode == filemode.Regular, e.Mode == filemode.Executable, e.Mode == filemode.Deprecated:
			err = w.add(name, e.Hash)
		default:
			w.found.irregular(name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *walker) add(name string, hash plumbing.Hash) error {
	blob, err := object.GetBlob(w.objects, hash)
	if errors.Is(err, plumbing.ErrObjectNotFound) {
		return fmt.Errorf("%q: %s", name, w.missing)
	}
	if err != nil {
		return fmt.Errorf("%q: %s", name, oneLine(err))
	}
	return w.found.add(name, blob.Size, func() ([]byte, error) {
		r, err := blob.Reader()
		if err != nil {
			return nil, err
		}
		defer r.Close()
		return io.ReadAll(r)
	})
}
