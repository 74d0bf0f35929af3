// Package server is the daemon's own HTTP side. It tells orchestrators and load
// balancers two things, shows those who may see it what is live, and takes the hooks
// of forges.
package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"golang.org/x/net/netutil"

	"github.com/wharfinger/wharfinger/status"
)

const (
	// maxConnections is how many clients are served at once; others wait.
	maxConnections = 512
	// maxHeaderBytes is more than any forge or load balancer sends.
	maxHeaderBytes = 16 << 10
)

// Site is what is served.
type Site struct {
	// Address is where, as host:port.
	Address string
	// Ready and Status are asked at each request.
	Ready  func() bool
	Status func() status.Status
	// Metrics are what /metrics tells.
	Metrics *Metrics
	// Hooks takes hooks; nil takes none.
	Hooks *Hooks
	// Access says who sees /status and /metrics.
	Access Access
}

// Serve answers until the context ends, and then returns nil.
//
//	/healthz      200 as long as the program runs
//	/readyz       200 once ready says yes, 503 before
//	/status       the Status as JSON, for those whom Access lets in: 401 without the
//	              token, 403 if there is none and anybody could ask
//	/metrics      the Metrics in Prometheus' text format, for the same
//	/hooks/FORGE  takes a POST from github, gitlab, gitea (and Forgejo) or generic,
//	              unless hooks is nil: 202 if it wakes, 204 for a ping, 401 without
//	              the secret, 413 if it is too large, 503 if it cannot be told
//
// Errors: the address is taken, or the certificate cannot be read.
func Serve(ctx context.Context, site Site) error {
	listener, err := net.Listen("tcp", site.Address)
	if err != nil {
		return fmt.Errorf("serve HTTP: %v", err)
	}
	alone := isLoopback(listener.Addr())
	if listener, err = site.Access.overTLS(listener); err != nil {
		return fmt.Errorf("serve HTTP: %v", err)
	}
	return serve(ctx, listener, site.handler(alone))
}

// handler has all paths. alone says that only this machine can ask.
func (s Site) handler(alone bool) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "ok\n")
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if !s.Ready() {
			http.Error(w, "not every proxy has served its routes yet", http.StatusServiceUnavailable)
			return
		}
		io.WriteString(w, "ready\n")
	})
	mux.Handle("GET /status", s.Access.guard(alone, http.HandlerFunc(s.tell)))
	mux.Handle("GET /metrics", s.Access.guard(alone, s.Metrics.handler(s.Status, s.Ready)))
	if s.Hooks != nil {
		s.Hooks.register(mux)
	}
	return mux
}

// tell writes the status.
func (s Site) tell(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.Encode(s.Status()) // whoever hung up does not read on
}

func serve(ctx context.Context, listener net.Listener, handler http.Handler) error {
	s := &http.Server{Handler: handler, MaxHeaderBytes: maxHeaderBytes,
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second}
	stopped := context.AfterFunc(ctx, func() {
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		s.Shutdown(grace)
	})
	defer stopped()
	if err := s.Serve(netutil.LimitListener(listener, maxConnections)); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve HTTP: %v", err)
	}
	return nil
}
