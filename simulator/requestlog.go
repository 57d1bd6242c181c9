package simulator

import (
	"time"
)

// Request is one request that arrived.
type Request struct {
	At     time.Time `json:"at"`
	Team   string    `json:"team"` // empty: nobody's (401)
	Op     string    `json:"op"`   // one of the Op constants, or none
	Phone  string    `json:"phone,omitempty"`
	Status int       `json:"status"` // 0: not answered, or not yet
	Fault  string    `json:"fault,omitempty"`
}

// logRequest keeps an arrival; the mutex is held, so that times never go back.
func (s *Server) logRequest(x *exchange, at time.Time) *Request {
	e := &Request{At: at, Op: opNone, Phone: x.phone}
	if x.op != nil {
		e.Op = x.op.name
	}
	if x.team != nil {
		e.Team = x.team.ID
	}
	s.requests = append(s.requests, e)
	return e
}

// Requests is every request that arrived so far, in order, those that were refused included.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Request, len(s.requests))
	for i, e := range s.requests {
		out[i] = *e
	}
	return out
}

// Peak is the largest number of requests of one token in any window of the given length, whatever its phase; those that got a 429
// count. A window is half open: two requests exactly per apart are in no common one.
func (s *Server) Peak(per time.Duration) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.peak(per)
}

func (s *Server) peak(per time.Duration) int {
	windows := map[string][]time.Time{} // by team: the arrivals within per before the latest
	most := 0
	for _, e := range s.requests {
		if e.Team == "" {
			continue
		}
		w := append(windows[e.Team], e.At)
		for e.At.Sub(w[0]) >= per {
			w = w[1:]
		}
		windows[e.Team] = w
		most = max(most, len(w))
	}
	return most
}
