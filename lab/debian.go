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
// removed at any time when no lab is up or coming up.
const cacheDir = "/var/cache/wharfinger-lab"

// debianMirror is where programs come from that this machine does not have.
const debianMirror = "http://deb.debian.org/debian"

const sid = "deb " + debianMirror + " sid main"

// An unpacked program is one of Debian's in a version that this machine need not
// have, with all that it runs on, in a directory of its own.
type unpacked struct {
	name     string
	version  string   // the start of the package's, with the dot that follows: "1.30."
	sources  []string // lines of sources.list
	packages []string // for apt; the first one's version is the program's
	// needed are the packages that are unpacked, by the start of their file's
	// name; empty is all that apt resolves.
	needed []string
	pruned []string // directories that are left out
	// dress adds what maintainer scripts and a base system would have made.
	dress func(root string) error
	// finish, if not nil, writes files that name the directory at its last place.
	finish func(dir string) error
}

// dir returns the program's directory, in which root/ is its file system. The first
// call fetches Debian's packages and needs root; later ones answer at once.
//
// The directory is named by the full package version, and a link from the short
// one is set last: whoever sees the link sees a finished directory.
func (u unpacked) dir(ctx context.Context) (string, error) {
	link := filepath.Join(cacheDir, u.name+"-"+strings.TrimSuffix(u.version, "."))
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

	work, err := os.MkdirTemp(cacheDir, "making-"+u.name+"-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(work)
	if err := os.Chmod(work, 0o755); err != nil {
		return "", err
	}
	debs, err := fetchDebs(ctx, filepath.Join(work, "apt"), u.sources, u.packages)
	if err != nil {
		return "", err
	}
	full, err := debVersion(debs, u.packages[0])
	if err != nil {
		return "", err
	}
	if !strings.HasPrefix(full, u.version) {
		return "", fmt.Errorf("the mirror carries %s now", full)
	}
	made := filepath.Join(work, "made")
	if err := u.unpack(ctx, made, debs); err != nil {
		return "", err
	}
	dir := filepath.Join(cacheDir, u.name+"-"+full)
	if err := os.RemoveAll(dir); err != nil {
		return "", err
	}
	if err := os.Rename(made, dir); err != nil {
		return "", err
	}
	if u.finish != nil {
		if err := u.finish(dir); err != nil {
			return "", err
		}
	}
	os.Remove(link)
	return dir, os.Symlink(filepath.Base(dir), link)
}

// unpack makes dir/root out of packages.
func (u unpacked) unpack(ctx context.Context, dir string, debs []string) error {
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
		if len(u.needed) > 0 && !slices.ContainsFunc(u.needed, named) {
			continue
		}
		// dpkg -x would replace the links lib → usr/lib by directories.
		unpack := exec.CommandContext(ctx, "sh", "-ec",
			`dpkg-deb --fsys-tarfile "$1" | tar -x --keep-directory-symlink -C "$2"`, "sh", deb, root)
		if out, err := unpack.CombinedOutput(); err != nil {
			return fmt.Errorf("unpack %s: %w: %s", filepath.Base(deb), err, lastLines(out, 5))
		}
	}
	for _, name := range u.pruned {
		if err := os.RemoveAll(filepath.Join(root, name)); err != nil {
			return err
		}
	}
	return u.dress(root)
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

// lastLines keeps error messages short: the end of a tool's output tells most.
func lastLines(out []byte, n int) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
