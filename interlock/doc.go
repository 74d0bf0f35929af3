// Package interlock reads what users of Interlock wrote: the labels of services, and
// of the HTTP routing mesh before it, as a second source of routes beside the
// repository; and Interlock's own configuration, which Import turns into proxies.
//
// It is pure. Both are written as text in the repository's own format, which is then
// read as all of it is: there is one parser, and one set of grammars and checks.
// Read does that with the labels of a cluster's services. Every line of its file is
// known by the service and the label that it stands for, so whatever is wrong with it
// is told there; every line of Import's by its place in the TOML. Settle hands out the
// text of the first, for those who want no more labels.
//
// What is promised of labels:
//
//   - The repository counts more. What it says already is not taken from it.
//   - A mistake leaves out what it is in, the host, the redirect or the service,
//     and nothing else. It is told with the service's name.
//   - Where services differ on what they share, the one whose name comes first in
//     the alphabet counts.
//   - The same repository and the same labels give the same file.
//
// And of the configuration:
//
//   - Nothing of it is lost without a word: what does not become a field becomes a
//     comment and a note.
//   - What cannot be meant is told all at once, and then nothing is written.
//   - What is written has passed route.Parse.
package interlock
