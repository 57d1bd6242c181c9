package simulator

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
)

// adminRoutes is the surface for tests and for people who try things out: no headers needed, not counted, loopback only.
func (s *Server) adminRoutes() http.Handler {
	m := http.NewServeMux()
	m.HandleFunc("GET /_sim/rings", func(w http.ResponseWriter, r *http.Request) {
		rings := s.Rings()
		if phone := r.URL.Query().Get("phone"); phone != "" {
			rings = RingsByPhone(rings)[phone]
		}
		answer(w, map[string]any{"rings": rings})
	})
	m.HandleFunc("GET /_sim/requests", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{"requests": s.Requests()})
	})
	m.HandleFunc("GET /_sim/summary", func(w http.ResponseWriter, r *http.Request) {
		answer(w, s.Summary(r.URL.Query().Get("key")))
	})
	m.HandleFunc("GET /_sim/profile", func(w http.ResponseWriter, _ *http.Request) { answer(w, s.Profile()) })
	m.HandleFunc("POST /_sim/profile", s.command(s.postProfile))
	m.HandleFunc("POST /_sim/faults", s.command(s.postFaults))
	m.HandleFunc("DELETE /_sim/faults", s.command(func([]byte) error { s.ClearFaults(); return nil }))
	m.HandleFunc("POST /_sim/reset", s.command(s.postReset))
	m.HandleFunc("POST /_sim/suppress", s.command(s.postSuppress))
	m.HandleFunc("POST /_sim/team", s.command(s.postTeam))
	m.HandleFunc("POST /_sim/agent", s.command(s.postAgent))
	m.HandleFunc("POST /_sim/inbound", s.command(s.postInbound))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.RemoteAddr)
		if ip := net.ParseIP(host); err == nil && ip != nil && !ip.IsLoopback() {
			http.Error(w, "the admin surface answers on loopback only", http.StatusForbidden)
			return
		}
		m.ServeHTTP(w, r)
	})
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // a client that has gone cannot be told
}

// command is an admin request that changes something: 204, or 400 with what is wrong.
func (s *Server) command(do func(body []byte) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if err == nil {
			err = do(body)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}
}

// strictly decodes one JSON object with known keys only.
func strictly(body []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return fmt.Errorf("body: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("body: more than one JSON value")
	}
	return nil
}

func (s *Server) postProfile(body []byte) error {
	p, err := ParseProfile(body)
	if err != nil {
		return err
	}
	return s.SetProfile(p)
}

func (s *Server) postFaults(body []byte) error {
	var f Fault
	if err := strictly(body, &f); err != nil {
		return err
	}
	return s.Inject(f)
}

func (s *Server) postReset(body []byte) error {
	var in struct {
		LogsOnly bool `json:"logs_only"`
	}
	if len(body) > 0 {
		if err := strictly(body, &in); err != nil {
			return err
		}
	}
	if in.LogsOnly {
		s.ClearLogs()
		return nil
	}
	s.Reset()
	return nil
}

func (s *Server) postSuppress(body []byte) error {
	var in struct {
		Phone string `json:"phone"`
	}
	if err := strictly(body, &in); err != nil {
		return err
	}
	if !e164.MatchString(in.Phone) {
		return errors.New("phone must be E.164, like +12125550123")
	}
	s.Suppress(in.Phone)
	return nil
}

func (s *Server) postTeam(body []byte) error {
	var in struct {
		ID      string `json:"id"`
		Revoked bool   `json:"revoked"`
		Foreign int    `json:"foreign_requests"`
	}
	if err := strictly(body, &in); err != nil {
		return err
	}
	if in.Foreign < 0 || in.Foreign > 1e6 || !s.Revoke(in.ID, in.Revoked) || !s.Foreign(in.ID, in.Foreign) {
		return errors.New("unknown team id, or foreign_requests out of range")
	}
	return nil
}

func (s *Server) postAgent(body []byte) error {
	var in struct {
		ID     string `json:"id"`
		Status string `json:"status"`
	}
	if err := strictly(body, &in); err != nil {
		return err
	}
	if !s.SetAgentStatus(in.ID, in.Status) {
		return errors.New("unknown agent id, or status neither ACTIVE nor ARCHIVED")
	}
	return nil
}

func (s *Server) postInbound(body []byte) error {
	var in struct {
		Team  string `json:"team"`
		Agent string `json:"agent"`
		Phone string `json:"phone"`
	}
	if err := strictly(body, &in); err != nil {
		return err
	}
	if !s.Inbound(in.Team, in.Agent, in.Phone) {
		return errors.New("unknown team or agent")
	}
	return nil
}
