package generator

import (
	"crypto/sha256"
	"encoding/hex"
	"hash/fnv"
	"io"
	"strconv"
)

// fragment is a rendered file with what else is made of it, once for as long as it
// stays the same.
type fragment struct {
	File
	sum    [sha256.Size]byte // of Data
	piece  []byte            // what it is in a shard
	spread uint32            // by which it finds its shard
	uses   []string          // secrets, each as often as it is named
}

func newFragment(path string, data []byte) *fragment {
	f := &fragment{File: File{path, data}, sum: sha256.Sum256(data), piece: data, uses: secretsIn(data)}
	if folderOf(path) != "" {
		if f.piece = marked(f.File); len(f.piece) == len(fileMark)+len(path)+1+len(data) {
			f.Data = f.piece[len(f.piece)-len(data):] // kept once
		}
	}
	h := fnv.New32a()
	io.WriteString(h, path)
	f.spread = h.Sum32()
	return f
}

func fragmentsOf(files []File) []*fragment {
	var out []*fragment
	for _, f := range files {
		out = append(out, newFragment(f.Path, f.Data))
	}
	return out
}

// usesOfSecrets counts the places that name each secret.
func usesOfSecrets(fragments []*fragment) map[string]int {
	var out map[string]int
	for _, f := range fragments {
		for _, name := range f.uses {
			if out == nil {
				out = map[string]int{}
			}
			out[name]++
		}
	}
	return out
}

// digestOf is of all files: of their paths and of the digests of what they hold, so
// that it costs little where few have changed.
func digestOf(fragments []*fragment) string {
	h := sha256.New()
	var line []byte
	for _, f := range fragments {
		line = append(append(line[:0], f.Path...), ' ')
		line = append(strconv.AppendInt(line, int64(len(f.Data)), 10), '\n')
		h.Write(append(line, f.sum[:]...))
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}
