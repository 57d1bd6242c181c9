package simulator

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// Ring is one ring of one phone: what the promises are checked against.
type Ring struct {
	At       time.Time      `json:"at"`
	Team     string         `json:"team"`
	Phone    string         `json:"phone"`
	Contact  string         `json:"contact"`
	Agent    string         `json:"agent"`
	CallID   string         `json:"call_id"`
	N        int            `json:"n"` // it is the n-th ring of this phone, from 1
	Outcome  Outcome        `json:"outcome"`
	Metadata map[string]any `json:"metadata"`
	Fault    string         `json:"fault,omitempty"` // what went wrong with the request that made it ring
}

// facts is what the server knows of the calls so far.
type facts struct {
	arrivals, blocked, inbound int             // serial numbers
	open                       map[string]int  // calls under way by phone
	stopped                    map[string]bool // phones whose owner said "stop calling me"
	counted
}

// counted is what ClearLogs forgets.
type counted struct {
	overlaps, afterOptOut int
	hooks                 HookCounts
}

func (f *facts) begin(phone string) {
	if f.open[phone] > 0 {
		f.overlaps++
	}
	if f.stopped[phone] {
		f.afterOptOut++
	}
	f.open[phone]++
}

func (f *facts) end(phone string) {
	if f.open[phone]--; f.open[phone] <= 0 {
		delete(f.open, phone)
	}
}

func (f *facts) optOut(phone string) { f.stopped[phone] = true }

// logRing keeps a ring and writes it to the ring log; the mutex is held.
func (s *Server) logRing(r Ring) {
	s.rings = append(s.rings, r)
	if s.cfg.RingLog == nil || s.writeErr != nil {
		return
	}
	b, err := json.Marshal(r)
	if err == nil {
		_, err = s.cfg.RingLog.Write(append(b, '\n'))
	}
	if err != nil {
		s.writeErr = fmt.Errorf("write ring log: %w", err)
	}
}

// Err is the first error of writing the ring log.
func (s *Server) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.writeErr
}

// Rings is every ring so far, in order.
func (s *Server) Rings() []Ring {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.rings)
}

// OpenCalls is how many outbound calls are under way.
func (s *Server) OpenCalls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.openCalls()
}

func (s *Server) openCalls() int {
	n := 0
	for _, k := range s.facts.open {
		n += k
	}
	return n
}

// RingsByAttempt counts rings by the text under a metadata key; rings without it are counted under "". An attempt with more than one
// is a person called twice for it.
func RingsByAttempt(rings []Ring, key string) map[string]int {
	out := map[string]int{}
	for _, r := range rings {
		id, _ := r.Metadata[key].(string)
		out[id]++
	}
	return out
}

// RingsByPhone groups rings by phone, in order.
func RingsByPhone(rings []Ring) map[string][]Ring {
	out := map[string][]Ring{}
	for _, r := range rings {
		out[r.Phone] = append(out[r.Phone], r)
	}
	return out
}
