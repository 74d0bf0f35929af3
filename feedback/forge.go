package feedback

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// api is what differs between forges. The paths and fields are those of
// docs.github.com/rest/commits/statuses, docs.gitlab.com/api/commits and of
// /api/swagger on any Gitea or Forgejo.
type api struct {
	root   string // of the API, below the forge's own URL
	status string // of a commit, below that: %s is the repository, and the commit
	header string // that holds the token
	scheme string // before the token
	name   string // of the field for whose status it is
	blob   string // of a file, below the repository's page: %s is the commit, and the file
	commit string // likewise
	escape func(string) string
}

var apis = map[string]api{
	"github": {"/api/v3", "/repos/%s/statuses/%s", "Authorization", "Bearer ", "context", "/blob/%s/%s", "/commit/%s", plainly},
	"gitea":  {"/api/v1", "/repos/%s/statuses/%s", "Authorization", "token ", "context", "/src/commit/%s/%s", "/commit/%s", plainly},
	"gitlab": {"/api/v4", "/projects/%s/statuses/%s", "PRIVATE-TOKEN", "", "name", "/-/blob/%s/%s", "/-/commit/%s", url.PathEscape},
}

func plainly(s string) string { return s }

// forge is where the commits lie.
type forge struct {
	api
	web, apiURL string // without a slash at the end
	repository  string
	folder      string // of the routes, in the repository
	tokenFile   string
	client      *http.Client
}

// scp is how people write ssh: user@host:path.
var scp = regexp.MustCompile(`^(?:[^@/:\s]+@)?([^@/:\s]+):([^/\s].*|/[^/\s].*)$`)

// newForge finds the forge and the repository from the URL that is followed.
func newForge(o Options) (*forge, error) {
	kind, ok := apis[o.Forge]
	if !ok {
		return nil, fmt.Errorf("the forge is github, gitlab or gitea, which Forgejo is, too; not %q", o.Forge)
	}
	if o.TokenFile == "" {
		return nil, errors.New("a commit status takes a token: name its file")
	}
	source, err := url.Parse(o.Source)
	if m := scp.FindStringSubmatch(o.Source); m != nil && !strings.Contains(o.Source, "://") {
		source, err = &url.URL{Scheme: "ssh", Host: m[1], Path: "/" + strings.TrimPrefix(m[2], "/")}, nil
	}
	if err != nil || source.Host == "" {
		return nil, errors.New("a commit status takes a remote: a directory's files are no commit of a forge")
	}
	web := &url.URL{Scheme: source.Scheme, Host: source.Host}
	if source.Scheme == "ssh" {
		web = &url.URL{Scheme: "https", Host: source.Hostname()}
	}
	if o.URL != "" {
		if web, err = url.Parse(o.URL); err != nil || web.Host == "" || web.User != nil {
			return nil, errors.New("the forge's URL is not one; write https://git.example.org")
		}
	}
	if web.Scheme != "https" && !(web.Scheme == "http" && (o.AllowHTTP || isLoopback(web.Hostname()))) {
		return nil, errors.New("the forge's URL is not https, so anybody on the way could read the token")
	}
	f := &forge{api: kind, folder: o.Folder, tokenFile: o.TokenFile}
	f.web = strings.TrimSuffix(web.Scheme+"://"+web.Host+web.Path, "/")
	f.apiURL = f.web + kind.root
	if o.Forge == "github" && web.Host == "github.com" {
		f.apiURL = "https://api.github.com"
	}
	f.repository = strings.TrimPrefix(source.Path, strings.TrimSuffix(web.Path, "/"))
	f.repository = strings.TrimSuffix(strings.Trim(f.repository, "/"), ".git")
	if parts := strings.Count(f.repository, "/"); parts < 1 || parts > 1 && o.Forge != "gitlab" {
		return nil, fmt.Errorf("%q is not the path of a repository at the forge; it is OWNER/NAME", f.repository)
	}
	f.client, err = newClient(o.CAFile)
	return f, err
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (f *forge) String() string { return "commit status at " + f.web }

// commitID is git's, SHA-1 or SHA-256.
var commitID = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)

func (f *forge) wants(n news) bool { return commitID.MatchString(n.revision) }

