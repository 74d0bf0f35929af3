// Package route is what people write: the format of a route repository, its
// strict parser and the problems that the parser tells.
//
// It is pure. Parse reads the files of a Revision and answers either a Desired
// state in which every value has been checked for its type and every name
// leads somewhere, or all the Problems at once, each with its position. Nothing
// of a revision with a problem is used.
//
// A value that Parse lets through holds only characters that its type allows,
// so it cannot leave the place where a template puts it. The templates quote
// nevertheless.
package route
