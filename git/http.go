package git

import (
	"crypto/tls"
	"io"
	"net/http"

	"github.com/go-git/go-git/v5/plumbing/transport"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"
)

const maxErrorBytes = 4 << 10 // of a page, or of what a server writes beside, that explains a refusal

// connectHTTP prepares one fetch by http or https. It has a client of its own, so
// that renewed credentials count at once and no connection is older than they
// are. Proxies are those of the environment, as Go's net/http reads it.
func connectHTTP(endpoint transport.Endpoint, c Credentials, l Limits) (session, []string, error) {
	token, secrets, err := c.token()
	if err != nil {
		return nil, nil, err
	}
	authorities, err := c.authorities()
	if err != nil {
		return nil, secrets, err
	}
	carrier := http.DefaultTransport.(*http.Transport).Clone()
	if authorities != nil {
		carrier.TLSClientConfig = &tls.Config{RootCAs: authorities, MinVersion: tls.VersionTLS12}
	}
	client := githttp.NewClient(&http.Client{
		Transport:     bounded{carrier, l.RepositoryBytes},
		CheckRedirect: stayOnHost,
	})
	var auth transport.AuthMethod // stays nil without a token
	if token != "" {
		auth = &githttp.BasicAuth{Username: c.user(), Password: token}
	}
	s, err := client.NewUploadPackSession(&endpoint, auth)
	if err != nil {
		return nil, secrets, plain(err)
	}
	return &httpSession{s, carrier}, secrets, nil
}

// httpSession leaves no connection behind.
type httpSession struct {
	transport.UploadPackSession
	carrier *http.Transport
}

func (s *httpSession) Close() error {
	defer s.carrier.CloseIdleConnections()
	return s.UploadPackSession.Close()
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
		body = &limitReader{res.Body, framed(b.packBytes)}
	}
	res.Body = struct {
		io.Reader
		io.Closer
	}{body, res.Body}
	return res, nil
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
