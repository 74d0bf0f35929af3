package e2e_test

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wharfinger/wharfinger/lab"
)

// A repository that wants a token, behind a certificate of a private CA, read by
// Wharfinger as a service with Docker's secrets, as docs/operations.md has it.
func TestPrivateRepository(t *testing.T) {
	const first, second = "planted-first-token", "planted-second-token"
	w := newWorld(t)
	w.patience = 90 * time.Second
	w.application("demo", 1)
	w.remote = w.bare // past the server, which only reads
	w.push(toDemo(edge, "demo.local"))

	cert, key := w.selfSigned("git", theLab.Gateway())
	server := &private{}
	server.renew(first)
	url := server.serve(w, cert, key)
	w.secret("git-ca", string(cert))
	w.secret("git-token", first+"\n")
	w.itself("--secret", "git-token", "--secret", "git-ca",
		"wharfinger/wharfinger:dev", "watch", url, "--interval", "1s", "--verbose",
		"--git-token-file", "/run/secrets/git-token", "--git-ca-file", "/run/secrets/git-ca")
	w.serves("demo.local", "/", "demo")

	server.renew(second)
	w.says("the repository cannot be read until somebody acts", "the remote refuses the token in /run/secrets/git-token")
	w.push(toDemo(edge, "demo.local", "new.local"))
	w.noUpdate(3 * time.Second)
	w.serves("demo.local", "/", "demo")

	w.secret("git-token-2", second+"\n")
	said := w.said() // by the task that goes
	w.docker("service", "update", "--detach", "--quiet", "--secret-rm", "git-token",
		"--secret-add", "source=git-token-2,target=git-token", "wharfinger")
	w.serves("new.local", "/", "demo")

	said += w.said()
	said += w.docker("service", "inspect", "wharfinger", "wharfinger-edge")
	for _, token := range []string{first, second} {
		encoded := base64.StdEncoding.EncodeToString([]byte("git:" + token))
		if strings.Contains(said, token) || strings.Contains(said, encoded) {
			t.Errorf("%s is told:\n%s", token, said)
		}
	}
	if server.served.Load() == 0 {
		t.Error("nothing was read with a token")
	}
}

// private is the git server, for those who know the token.
type private struct {
	token  atomic.Value
	served atomic.Int32
}

func (p *private) renew(token string) { p.token.Store(token) }

func (p *private) serve(w *world, cert, key []byte) (url string) {
	w.Helper()
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		w.Fatal(err)
	}
	git, err := lab.GitHandler(gitServer.dir)
	if err != nil {
		w.Fatal(err)
	}
	listener, err := net.Listen("tcp", theLab.Gateway()+":0")
	if err != nil {
		w.Fatal(err)
	}
	server := &http.Server{
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{pair}},
		ErrorLog:  log.New(io.Discard, "", 0), // of clients that leave
		Handler: http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) {
			if user, token, _ := req.BasicAuth(); user != "git" || token != p.token.Load() {
				http.Error(rw, "not "+token, http.StatusUnauthorized)
				return
			}
			p.served.Add(1)
			git.ServeHTTP(rw, req)
		}),
	}
	go server.ServeTLS(listener, "", "")
	w.Cleanup(func() { server.Close() })
	return "https://" + listener.Addr().String() + strings.TrimPrefix(w.bare, gitServer.dir)
}

// secret makes a Docker secret.
func (w *world) secret(name, content string) {
	w.Helper()
	file := filepath.Join(w.TempDir(), name)
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		w.Fatal(err)
	}
	w.docker("secret", "create", name, file)
}

// said is what the wharfinger that is a service has logged, which Docker's client
// writes to its standard error as the service did.
func (w *world) said() string { return w.saidBy("wharfinger") }

func (w *world) saidBy(service string) string {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute) // also after a test's own
	defer cancel()
	out, err := w.lab.Node(w.manager).Command(ctx, "docker", "service", "logs", "--raw", service).CombinedOutput()
	if err != nil {
		w.Errorf("docker service logs: %v: %s", err, out)
	}
	return string(out)
}

// says waits until the wharfinger that is a service has logged a line with all parts.
func (w *world) says(parts ...string) {
	w.Helper()
	w.eventually(30*time.Second, func() error {
		for line := range strings.Lines(w.said()) {
			if containsAll(line, parts) {
				return nil
			}
		}
		return fmt.Errorf("the log has no line with %q", parts)
	})
}