// send sets the status. A forge keeps the latest of each name.
func (f *forge) send(ctx context.Context, n news) error {
	token, err := readToken(f.tokenFile)
	if err != nil {
		return err
	}
	body, err := json.Marshal(map[string]string{
		"state": string(n.state), f.name: "wharfinger", "description": short(n.text()), "target_url": f.link(n),
	})
	if err != nil {
		return useless(err.Error())
	}
	to := f.apiURL + fmt.Sprintf(f.status, f.escape(f.repository), n.revision)
	answer, err := post(ctx, f.client, to, body, http.Header{f.header: {f.scheme + token}})
	if refused, ok := errors.AsType[status](err); ok {
		_, later := errors.AsType[busy](err)
		switch {
		case later:
		case refused == http.StatusBadRequest && bytes.Contains(answer, []byte("Cannot transition status")):
			return nil // GitLab, of a status that is so already
		case refused == http.StatusUnauthorized || refused == http.StatusForbidden:
			return fmt.Errorf("%w: it refuses the token in %s", err, f.tokenFile)
		case refused == http.StatusNotFound:
			return fmt.Errorf("%w: it has no repository %s with that commit, or not for the token in %s", err, f.repository, f.tokenFile)
		}
	}
	return err
}

// link leads to the first problem's line, or to the commit.
func (f *forge) link(n news) string {
	if !f.wants(n) {
		return ""
	}
	page := f.web + "/" + f.repository
	if len(n.problems) > 0 {
		if p := n.problems[0].Pos; n.problems[0].Object == "" && p.Line > 0 {
			file := (&url.URL{Path: path.Join(f.folder, p.File)}).EscapedPath()
			return page + fmt.Sprintf(f.blob, n.revision, file) + "#L" + strconv.Itoa(p.Line)
		}
	}
	return page + fmt.Sprintf(f.commit, n.revision)
}

// short keeps a text at the 140 characters that GitHub takes.
func short(text string) string {
	const most = 140
	if r := []rune(text); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return text
}

// readToken reads it anew each time, so that a renewed one counts.
func readToken(file string) (string, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("read the token: %w", err)
	}
	token := strings.TrimSpace(string(data))
	if token == "" || strings.ContainsAny(token, "\r\n") {
		return "", fmt.Errorf("read the token: %s does not hold one line", file)
	}
	return token, nil
}

// status is that of an HTTP answer that is no success.
type status int

func (s status) Error() string { return fmt.Sprintf("HTTP status %d", int(s)) }

// post returns the beginning of the answer. Its errors never repeat the URL, which
// may be a secret.
func post(ctx context.Context, client *http.Client, to string, body []byte, header http.Header) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return nil, useless("the URL is none")
	}
	req.Header = header
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "wharfinger")
	res, err := client.Do(req)
	if urlErr, ok := errors.AsType[*url.Error](err); ok {
		return nil, urlErr.Err
	}
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	answer, _ := io.ReadAll(io.LimitReader(res.Body, 4096))
	switch code := res.StatusCode; {
	case code < 300:
		return answer, nil
	case code == http.StatusBadRequest || code == http.StatusUnprocessableEntity || code < 400:
		return answer, fmt.Errorf("%w, %w", status(code), useless("which it would say again"))
	case code == http.StatusTooManyRequests || res.Header.Get("Retry-After") != "":
		return answer, fmt.Errorf("%w, %w", status(code), busy{retryAfter(res.Header)})
	default:
		return answer, status(code)
	}
}

// retryAfter is how long a server wants to be left alone, as it says in seconds.
func retryAfter(h http.Header) time.Duration {
	seconds, _ := strconv.Atoi(h.Get("Retry-After"))
	return time.Duration(min(max(seconds, 1), int(patience/time.Second))) * time.Second
}

// newClient trusts the authorities of a file, or the system's. It follows no
// redirect: a token is for the host that was named.
func newClient(caFile string) (*http.Client, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	pool, err := authorities(caFile)
	if err != nil {
		return nil, err
	}
	transport.TLSClientConfig = pool
	return &http.Client{Transport: transport, Timeout: timeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}, nil
}

// shown is a revision as people read it.
func shown(revision string) string {
	if commitID.MatchString(revision) {
		return revision[:7]
	}
	return cmp.Or(revision, "a revision")
}
