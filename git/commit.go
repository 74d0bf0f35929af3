package git

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	gogit "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/storer"
	"github.com/go-git/go-git/v5/storage/filesystem"

	"github.com/wharfinger/wharfinger/route"
)

// Commit reads a commit of the repository that a directory lies in: the routes as
// they were in that directory. It reads git's objects and neither the checkout nor
// anything by way of the git program. Its methods may be called at the same time.
type Commit struct {
	dir, revision string
	limits        Limits
}

// NewCommit reads what a revision names: a branch, a tag, or a commit by its hash
// or the start of it. A branch that is only one of origin's may be named as main or
// as origin/main. Behind it may stand steps back, as in HEAD^ and main~2.
func NewCommit(dir, revision string, l Limits) (*Commit, error) {
	if plumbing.NewBranchReferenceName(steps.ReplaceAllString(revision, "")).Validate() != nil {
		return nil, fmt.Errorf("%q is not the name of a branch, tag or commit", revision)
	}
	l, err := l.withDefaults()
	return &Commit{dir, revision, l}, err
}

// String answers the revision as it was named.
func (c *Commit) String() string { return c.revision }

// Fetch reads the commit.
//
// The error says what to fetch where the clone does not hold the commit. It is
// ErrNothing if there are no routes in it, and holds route.Problems if files have
// to be mended.
func (c *Commit) Fetch(ctx context.Context) (route.Revision, error) {
	dir, err := filepath.Abs(c.dir)
	if err == nil {
		dir, err = filepath.EvalSymlinks(dir)
	}
	if err != nil {
		return route.Revision{}, err
	}
	repo, err := gogit.PlainOpenWithOptions(dir, &gogit.PlainOpenOptions{DetectDotGit: true, EnableDotGitCommonDir: true})
	if errors.Is(err, gogit.ErrRepositoryNotExists) {
		return route.Revision{}, fmt.Errorf("%s lies in no git repository, so it has no revision %s", c.dir, c.revision)
	}
	if err != nil {
		return route.Revision{}, fmt.Errorf("open the repository of %s: %s", c.dir, oneLine(err))
	}
	worktree, err := repo.Worktree()
	if err != nil {
		return route.Revision{}, fmt.Errorf("open the repository of %s: %s", c.dir, oneLine(err))
	}
	folder, err := filepath.Rel(worktree.Filesystem.Root(), dir)
	if err != nil {
		return route.Revision{}, err
	}
	commit, err := clone{repo}.find(c.revision)
	if err != nil {
		return route.Revision{}, err
	}
	files, err := reading{objects: repo.Storer, limits: c.limits, folder: filepath.ToSlash(folder), of: c.revision,
		missing: "its content is not in this clone; fetch it without a filter"}.read(ctx, commit.TreeHash)
	if err != nil {
		return route.Revision{}, fmt.Errorf("read %s: %w", c.revision, err)
	}
	return route.Revision{ID: commit.Hash.String(), Files: files}, nil
}

// clone is a repository on disk, which need not be whole.
type clone struct{ *gogit.Repository }

var (
	steps      = regexp.MustCompile(`([~^][0-9]*)+$`)
	step       = regexp.MustCompile(`[~^][0-9]*`)
	fullHash   = regexp.MustCompile(`^[0-9a-f]{40}$`)
	hashForm   = regexp.MustCompile(`^[0-9a-f]{4,39}$`)
	besideRefs = regexp.MustCompile(`^[A-Z_]*HEAD$`)
)

// find answers the commit that a revision names.
func (c clone) find(revision string) (*object.Commit, error) {
	back := steps.FindString(revision)
	name := strings.TrimSuffix(revision, back)
	hash, err := c.named(name)
	if err != nil {
		return nil, err
	}
	commit, err := c.commit(hash)
	if errors.Is(err, plumbing.ErrObjectNotFound) {
		return nil, c.missing(name)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %s", name, oneLine(err))
	}
	for _, one := range step.FindAllString(back, -1) {
		n := 1
		if one != one[:1] {
			n, _ = strconv.Atoi(one[1:]) // too many are more than there are
		}
		if one[0] == '^' {
			commit, err = c.parent(commit, n)
		}
		for ; one[0] == '~' && n > 0 && err == nil; n-- {
			commit, err = c.parent(commit, 1)
		}
		if err != nil {
			return nil, fmt.Errorf("there is no %s: %w", revision, err)
		}
	}
	return commit, nil
}

