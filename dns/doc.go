// Package dns answers where the tasks of pools are: records of SRV, A and AAAA, for
// nginx that follows a pool without being rolled, and for everybody else who asks.
//
// It answers from what was published last, at once and without asking anybody, and
// for its own domain alone. Before anything was published it answers SERVFAIL, on
// which nginx keeps the peers that it has. A task that Swarm wants gone is in no
// answer any more as soon as that is published.
package dns
