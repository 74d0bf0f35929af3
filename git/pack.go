package git

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/plumbing/format/pktline"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/sideband"
	"github.com/go-git/go-git/v5/plumbing/storer"
	"github.com/go-git/go-git/v5/storage/memory"
)

// download asks for one commit without its history and returns the pack.
func download(ctx context.Context, s session, refs *packp.AdvRefs, commit plumbing.Hash, limit int64) ([]byte, error) {
	req := packp.NewUploadPackRequestFromCapabilities(refs.Capabilities)
	req.Wants = []plumbing.Hash{listed(refs, commit)}
	for _, c := range []capability.Capability{capability.Shallow, capability.NoProgress} {
		if refs.Capabilities.Supports(c) {
			if err := req.Capabilities.Set(c); err != nil {
				return nil, plain(err)
			}
		}
	}
	if req.Capabilities.Supports(capability.Shallow) {
		req.Depth = packp.DepthCommits(1)
	}
	res, err := s.UploadPack(ctx, req)
	if err != nil && strings.Contains(err.Error(), "not our ref") {
		return nil, errGone
	}
	if err != nil {
		return nil, plain(err)
	}
	defer res.Close()

	var body io.Reader = res
	frames := &lastReader{r: res}
	switch {
	case req.Capabilities.Supports(capability.Sideband64k):
		body = sideband.NewDemuxer(sideband.Sideband64k, frames)
	case req.Capabilities.Supports(capability.Sideband):
		body = sideband.NewDemuxer(sideband.Sideband, frames)
	}
	pack, err := io.ReadAll(&limitReader{body, limit})
	switch {
	case errors.Is(err, pktline.ErrInvalidPktLen): // cut within the length of a frame
		err = io.ErrUnexpectedEOF
	case err == nil && body != res && !bytes.Equal(frames.last, pktline.FlushPkt): // cut between frames, or behind a length
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, tooLarge(plain(err), limit)
	}
	if err := checkPack(pack, limit); err != nil {
		return nil, tooLarge(damaged(err), limit)
	}
	return pack, nil
}

// A lastReader keeps the last four bytes: frames end with an empty one.
type lastReader struct {
	r    io.Reader
	last []byte
}

func (l *lastReader) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	l.last = append(l.last, p[max(0, n-4):n]...)
	l.last = l.last[max(0, len(l.last)-4):]
	return n, err
}

// damaged says that a pack is not what was sent; it may be next time.
func damaged(err error) error {
	if isLasting(err) {
		return plain(err)
	}
	return fmt.Errorf("the pack is damaged: %s", oneLine(err))
}

// listed answers by what a commit is asked for: by a tag that leads to it, if it is
// named in no other way. Except by HTTP, a server gives away only what it lists,
// and does not count what it says of a tag's commit.
func listed(refs *packp.AdvRefs, commit plumbing.Hash) plumbing.Hash {
	for _, hash := range refs.References {
		if hash == commit {
			return commit
		}
	}
	for name, hash := range refs.Peeled {
		if tag, ok := refs.References[name]; ok && hash == commit {
			return tag
		}
	}
	return commit
}

var errGone = errors.New("the branch was rewritten meanwhile; the next fetch reads the new commit")

func tooLarge(err error, limit int64) error {
	if err != errTooLarge {
		return err
	}
	return fmt.Errorf("%w: a commit may hold %s, other files than routes included", errTooLarge, bytesText(limit))
}

// checkPack adds up what the pack unpacks to before anything is unpacked into
// memory, for a few kilobytes of it can stand for gigabytes.
func checkPack(pack []byte, limit int64) error {
	scanner := packfile.NewScanner(bytes.NewReader(pack))
	_, objects, err := scanner.Header()
	if err != nil {
		return err
	}
	for range objects {
		header, err := scanner.NextObjectHeader()
		if err != nil {
			return err
		}
		if header.Length < 0 || header.Length > limit {
			return errTooLarge
		}
		limit -= header.Length
		var start prefix
		if _, _, err := scanner.NextObject(&start); err != nil {
			return err
		}
		if !header.Type.IsDelta() {
			continue
		}
		size, err := deltaSize(start.data)
		if err != nil {
			return err
		}
		if size > uint64(limit) {
			return errTooLarge
		}
		limit -= int64(size)
	}
	return nil
}

// deltaSize reads from a delta's start how long its result is: it is the second
// number, after the length of what the delta applies to.
func deltaSize(delta []byte) (uint64, error) {
	_, n := binary.Uvarint(delta)
	if n <= 0 {
		return 0, errors.New("malformed delta")
	}
	size, n := binary.Uvarint(delta[n:])
	if n <= 0 {
		return 0, errors.New("malformed delta")
	}
	return size, nil
}

// prefix keeps the first bytes written to it, enough for a delta's two sizes.
type prefix struct{ data []byte }

func (p *prefix) Write(b []byte) (int, error) {
	if room := 2*binary.MaxVarintLen64 - len(p.data); room > 0 {
		p.data = append(p.data, b[:min(room, len(b))]...)
	}
	return len(b), nil
}

// unpack reads the pack's objects into memory under their own hashes, so what
// is looked up by hash is what that hash stands for.
func unpack(pack []byte) (storer.EncodedObjectStorer, error) {
	objects := memory.NewStorage()
	parser, err := packfile.NewParserWithStorage(packfile.NewScanner(bytes.NewReader(pack)), objects)
	if err != nil {
		return nil, damaged(err)
	}
	if _, err := parser.Parse(); err != nil {
		return nil, damaged(err)
	}
	return objects, nil
}
