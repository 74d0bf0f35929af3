package route

import (
	"path"
	"slices"
	"strings"
)

// Revision is the files of one commit, or of a directory at one moment.
type Revision struct {
	// ID is the commit's hash, or for a directory "dir-" and a digest of its
	// files. Equal IDs mean equal files.
	ID string
	// Files holds the route files only (see IsRouteFile), sorted by Path.
	Files []File
	// Signer is the fingerprint of the key that signed it, as OpenPGP or SSH write
	// them; empty where nobody asked who did.
	Signer string
}

// File is one file of a revision.
type File struct {
	Path string // relative to the root of the routes, with slashes
	Data []byte
}

// Line returns the line that a place is on, without its end.
func (r Revision) Line(p Pos) (string, bool) {
	i := slices.IndexFunc(r.Files, func(f File) bool { return f.Path == p.File })
	if i < 0 || p.Line < 1 {
		return "", false
	}
	lines := strings.Split(lineEnds.Replace(string(r.Files[i].Data)), "\n")
	if p.Line > len(lines) {
		return "", false
	}
	return lines[p.Line-1], true
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
