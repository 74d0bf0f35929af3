package git

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/wharfinger/wharfinger/route"
)

// Directory reads revisions from a directory on disk. It keeps nothing between
// two fetches, so its methods may be called at the same time.
type Directory struct {
	path   string // absolute; may itself be a symbolic link
	limits Limits
	poll   time.Duration
}

// NewDirectory reads routes below a path, which may be a symbolic link to a
// directory. It need not exist yet.
func NewDirectory(path string, l Limits) (*Directory, error) {
	if path == "" {
		return nil, errors.New("directory: the path is empty")
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("directory %s: %w", path, err)
	}
	if l, err = l.withDefaults(); err != nil {
		return nil, err
	}
	return &Directory{path: abs, limits: l, poll: pollInterval}, nil
}

// String answers the directory's absolute path.
func (d *Directory) String() string { return d.path }

// Fetch reads the directory. The revision's ID is "dir-" and a digest of names
// and contents, so it is the same wherever the directory lies.
//
// The error begins with "read directory". It holds route.Problems if files have
// to be mended, fs.ErrNotExist if the directory, or a file listed a moment ago,
// is not there, and ctx's error if ctx ended.
func (d *Directory) Fetch(ctx context.Context) (route.Revision, error) {
	files, err := d.read(ctx)
	if err != nil {
		return route.Revision{}, fmt.Errorf("read directory: %w", err)
	}
	return route.Revision{ID: digest(files), Files: files}, nil
}

func (d *Directory) read(ctx context.Context) ([]route.File, error) {
	// A Root stays with the directory that it opened, even if the path is made
	// to lead to another one while this reads, and never leaves it.
	root, err := os.OpenRoot(d.path)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	found := collector{limits: d.limits}
	err = fs.WalkDir(root.FS(), ".", func(name string, e fs.DirEntry, err error) error {
		if err == nil {
			err = ctx.Err()
		}
		switch {
		case err != nil:
			return err
		case name == ".":
			return nil
		case e.Name() == ".git" && path.Dir(name) != ".":
			found.submodule(path.Dir(name))
			return skip(e)
		case strings.HasPrefix(e.Name(), "."):
			return skip(e)
		case e.IsDir() || !route.IsRouteFile(name):
			return nil
		case e.Type()&fs.ModeSymlink != 0:
			found.symlink(name)
			return nil
		case !e.Type().IsRegular():
			found.irregular(name)
			return nil
		}
		return addFile(&found, root, name)
	})
	if err != nil {
		return nil, err
	}
	return found.finish(d.path)
}

// skip leaves out an entry and what is below it. SkipDir on a file would leave
// out its neighbours too.
func skip(e fs.DirEntry) error {
	if e.IsDir() {
		return fs.SkipDir
	}
	return nil
}

func addFile(found *collector, root *os.Root, name string) error {
	f, err := root.Open(filepath.FromSlash(name))
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	return found.add(name, info.Size(), func() ([]byte, error) {
		return io.ReadAll(io.LimitReader(f, found.limits.FileBytes+1))
	})
}

// digest puts each length in front of its text, so that no two sets of files
// are written alike.
func digest(files []route.File) string {
	h := sha256.New()
	var length [8]byte
	write := func(b []byte) {
		binary.BigEndian.PutUint64(length[:], uint64(len(b)))
		h.Write(length[:])
		h.Write(b)
	}
	for _, f := range files {
		write([]byte(f.Path))
		write(f.Data)
	}
	return "dir-" + hex.EncodeToString(h.Sum(nil))
}
