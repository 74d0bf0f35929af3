package lab

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// registryConfig has no auth on purpose: Debian's own configuration asks for a
// password. Only this machine and the nodes reach the address.
const registryConfig = `version: 0.1
log: {level: warn, accesslog: {disabled: true}}
storage:
  filesystem: {rootdirectory: %s}
  delete: {enabled: true}
  maintenance: {uploadpurging: {enabled: false}}
http: {addr: %q}
`

// Registry returns the address of the lab's registry. The nodes take it for
// Docker Hub too: nginx:1.30 is its library/nginx:1.30.
func (l *Lab) Registry() string { return l.plan.registry() }

func (l *Lab) registryDir() string     { return filepath.Join(l.plan.dir(), "registry") }
func (l *Lab) registryPidFile() string { return filepath.Join(l.registryDir(), "registry.pid") }

func (l *Lab) startRegistry(ctx context.Context) error {
	dir := l.registryDir()
	if err := os.MkdirAll(filepath.Join(dir, "data"), 0o755); err != nil {
		return err
	}
	config := fmt.Sprintf(registryConfig, filepath.Join(dir, "data"), l.Registry())
	if err := os.WriteFile(filepath.Join(dir, "config.yml"), []byte(config), 0o644); err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(dir, "registry.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command("docker-registry", "serve", filepath.Join(dir, "config.yml"))
	cmd.Stdout, cmd.Stderr, cmd.Dir = log, log, "/"
	cmd.Env = []string{"PATH=/usr/bin:/bin"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := launch(cmd, l.registryPidFile()); err != nil {
		return fmt.Errorf("registry: %w", err)
	}
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		conn, err := net.DialTimeout("tcp", l.Registry(), time.Second)
		if err == nil {
			return conn.Close()
		}
		p, _ := readPidFile(l.registryPidFile())
		if !p.alive() || time.Now().After(end) || ctx.Err() != nil {
			return fmt.Errorf("registry: %w; its log closes with: %s", err, logTail(log.Name()))
		}
	}
}

func (l *Lab) stopRegistry() error {
	p, err := readPidFile(l.registryPidFile())
	if err != nil {
		return err
	}
	return p.kill()
}
