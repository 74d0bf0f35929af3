package main

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
)

const version = "0.1"

// An answer has its fields in the order in which they are shown.
type answer struct {
	Instance  string `json:"instance"`
	Version   string `json:"version"`
	Metadata  string `json:"metadata,omitempty"`
	RequestID string `json:"request_id"`
}

// An echo is a request as it came.
type echo struct {
	answer
	Method  string            `json:"method"`
	Target  string            `json:"target"` // of the request line: path and query
	Host    string            `json:"host"`
	Port    string            `json:"port"` // that the request came to
	TLS     bool              `json:"tls"`
	Headers map[string]string `json:"headers"` // several of a name with commas between them
}

type application struct {
	instance, metadata string

	failsUntil atomic.Int64 // Unix time in ns
}

func (a *application) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if time.Now().UnixNano() < a.failsUntil.Load() {
		panic(http.ErrAbortHandler) // the connection is closed without a word
	}
	who := a.answer(r)
	if strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		talk(w, r, who)
		return
	}
	// A body is read to its end, so that a POST is only answered whole.
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var body any = who
	switch what := path.Base(r.URL.Path); what {
	case "echo":
		body = echoOf(r, who)
	case "slow", "fail":
		long, err := time.ParseDuration(r.FormValue("for"))
		if err != nil {
			http.Error(w, what+": want ?for=500ms or the like", http.StatusBadRequest)
			return
		}
		if what == "fail" {
			a.failsUntil.Store(time.Now().Add(long).UnixNano())
			break
		}
		select {
		case <-r.Context().Done():
			return
		case <-time.After(long):
		}
	}
	http.SetCookie(w, &http.Cookie{
		Name: "session", Value: strconv.FormatInt(time.Now().UnixNano(), 10), Path: "/",
		Expires: time.Now().Add(24 * time.Hour), MaxAge: 86400,
	})
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	text, err := json.Marshal(body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	fmt.Fprintf(w, "%s\n", text)
}

func (a *application) answer(r *http.Request) answer {
	id := r.Header.Get("X-Request-Id")
	if id == "" {
		var b [16]byte
		rand.Read(b[:]) // never fails: crypto/rand promises it
		id = hex.EncodeToString(b[:])
	}
	return answer{a.instance, version, a.metadata, id}
}

func echoOf(r *http.Request, who answer) echo {
	e := echo{answer: who, Method: r.Method, Target: r.RequestURI, Host: r.Host, TLS: r.TLS != nil, Headers: map[string]string{}}
	if here, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok {
		_, e.Port, _ = net.SplitHostPort(here.String())
	}
	for name, values := range r.Header {
		e.Headers[name] = strings.Join(values, ", ")
	}
	return e
}

// talk speaks with a websocket until it closes.
func talk(w http.ResponseWriter, r *http.Request, who answer) {
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true}) // pages of any origin
	if err != nil {
		return // Accept has answered
	}
	defer conn.CloseNow()
	text, err := json.Marshal(who)
	for kind := websocket.MessageText; err == nil; kind, text, err = conn.Read(r.Context()) {
		if err := conn.Write(r.Context(), kind, text); err != nil {
			return
		}
	}
}
