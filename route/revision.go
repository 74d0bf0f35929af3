package route

import (
	"path"
	"strings"
)

// Revision is the files of one commit, or of a directory at one moment.
type Revision struct {
	// ID is the commit's hash, or for a directory "dir-" and a digest of its
	// files. Equal IDs mean equal files.
	ID string
	// Files holds the route files only (see IsRouteFile), sorted by Path.
	Files []File
}

// File is one file of a revision.
type File struct {
	Path string // relative to the root of the routes, with slashes
	Data []byte
}

// IsRouteFile reports whether a file of that path in a repository is read as
// routes: any *.yaml or *.yml in any folder, except below a name that starts
// with a dot, where forges and editors keep files of their own.
func IsRouteFile(name string) bool {
	for part := range strings.SplitSeq(name, "/") {
		if strings.HasPrefix(part, ".") {
			return false
		}
	}
	ext := path.Ext(name)
	return ext == ".yaml" || ext == ".yml"
}
