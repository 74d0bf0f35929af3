package git

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"github.com/go-git/go-git/v5/plumbing/transport"
)

// Redact returns a URL fit for printing: user information and query, where
// tokens are put, become "***". It takes anything, also what is no URL, and
// rather hides too much of an odd one: all up to its last "@".
func Redact(raw string) string {
	scheme, rest, ok := strings.Cut(raw, "://")
	if ok {
		scheme += "://"
	} else {
		scheme, rest = "", raw
	}
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		rest = "***" + rest[at:]
	}
	if i := strings.IndexAny(rest, "?#"); i >= 0 {
		rest = rest[:i+1] + "***"
	}
	return scheme + rest
}

// scp is how people write ssh: user@host:path, where the path begins at the
// user's home unless it has a slash in front.
var scp = regexp.MustCompile(`^(?:([^@/:\s]+)@)?([^@/:\s\[\]]+|\[[0-9A-Fa-f:.]+\]):([^/\s].*|/[^/\s].*)$`)

const (
	sshPort = 22
	sshUser = "git" // at every forge
)

// parseURL checks the URL against what the options allow. The endpoint is built
// here and not by go-git, which takes a bare path for a file URL and anything
// with a colon for ssh.
func parseURL(o RemoteOptions) (transport.Endpoint, error) {
	fail := func(format string, args ...any) (transport.Endpoint, error) {
		return transport.Endpoint{}, fmt.Errorf("remote %q: %s", Redact(o.URL), fmt.Sprintf(format, args...))
	}
	if m := scp.FindStringSubmatch(o.URL); m != nil {
		e, err := sshEndpoint(m[1], strings.Trim(m[2], "[]"), 0, m[3])
		if err != nil {
			return fail("%s", err)
		}
		return e, nil
	}
	u, err := url.Parse(o.URL)
	if err != nil {
		// Not the error's own text: it repeats the URL.
		return fail("is not a URL; write https://host/path")
	}
	port, err := portOf(u)
	if err != nil {
		return fail("%s", err)
	}
	switch u.Scheme {
	case "https":
	case "http":
		if !o.AllowHTTP {
			return fail("http is not allowed, since anybody on the way can change routes; use https or allow http")
		}
	case "file":
		if !o.AllowFile {
			return fail("file is not allowed, since it runs the git program on this machine; use https or allow file")
		}
	case "ssh":
	case "":
		return fail("has no scheme; write https://host/path")
	default:
		return fail("scheme %s is not supported; use https or ssh", u.Scheme)
	}
	_, password := u.User.Password()
	switch {
	case u.User != nil && (u.Scheme != "ssh" || password):
		return fail("credentials do not belong in a URL")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return fail("must not have a query or a fragment")
	case u.Scheme == "file" && (u.Host != "" || u.Path == ""):
		return fail("must be written file:///path")
	case u.Scheme == "file":
		return transport.Endpoint{Protocol: "file", Path: u.Path}, nil
	case u.Hostname() == "":
		return fail("names no host")
	}
	if u.Scheme == "ssh" {
		e, err := sshEndpoint(u.User.Username(), u.Hostname(), port, u.Path)
		if err != nil {
			return fail("%s", err)
		}
		return e, nil
	}
	host := u.Hostname()
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return transport.Endpoint{
		Protocol: u.Scheme,
		Host:     host,
		Port:     port,
		Path:     strings.TrimSuffix(u.EscapedPath(), "/"),
	}, nil
}

// sshEndpoint refuses what the server could take for something else than a name
// and a path.
func sshEndpoint(user, host string, port int, path string) (transport.Endpoint, error) {
	odd := func(s string) bool { return strings.HasPrefix(s, "-") || strings.ContainsFunc(s, unicode.IsControl) }
	switch {
	case path == "" || path == "/":
		return transport.Endpoint{}, errors.New("names no repository")
	case odd(path) || odd(user) || odd(host):
		return transport.Endpoint{}, errors.New("a user, host or path that begins with - or holds a control character is not taken")
	}
	return transport.Endpoint{Protocol: "ssh", User: cmp.Or(user, sshUser), Host: host, Port: cmp.Or(port, sshPort), Path: path}, nil
}

func portOf(u *url.URL) (int, error) {
	if u.Port() == "" {
		return 0, nil
	}
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	if err != nil || port == 0 {
		return 0, errors.New("the port must be between 1 and 65535")
	}
	return int(port), nil
}
