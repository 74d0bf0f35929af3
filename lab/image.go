package lab

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// An Image is what Push sends to the registry: files and how to run them.
//
// Images are built without an engine, and the same files give the same digest
// on every machine: names sorted, no times, layers not compressed, as they
// travel no further than one bridge.
type Image struct {
	Names  []string // under which it is pushed: "library/nginx:1.30"
	Layers []Layer  // from the bottom up
	Config Config
}

// A Layer is a tar archive.
type Layer []byte

// Config is how an image's containers are run, in Docker's own terms.
type Config struct {
	Env          []string            `json:",omitempty"`
	Entrypoint   []string            `json:",omitempty"`
	Cmd          []string            `json:",omitempty"`
	ExposedPorts map[string]struct{} `json:",omitempty"`
	StopSignal   string              `json:",omitempty"`
	Labels       map[string]string   `json:",omitempty"`
}

// DirLayer makes a layer of all that lies below a directory.
func DirLayer(dir string) (Layer, error) {
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		return addFile(w, path, name)
	})
	if err != nil {
		return nil, fmt.Errorf("layer of %s: %w", dir, err)
	}
	return buf.Bytes(), w.Close()
}

// FileLayer makes a layer of single files: name in the image → path here.
func FileLayer(files map[string]string) (Layer, error) {
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, name := range sortedKeys(files) {
		for i, c := range name { // the directories above it, outermost first
			if c == '/' && i > 0 {
				if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: name[:i] + "/", Mode: 0o755}); err != nil {
					return nil, err
				}
			}
		}
		if err := addFile(w, files[name], name); err != nil {
			return nil, fmt.Errorf("layer: %w", err)
		}
	}
	return buf.Bytes(), w.Close()
}

func addFile(w *tar.Writer, path, name string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	h := &tar.Header{Name: filepath.ToSlash(name), Mode: int64(info.Mode().Perm())}
	if info.Mode()&fs.ModeSticky != 0 {
		h.Mode |= 0o1000
	}
	switch {
	case info.IsDir():
		h.Typeflag, h.Name = tar.TypeDir, h.Name+"/"
	case info.Mode()&fs.ModeSymlink != 0:
		h.Typeflag = tar.TypeSymlink
		if h.Linkname, err = os.Readlink(path); err != nil {
			return err
		}
	case info.Mode().IsRegular():
		h.Typeflag, h.Size = tar.TypeReg, info.Size()
	default:
		return fmt.Errorf("%s: neither file, directory nor link", path)
	}
	if err := w.WriteHeader(h); err != nil || h.Typeflag != tar.TypeReg {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(w, f)
	return err
}

// Media types of Docker's image format, version 2, schema 2.
const (
	typeManifest = "application/vnd.docker.distribution.manifest.v2+json"
	typeConfig   = "application/vnd.docker.container.image.v1+json"
	typeLayer    = "application/vnd.docker.image.rootfs.diff.tar"
)

type descriptor struct {
	MediaType string `json:"mediaType"`
	Size      int    `json:"size"`
	Digest    string `json:"digest"`
}

func describe(mediaType string, blob []byte) descriptor {
	return descriptor{mediaType, len(blob), fmt.Sprintf("sha256:%x", sha256.Sum256(blob))}
}

// Push sends an image to the lab's registry under all its names.
func (l *Lab) Push(ctx context.Context, image Image) error {
	var layers []descriptor
	var diffs []string
	for _, layer := range image.Layers {
		d := describe(typeLayer, layer)
		layers, diffs = append(layers, d), append(diffs, d.Digest)
	}
	config, err1 := json.Marshal(map[string]any{
		"architecture": runtime.GOARCH, "os": "linux", "config": image.Config,
		"rootfs": map[string]any{"type": "layers", "diff_ids": diffs},
	})
	manifest, err2 := json.Marshal(map[string]any{
		"schemaVersion": 2, "mediaType": typeManifest,
		"config": describe(typeConfig, config), "layers": layers,
	})
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	for _, name := range image.Names {
		repository, tag, _ := strings.Cut(name, ":")
		base := "http://" + l.Registry() + "/v2/" + repository
		for i, blob := range append([]Layer{config}, image.Layers...) {
			if err := pushBlob(ctx, base, blob); err != nil {
				return fmt.Errorf("push %s: blob %d: %w", name, i, err)
			}
		}
		if _, err := send(ctx, http.MethodPut, base+"/manifests/"+tag, typeManifest, manifest); err != nil {
			return fmt.Errorf("push %s: manifest: %w", name, err)
		}
	}
	return nil
}

// pushBlob uploads a blob unless the repository has it.
func pushBlob(ctx context.Context, base string, blob []byte) error {
	digest := describe("", blob).Digest
	if _, err := send(ctx, http.MethodHead, base+"/blobs/"+digest, "", nil); err == nil {
		return nil
	}
	resp, err := send(ctx, http.MethodPost, base+"/blobs/uploads/", "", nil)
	if err != nil {
		return err
	}
	location, err := resp.Location()
	if err != nil {
		return err
	}
	query := location.Query()
	query.Set("digest", digest)
	location.RawQuery = query.Encode()
	_, err = send(ctx, http.MethodPut, location.String(), "application/octet-stream", blob)
	return err
}

// registryClient never goes through the machine's proxy: the registry is on it.
var registryClient = &http.Client{Transport: &http.Transport{Proxy: func(*http.Request) (*url.URL, error) { return nil, nil }}}

func send(ctx context.Context, method, url, contentType string, body []byte) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	resp, err := registryClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 1024))
	if resp.StatusCode >= 300 {
		return nil, fmt.Errorf("%s %s: %s: %s", method, url, resp.Status, strings.TrimSpace(string(text)))
	}
	return resp, nil
}
