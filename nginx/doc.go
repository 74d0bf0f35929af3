// Package nginx runs nginx to test what was rendered, before any proxy gets it.
// It is the only package that runs nginx.
//
// The list of directives comes first, and then nginx -t in a sandbox: it opens
// every listener for real, and on a node where a proxy runs a second listener
// would take connections away from it. What the files name outside their folder,
// secrets above all, is neither there nor looked for. What nginx says of a place in
// a shard is told as one in the files that people see.
package nginx
