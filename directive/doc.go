// Package directive reads nginx's configuration language as nginx itself does,
// and holds the list of the directives that a proxy may have.
//
// What is not on the list is refused before any nginx sees it. So text that
// somebody may write freely, a raw snippet or a template of their own, reaches
// no file of the container, runs no code and proxies to no host that a client
// chose. It is no judge of sense: that is nginx's own test.
//
//	All         the directives of a text, one after the other
//	Check       what is wrong with a text that stands inside a block
//	CheckFiles  what is wrong with all files of a proxy
package directive
