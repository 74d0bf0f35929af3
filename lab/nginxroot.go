package lab

import (
	"fmt"
	"os"
	"path/filepath"
)

// The stream module is a loadable one in Debian, and -g is the one place that
// can load it without touching the configuration. nginx takes -g only once, so
// the script folds the caller's own into it. It is the same script in the image
// and on this machine, up to how the real nginx is started.
const nginxScript = `#!/bin/sh
# nginx with the stream module, which nginx's own images have built in.
g='load_module %[1]s/usr/lib/nginx/modules/ngx_stream_module.so;'
n=$#
while [ "$n" -gt 0 ]; do
	case $1 in
	-g) g="$g $2"; shift 2; n=$((n - 2)) ;;
	*) set -- "$@" "$1"; shift; n=$((n - 1)) ;;
	esac
done
exec %[2]s "$@" -g "$g"
`

// nginxConf is what the image runs until somebody mounts another one over it.
const nginxConf = `user nginx;
worker_processes auto;
error_log /dev/stderr notice;
pid /run/nginx.pid;
events { worker_connections 1024; }
http {
    include /etc/nginx/mime.types;
    default_type application/octet-stream;
    access_log /dev/stdout;
    include /etc/nginx/conf.d/*.conf;
}
`

const nginxDefaultServer = `server {
    listen 80;
    location / {
        root /usr/share/nginx/html;
        index index.html index.htm;
    }
}
`

// busyboxNames are the commands that the image has besides nginx.
var busyboxNames = []string{"sh", "cat", "env", "find", "grep", "head", "hostname", "id", "kill", "ls", "ps",
	"sleep", "stat", "tail", "wc", "wget"}

// dressNginx adds what Debian's maintainer scripts and base system would have
// made: users, directories, a configuration like that of nginx's own images.
func dressNginx(root string) error {
	for _, d := range []struct {
		name string
		mode os.FileMode
	}{
		{"tmp", 0o1777}, {"run", 0o755}, {"root", 0o700}, {"var/log/nginx", 0o755}, {"var/lib/nginx", 0o755},
		{"var/cache/nginx", 0o755}, {"etc/nginx/conf.d", 0o755}, {"proc", 0o555}, {"sys", 0o555}, {"dev", 0o755},
	} {
		path := filepath.Join(root, d.name)
		if err := os.MkdirAll(path, 0o755); err != nil {
			return err
		}
		mode := d.mode.Perm()
		if d.mode&0o1000 != 0 {
			mode |= os.ModeSticky
		}
		if err := os.Chmod(path, mode); err != nil { // the umask may have bitten
			return err
		}
	}
	if err := os.Symlink("/run", filepath.Join(root, "var/run")); err != nil && !os.IsExist(err) {
		return err
	}
	for _, name := range busyboxNames {
		if err := os.Symlink("busybox", filepath.Join(root, "usr/bin", name)); err != nil {
			return err
		}
	}
	if err := os.Rename(filepath.Join(root, "usr/sbin/nginx"), filepath.Join(root, "usr/lib/nginx/nginx")); err != nil {
		return err
	}
	for _, f := range []struct {
		name, content string
		mode          os.FileMode
	}{
		{"usr/sbin/nginx", fmt.Sprintf(nginxScript, "", "/usr/lib/nginx/nginx"), 0o755},
		{"etc/nginx/nginx.conf", nginxConf, 0o644},
		{"etc/nginx/conf.d/default.conf", nginxDefaultServer, 0o644},
		{"etc/passwd", "root:x:0:0:root:/root:/bin/sh\nwww-data:x:33:33::/var/www:/bin/false\n" +
			"nginx:x:101:101::/nonexistent:/bin/false\nnobody:x:65534:65534::/nonexistent:/bin/false\n", 0o644},
		{"etc/group", "root:x:0:\nwww-data:x:33:\nnginx:x:101:\nnogroup:x:65534:\n", 0o644},
		{"etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n", 0o644},
	} {
		path := filepath.Join(root, f.name)
		if err := os.WriteFile(path, []byte(f.content), f.mode); err != nil {
			return err
		}
		if err := os.Chmod(path, f.mode); err != nil {
			return err
		}
	}
	return nil
}

// writeRunner writes dir/nginx, which runs dir/root's nginx on this machine:
// through its own loader, because its libc is newer than this machine's.
func writeRunner(dir string) error {
	root := filepath.Join(dir, "root")
	var found [2]string
	for i, pattern := range []string{"usr/lib/*-linux-gnu/ld-linux*.so.*", "usr/lib/*-linux-gnu/libc.so.6"} {
		match, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil || len(match) == 0 {
			return fmt.Errorf("no %s among the unpacked packages", pattern)
		}
		found[i] = match[0]
	}
	start := fmt.Sprintf("%s --library-path %s --argv0 nginx %s/usr/lib/nginx/nginx", found[0], filepath.Dir(found[1]), root)
	path := filepath.Join(dir, "nginx")
	if err := os.WriteFile(path, fmt.Appendf(nil, nginxScript, root, start), 0o755); err != nil {
		return err
	}
	return os.Chmod(path, 0o755)
}
