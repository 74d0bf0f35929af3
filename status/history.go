package status

import "time"

// Entry is one revision in the history of a proxy.
type Entry struct {
	Proxy    string `json:"proxy"`
	Revision string `json:"revision"`
	// Since is when it first came to the proxy, Until when the next one did. Both are in
	// UTC, and zero (not written) where that is not known or has not come.
	Since time.Time `json:"since,omitzero"`
	Until time.Time `json:"until,omitzero"`
	State Past      `json:"state"`
	// Why is the reason of a failure.
	Why string `json:"why,omitempty"`
}

// Past is what a revision is to a proxy.
type Past string

// What a revision can be to a proxy.
const (
	Current Past = "live"
	Former  Past = "before"
	Refused Past = "failed" // its rollout failed, and was not served
)

// History is what `history --format json` writes.
type History struct {
	Version int     `json:"version"` // as that of Status
	Entries []Entry `json:"entries"` // by proxy, the newest first
}
