package git

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"unicode"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/pktline"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/transport"
	"github.com/go-git/go-git/v5/plumbing/transport/file"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"
)

const (
	maxRefsBytes  = 16 << 20 // some 200,000 branches and tags
	maxErrorBytes = 4 << 10  // of a page that explains a refusal
)

var errTooLarge = errors.New("the repository is too large")

// newClient returns a client of its own for each remote, so that no limit and
// no permission of one is another's.
func newClient(e transport.Endpoint, l Limits) transport.Transport {
	if e.Protocol == "file" {
		return file.DefaultClient
	}
	return githttp.NewClient(&http.Client{
		Transport:     bounded{http.DefaultTransport.(*http.Transport).Clone(), l.RepositoryBytes},
		CheckRedirect: stayOnHost,
	})
}

// bounded limits the bytes of each response.
type bounded struct {
	next      http.RoundTripper
	packBytes int64
}

func (b bounded) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := b.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	var body io.Reader
	switch {
	case res.StatusCode >= 300:
		body = io.LimitReader(res.Body, maxErrorBytes)
	case req.Method == http.MethodGet:
		body = &limitReader{res.Body, maxRefsBytes}
	default:
		// A little more than the pack itself, for the frames around it;
		// download counts exactly.
		body = &limitReader{res.Body, b.packBytes + b.packBytes/8 + 1<<16}
	}
	res.Body = struct {
		io.Reader
		io.Closer
	}{body, res.Body}
	return res, nil
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

type redirectError struct{ to string }

func (e *redirectError) Error() string {
	return "the remote redirects to " + e.to + ", another host or scheme; if that is right, write it as the URL"
}

func stayOnHost(req *http.Request, via []*http.Request) error {
	if from := via[0].URL; req.URL.Scheme != from.Scheme || req.URL.Host != from.Host {
		return &redirectError{Redact(req.URL.Scheme + "://" + req.URL.Host)}
	}
	return nil
}

// list asks for the branches and answers the commit to read.
func (r *Remote) list(ctx context.Context, s transport.UploadPackSession) (plumbing.Hash, *packp.AdvRefs, error) {
	refs, err := s.AdvertisedReferencesContext(ctx)
	if errors.Is(err, errTooLarge) {
		return plumbing.ZeroHash, nil, fmt.Errorf("the list of branches and tags is longer than %s", bytesText(maxRefsBytes))
	}
	if err != nil {
		return plumbing.ZeroHash, nil, plain(err)
	}
	if r.options.Branch == "" {
		if refs.Head == nil {
			return plumbing.ZeroHash, nil, errors.New("the remote's HEAD names a branch that does not exist; name the branch to follow")
		}
		return *refs.Head, refs, nil
	}
	commit, ok := refs.References[plumbing.NewBranchReferenceName(r.options.Branch).String()]
	if !ok {
		return plumbing.ZeroHash, nil, fmt.Errorf("branch %s does not exist on the remote", r.options.Branch)
	}
	return commit, refs, nil
}

// plain turns an error of go-git into one short sentence without a URL in it.
func plain(err error) error {
	var unexpected *plumbing.UnexpectedError // has no Unwrap
	if errors.As(err, &unexpected) {
		err = unexpected.Err
	}
	var redirect *redirectError
	var request *url.Error
	var status *githttp.Err
	switch {
	case errors.Is(err, errTooLarge):
		return errTooLarge
	case errors.As(err, &redirect):
		return redirect
	case errors.Is(err, transport.ErrEmptyRemoteRepository):
		return errors.New("the remote repository is empty; push a first commit")
	case errors.Is(err, transport.ErrRepositoryNotFound):
		return errors.New("the remote has no such repository")
	case errors.Is(err, transport.ErrAuthenticationRequired), errors.Is(err, transport.ErrAuthorizationFailed):
		return errors.New("the remote wants credentials, which are not supported yet")
	case errors.Is(err, pktline.ErrInvalidPktLen):
		return errors.New("the answer is not that of a git server; is the URL right?")
	case errors.As(err, &status):
		return fmt.Errorf("the remote answered HTTP status %d", status.StatusCode())
	case errors.As(err, &request):
		err = request.Err
	}
	return errors.New(oneLine(err))
}

// oneLine writes an error so that what a server put into it can neither break
// nor flood a log.
func oneLine(err error) string {
	const most = 300
	text := strings.ToValidUTF8(err.Error(), "?")
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.TrimSpace(text))
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most]) + "…"
	}
	return text
}
