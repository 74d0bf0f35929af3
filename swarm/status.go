package swarm

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"time"
)

// errSilent is a status listener that gives no answer at all.
var errSilent = errors.New("its status listener cannot be reached")

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

// serves asks a proxy whether it serves the files of that digest. A proxy says
// no by 404, and tells nobody which ones it has.
func (c *Cluster) serves(ctx context.Context, addr netip.AddrPort, digest string) (bool, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://%s/digest/%s", addr, digest), nil)
	if err != nil {
		return false, err
	}
	res, err := c.status.Do(req)
	if err != nil {
		return false, fmt.Errorf("%w (%v)", errSilent, err)
	}
	res.Body.Close()
	switch res.StatusCode {
	case http.StatusNoContent:
		return true, nil
	case http.StatusNotFound:
		return false, nil
	}
	return false, fmt.Errorf("%s answers %s", req.URL, res.Status)
}
