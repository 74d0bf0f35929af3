package git

import (
	"fmt"
	"time"
)

// SetPoll shortens the wait for what only the poll can see.
func (d *Directory) SetPoll(every time.Duration) { d.poll = every }

// ParseURL answers where a URL leads: protocol, user, host, port and path.
func ParseURL(url string) (string, error) {
	e, err := parseURL(RemoteOptions{URL: url})
	return fmt.Sprintf("%s %s %s %d %s", e.Protocol, e.User, e.Host, e.Port, e.Path), err
}
