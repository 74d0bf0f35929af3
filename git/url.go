package git

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

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

// parseURL checks the URL against what the options allow. The endpoint is built
// here and not by go-git, which takes a bare path for a file URL and anything
// with a colon for ssh.
func parseURL(o RemoteOptions) (transport.Endpoint, error) {
	fail := func(format string, args ...any) (transport.Endpoint, error) {
		return transport.Endpoint{}, fmt.Errorf("remote %q: %s", Redact(o.URL), fmt.Sprintf(format, args...))
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
		return fail("ssh is not supported yet; use https")
	case "":
		return fail("has no scheme; write https://host/path")
	default:
		return fail("scheme %s is not supported; use https", u.Scheme)
	}
	switch {
	case u.User != nil:
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
