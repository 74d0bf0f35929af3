package e2e_test

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// forge is what a forge's API is to the daemon: it is told the status of commits.
type forge struct {
	url, token string // token is the file of one

	mu   sync.Mutex
	told map[string][]string // by commit: states, each with its description
}

// newForge listens where the git server does, on a port of its own.
func (w *world) newForge() *forge {
	w.Helper()
	host, _, err := net.SplitHostPort(gitServer.address)
	if err != nil {
		w.Fatal(err)
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		w.Fatal(err)
	}
	f := &forge{url: "http://" + listener.Addr().String(), token: filepath.Join(w.TempDir(), "forge"), told: map[string][]string{}}
	if err := os.WriteFile(f.token, []byte("a-token-for-the-forge"), 0o600); err != nil {
		w.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/v1/repos/ops/"+w.Name()+"/statuses/{commit}", func(rw http.ResponseWriter, r *http.Request) {
		var status struct{ State, Description string }
		if err := json.NewDecoder(r.Body).Decode(&status); err != nil || r.Header.Get("Authorization") != "token a-token-for-the-forge" {
			rw.WriteHeader(http.StatusUnauthorized)
			return
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		commit := r.PathValue("commit")
		f.told[commit] = append(f.told[commit], status.State+": "+status.Description)
		rw.WriteHeader(http.StatusCreated)
	})
	server := &http.Server{Handler: mux}
	go server.Serve(listener)
	w.Cleanup(func() { server.Close() })
	return f
}

// flags have a daemon tell the forge.
func (f *forge) flags() []string {
	return []string{"--commit-status", "gitea", "--forge-url", f.url, "--forge-token-file", f.token}
}

// hears waits until the forge was told this of a commit, and nothing else.
func (f *forge) hears(w *world, commit string, want ...string) {
	w.Helper()
	w.eventually(15*time.Second, func() error {
		f.mu.Lock()
		defer f.mu.Unlock()
		if got := f.told[commit]; !slices.Equal(got, want) {
			return fmt.Errorf("of commit %s the forge was told %q, want %q", commit, got, want)
		}
		return nil
	})
}
