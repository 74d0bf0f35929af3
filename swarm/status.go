package swarm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"
)

// errForbidden is a status listener's 403.
var errForbidden = errors.New("403 Forbidden")

// statusClient asks status listeners: on a fresh connection each time, for the
// old and the new proxy of a node listen on one port while they change over; by
// no proxy server; and following nobody elsewhere.
func statusClient() *http.Client {
	return &http.Client{
		Timeout: 2 * time.Second,
		Transport: &http.Transport{
			DisableKeepAlives: true,
			DialContext:       (&net.Dialer{}).DialContext,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// digestAt asks a proxy which files it serves.
func (c *Cluster) digestAt(ctx context.Context, addr netip.AddrPort) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://%s/digest", addr), nil)
	if err != nil {
		return "", err
	}
	res, err := c.status.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	switch res.StatusCode {
	case http.StatusOK:
	case http.StatusForbidden:
		return "", errForbidden
	default:
		return "", fmt.Errorf("%s answers %s", req.URL, res.Status)
	}
	const most = 128 // bytes; a digest has 32
	body, err := io.ReadAll(io.LimitReader(res.Body, most))
	return strings.TrimSpace(string(body)), err
}
