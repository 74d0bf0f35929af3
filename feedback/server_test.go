package feedback

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wharfinger/wharfinger/route"
)

const (
	first  = "1111111111111111111111111111111111111111"
	second = "2222222222222222222222222222222222222222"
	token  = "t0ken-of-the-forge"
)

var mistake = route.Problems{
	{Pos: route.Pos{File: "team a/shop.yaml", Line: 8, Col: 11}, Text: "there is no pool shopp", Hint: "did you mean shop?"},
	{Pos: route.Pos{File: "team a/shop.yaml", Line: 9, Col: 3}, Text: "another"},
}

// request is what a server got.
type request struct {
	path   string // as it was escaped
	header http.Header
	body   map[string]any
	text   string
}

// server records requests and answers them as it is told, with 201 if it is not.
type server struct {
	*httptest.Server
	mu       sync.Mutex
	requests []request
	answer   func(n int, w http.ResponseWriter, r *http.Request) // the nth request, from 1
}

func newServer(t *testing.T, answer func(n int, w http.ResponseWriter, r *http.Request)) *server {
	t.Helper()
	s := &server{answer: answer}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		data, err := io.ReadAll(r.Body)
		if err != nil || r.Method != http.MethodPost {
			t.Errorf("got %s, %v", r.Method, err)
		}
		got := request{path: r.URL.EscapedPath(), header: r.Header, text: string(data)}
		json.Unmarshal(data, &got.body)
		s.mu.Lock()
		s.requests = append(s.requests, got)
		n := len(s.requests)
		s.mu.Unlock()
		if s.answer != nil {
			s.answer(n, w, r)
			return
		}
		w.WriteHeader(http.StatusCreated)
	}))
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	return s
}

func (s *server) got() []request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]request(nil), s.requests...)
}

// wait waits until the server has n requests, and fails where they do not come.
func (s *server) wait(t *testing.T, n int) []request {
	t.Helper()
	waitFor(t, func() bool { return len(s.got()) >= n })
	return s.got()
}

func waitFor(t *testing.T, done func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("waited for 30 s in vain")
		}
	}
}

// journal is a log that a test reads.
type journal struct {
	mu   sync.Mutex
	text strings.Builder
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

func (j *journal) has(words string) func() bool {
	return func() bool { return strings.Contains(j.String(), words) }
}

func file(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// open starts a desk, which ends with the test.
func open(t *testing.T, o Options) (*Desk, *journal) {
	t.Helper()
	log := &journal{}
	o.Log = slog.New(slog.NewTextHandler(log, nil))
	d, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() { done <- d.Run(t.Context()) }()
	t.Cleanup(func() { // after the test's context ended
		if err := <-done; err != nil {
			t.Errorf("Run: got %v, want nil", err)
		}
	})
	return d, log
}

// hang keeps a client waiting until it gives up, or the test ends.
func hang(r *http.Request) { <-r.Context().Done() }
