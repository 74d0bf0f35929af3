package lab

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
)

// nginxSuites says which Debian suites carry which nginx.
var nginxSuites = map[string][]string{
	"1.30": {sid},
	"1.22": {
		"deb " + debianMirror + " bookworm main",
		"deb " + debianMirror + "-security bookworm-security main",
	},
}

// nginxPackages is what apt is asked for; libraries follow as dependencies.
// The stream module is a package of its own in Debian and built in in nginx's
// own images. busybox is the shell of the start script and what people expect
// when they look into a container.
var nginxPackages = []string{"nginx", "libnginx-mod-stream", "busybox-static"}

// nginxUnpacked are the packages, by the start of their file's name, that nginx
// runs on; the rest of what apt resolves serves package maintenance.
var nginxUnpacked = []string{"nginx_", "nginx-common_", "libnginx-mod-stream_", "busybox-static_",
	"libc6_", "libcrypt1_", "libpcre2-8-0_", "libssl3", "libzstd1_", "zlib1g_"}

// nginxPruned are directories that only weigh.
var nginxPruned = []string{"usr/share/doc", "usr/share/man", "usr/share/menu",
	"usr/share/debianutils", "usr/share/locale", "usr/share/bug", "usr/share/lintian", "usr/lib/systemd",
	"etc/init.d", "etc/logrotate.d", "etc/ufw"}

// Nginx returns the path of an executable nginx of the given version, "1.30"
// or "1.22", that runs on this machine with its own libraries: no Docker, no
// root and no installed nginx needed, once it is there. The first call fetches
// Debian's packages and needs root; later ones answer at once from the cache.
//
// Like nginx's own images, and unlike Debian's package, it knows the stream
// module without load_module.
func Nginx(ctx context.Context, version string) (string, error) {
	root, err := nginxRoot(ctx, version)
	if err != nil {
		return "", fmt.Errorf("nginx %s: %w", version, err)
	}
	return filepath.Join(root, "nginx"), nil
}

// nginxRoot returns a directory with two things: root/, the file system of the
// nginx image, and nginx, the script that runs it on this machine.
func nginxRoot(ctx context.Context, version string) (string, error) {
	sources, ok := nginxSuites[version]
	if !ok {
		return "", errors.New("unknown version: only 1.22 and 1.30 are known")
	}
	return unpacked{
		name: "nginx", version: version + ".", sources: sources, packages: nginxPackages,
		needed: nginxUnpacked, pruned: nginxPruned, dress: dressNginx, finish: writeRunner,
	}.dir(ctx)
}
