// Command demo is the application that the demo and the tests route to. It
// answers every path with what a load balancer's user wants to know: who
// answered. Some last segments of a path ask for more, whatever stands before.
//
//	GET  /ping            {"instance":"897d3c7b9e9c","version":"0.1","metadata":"demo","request_id":"…"}
//	GET  /echo            the request as it came here, as JSON
//	GET  /slow?for=500ms  who answered, later
//	GET  /fail?for=10s    who answered; for so long, no other request here is answered
//
// A websocket, on any path, is told who answered, and then gets back what it
// sends.
//
// LISTEN has the addresses to listen on, with commas between them (":8080"),
// METADATA a text to show. With TLS_CERT and TLS_KEY, which name files, it speaks
// TLS. On SIGTERM it finishes the requests that it has begun, for 10 s at most.
package main

import (
	"cmp"
	"context"
	"errors"
	"log"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
)

func main() {
	if err := run(); err != nil {
		log.Fatal("demo: ", err)
	}
}

func run() error {
	hostname, err := os.Hostname()
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	app := &application{instance: hostname, metadata: os.Getenv("METADATA")}
	group, ctx := errgroup.WithContext(ctx)
	for address := range strings.SplitSeq(cmp.Or(os.Getenv("LISTEN"), ":8080"), ",") {
		server := &http.Server{Addr: address, Handler: app, ReadHeaderTimeout: 10 * time.Second}
		group.Go(func() error { return serve(server, os.Getenv("TLS_CERT"), os.Getenv("TLS_KEY")) })
		group.Go(func() error {
			<-ctx.Done()
			return shutDown(server)
		})
	}
	return group.Wait()
}

func serve(s *http.Server, cert, key string) error {
	err := error(nil)
	if cert == "" {
		err = s.ListenAndServe()
	} else {
		err = s.ListenAndServeTLS(cert, key)
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

func shutDown(s *http.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := s.Shutdown(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}
