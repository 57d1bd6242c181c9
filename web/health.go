package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// readyTime bounds how long the question whether we are ready may take.
const readyTime = 2 * time.Second

// healthz says that the process lives. It asks nobody else: a Redis that is down is no reason to restart us.
func (s *server) healthz(w http.ResponseWriter, _ *http.Request) { plain(w, http.StatusOK, "ok") }

func (s *server) readyz(w http.ResponseWriter, r *http.Request) {
	if err := s.ready(r.Context()); err != nil {
		plain(w, http.StatusServiceUnavailable, "not ready: "+err.Error())
		return
	}
	lines := []string{"ready"}
	if s.Warn != nil {
		ctx, cancel := context.WithTimeout(r.Context(), readyTime)
		defer cancel()
		for _, warning := range s.Warn(ctx) {
			lines = append(lines, "warning: "+warning)
		}
	}
	plain(w, http.StatusOK, strings.Join(lines, "\n"))
}

func (s *server) ready(ctx context.Context) error {
	if s.Ready == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, readyTime)
	defer cancel()
	err := s.Ready(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("no answer within %s: %w", readyTime, err)
	}
	return err
}

func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = fmt.Fprintln(w, text) // a client that has gone away is nobody's trouble
}
