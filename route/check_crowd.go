package route

import "fmt"

// A file of nginx for one host has at most some 500 KB, which is what a Docker
// config holds. Long before that is known, each path would be compared with each
// regular expression and condition of its host. So what cannot fit is told here.
const (
	mostTries  = 20_000  // of one host, each of which takes 100 bytes at least
	mostPlaces = 200_000 // of all hosts
)

// crowd is what stands at one host of a proxy.
type crowd struct{ paths, conditions int }

// crowds counts places, and tells of the route with which they become too many.
type crowds struct {
	hosts  map[place]crowd // by proxy and host
	places int
	forms  map[string]string // short ones of conditions, which may be long
}

// form is the same for the same conditions alone.
func (c *crowds) form(w When) string {
	form := w.form()
	if c.forms == nil {
		c.forms = map[string]string{}
	}
	if c.forms[form] == "" {
		c.forms[form] = fmt.Sprint(len(c.forms))
	}
	return c.forms[form]
}

func (c *checker) crowd(r *Route, proxy string) {
	if c.crowds.hosts == nil {
		c.crowds.hosts = map[place]crowd{}
	}
	own := crowd{paths: 1}
	for _, path := range r.Paths {
		switch {
		case path.Value.Kind == Regex:
			own.conditions++
		case path.Given(): // the root counts already
			own.paths++
		}
	}
	if !r.When.Empty() {
		own.conditions += max(1, len(r.Paths))
	}
	before := c.crowds.places
	c.crowds.places += len(r.Hosts) * max(1, len(r.Paths))
	if before <= mostPlaces && c.crowds.places > mostPlaces {
		c.problem(r.Pos, fmt.Sprintf("up to route %s there are more than %d hosts and paths", r.Name, mostPlaces), "make several repositories of this one, for proxies of their own")
	}
	for _, host := range r.Hosts {
		here := place{proxy: proxy, host: host.Value}
		all := c.crowds.hosts[here]
		before := all.tries()
		all.paths, all.conditions = all.paths+own.paths, all.conditions+own.conditions
		c.crowds.hosts[here] = all
		if before <= mostTries && all.tries() > mostTries {
			c.problem(host.Pos, fmt.Sprintf("host %s has too many paths and conditions for one file of nginx", host.Value), "spread its routes over more hosts")
		}
	}
}

func (c crowd) tries() int { return c.paths * (1 + c.conditions) }
