// Package swarm reads a Docker Swarm and rolls proxies there. It is the only
// package that speaks to a manager.
//
// # What it promises
//
// A Live is whole or it is an error: no failed call becomes an empty list. Two
// reads of a quiet cluster are equal.
//
// Apply brings a proxy to a Rollout, or brings back what the proxies had. Its
// error says why, and what they serve where the way back failed or there was
// nothing before. It can be killed at any moment; the next Apply of the same
// Rollout goes on from what the Swarm holds, for nothing is kept elsewhere:
//
//	killed …                        leaves behind                what the next Apply does
//	in "configs"                    some configs, used by none   makes the others; names are digests, so
//	                                                             what is there is what it wants
//	between "configs" and "update"  all configs, used by none    updates the service
//	in "confirm"                    a service that Swarm rolls   sends nothing, waits for the proxies
//	after Swarm rolled back         a rollback that nobody       finds the failed tasks in the service's
//	                                recorded                     history, records it, does not try again
//	taking a rollout back           the old spec, marked with    nothing: the mark and the old spec are
//	                                the failure                  one update
//	in "clean-up"                   some old configs             removes them
//
// One that nobody applies again leaves configs that no service uses; the
// clean-up after the proxy's next rollout removes them.
//
// Each step logs a line at debug level when it begins, with the attribute "step":
// configs, update, confirm, take-back, clean-up.
package swarm
