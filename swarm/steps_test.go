package swarm_test

import (
	"context"
	"log/slog"
	"strings"
	"sync"
)

// steps is a log that remembers the steps of Apply, and can act on one.
type steps struct {
	mu    sync.Mutex
	seen  []string
	other []string
	on    func(step string)
}

func (s *steps) Enabled(context.Context, slog.Level) bool { return true }
func (s *steps) WithAttrs([]slog.Attr) slog.Handler       { return s }
func (s *steps) WithGroup(string) slog.Handler            { return s }
func (s *steps) Handle(_ context.Context, r slog.Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	step := ""
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "step" {
			step = a.Value.String()
		}
		return true
	})
	if step == "" {
		s.other = append(s.other, r.Message)
		return nil
	}
	s.seen = append(s.seen, step)
	if s.on != nil {
		s.on(step)
	}
	return nil
}

// taken returns the steps since the last call.
func (s *steps) taken() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := strings.Join(s.seen, " ")
	s.seen = nil
	return seen
}

// said returns the other lines since the last call.
func (s *steps) said() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	other := s.other
	s.other = nil
	return other
}
