package e2e_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"regexp"
	"sync"
)

// A gate is a socket that leads to an engine's. Something can be done to the Swarm
// in the very moment before it gets a request: what somebody else could do then.
type gate struct {
	path string

	mu      sync.Mutex
	request *regexp.Regexp // as "POST /v1.41/services/…/update"
	first   func()
}

// newGate leads to the manager that the test speaks with.
func (w *world) newGate() *gate {
	w.Helper()
	g := &gate{path: filepath.Join(w.TempDir(), "gate.sock")}
	listener, err := net.Listen("unix", g.path)
	if err != nil {
		w.Fatal(err)
	}
	socket := w.lab.Node(w.manager).Socket
	server := &http.Server{Handler: g.before(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: "engine"})
		},
		Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		}},
		FlushInterval: -1, // events come one by one
	})}
	go server.Serve(listener)
	w.Cleanup(func() { server.Close() })
	return g
}

func (g *gate) before(engine http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.mu.Lock()
		if g.request != nil && g.request.MatchString(r.Method+" "+r.URL.Path) {
			g.request = nil
			g.first()
		}
		g.mu.Unlock()
		engine.ServeHTTP(w, r)
	})
}

// once has something done before the next request that matches.
func (g *gate) once(request string, first func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.request, g.first = regexp.MustCompile(request), first
}
