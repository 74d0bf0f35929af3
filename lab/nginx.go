package lab

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// cacheDir keeps what is slow to make and the same for every lab. It may be
// removed at any time when no lab is coming up.
const cacheDir = "/var/cache/wharfinger-lab"

// debianMirror is where nginx comes from.
const debianMirror = "http://deb.debian.org/debian"

// nginxSuites says which Debian suites carry which nginx.
var nginxSuites = map[string][]string{
	"1.30": {"deb " + debianMirror + " sid main"},
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
//
// The directory is named by the full package version, and a link from the short
// one is set last: whoever sees the link sees a finished directory.
func nginxRoot(ctx context.Context, version string) (string, error) {
	sources, ok := nginxSuites[version]
	if !ok {
		return "", fmt.Errorf("unknown version: only 1.22 and 1.30 are known")
	}
	link := filepath.Join(cacheDir, "nginx-"+version)
	if dir, err := filepath.EvalSymlinks(link); err == nil {
		return dir, nil
	}
	if err := os.MkdirAll(cacheDir, 0o755); err != nil {
		return "", err
	}
	lock, err := lockDir(ctx, cacheDir)
	if err != nil {
		return "", err
	}
	defer lock.Close()
	if dir, err := filepath.EvalSymlinks(link); err == nil {
		return dir, nil // another process made it while this one waited
	}

	work, err := os.MkdirTemp(cacheDir, "making-nginx-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(work)
	if err := os.Chmod(work, 0o755); err != nil {
		return "", err
	}
	debs, err := fetchDebs(ctx, filepath.Join(work, "apt"), sources, nginxPackages)
	if err != nil {
		return "", err
	}
	full, err := debVersion(debs, "nginx")
	if err != nil {
		return "", err
	}
	if !strings.HasPrefix(full, version+".") {
		return "", fmt.Errorf("the mirror carries %s now", full)
	}
	made := filepath.Join(work, "made")
	if err := unpackNginx(ctx, made, debs); err != nil {
		return "", err
	}
	dir := filepath.Join(cacheDir, "nginx-"+full)
	if err := os.RemoveAll(dir); err != nil {
		return "", err
	}
	if err := os.Rename(made, dir); err != nil {
		return "", err
	}
	if err := writeRunner(dir); err != nil {
		return "", err
	}
	os.Remove(link)
	return dir, os.Symlink(filepath.Base(dir), link)
}

// fetchDebs downloads packages and all that they depend on, with apt's own
// checks, through a configuration, lists and cache of its own: the machine's
// apt does not notice. An empty status file makes apt see nothing as installed.
func fetchDebs(ctx context.Context, dir string, sources, packages []string) ([]string, error) {
	for _, d := range []string{"state/lists/partial", "cache/archives/partial"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			return nil, err
		}
	}
	// How this machine reaches the mirrors (proxies, time-outs) stays in force.
	dump, err := exec.CommandContext(ctx, "apt-config", "dump", "Acquire").Output()
	if err != nil {
		return nil, fmt.Errorf("apt-config: %w", err)
	}
	conf := fmt.Sprintf(`Dir::Etc::parts "/dev/null";
Dir::Etc::main "/dev/null";
Dir::Etc::sourcelist "%[1]s/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Dir::State "%[1]s/state";
Dir::State::status "%[1]s/state/status";
Dir::Cache "%[1]s/cache";
APT::Install-Recommends "false";
Acquire::Languages "none";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
`, dir)
	for line := range strings.Lines(string(dump)) {
		if strings.HasPrefix(line, "Acquire::http") || strings.HasPrefix(line, "Acquire::Check-") {
			conf += line
		}
	}
	for name, content := range map[string]string{
		"apt.conf":     conf,
		"sources.list": strings.Join(sources, "\n") + "\n",
		"state/status": "",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			return nil, err
		}
	}
	// By itself, an update that reaches no mirror is a success.
	for _, args := range [][]string{{"update", "-qq", "-o", "APT::Update::Error-Mode=any"}, append([]string{"install", "-qq", "-y", "--download-only"}, packages...)} {
		cmd := exec.CommandContext(ctx, "apt-get", args...)
		cmd.Env = append(os.Environ(), "APT_CONFIG="+filepath.Join(dir, "apt.conf"), "DEBIAN_FRONTEND=noninteractive")
		if out, err := cmd.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("apt-get %s: %w: %s", args[0], err, lastLines(out, 5))
		}
	}
	return filepath.Glob(filepath.Join(dir, "cache/archives/*.deb"))
}

// debVersion reads the upstream version out of a package's file name.
func debVersion(debs []string, name string) (string, error) {
	for _, deb := range debs {
		if rest, ok := strings.CutPrefix(filepath.Base(deb), name+"_"); ok {
			version, _, _ := strings.Cut(rest, "-")
			return version, nil
		}
	}
	return "", fmt.Errorf("apt fetched no package %s", name)
}

// unpackNginx makes dir/root out of packages.
func unpackNginx(ctx context.Context, dir string, debs []string) error {
	root := filepath.Join(dir, "root")
	for _, name := range []string{"bin", "sbin", "lib", "lib64"} {
		if err := os.MkdirAll(filepath.Join(root, "usr", name), 0o755); err != nil {
			return err
		}
		if err := os.Symlink("usr/"+name, filepath.Join(root, name)); err != nil {
			return err
		}
	}
	for _, deb := range debs {
		named := func(prefix string) bool { return strings.HasPrefix(filepath.Base(deb), prefix) }
		if !slices.ContainsFunc(nginxUnpacked, named) {
			continue
		}
		// dpkg -x would replace the links lib → usr/lib by directories.
		unpack := exec.CommandContext(ctx, "sh", "-ec",
			`dpkg-deb --fsys-tarfile "$1" | tar -x --keep-directory-symlink -C "$2"`, "sh", deb, root)
		if out, err := unpack.CombinedOutput(); err != nil {
			return fmt.Errorf("unpack %s: %w: %s", filepath.Base(deb), err, lastLines(out, 5))
		}
	}
	for _, name := range nginxPruned {
		if err := os.RemoveAll(filepath.Join(root, name)); err != nil {
			return err
		}
	}
	return dressNginx(root)
}

// lastLines keeps error messages short: the end of a tool's output tells most.
func lastLines(out []byte, n int) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
