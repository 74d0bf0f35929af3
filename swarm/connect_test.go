package swarm

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// A manager behind TLS, and one without, are asked as without the counting, and each
// request is told by what it is about.
func TestOperateRequestsAreTold(t *testing.T) {
	answer := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Api-Version", "1.41")
		if filepath.Base(r.URL.Path) == "nodes" {
			w.Write([]byte("[]"))
		} else if filepath.Base(r.URL.Path) != "_ping" {
			http.Error(w, `{"message": "no such thing"}`, http.StatusNotFound)
		}
	})
	for _, tls := range []bool{false, true} {
		t.Run(fmt.Sprintf("tls=%v", tls), func(t *testing.T) {
			server := httptest.NewUnstartedServer(answer)
			server.Start()
			if tls {
				server.Close()
				server = httptest.NewTLSServer(answer)
				dir := t.TempDir()
				cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
				certKey(t, dir)
				if err := os.WriteFile(filepath.Join(dir, "ca.pem"), cert, 0o600); err != nil {
					t.Fatal(err)
				}
				t.Setenv("DOCKER_CERT_PATH", dir)
				t.Setenv("DOCKER_TLS_VERIFY", "1")
			}
			defer server.Close()
			var mu sync.Mutex
			told := map[string]int{}
			c, err := Connect(Options{Host: "tcp://" + server.Listener.Addr().String(), Asked: func(about string, status int, took time.Duration) {
				mu.Lock()
				defer mu.Unlock()
				told[fmt.Sprint(about, " ", status)]++
			}})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if _, err := c.nodes(t.Context()); err != nil {
				t.Fatal(err)
			}
			if svc, err := c.service(t.Context(), "wharfinger-edge"); svc != nil || err != nil {
				t.Fatalf("got %v, %v; want no service", svc, err)
			}
			server.Close()
			if _, err := c.nodes(t.Context()); err == nil {
				t.Fatal("a manager that is gone answered")
			}
			for what, want := range map[string]int{"nodes 200": 1, "services 404": 1, "nodes 0": 1, "ping 200": 1} {
				if told[what] != want {
					t.Errorf("%s: told %d times, want %d (all: %v)", what, told[what], want, told)
				}
			}
		})
	}
}

// certKey writes a client's certificate and key, as Docker's client wants them.
func certKey(t *testing.T, dir string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: cert}, "key.pem": {Type: "EC PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
