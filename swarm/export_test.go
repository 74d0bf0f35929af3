package swarm

import "time"

// RemoveUnusedAfter makes a clean-up remove younger configs than usual.
func (c *Cluster) RemoveUnusedAfter(d time.Duration) { c.unusedFor = d }
