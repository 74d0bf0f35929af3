package git

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	// pollInterval is how late a change is seen at worst, where the kernel tells
	// nothing: on NFS and FUSE, or past its number of watches.
	pollInterval = 30 * time.Second
	// One save is several events. quiet is how long they must have ceased, and
	// patience how long an unceasing stream of them can put off a wake.
	quiet    = 150 * time.Millisecond
	patience = 2 * time.Second
)

// Watch wakes at once, then shortly after each change below the directory, and
// every 30 s in case a change went unnoticed. A directory that disappears and
// comes back, or a symbolic link that is made to lead to another one, is
// followed. It returns nil when ctx ends; that the system refuses watches is no
// error, it only leaves the 30 s.
func (d *Directory) Watch(ctx context.Context, wake chan<- struct{}) error {
	w := d.newWatches()
	defer func() { w.close() }()
	send(wake)

	poll := time.NewTicker(d.poll)
	defer poll.Stop()
	var (
		settled <-chan time.Time // nil while nothing is awaited
		first   time.Time        // of the events since the last wake
		renew   bool             // the watches no longer fit the directory
	)
	for {
		changed := false
		select {
		case <-ctx.Done():
			return nil
		case event, ok := <-w.events:
			changed = ok && w.concerns(event)
			renew = renew || changed && w.moved(event)
		case <-w.errors: // of the queue that overflowed: anything may have changed
			changed, renew = true, true
		case <-poll.C:
			// New watches heal whatever went unnoticed.
			changed, renew, first = true, true, time.Now().Add(-patience)
		case <-settled:
			if renew {
				w.close()
				w = d.newWatches()
			}
			settled, first, renew = nil, time.Time{}, false
			send(wake) // after the watches, so that nothing falls between
		}
		if changed {
			if first.IsZero() {
				first = time.Now()
			}
			settled = time.After(max(0, min(quiet, time.Until(first.Add(patience)))))
		}
	}
}

// watches is one set of kernel watches: on the directory's parent, on the
// directory, and on each directory below it. Files are not watched: an editor
// that saves by renaming would take the watch away with the old file.
type watches struct {
	watcher *fsnotify.Watcher
	events  <-chan fsnotify.Event // nil, so for ever silent, without a watcher
	errors  <-chan error
	path    string
	root    os.FileInfo // nil if the directory was not there
	below   map[string]bool
}

func (d *Directory) newWatches() *watches {
	w := &watches{path: d.path, below: map[string]bool{}}
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		return w
	}
	w.watcher, w.events, w.errors = watcher, watcher.Events, watcher.Errors
	// What cannot be watched is left to the poll.
	_ = watcher.Add(filepath.Dir(d.path))
	w.root, _ = os.Stat(d.path)
	root, err := os.OpenRoot(d.path)
	if err != nil {
		return w
	}
	defer root.Close()
	_ = fs.WalkDir(root.FS(), ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || !e.IsDir() {
			return nil
		}
		if name != "." && strings.HasPrefix(e.Name(), ".") {
			return fs.SkipDir
		}
		// Before WalkDir reads the entries, so that none can slip in between.
		dir := filepath.Join(d.path, filepath.FromSlash(name))
		w.below[dir] = true
		_ = watcher.Add(dir)
		return nil
	})
	return w
}

func (w *watches) close() {
	if w.watcher != nil {
		_ = w.watcher.Close()
	}
}

// concerns tells events of the directory from those of its neighbours, which
// matter only if the path leads elsewhere now: a link may have been repointed,
// or a link that this one leads through.
func (w *watches) concerns(e fsnotify.Event) bool {
	if e.Name == w.path || strings.HasPrefix(e.Name, w.path+string(filepath.Separator)) {
		return true
	}
	return w.swapped()
}

func (w *watches) swapped() bool {
	now, err := os.Stat(w.path)
	if err != nil || w.root == nil {
		return (err == nil) != (w.root != nil)
	}
	return !os.SameFile(now, w.root)
}

// moved reports whether directories came or went with the event. A watch ends
// with its directory, even if another takes its name and its inode.
func (w *watches) moved(e fsnotify.Event) bool {
	if w.below[e.Name] && e.Op&^(fsnotify.Chmod|fsnotify.Write) != 0 {
		return true
	}
	info, err := os.Lstat(e.Name)
	return err == nil && info.IsDir() && !w.below[e.Name] || w.swapped()
}
