package lab

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// builders says how each image is made. The names are those of BuildImages.
var builders = map[string]func(context.Context) (*Image, error){
	"nginx:1.30": func(ctx context.Context) (*Image, error) { return nginxImage(ctx, "1.30") },
	"nginx:1.22": func(ctx context.Context) (*Image, error) { return nginxImage(ctx, "1.22") },
	"wharfinger": wharfingerImage,
	"demo":       demoImage,
}

// BuildImages builds images and pushes them to the lab's registry; without names,
// all of them:
//
//	nginx:1.30, nginx:1.22    stock nginx; also nginx:latest and under the full version
//	wharfinger                wharfinger/wharfinger:dev and :latest, out of this checkout
//	demo                      wharfinger/demo, and as ehazlett/docker-demo
//
// The nodes pull them by those plain names. The last two need the go command
// and a working directory inside the checkout.
func (l *Lab) BuildImages(ctx context.Context, names ...string) error {
	if len(names) == 0 {
		names = sortedKeys(builders)
	}
	for _, name := range names {
		build, ok := builders[name]
		if !ok {
			return fmt.Errorf("image %q: want one of %s", name, strings.Join(sortedKeys(builders), ", "))
		}
		begin := time.Now()
		image, err := build(ctx)
		if err != nil {
			return fmt.Errorf("image %s: %w", name, err)
		}
		if image == nil {
			l.say("image %s: no such command in this checkout yet, left out", name)
			continue
		}
		if err := l.Push(ctx, *image); err != nil {
			return fmt.Errorf("image %s: %w", name, err)
		}
		l.say("image %s: built and pushed in %.1f s", strings.Join(image.Names, ", "), time.Since(begin).Seconds())
	}
	return nil
}

func nginxImage(ctx context.Context, version string) (*Image, error) {
	dir, err := nginxRoot(ctx, version)
	if err != nil {
		return nil, err
	}
	layer, err := DirLayer(filepath.Join(dir, "root"))
	if err != nil {
		return nil, err
	}
	full := strings.TrimPrefix(filepath.Base(dir), "nginx-")
	names := []string{"library/nginx:" + version, "library/nginx:" + full}
	if version == "1.30" {
		names = append(names, "library/nginx:latest")
	}
	return &Image{
		Names:  names,
		Layers: []Layer{layer},
		Config: Config{
			Env:          []string{"PATH=/usr/sbin:/usr/bin", "NGINX_VERSION=" + full},
			Cmd:          []string{"nginx", "-g", "daemon off;"},
			ExposedPorts: map[string]struct{}{"80/tcp": {}},
			StopSignal:   "SIGQUIT",
		},
	}, nil
}

// wharfingerImage stands on nginx's: wharfinger tests configurations with it.
func wharfingerImage(ctx context.Context) (*Image, error) {
	binary, err := goBuild(ctx, "cmd/wharfinger")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	base, err := nginxImage(ctx, "1.30")
	if err != nil {
		return nil, err
	}
	files := map[string]string{"wharfinger": binary}
	const roots = "/etc/ssl/certs/ca-certificates.crt"
	if _, err := os.Stat(roots); err == nil {
		files[roots[1:]] = roots
	}
	layer, err := FileLayer(files)
	if err != nil {
		return nil, err
	}
	return &Image{
		Names:  []string{"wharfinger/wharfinger:dev", "wharfinger/wharfinger:latest"},
		Layers: append(base.Layers, layer),
		Config: Config{Env: base.Config.Env, Entrypoint: []string{"/wharfinger"}},
	}, nil
}

func demoImage(ctx context.Context) (*Image, error) {
	binary, err := goBuild(ctx, "lab/demo")
	if err != nil {
		return nil, err
	}
	layer, err := FileLayer(map[string]string{"demo": binary})
	if err != nil {
		return nil, err
	}
	return &Image{
		Names:  []string{"wharfinger/demo:latest", "ehazlett/docker-demo:latest"},
		Layers: []Layer{layer},
		Config: Config{Entrypoint: []string{"/demo"}, ExposedPorts: map[string]struct{}{"8080/tcp": {}}},
	}, nil
}

// goBuild builds a command of this module, statically, and returns the binary's
// path in the cache.
func goBuild(ctx context.Context, dir string) (string, error) {
	const module = "github.com/wharfinger/wharfinger"
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", module).Output()
	if err != nil {
		return "", fmt.Errorf("the working directory is in no checkout of %s: %w", module, err)
	}
	root := strings.TrimSpace(string(out))
	if _, err := os.Stat(filepath.Join(root, dir, "main.go")); err != nil {
		return "", err
	}
	binary := filepath.Join(cacheDir, "bin", filepath.Base(dir))
	// The flags are those of the Makefile, so that both share the build cache.
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", binary, "./"+dir)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build ./%s: %w: %s", dir, err, lastLines(out, 20))
	}
	return binary, nil
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
