package git_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

const sshd = "/usr/sbin/sshd"

// sshServer is a real sshd, started for each connection, as inetd would.
type sshServer struct {
	t    *testing.T
	gate *gate
	dir  string
	user string
	logs sync.WaitGroup
}

// needSSHD skips the quick tests where there is no sshd, and fails the others.
func needSSHD(t *testing.T) {
	t.Helper()
	if _, err := os.Stat(sshd); err == nil {
		return
	}
	if testing.Short() {
		t.Skip("there is no sshd here; sh lab/deps.sh openssh-server installs it")
	}
	t.Fatal("there is no sshd here; sh lab/deps.sh openssh-server installs it")
}

func newSSHServer(t *testing.T) *sshServer {
	t.Helper()
	needSSHD(t)
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	s := &sshServer{t: t, dir: t.TempDir(), user: me.Username}
	s.newKey("host", "ed25519")
	s.newKey("client", "ed25519")
	s.hostKey("host")
	s.letIn("client")
	s.gate = newGate(t)
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(func() {
		cancel()
		s.gate.Close()
		s.logs.Wait()
	})
	go func() {
		for {
			conn, err := s.gate.Accept()
			if err != nil {
				return
			}
			cmd := exec.CommandContext(ctx, sshd, "-i", "-e", "-f", s.path("sshd_config"))
			if os.Getuid() == 0 {
				// As root it wants a directory in /run, which is nobody else's here.
				cmd = exec.CommandContext(ctx, "unshare", "--mount", "sh", "-c",
					`mount -t tmpfs none /run && mkdir -m 755 /run/sshd && exec "$@"`, "sh", sshd, "-i", "-e", "-f", s.path("sshd_config"))
			}
			cmd.Stdin, cmd.Stdout = conn, conn
			cmd.WaitDelay = time.Second
			s.logs.Go(func() {
				defer conn.Close()
				_ = cmd.Run() // it complains of clients that left early, as these do
			})
		}
	}()
	return s
}

func (s *sshServer) path(name string) string { return filepath.Join(s.dir, name) }

// newKey makes NAME and NAME.pub.
func (s *sshServer) newKey(name, kind string, more ...string) {
	s.t.Helper()
	os.Remove(s.path(name))
	args := append([]string{"-q", "-t", kind, "-C", name, "-f", s.path(name)}, more...)
	if len(more) == 0 {
		args = append(args, "-N", "")
	}
	if out, err := exec.Command("ssh-keygen", args...).CombinedOutput(); err != nil {
		s.t.Fatalf("ssh-keygen: %v\n%s", err, out)
	}
}

// hostKey has the server show these keys from now on.
func (s *sshServer) hostKey(names ...string) {
	s.t.Helper()
	keys := ""
	for _, name := range names {
		keys += "HostKey " + s.path(name) + "\n"
	}
	writeFile(s.t, s.path("sshd_config"), keys+fmt.Sprintf(`AuthorizedKeysFile %s
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
PermitRootLogin prohibit-password
PidFile none
LogLevel FATAL
SetEnv GIT_CONFIG_GLOBAL=/dev/null
`, s.path("authorized_keys")))
}

// letIn names the one key that may enter.
func (s *sshServer) letIn(name string) {
	s.t.Helper()
	writeFile(s.t, s.path("authorized_keys"), s.public(name))
}

func (s *sshServer) public(name string) string {
	s.t.Helper()
	data, err := os.ReadFile(s.path(name + ".pub"))
	if err != nil {
		s.t.Fatal(err)
	}
	return string(data)
}

// known writes that the server has a key into a file of known hosts.
func (s *sshServer) known(file, name string) {
	s.t.Helper()
	host, port, _ := strings.Cut(s.gate.address, ":")
	writeFile(s.t, file, fmt.Sprintf("[%s]:%s %s", host, port, s.public(name)))
}
