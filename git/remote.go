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
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/transport"

	"github.com/wharfinger/wharfinger/route"
)

// RemoteOptions says which files of which repository are the routes.
type RemoteOptions struct {
	// URL is where the repository is, as https://host/path. It holds no user
	// information and no query.
	URL string
	// Branch is the branch to follow, without refs/heads/. Empty means the one
	// that the remote's HEAD names.
	Branch string
	// Folder is the path of the routes inside the repository, with slashes.
	// Empty means its root. Paths in the revision are relative to it.
	Folder string
	// Interval is the time between two polls, spread by 10 % either way so that
	// many daemons do not poll as one. At least 1 s; default 30 s.
	Interval time.Duration
	// Timeout bounds one Fetch as a whole. Default 30 s.
	Timeout time.Duration
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
	client   transport.Transport

	mu   sync.Mutex
	last outcome
}

// outcome is what became of a commit. It never changes for a given commit, so
// it is kept, mistakes included, until the branch moves on.
type outcome struct {
	commit   plumbing.Hash
	revision route.Revision
	err      error
}

// NewRemote checks the options; it does not contact the remote.
func NewRemote(o RemoteOptions) (*Remote, error) {
	endpoint, err := parseURL(o)
	if err != nil {
		return nil, err
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
	return &Remote{options: o, endpoint: endpoint, client: newClient(endpoint, o.Limits)}, nil
}

// String names the remote and the branch; nothing secret is in it.
func (r *Remote) String() string {
	return Redact(r.options.URL) + " (" + r.branch() + ")"
}

func (r *Remote) branch() string {
	if r.options.Branch == "" {
		return "HEAD"
	}
	return "branch " + r.options.Branch
}

// Fetch reads the branch's newest commit. While that stays the same it makes
// one request and returns the same answer; callers must not change its Data.
//
// The error's first words say which step failed: "list refs", "fetch" or
// "read tree". It holds route.Problems if files have to be mended, and
// context.Canceled or context.DeadlineExceeded if ctx ended.
func (r *Remote) Fetch(ctx context.Context) (route.Revision, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	ctx, cancel := context.WithTimeoutCause(ctx, r.options.Timeout,
		fmt.Errorf("gave up after %s without a full answer", r.options.Timeout))
	defer cancel()

	endpoint := r.endpoint // a copy, for go-git follows redirects by changing it
	session, err := r.client.NewUploadPackSession(&endpoint, nil)
	if err != nil {
		return route.Revision{}, failed(ctx, "list refs", plain(err))
	}
	defer session.Close()

	commit, refs, err := r.list(ctx, session)
	if err != nil {
		return route.Revision{}, failed(ctx, "list refs", err)
	}
	if commit == r.last.commit {
		return r.last.revision, r.last.err
	}
	// The commit that was listed is asked for by its hash, and not the branch by
	// its name: it may have moved by now.
	pack, err := download(ctx, session, refs, commit, r.options.Limits.RepositoryBytes)
	if err != nil {
		err = failed(ctx, "fetch", err)
		if errors.Is(err, errTooLarge) {
			r.last = outcome{commit: commit, err: err}
		}
		return route.Revision{}, err
	}
	files, err := r.read(ctx, pack, commit)
	if err != nil {
		err = failed(ctx, "read tree", err)
		if ctx.Err() == nil {
			r.last = outcome{commit: commit, err: err}
		}
		return route.Revision{}, err
	}
	r.last = outcome{commit: commit, revision: route.Revision{ID: commit.String(), Files: files}}
	return r.last.revision, nil
}

// Watch wakes at once and then every Interval. It returns nil when ctx ends.
func (r *Remote) Watch(ctx context.Context, wake chan<- struct{}) error {
	for {
		send(wake)
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

// failed puts the step in front. If the context ended, that is the reason, and
// not what the broken connection looked like.
func failed(ctx context.Context, step string, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	return fmt.Errorf("%s: %w", step, err)
}
