package git

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/wharfinger/wharfinger/route"
)

// maxPath is what Linux allows for a path; a longer one cannot be checked out.
const maxPath = 4096

// lfsPrefix starts every Git LFS pointer, which stands in the tree where the
// content should.
var lfsPrefix = []byte("version https://git-lfs.github.com/spec/")

// collector gathers the route files of one revision and holds them against the
// limits. What a person can mend in one file becomes a problem, so that all of
// them are told at once; exceeding a limit of the whole ends the read.
type collector struct {
	limits   Limits
	files    []route.File
	total    int64
	problems route.Problems
}

// add takes one regular file. It calls read only if the limits leave room for
// size bytes.
func (c *collector) add(name string, size int64, read func() ([]byte, error)) error {
	if len(c.files)+len(c.problems) >= c.limits.Files {
		return lastingf("more than %d route files", c.limits.Files)
	}
	if !printable(name) {
		c.problem(strconv.Quote(name), "the file's name has characters that cannot be printed", "rename the file")
		return nil
	}
	if size > c.limits.FileBytes {
		c.tooLarge(name, size)
		return nil
	}
	if c.total+size > c.limits.TotalBytes {
		return lastingf("the route files hold more than %s", bytesText(c.limits.TotalBytes))
	}
	data, err := read()
	if err != nil {
		return fmt.Errorf("%s: %s", name, oneLine(err))
	}
	if int64(len(data)) > c.limits.FileBytes { // grew since its size was taken
		c.tooLarge(name, int64(len(data)))
		return nil
	}
	if bytes.HasPrefix(data, lfsPrefix) {
		c.problem(name, "is a Git LFS pointer, not the file itself",
			"store routes in git directly: git lfs untrack, then commit the file again")
		return nil
	}
	c.total += int64(len(data))
	c.files = append(c.files, route.File{Path: name, Data: data})
	return nil
}

func (c *collector) tooLarge(name string, size int64) {
	c.problem(name, fmt.Sprintf("is %d bytes long; the limit is %s", size, bytesText(c.limits.FileBytes)),
		"split the file")
}

func (c *collector) symlink(name string) {
	c.problem(name, "is a symbolic link, which is not followed", "put the file itself in its place")
}

func (c *collector) irregular(name string) {
	c.problem(name, "is not a regular file", "put a regular file in its place or rename it")
}

// submodule refuses another repository inside the tree. Its files are there in
// a checkout and missing in a fetch, so taking either side would be wrong.
func (c *collector) submodule(name string) {
	c.problem(name, "is a git repository of its own (a submodule), whose files are not fetched",
		"copy its routes in, or keep it out of the routes' folder")
}

func (c *collector) problem(name, text, hint string) {
	if len(c.problems) == c.limits.Files {
		return // nobody reads that many
	}
	c.problems = append(c.problems, route.Problem{Pos: route.Pos{File: name}, Text: text, Hint: hint})
}

// ErrNothing says that there are no routes at all where they are looked for.
var ErrNothing = errors.New("no route files")

// nothing is an ErrNothing that says where.
type nothing string

func (n nothing) Error() string        { return string(n) }
func (n nothing) Is(target error) bool { return target == ErrNothing }
func (n nothing) Permanent() bool      { return true }

// finish answers the files sorted by path, or route.Problems, or ErrNothing if
// there are none; where names the place for that error.
func (c *collector) finish(where string) ([]route.File, error) {
	if len(c.problems) > 0 {
		return nil, c.problems.Sorted()
	}
	if len(c.files) == 0 {
		return nil, nothing("no route files (*.yaml, *.yml) below " + where)
	}
	slices.SortFunc(c.files, func(a, b route.File) int { return cmp.Compare(a.Path, b.Path) })
	return c.files, nil
}

func printable(name string) bool {
	return utf8.ValidString(name) && !strings.ContainsFunc(name, unicode.IsControl)
}
