package git

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/transport"

	"github.com/wharfinger/wharfinger/route"
)

// RemoteOptions says which files of which repository are the routes.
type RemoteOptions struct {
	// URL is where the repository is: https://host/path, ssh://user@host/path or
	// user@host:path. It holds no password and no query.
	URL string
	// Credentials says by which files the remote and this side know each other.
	Credentials Credentials
	// Branch is the branch to follow, without refs/heads/. Empty means the one
	// that the remote's HEAD names.
	Branch string
	// Revision is a branch, a tag or the whole hash of a commit to read in place of
	// Branch. Servers give away a commit by its hash if they like to.
	Revision string
	// Folder is the path of the routes inside the repository, with slashes.
	// Empty means its root. Paths in the revision are relative to it.
	Folder string
	// Interval is the time between two polls, spread by 10 % either way so that
	// many daemons do not poll as one. At least 1 s; default 30 s.
	Interval time.Duration
	// Timeout bounds one Fetch as a whole. Default 30 s.
	Timeout time.Duration
	// SignedBy names files with the public keys that may sign, OpenPGP's and SSH's.
	// If there is any, only what one of them signed is read: the tag if Revision is
	// one, and otherwise the commit. The files are read at each Fetch.
	SignedBy []string
	// AllowHTTP permits http:// URLs, where anybody on the way can read and
	// change the routes.
	AllowHTTP bool
	// AllowFile permits file:// URLs, which run this machine's git program.
	AllowFile bool
	// Limits bounds what one Fetch takes.
	Limits Limits
}

// Remote reads revisions from a branch of a git remote. Its methods may be
// called at the same time; fetches then wait for each other.
type Remote struct {
	options  RemoteOptions
	endpoint transport.Endpoint

	mu      sync.Mutex
	last    outcome
	failing atomic.Bool // the last Fetch failed in a way that may pass
}

// outcome is what became of an object, a commit or a tag whose signature counts. It
// never changes for a given one, so it is kept, mistakes included, until the branch
// moves on. Whether a signature counts does change, with the keys and the time.
type outcome struct {
	object   plumbing.Hash
	signed   *signed // nil where signatures do not matter, or before it was seen
	refused  bool    // its signature did not count, so its files were not read
	revision route.Revision
	err      error
}

// NewRemote checks the options; it does not contact the remote.
func NewRemote(o RemoteOptions) (*Remote, error) {
	endpoint, err := parseURL(o)
	if err != nil {
		return nil, err
	}
	if err := o.Credentials.check(endpoint.Protocol); err != nil {
		return nil, fmt.Errorf("remote %q: %w", Redact(o.URL), err)
	}
	if o.Branch != "" {
		if err := plumbing.NewBranchReferenceName(o.Branch).Validate(); err != nil {
			return nil, fmt.Errorf("branch %q: is not a valid name", o.Branch)
		}
	}
	o.Folder = cmp.Or(strings.TrimSuffix(o.Folder, "/"), ".")
	if !fs.ValidPath(o.Folder) {
		return nil, fmt.Errorf("folder %q: must be a path inside the repository, as a/b", o.Folder)
	}
	o.Interval = cmp.Or(o.Interval, 30*time.Second)
	if o.Interval < time.Second {
		return nil, fmt.Errorf("interval %s: must be 1s or more", o.Interval)
	}
	o.Timeout = cmp.Or(o.Timeout, 30*time.Second)
	if o.Timeout < 0 {
		return nil, fmt.Errorf("timeout %s: must not be negative", o.Timeout)
	}
	if o.Limits, err = o.Limits.withDefaults(); err != nil {
		return nil, err
	}
	return &Remote{options: o, endpoint: endpoint}, nil
}

// String names the remote, the branch and the folder; nothing secret is in it.
func (r *Remote) String() string {
	of := r.branch()
	if r.options.Folder != "." {
		of += ", folder " + r.options.Folder
	}
	return Redact(r.options.URL) + " (" + of + ")"
}

func (r *Remote) branch() string {
	switch {
	case r.options.Revision != "":
		return r.options.Revision
	case r.options.Branch == "":
		return "HEAD"
	}
	return "branch " + r.options.Branch
}