// named answers the hash that a name stands for, as git does: a name before the
// start of a hash.
func (c clone) named(name string) (plumbing.Hash, error) {
	if fullHash.MatchString(name) {
		return plumbing.NewHash(name), nil
	}
	rules := append(slices.Clone(plumbing.RefRevParseRules[1:]), "refs/remotes/origin/%s")
	if strings.HasPrefix(name, "refs/") || besideRefs.MatchString(name) {
		rules = append(plumbing.RefRevParseRules[:1:1], rules...)
	}
	for _, rule := range rules {
		ref, err := storer.ResolveReference(c.Storer, plumbing.ReferenceName(fmt.Sprintf(rule, name)))
		if err == nil {
			return ref.Hash(), nil
		}
		if !errors.Is(err, plumbing.ErrReferenceNotFound) {
			return plumbing.ZeroHash, fmt.Errorf("read %s: %s", name, oneLine(err))
		}
	}
	if hashForm.MatchString(name) {
		return c.abbreviated(name)
	}
	return plumbing.ZeroHash, c.missing(name)
}

// abbreviated answers the one commit whose hash starts with name.
func (c clone) abbreviated(name string) (plumbing.Hash, error) {
	store, ok := c.Storer.(interface {
		HashesWithPrefix(prefix []byte) ([]plumbing.Hash, error)
	})
	if !ok {
		return plumbing.ZeroHash, c.missing(name)
	}
	whole, err := hex.DecodeString(name[:len(name)&^1])
	if err != nil {
		return plumbing.ZeroHash, c.missing(name)
	}
	hashes, err := store.HashesWithPrefix(whole)
	if err != nil {
		return plumbing.ZeroHash, fmt.Errorf("read the repository: %s", oneLine(err))
	}
	var commits []plumbing.Hash
	for _, hash := range hashes {
		if _, err := c.commit(hash); err == nil && strings.HasPrefix(hash.String(), name) && !slices.Contains(commits, hash) {
			commits = append(commits, hash)
		}
	}
	switch len(commits) {
	case 0:
		return plumbing.ZeroHash, c.missing(name)
	case 1:
		return commits[0], nil
	}
	return plumbing.ZeroHash, fmt.Errorf("%s is the start of more than one commit: write more of it", name)
}

// commit answers the commit of a hash, or of the tag that it is.
func (c clone) commit(hash plumbing.Hash) (*object.Commit, error) {
	if tag, err := c.TagObject(hash); err == nil {
		return c.commit(tag.Target)
	}
	return c.CommitObject(hash)
}

// parent answers the n-th parent; the 0th is the commit itself.
func (c clone) parent(commit *object.Commit, n int) (*object.Commit, error) {
	if n == 0 {
		return commit, nil
	}
	if c.endsAt(commit.Hash) {
		return nil, fmt.Errorf("the clone is shallow and does not hold what was before %.7s (git fetch --deepen=1, or more)", commit.Hash)
	}
	switch parents := len(commit.ParentHashes); {
	case parents == 0:
		return nil, fmt.Errorf("%.7s is the first commit", commit.Hash)
	case n > parents:
		return nil, fmt.Errorf("the parents of %.7s are %d", commit.Hash, parents)
	}
	parent, err := c.CommitObject(commit.ParentHashes[n-1])
	if err != nil {
		return nil, errors.New(oneLine(err))
	}
	return parent, nil
}

// endsAt reports whether the history ends at a commit because the clone is
// shallow.
func (c clone) endsAt(hash plumbing.Hash) bool {
	ends, _ := c.Storer.Shallow() // where it cannot be read, what is missing is told by its hash
	return slices.Contains(ends, hash)
}

// missing says that a name leads nowhere, and what to fetch. A clone that is
// shallow stays so.
func (c clone) missing(name string) error {
	if s, ok := c.Storer.(*filesystem.Storage); ok {
		if _, err := s.Filesystem().Stat("objects/info/alternates"); err == nil {
			return fmt.Errorf("%s is not here: what this clone shares with another one is not read (git repack -a -d copies it)", name)
		}
	}
	remotes, err := c.Remotes()
	if err != nil || len(remotes) == 0 {
		return fmt.Errorf("there is no branch, tag or commit %s", name)
	}
	remote := remotes[0].Config().Name
	for _, r := range remotes {
		if r.Config().Name == "origin" || strings.HasPrefix(name, r.Config().Name+"/") {
			remote = r.Config().Name
		}
	}
	fetch := "git fetch "
	if ends, _ := c.Storer.Shallow(); len(ends) > 0 {
		fetch += "--depth=1 "
	}
	fetch += remote + " " + strings.TrimPrefix(name, remote+"/")
	if !fullHash.MatchString(name) {
		fetch += ":refs/remotes/" + remote + "/" + strings.TrimPrefix(name, remote+"/")
	}
	return fmt.Errorf("this clone has no branch, tag or commit %s (%s)", name, fetch)
}
