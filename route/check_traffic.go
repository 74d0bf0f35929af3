package route

import (
	"fmt"
	"strings"
)

// traffic looks at limits, compression and cache. What a route has from policies
// or defaults and cannot use does no harm.
func (c *checker) traffic(r *Route) {
	own, itself := r.own, r.AnswersItself()
	if pos := own.Limits.pos(); pos.Line > 0 && itself {
		c.problem(pos, fmt.Sprintf("limits are for what a pool answers, but route %s has none", r.Name), "leave them out: an answer of the proxy's own costs next to nothing")
		return
	}
	if own.Limits.Burst.Given() && !r.Limits.Rate.Given() {
		c.problem(own.Limits.Burst.Pos, "a burst belongs to a rate, but this route has none", "add one, like rate: 10/s")
	}
	if own.Limits.By.Given() && !r.Limits.Rate.Given() && !r.Limits.Connections.Given() {
		c.problem(own.Limits.By.Pos, "by belongs to a rate or to connections, but this route has neither", "add one, like rate: 10/s")
	}
	if own.Compress.Types != nil && len(own.Compress.Types) == 0 {
		c.problem(own.Compress.Pos, "there is an empty list of types to compress", "add a type, or leave types out to compress the usual ones")
	}
	c.cache(r, itself)
}

func (c *checker) cache(r *Route, itself bool) {
	own := r.own.Cache
	if own.Pos.Line == 0 || !r.Cache.On.Value || c.gaps.objects[own.Pos] {
		return
	}
	if own.Statuses != nil && len(own.Statuses) == 0 {
		c.problem(own.Pos, "there is an empty list of statuses to keep", "add a status, or leave statuses out to keep 200, 301 and 302")
	}
	switch {
	case itself:
		c.problem(own.Pos, fmt.Sprintf("a cache is for what a pool answers, but route %s has none", r.Name), "leave it out")
	case own.Statuses != nil && !r.Cache.Valid.Given():
		c.problem(own.Pos, "statuses belong to valid, but this cache has none", "say how long they are kept, like valid: 10m")
	case c.keyTooLong(r):
		c.problem(own.Pos, "this cache tells responses apart by too much", "set fewer headers of requests to values with variables, or take fewer ones from auth")
	case r.Buffering.Responses.Given() && !r.Buffering.Responses.Value:
		c.problem(own.Pos, "a cache keeps nothing of responses that are not buffered", "leave it out, or set buffering: {responses: true}")
	}
}

// keyTooLong reports whether the key of a cache, which holds all that peers are
// told of a request, would be too long for a word of nginx.
func (c *checker) keyTooLong(r *Route) bool {
	const most = 2500
	length := 0
	for name, value := range r.Headers.Request.Set {
		if strings.Contains(value.Value, "$") {
			length += len(name) + len(value.Value) + strings.Count(value.Value, `"`) + strings.Count(value.Value, `\`)
		}
	}
	for _, name := range r.Access.Auth.Headers {
		length += len(name.Value) + 2*len(r.Name) + len(" =$auth100_")
	}
	return length > most
}

// pos is where the first of the limits stands.
func (l Limits) pos() Pos {
	for _, pos := range []Pos{l.Rate.Pos, l.Burst.Pos, l.Connections.Pos, l.By.Pos, l.Bandwidth.Pos} {
		if pos.Line > 0 {
			return pos
		}
	}
	return Pos{}
}
