package route

import "fmt"

func (c *checker) stream(s *Stream) {
	if c.gaps.fields[s] {
		return
	}
	c.served(s.Proxy, s.Pos, "stream", s.Name)
	if !s.Pool.Given() {
		c.problem(s.Pos, fmt.Sprintf("stream %s has no pool", s.Name), "add the pool that answers, like pool: pg")
	}
	c.poolThere(s.Pool)
	if !s.Listen.Given() {
		c.problem(s.Pos, fmt.Sprintf("stream %s has no port", s.Name), "add one, like listen: 5432 or listen: 53/udp")
	}
}
