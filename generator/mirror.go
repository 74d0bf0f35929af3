package generator

import (
	"fmt"
	"slices"

	"github.com/wharfinger/wharfinger/route"
)

// mirrorSocket is where copies are taken, in the proxy's own /tmp. A path has
// room for 107 bytes (sun_path).
func mirrorSocket(name string) string { return "/tmp/mirror." + name + ".sock" }

// Mirror sends copies of a route's requests to a pool (nginx: mirror). nginx ends
// a request, and reads the next one of the connection, when its copy is answered.
// So copies go to a server of the proxy's own that answers at once, and from there
// to the pool.
type Mirror struct {
	Route    string
	Location string // where the copy is made
	Upstream string // leads to Socket
	Socket   string
	Share    string // the variable that is 1 where a copy is made, or ""
	Body     bool
	Headers  []Header // of the copy
	// Copy is how the pool gets it. Rewrite is done there: the copy is as the
	// client sent it.
	Copy Answer
}

func (a *answered) mirror(r *route.Route) {
	m := r.Mirror
	if m.Pos.Line == 0 || a.Upstream == "" || len(a.peers[m.Pool.Value]) == 0 {
		return
	}
	out := &Mirror{Route: r.Name, Location: "/.route/" + r.Name + "+mirror", Upstream: r.Name + "+mirror", Socket: mirrorSocket(r.Name), Body: m.Body.Value}
	// A connection that stays open waits for the copy as well.
	out.Headers = append(slices.Clone(a.PeerHeaders), Header{"Connection", "close"}, Header{"X-Mirror", r.Name})
	if !out.Body {
		out.Headers = append(out.Headers, Header{"Content-Length", ""})
	}
	if m.Share.Value < 100 {
		out.Share = variable("mirror", r.Name)
		a.definitions.Splits = append(a.definitions.Splits, Split{Source: "$request_id " + r.Name, Variable: out.Share,
			Parts: []Part{{fmt.Sprintf("%d%%", m.Share.Value), yes}, {"*", no}}})
	}
	copied := a.at(m.Pool.Value).bare()
	copied.Rewrite, copied.MaxBody, copied.Back, copied.Traffic = a.Rewrite, 0, Back{}, Traffic{}
	if a.Rewrite == nil {
		copied.URI = "$request_uri"
	}
	// All others came with the copy.
	copied.PeerHeaders = over([]Header{{"Host", "$http_host"}}, append(slices.Clone(copied.Passing.Headers), Header{"Connection", ""}))
	out.Copy = copied
	a.Mirror, a.definitions.Mirror = out, out
}
