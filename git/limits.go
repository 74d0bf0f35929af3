package git

import (
	"cmp"
	"fmt"
)

// Limits bounds what one Fetch reads. A zero field means its default.
type Limits struct {
	// Files is the highest number of route files. Default 10,000.
	Files int
	// FileBytes is the largest size of one route file. Default 1 MiB.
	FileBytes int64
	// TotalBytes is the largest sum of all route files. Default 64 MiB.
	TotalBytes int64
	// RepositoryBytes is the most that a Remote downloads in one fetch, and the
	// most that the download may unpack to. It counts every file of the commit,
	// since a remote sends them all. Default 256 MiB. A Directory ignores it.
	RepositoryBytes int64
}

func (l Limits) withDefaults() (Limits, error) {
	if l.Files < 0 || l.FileBytes < 0 || l.TotalBytes < 0 || l.RepositoryBytes < 0 {
		return l, fmt.Errorf("limits must not be negative: %+v", l)
	}
	return Limits{
		Files:           cmp.Or(l.Files, 10_000),
		FileBytes:       cmp.Or(l.FileBytes, 1<<20),
		TotalBytes:      cmp.Or(l.TotalBytes, 64<<20),
		RepositoryBytes: cmp.Or(l.RepositoryBytes, 256<<20),
	}, nil
}

// bytesText writes a size the way people name limits.
func bytesText(n int64) string {
	switch {
	case n >= 1<<20 && n%(1<<20) == 0:
		return fmt.Sprintf("%d MiB", n>>20)
	case n >= 1<<10 && n%(1<<10) == 0:
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return fmt.Sprintf("%d bytes", n)
}
