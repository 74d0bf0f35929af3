package git

import (
	"context"
	"errors"
	"io"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/transport/file"
)

const maxRefsBytes = 16 << 20 // some 200,000 branches and tags

// framed is a little more than the pack itself, for the frames around it;
// download counts exactly.
func framed(packBytes int64) int64 { return packBytes + packBytes/8 + 1<<16 }

// session is what one fetch needs of a remote.
type session interface {
	AdvertisedReferencesContext(context.Context) (*packp.AdvRefs, error)
	UploadPack(context.Context, *packp.UploadPackRequest) (*packp.UploadPackResponse, error)
	Close() error
}

// connect prepares one fetch with the credentials as they are now. secrets are
// what no message may hold.
func (r *Remote) connect(ctx context.Context) (s session, secrets []string, err error) {
	endpoint := r.endpoint // a copy, for go-git follows redirects by changing it
	switch endpoint.Protocol {
	case "file":
		s, err = file.DefaultClient.NewUploadPackSession(&endpoint, nil)
		return s, nil, plain(err)
	case "ssh":
		s, err = connectSSH(ctx, endpoint, r.options.Credentials, r.options.Limits)
		return s, nil, err
	}
	return connectHTTP(endpoint, r.options.Credentials, r.options.Limits)
}

// limitReader fails after n bytes, where io.LimitReader would feign an end.
type limitReader struct {
	r io.Reader
	n int64
}

func (l *limitReader) Read(p []byte) (int, error) {
	if l.n < 0 {
		return 0, errTooLarge
	}
	if int64(len(p)) > l.n+1 {
		p = p[:l.n+1]
	}
	n, err := l.r.Read(p)
	if l.n -= int64(n); l.n < 0 {
		return n - 1, errTooLarge
	}
	return n, err
}

// list asks for the branches and answers the commit to read.
func (r *Remote) list(ctx context.Context, s session) (plumbing.Hash, *packp.AdvRefs, error) {
	refs, err := s.AdvertisedReferencesContext(ctx)
	if errors.Is(err, errTooLarge) {
		return plumbing.ZeroHash, nil, lastingf("the list of branches and tags is longer than %s", bytesText(maxRefsBytes))
	}
	if err = plain(err); errors.Is(err, errRefused) {
		return plumbing.ZeroHash, nil, r.refused()
	}
	if err != nil {
		return plumbing.ZeroHash, nil, err
	}
	if r.options.Revision != "" {
		commit, err := find(refs, r.options.Revision)
		return commit, refs, err
	}
	if r.options.Branch == "" {
		if refs.Head == nil {
			return plumbing.ZeroHash, nil, lastingf("the remote's HEAD names a branch that does not exist; name the branch to follow")
		}
		return *refs.Head, refs, nil
	}
	commit, ok := refs.References[plumbing.NewBranchReferenceName(r.options.Branch).String()]
	if !ok {
		return plumbing.ZeroHash, nil, lastingf("branch %s does not exist on the remote", r.options.Branch)
	}
	return commit, refs, nil
}

// refused says what the remote has against this side.
func (r *Remote) refused() error {
	switch c := r.options.Credentials; {
	case c.KeyFile != "":
		return lastingf("the remote refuses the key in %s for the user %s", c.KeyFile, r.endpoint.User)
	case c.TokenFile != "":
		return lastingf("the remote refuses the token in %s for the user %s", c.TokenFile, c.user())
	}
	return lastingf("the remote wants credentials, and none are given")
}

// find answers the commit that a revision names on a remote.
func find(refs *packp.AdvRefs, revision string) (plumbing.Hash, error) {
	tag := plumbing.NewTagReferenceName(revision).String()
	for _, list := range []struct {
		refs map[string]plumbing.Hash
		name string
	}{{refs.Peeled, tag}, {refs.References, tag}, {refs.References, plumbing.NewBranchReferenceName(revision).String()}} {
		if commit, ok := list.refs[list.name]; ok {
			return commit, nil
		}
	}
	if fullHash.MatchString(revision) {
		return plumbing.NewHash(revision), nil
	}
	return plumbing.ZeroHash, lastingf("there is no branch or tag %s on the remote; a commit is named by its whole hash", revision)
}
