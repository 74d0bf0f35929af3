// Package nginx runs nginx to test what was rendered, before any proxy gets it.
// It is the only package that runs nginx.
//
// The test runs without privileges and, where the system allows it, without a
// network: `nginx -t` opens every listener for real, and on a node where a proxy
// runs a second listener would take connections away from it. What the files name
// outside their folder, secrets above all, is neither there nor looked for.
package nginx
