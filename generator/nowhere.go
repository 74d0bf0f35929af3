package generator

import (
	"fmt"
	"slices"
	"strings"

	"github.com/wharfinger/wharfinger/route"
)

// nowhere holds proxies whose new constraints no node of the Swarm fits: Swarm would
// stop all that run, and start none. Where none runs there is nothing to lose.
func (b *builder) nowhere(d *route.Desired, m *Model) {
	for i := range m.Proxies {
		p := &m.Proxies[i]
		current := b.live.ProxyByName(p.Name)
		if current == nil || len(b.tasks[b.services[current.Service].ID]) == 0 {
			continue
		}
		constraints := p.after(current).Constraints
		fits := func(n Node) bool { return n.fits(constraints) }
		if slices.ContainsFunc(b.live.Nodes, fits) || sameConstraints(current.Spec, Spec{Constraints: constraints}) {
			continue
		}
		pos := d.Proxies[p.Name].Pos
		if written := d.Proxies[p.Name].Constraints; len(written) > 0 {
			pos = written[0].Pos
		}
		b.problem(pos, fmt.Sprintf("no node of the Swarm fits the constraints of proxy %s (%s), so it is not rolled", p.Name, strings.Join(constraints, ", ")),
			"mend the constraints, or label a node: docker node update --label-add NAME=VALUE NODE")
		p.Held = append(p.Held, b.last())
	}
}
