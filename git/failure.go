package git

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"syscall"
	"unicode"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/pktline"
	"github.com/go-git/go-git/v5/plumbing/transport"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"
)

// lasting is an error that stays until somebody acts. All others may pass: the
// network, a server that restarts, a branch that moved meanwhile.
type lasting struct{ text string }

func (l *lasting) Error() string { return l.text }

// Permanent tells a caller of Fetch that it need not hurry to try again.
func (l *lasting) Permanent() bool { return true }

func lastingf(format string, args ...any) error { return &lasting{fmt.Sprintf(format, args...)} }

// isLasting reports whether an error, or one inside it, stays until somebody acts.
func isLasting(err error) bool {
	_, ok := errors.AsType[interface {
		error
		Permanent() bool
	}](err)
	return ok
}

var errTooLarge = lastingf("the repository is too large")

// errRefused says that the remote wants other credentials than it got.
var errRefused = lastingf("the remote refuses access")

// plain turns an error of go-git into one short sentence without a URL in it.
func plain(err error) error {
	var unexpected *plumbing.UnexpectedError // has no Unwrap
	if errors.As(err, &unexpected) {
		err = unexpected.Err
	}
	var redirect *redirectError
	var request *url.Error
	var status *githttp.Err
	var untrusted *tls.CertificateVerificationError
	var known *lasting
	switch {
	case err == nil:
		return nil
	case errors.As(err, &known):
		return known
	case errors.As(err, &redirect):
		return lastingf("%s", redirect)
	case strings.Contains(err.Error(), "http redirect: "): // go-git's own, as from https to http
		return lastingf("the remote redirects to another scheme or place; if that is right, write it as the URL")
	case errors.Is(err, transport.ErrEmptyRemoteRepository):
		return lastingf("the remote repository is empty; push a first commit")
	case errors.Is(err, transport.ErrRepositoryNotFound):
		return lastingf("the remote has no such repository")
	case errors.Is(err, transport.ErrAuthenticationRequired), errors.Is(err, transport.ErrAuthorizationFailed):
		return errRefused
	case errors.Is(err, pktline.ErrInvalidPktLen):
		return lastingf("the answer is not that of a git server; is the URL right?")
	case errors.As(err, &status):
		return statusError(status.StatusCode())
	case errors.As(err, &untrusted):
		return lastingf("the certificate of the remote is not accepted: %s", distrust(untrusted.Err))
	case errors.As(err, &request):
		err = request.Err
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) { // which of them is chance
		return errors.New("the connection broke off in the middle of the answer")
	}
	if err.Error() == http.StatusText(http.StatusProxyAuthRequired) { // net/http gives nothing but the words
		return lastingf("the proxy refuses the user and password that the environment has for it")
	}
	return errors.New(oneLine(err))
}

// distrust says what is wrong with a certificate. Go's own words for one that has
// expired hold the time of day, so that each would be news.
func distrust(err error) string {
	invalid, ok := errors.AsType[x509.CertificateInvalidError](err)
	if !ok || invalid.Reason != x509.Expired || invalid.Cert == nil {
		return oneLine(err)
	}
	const day = "2006-01-02 15:04 MST"
	return fmt.Sprintf("it is valid from %s to %s alone", invalid.Cert.NotBefore.UTC().Format(day), invalid.Cert.NotAfter.UTC().Format(day))
}

// statusError tells the refusals of a server (4xx) from its failures, of which
// three have a number among the refusals.
func statusError(code int) error {
	const format = "the remote answered HTTP status %d"
	switch {
	case code == http.StatusRequestTimeout, code == http.StatusTooEarly, code == http.StatusTooManyRequests, code >= 500:
		return fmt.Errorf(format, code)
	}
	return lastingf(format, code)
}

// failed puts the step in front. If the context ended, that is the reason, and
// not what the broken connection looked like. What a server says may hold what it
// was told: secrets are taken out.
func failed(ctx context.Context, step string, err error, secrets []string) error {
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	err = fmt.Errorf("%s: %w", step, err)
	text := err.Error()
	for _, s := range secrets {
		text = strings.ReplaceAll(text, s, "***")
	}
	switch {
	case text == err.Error():
		return err
	case isLasting(err):
		return &lasting{text}
	}
	return errors.New(text)
}

var (
	// userInfo is what may hold a name and a password, as a proxy's URL does.
	userInfo = regexp.MustCompile(`\S+:\S+@`)
	// ownPort is this side of a connection, another one with each attempt: a
	// failure that lasts shall read the same.
	ownPort = regexp.MustCompile(`\S+:[0-9]+->`)
)

// oneLine writes an error so that what a server put into it can neither break
// nor flood a log.
func oneLine(err error) string {
	const most = 300
	var lookup *net.DNSError
	if errors.As(err, &lookup) { // its text names the resolver, by a port of our own
		err = fmt.Errorf("look up %s: %s", lookup.Name, lookup.Err)
	}
	text := strings.ToValidUTF8(err.Error(), "?")
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.TrimSpace(text))
	text = ownPort.ReplaceAllString(userInfo.ReplaceAllString(text, "***@"), "")
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most]) + "…"
	}
	return text
}
