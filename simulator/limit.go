package simulator

import (
	"errors"
	"fmt"
	"time"
)

// Limit is the request limit of one token. Whether the real one counts in fixed or in sliding windows is not documented; both are held
// unless one is switched off, so that a client must be right for either.
type Limit struct {
	Requests      int           // 0: 100
	Per           time.Duration // 0: 60 s
	Phase         time.Duration // fixed windows begin at whole multiples of Per since 1970, plus this
	NoFixed       bool          // no fixed windows
	NoSliding     bool          // no sliding windows; both set: no limit
	RetryAfter    bool          // a 429 says when to come back
	ForgivingOver bool          // refused requests are not counted; off: hammering keeps the door shut
}

func (l Limit) check() error {
	var errs []error
	if l.Requests < 0 {
		errs = append(errs, fmt.Errorf("simulator config: limit: %d requests is negative", l.Requests))
	}
	if l.Per < 0 {
		errs = append(errs, fmt.Errorf("simulator config: limit: per %s is negative", l.Per))
	}
	return errors.Join(errs...)
}

func (l Limit) withDefaults() Limit {
	if l.Requests == 0 {
		l.Requests = 100
	}
	if l.Per == 0 {
		l.Per = time.Minute
	}
	return l
}

// limiter counts the arrivals of one token.
type limiter struct {
	recent []time.Time // the last l.Requests counted arrivals, a ring
	oldest int         // where the next one is written, once the ring is full
	window int64       // the fixed window that count belongs to
	count  int
}

// arrive counts a request at t and says how long to wait when it is one too many: zero lets it in. Windows are half open: of two requests
// exactly Per apart, the first is in no window of the second.
func (m *limiter) arrive(l Limit, t time.Time) time.Duration {
	var wait time.Duration
	if !l.NoSliding && len(m.recent) == l.Requests {
		if free := m.recent[m.oldest].Add(l.Per).Sub(t); free > 0 {
			wait = free
		}
	}
	since := t.UnixNano() - int64(l.Phase)
	window := since / int64(l.Per)
	if window != m.window {
		m.window, m.count = window, 0
	}
	if !l.NoFixed && m.count >= l.Requests {
		wait = max(wait, time.Duration((window+1)*int64(l.Per)-since))
	}
	if wait > 0 && l.ForgivingOver {
		return wait
	}
	m.count++
	if len(m.recent) < l.Requests {
		m.recent = append(m.recent, t)
	} else {
		m.recent[m.oldest] = t
		m.oldest = (m.oldest + 1) % l.Requests
	}
	return wait
}

// Foreign counts n requests now as made by somebody else with the same token. They are in no log. It says whether the team is known.
func (s *Server) Foreign(teamID string, n int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.teamByID(teamID)
	if t == nil {
		return false
	}
	for range n {
		t.limiter.arrive(s.cfg.Limit, s.now())
	}
	return true
}
