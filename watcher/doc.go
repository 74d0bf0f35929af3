// Package watcher keeps the proxies true to the repository and to the Swarm for
// as long as it runs.
//
// It is one goroutine and one select. Sources and clusters only wake it; what
// it acts on it has read itself. What it promises:
//
//   - It does nothing before it has both a good revision and a live state.
//   - A read that failed is never an empty answer: the pass ends, the proxies
//     keep what they have, and the next wake tries again.
//   - A revision with a problem is told and left out whole; the last good one
//     stays in force.
//   - Nothing is rolled that nginx has not taken, and nothing that failed is
//     rolled again until something changes.
//   - It keeps no state that it could not do without: killed anywhere, the next
//     one finishes what it began.
package watcher
