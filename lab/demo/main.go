// Command demo is the application that the demo routes to. It answers every
// path with what a load balancer's user wants to know: who answered.
//
//	GET  /ping            {"instance":"897d3c7b9e9c","version":"0.1","metadata":"demo","request_id":"…"}
//	GET  /slow?for=500ms  the same, later
//
// LISTEN is the address to listen on (":8080"), METADATA a text to show. On
// SIGTERM it finishes the requests that it has begun, for 10 s at most.
package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"
)

const version = "0.1"

// An answer has its fields in the order in which they are shown.
type answer struct {
	Instance  string `json:"instance"`
	Version   string `json:"version"`
	Metadata  string `json:"metadata,omitempty"`
	RequestID string `json:"request_id"`
}

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
	listen := os.Getenv("LISTEN")
	if listen == "" {
		listen = ":8080"
	}
	server := &http.Server{
		Addr:              listen,
		Handler:           handler(hostname, os.Getenv("METADATA")),
		ReadHeaderTimeout: 10 * time.Second,
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	failed := make(chan error, 1)
	go func() { failed <- server.ListenAndServe() }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}

func handler(hostname, metadata string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// A body is read to its end, so that a POST is only answered whole.
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		if r.URL.Path == "/slow" {
			wait, err := time.ParseDuration(r.FormValue("for"))
			if err != nil {
				http.Error(w, "slow: want ?for=500ms or the like", http.StatusBadRequest)
				return
			}
			select {
			case <-r.Context().Done():
				return
			case <-time.After(wait):
			}
		}
		id := r.Header.Get("X-Request-Id")
		if id == "" {
			id = randomID()
		}
		http.SetCookie(w, &http.Cookie{
			Name: "session", Value: strconv.FormatInt(time.Now().UnixNano(), 10), Path: "/",
			Expires: time.Now().Add(24 * time.Hour), MaxAge: 86400,
		})
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		body, err := json.Marshal(answer{hostname, version, metadata, id})
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		fmt.Fprintf(w, "%s\n", body)
	})
}

func randomID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails: crypto/rand promises it
	return hex.EncodeToString(b[:])
}
