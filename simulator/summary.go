package simulator

import "net/http"

// Summary is what GET /_sim/summary answers. Durations are seconds.
type Summary struct {
	Rings       int             `json:"rings"`
	Phones      int             `json:"phones"`       // that rang
	OpenCalls   int             `json:"open_calls"`   // under way
	Overlaps    int             `json:"overlaps"`     // rings of a phone that was in a call
	AfterOptOut int             `json:"after_optout"` // rings of a phone whose owner had said "stop calling me"
	Twice       *int            `json:"twice"`        // attempts that rang more than once; null without ?key=
	Outcomes    map[Outcome]int `json:"outcomes"`
	Requests    int             `json:"requests"`
	ByOp        map[string]int  `json:"by_op"`
	ByStatus    map[int]int     `json:"by_status"` // 0: no reply
	Faults      map[string]int  `json:"faults"`
	Throttled   int             `json:"throttled"` // 429
	Peak        int             `json:"peak"`      // most requests of one token in any window
	Per         Seconds         `json:"per_s"`     // that window
	Limit       int             `json:"limit"`
	Webhooks    HookCounts      `json:"webhooks"`
	Error       *string         `json:"error"` // of writing the ring log
}

// Summary counts what has happened so far. With a metadata key, attempts that rang more than once are counted too.
func (s *Server) Summary(attemptKey string) Summary {
	s.mu.Lock()
	defer s.mu.Unlock()
	per := s.cfg.Limit.Per
	out := Summary{
		Rings: len(s.rings), OpenCalls: s.openCalls(), Overlaps: s.facts.overlaps, AfterOptOut: s.facts.afterOptOut,
		Outcomes: map[Outcome]int{}, Requests: len(s.requests), ByOp: map[string]int{}, ByStatus: map[int]int{}, Faults: map[string]int{},
		Peak: s.peak(per), Per: Seconds(per.Seconds()), Limit: s.cfg.Limit.Requests, Webhooks: s.facts.hooks,
	}
	phones := map[string]bool{}
	for _, r := range s.rings {
		phones[r.Phone] = true
		out.Outcomes[r.Outcome]++
	}
	out.Phones = len(phones)
	for _, e := range s.requests {
		out.ByOp[e.Op]++
		out.ByStatus[e.Status]++
		if e.Fault != "" {
			out.Faults[e.Fault]++
		}
	}
	out.Throttled = out.ByStatus[http.StatusTooManyRequests]
	if attemptKey != "" {
		twice := 0
		for id, n := range RingsByAttempt(s.rings, attemptKey) {
			if id != "" && n > 1 {
				twice++
			}
		}
		out.Twice = &twice
	}
	if s.writeErr != nil {
		text := s.writeErr.Error()
		out.Error = &text
	}
	return out
}
