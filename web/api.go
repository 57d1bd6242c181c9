package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/dialerd/dialerd/store"
)

func (s *server) apiStatus(w http.ResponseWriter, r *http.Request) {
	status, err := s.Source.Status(r.Context())
	s.answer(w, status, err)
}

func (s *server) apiCampaign(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), readTime)
	defer cancel()
	status, err := s.Source.Campaign(ctx, r.PathValue("name"))
	s.answer(w, status, err)
}

// answer writes a result, or why there is none.
func (s *server) answer(w http.ResponseWriter, v any, err error) {
	code := http.StatusOK
	if err != nil {
		code, v = http.StatusServiceUnavailable, map[string]string{"error": err.Error()}
	}
	if refused, ok := errors.AsType[*RefusedError](err); ok {
		code = refused.Status
	} else if errors.Is(err, store.ErrNotFound) {
		code = http.StatusNotFound
	}
	s.write(w, code, v)
}

// write writes an answer.
func (s *server) write(w http.ResponseWriter, code int, v any) {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		s.Log.Error("answer cannot be written as json", "err", err)
		http.Error(w, "the answer cannot be written as JSON", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_, _ = w.Write(append(b, '\n')) // a client that has gone away is nobody's trouble
}