// Fetch reads the branch's newest commit. While that stays the same it makes
// one request and returns the same answer; callers must not change its Data.
//
// The error's first words say which step failed: "connect", "list refs", "fetch",
// "signature" or "read tree". It holds route.Problems if files have to be mended or a
// signature does not count, and context.Canceled or context.DeadlineExceeded if ctx
// ended. One that stays until somebody acts has a method Permanent, which answers true.
func (r *Remote) Fetch(ctx context.Context) (route.Revision, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	revision, err := r.fetch(ctx)
	_, problems := errors.AsType[route.Problems](err)
	failing := err != nil && !problems && !isLasting(err)
	if failing && r.last.err != nil {
		r.last = outcome{} // not the commit was bad, but what came of it
	}
	r.failing.Store(failing)
	return revision, err
}

func (r *Remote) fetch(ctx context.Context) (route.Revision, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, r.options.Timeout,
		fmt.Errorf("gave up after %s without a full answer", r.options.Timeout))
	defer cancel()

	session, secrets, err := r.connect(ctx)
	if errors.Is(err, errRefused) {
		err = r.refused()
	}
	if err != nil {
		return route.Revision{}, failed(ctx, "connect", err, secrets)
	}
	defer session.Close()

	commit, refs, err := r.list(ctx, session)
	if err != nil {
		return route.Revision{}, failed(ctx, "list refs", err, secrets)
	}
	counts := r.counts(refs, commit)
	if counts == r.last.object && !counts.IsZero() { // which is no object, and none yet
		if _, err := r.accept(r.last.signed); err != nil {
			return route.Revision{}, failed(ctx, "signature", err, secrets)
		}
		if !r.last.refused {
			return r.last.revision, r.last.err
		}
	}
	// The commit that was listed is asked for by its hash, and not the branch by
	// its name: it may have moved by now.
	pack, err := download(ctx, session, refs, counts, r.options.Limits.RepositoryBytes)
	if errors.Is(err, errGone) && r.options.Revision != "" {
		err = lastingf("the remote does not have that commit, or does not give it away by its hash")
	}
	if err != nil {
		err = failed(ctx, "fetch", err, secrets)
		if errors.Is(err, errTooLarge) {
			r.last = outcome{object: counts, err: err}
		}
		return route.Revision{}, err
	}
	read := r.read(ctx, pack, refs, counts, commit, secrets)
	if ctx.Err() == nil {
		r.last = read
	}
	return read.revision, read.err
}

// read answers what becomes of a commit that was downloaded. Its files are read if
// its signature counts, or none is asked for.
func (r *Remote) read(ctx context.Context, pack []byte, refs *packp.AdvRefs, counts, hash plumbing.Hash, secrets []string) outcome {
	o := outcome{object: counts}
	fail := func(step string, err error) outcome {
		o.err = failed(ctx, step, err, secrets)
		return o
	}
	objects, err := unpack(pack)
	if err != nil {
		return fail("read tree", err)
	}
	commit, err := object.GetCommit(objects, hash)
	if err != nil {
		return fail("read tree", fmt.Errorf("commit %s: %s", hash, oneLine(err)))
	}
	if o.signed, err = r.signature(objects, refs, commit); err != nil {
		return fail("signature", err)
	}
	signer, err := r.accept(o.signed)
	if err != nil {
		o.refused = true
		return fail("signature", err)
	}
	files, err := reading{objects: objects, limits: r.options.Limits, folder: r.options.Folder, of: r.branch(),
		missing: "the remote did not send its content"}.read(ctx, commit.TreeHash)
	if err != nil {
		return fail("read tree", err)
	}
	o.revision = route.Revision{ID: hash.String(), Files: files, Signer: signer}
	return o
}

// Watch wakes at once and then every Interval, except after a Fetch whose error
// may pass: whoever made it tries again by himself, further and further apart, and
// a remote that is down is not to be asked more often than that. It returns nil
// when ctx ends.
func (r *Remote) Watch(ctx context.Context, wake chan<- struct{}) error {
	for {
		if !r.failing.Load() {
			send(wake)
		}
		spread := r.options.Interval / 10
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(r.options.Interval - spread + rand.N(2*spread)):
		}
	}
}

// send wakes without waiting: if the slot is taken, a wake is already on its
// way and covers this one.
func send(wake chan<- struct{}) {
	select {
	case wake <- struct{}{}:
	default:
	}
}
