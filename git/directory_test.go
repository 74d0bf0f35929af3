package git_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wharfinger/wharfinger/git"
	"github.com/wharfinger/wharfinger/route"
)

// watched is a directory with a watch on it.
type watched struct {
	t    *testing.T
	path string
	d    *git.Directory
	wake chan struct{}
}

func watch(t *testing.T, path string, change ...func(*git.Directory)) watched {
	t.Helper()
	d, err := git.NewDirectory(path, git.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	d.SetPoll(time.Hour) // so that it is the events that are tested
	for _, c := range change {
		c(d)
	}
	w := watched{t, path, d, make(chan struct{}, 1)}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- d.Watch(ctx, w.wake) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Watch: %v, want nil", err)
		}
	})
	select {
	case <-w.wake: // the watches stand
	case <-time.After(20 * time.Second):
		t.Fatal("no first wake")
	}
	return w
}

// until fetches at each wake until the answer is the wanted one.
func (w watched) until(what string, good func(route.Revision, error) bool) {
	w.t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		select {
		case <-w.wake:
			if good(w.d.Fetch(w.t.Context())) {
				return
			}
		case <-deadline:
			rev, err := w.d.Fetch(w.t.Context())
			w.t.Fatalf("%s: no wake led to it; now files\n%serror %v", what, text(rev.Files), err)
		}
	}
}

func (w watched) untilFiles(what, want string) {
	w.t.Helper()
	w.until(what, func(rev route.Revision, err error) bool { return err == nil && text(rev.Files) == want })
}

func (w watched) write(name, data string) { writeFile(w.t, filepath.Join(w.path, name), data) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestDirectoryWatch(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "a.yaml"), "one")
	w := watch(t, dir)

	// As an editor saves: twice, since a watch on the file would see only once.
	for _, data := range []string{"two", "three"} {
		w.write(".a.yaml.swp", data)
		must(t, os.Rename(filepath.Join(dir, ".a.yaml.swp"), filepath.Join(dir, "a.yaml")))
		w.untilFiles("editor's save", "a.yaml="+data+"\n")
	}
	w.write("a.yaml", "four")
	w.untilFiles("write in place", "a.yaml=four\n")

	w.write("new/deep/b.yaml", "b")
	w.untilFiles("new folders with a file", "a.yaml=four\nnew/deep/b.yaml=b\n")
	w.write("new/deep/b.yaml", "bb")
	w.untilFiles("write in a new folder", "a.yaml=four\nnew/deep/b.yaml=bb\n")

	must(t, os.Rename(filepath.Join(dir, "new"), filepath.Join(dir, "old")))
	w.untilFiles("renamed folder", "a.yaml=four\nold/deep/b.yaml=bb\n")
	w.write("old/deep/b.yaml", "b")
	w.untilFiles("write in a renamed folder", "a.yaml=four\nold/deep/b.yaml=b\n")

	// A new folder of the same name, perhaps with the same inode.
	must(t, os.RemoveAll(filepath.Join(dir, "old")))
	w.write("old/deep/b.yaml", "again")
	w.untilFiles("folder removed and made anew", "a.yaml=four\nold/deep/b.yaml=again\n")
	w.write("old/deep/b.yaml", "b")
	w.untilFiles("write in the folder made anew", "a.yaml=four\nold/deep/b.yaml=b\n")

	must(t, os.Remove(filepath.Join(dir, "old/deep/b.yaml")))
	w.untilFiles("deleted file", "a.yaml=four\n")
}

func TestDirectoryGoesAndComesBack(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "routes")
	gone := func(_ route.Revision, err error) bool { return errors.Is(err, fs.ErrNotExist) }
	w := watch(t, dir) // not there yet
	if _, err := w.d.Fetch(t.Context()); !gone(route.Revision{}, err) {
		t.Fatalf("Fetch: error %v, want fs.ErrNotExist", err)
	}
	w.write("a.yaml", "one")
	w.untilFiles("made", "a.yaml=one\n")

	must(t, os.RemoveAll(dir))
	w.until("removed", gone)
	w.write("a.yaml", "two")
	w.untilFiles("made anew", "a.yaml=two\n")
	w.write("a.yaml", "three")
	w.untilFiles("write in the new one", "a.yaml=three\n")

	must(t, os.Rename(dir, dir+".away"))
	w.until("moved away", gone)
	must(t, os.Rename(dir+".away", dir))
	w.untilFiles("moved back", "a.yaml=three\n")
	w.write("a.yaml", "four")
	w.untilFiles("write after that", "a.yaml=four\n")
}

