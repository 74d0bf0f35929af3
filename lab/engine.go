package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// engineSuites says which Debian suites carry which engine.
var engineSuites = map[string][]string{"28": {sid}}

// busybox unmounts the old root from inside the new one.
var enginePackages = []string{"docker.io", "busybox-static"}

var enginePruned = []string{"usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/bug", "usr/share/lintian",
	"usr/lib/systemd", "etc/init.d"}

// engineRoot returns the directory that an engine of the given version is
// unpacked in: root/ is the file system that it finds itself in.
func engineRoot(ctx context.Context, version string) (string, error) {
	sources, ok := engineSuites[version]
	if !ok {
		return "", fmt.Errorf("engine %s: %w", version, errUnknownEngine)
	}
	dir, err := unpacked{
		name: "engine", version: version + ".", sources: sources, packages: enginePackages,
		pruned: enginePruned, dress: dressEngine,
	}.dir(ctx)
	if err != nil {
		return "", fmt.Errorf("engine %s: %w", version, err)
	}
	return dir, nil
}

// fetchEngines has every engine unpacked that a lab can want.
func (o Options) fetchEngines(ctx context.Context) error {
	wanted := map[string]bool{os.Getenv("LAB_ENGINE"): true}
	for _, version := range o.Engines {
		wanted[version] = true
	}
	delete(wanted, "") // this machine's own
	for version := range wanted {
		if _, err := engineRoot(ctx, version); err != nil {
			return err
		}
	}
	return nil
}

var errUnknownEngine = errors.New("unknown version: besides the machine's own, only 28 is known")

// dressEngine adds the places for what is mounted and the names that maintainer
// scripts would have given. Nobody writes to this file system: all nodes share it.
func dressEngine(root string) error {
	for _, name := range []string{"proc", "sys", "dev", "run", "tmp", "mnt", "root", "etc", "var/lib/docker", baseDir} {
		if err := os.MkdirAll(filepath.Join(root, name), 0o755); err != nil {
			return err
		}
	}
	links := map[string]string{"var/run": "/run", "usr/bin/umount": "busybox"}
	for _, tables := range []string{"iptables", "ip6tables"} {
		for _, command := range []string{"", "-save", "-restore"} {
			links["usr/sbin/"+tables+command] = "xtables-nft-multi"
		}
	}
	for name, to := range links {
		if err := os.Symlink(to, filepath.Join(root, name)); err != nil && !os.IsExist(err) {
			return err
		}
	}
	return os.WriteFile(filepath.Join(root, "etc/resolv.conf"), nil, 0o644)
}

// engineScript runs in a mount namespace of its own, so that whoever enters the
// node finds this machine's programs there and the engine its own. $1 is the
// engine's root, $2 the node's directory, and the rest starts the engine. A plain chroot would not do: engines
// cannot unpack images there. Overlays want /var/lib/docker, whatever data-root says.
const engineScript = `set -e
root=$1 dir=$2
shift 2
mount --bind "$root" "$root"
cd "$root"
mount -o remount,bind,ro "$root"
for name in proc sys dev run tmp ` + baseDir + `; do mount --rbind "/$name" "$root/$name"; done
mkdir -p "$dir/data"
mount --bind "$dir/data" "$root/var/lib/docker"
mount --bind "$dir/resolv.conf" "$root/etc/resolv.conf"
pivot_root . mnt
umount -l /mnt
exec "$@"
`