// As mounted config maps and atomic deployments do it: a link is renamed over.
func TestDirectoryBehindLinks(t *testing.T) {
	for _, c := range []struct{ name, link string }{
		{"the directory is the link", "routes"},
		{"the directory leads through the link", "..data"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			writeFile(t, filepath.Join(dir, "v1/routes/a.yaml"), "one")
			writeFile(t, filepath.Join(dir, "v2/routes/a.yaml"), "two")
			point := func(version string) {
				target := version
				if c.link == "routes" {
					target = filepath.Join(version, "routes")
				}
				must(t, os.Symlink(target, filepath.Join(dir, "tmp")))
				must(t, os.Rename(filepath.Join(dir, "tmp"), filepath.Join(dir, c.link)))
			}
			if c.link != "routes" {
				must(t, os.Symlink("..data/routes", filepath.Join(dir, "routes")))
			}
			point("v1")
			w := watch(t, filepath.Join(dir, "routes"))
			if got := text(fetch(t, w.d).Files); got != "a.yaml=one\n" {
				t.Fatalf("files %s", got)
			}
			point("v2")
			w.untilFiles("link to another", "a.yaml=two\n")
			w.write("a.yaml", "three")
			w.untilFiles("write behind the link", "a.yaml=three\n")
		})
	}
}

// What the kernel does not tell, here a link far away, the poll finds.
func TestDirectoryPoll(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "v1/a.yaml"), "one")
	writeFile(t, filepath.Join(dir, "v2/a.yaml"), "two")
	must(t, os.MkdirAll(filepath.Join(dir, "far"), 0o777))
	must(t, os.Symlink("../v1", filepath.Join(dir, "far/link")))
	must(t, os.MkdirAll(filepath.Join(dir, "near"), 0o777))
	must(t, os.Symlink("../far/link", filepath.Join(dir, "near/routes")))
	w := watch(t, filepath.Join(dir, "near/routes"), func(d *git.Directory) { d.SetPoll(200 * time.Millisecond) })
	must(t, os.Remove(filepath.Join(dir, "far/link")))
	must(t, os.Symlink("../v2", filepath.Join(dir, "far/link")))
	w.untilFiles("poll", "a.yaml=two\n")
}

// Neighbours of the directory, as in /tmp, are nobody's business.
func TestDirectoryIgnoresNeighbours(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "routes")
	writeFile(t, filepath.Join(dir, "a.yaml"), "one")
	w := watch(t, dir)
	for _, name := range []string{"b.yaml", "routes.bak", "routes2/c.yaml"} {
		writeFile(t, filepath.Join(parent, name), "x")
	}
	select {
	case <-w.wake:
		t.Error("a neighbour woke")
	case <-time.After(400 * time.Millisecond):
	}
}

// A stream of changes without a pause must not put off the wake for ever.
func TestDirectoryUnceasing(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "a.yaml"), "one")
	w := watch(t, dir)
	deadline := time.After(30 * time.Second)
	for {
		w.write("noise.txt", "x")
		select {
		case <-w.wake:
			return
		case <-deadline:
			t.Fatal("no wake in a stream of changes")
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func TestDirectoryErrors(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a.yaml")
	writeFile(t, file, "a")
	for _, c := range []struct{ name, path, want string }{
		{"missing", filepath.Join(filepath.Dir(file), "gone"), "no such file or directory"},
		{"a file", file, "not a directory"},
		{"empty", t.TempDir(), "no route files (*.yaml, *.yml) below"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, err := git.NewDirectory(c.path, git.Limits{})
			must(t, err)
			wantError(t, d, "read directory: ")
			if _, err := d.Fetch(t.Context()); !strings.Contains(err.Error(), c.want) {
				t.Errorf("Fetch: error %v, want %s", err, c.want)
			}
		})
	}
	if _, err := git.NewDirectory("", git.Limits{}); err == nil {
		t.Error("NewDirectory of an empty path: no error")
	}
}

// A folder that cannot be opened must not look like one without routes.
func TestDirectoryUnreadable(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root can read everything")
	}
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "a.yaml"), "a")
	writeFile(t, filepath.Join(dir, "closed/b.yaml"), "b")
	must(t, os.Chmod(filepath.Join(dir, "closed"), 0))
	t.Cleanup(func() { os.Chmod(filepath.Join(dir, "closed"), 0o777) })
	d, err := git.NewDirectory(dir, git.Limits{})
	must(t, err)
	if _, err := d.Fetch(t.Context()); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("Fetch: error %v, want fs.ErrPermission", err)
	}
}

// The same files have the same ID wherever they lie.
func TestDirectoryID(t *testing.T) {
	var ids []string
	for range 2 {
		dir := t.TempDir()
		writeFile(t, filepath.Join(dir, "a.yaml"), "a")
		d, err := git.NewDirectory(dir, git.Limits{})
		must(t, err)
		ids = append(ids, fetch(t, d).ID)
	}
	if ids[0] != ids[1] || !strings.HasPrefix(ids[0], "dir-") {
		t.Errorf("IDs %v, want twice the same, with dir- in front", ids)
	}
}
