package simulator

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"time"
)

// Webhooks says how lossily events are delivered. What happens to an event depends on seed, call, event and place among the subscriptions.
type Webhooks struct {
	Loss        float64 `json:"loss"`         // never sent
	Double      float64 `json:"double"`       // sent twice
	Late        float64 `json:"late"`         // sent LateBy after their time
	Early       float64 `json:"early"`        // calls with another NEW_RESPONSE at their begin, status NOT_STARTED
	BeforeReply float64 `json:"before_reply"` // calls whose first event (NOT_STARTED; the end, when busy or failed) is there before the POST's reply
	Reorder     float64 `json:"reorder"`      // early and transfer events that come after the end's
	Stray       float64 `json:"stray"`        // calls whose end is followed by an event of an inbound call that nobody asked for
	Delay       Span    `json:"delay"`
	LateBy      Span    `json:"late_by"`
}

// HookCounts says what became of events.
type HookCounts struct {
	Events   int `json:"events"`   // per subscription
	Lost     int `json:"lost"`     // on purpose
	Doubled  int `json:"doubled"`  // on purpose
	Sent     int `json:"sent"`     // POSTs made
	Accepted int `json:"accepted"` // answered 2xx
	Refused  int `json:"refused"`  // answered otherwise
	Failed   int `json:"failed"`   // not answered
	Retried  int `json:"retried"`  // once, after a 429
}

// Hooks says what became of the webhooks so far.
func (s *Server) Hooks() HookCounts {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.facts.hooks
}

// posting is one POST to be made.
type posting struct {
	url     string
	body    []byte
	delay   time.Duration
	retried bool
}

// emit sends an event of a call, as it is now, to all who want it. With at once, nothing is delayed and all are out when it returns.
func (s *Server) emit(c *call, event string, atOnce bool) {
	for _, p := range s.plan(c, event) {
		if atOnce {
			s.post(p)
			continue
		}
		s.timers.after(p.delay, func() { s.post(p) })
	}
}

func (s *Server) plan(c *call, event string) []posting {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.profile.Webhooks
	var body []byte
	var out []posting
	for i, sub := range c.team.subs {
		if sub.event != event || sub.data != c.agent.ID && (sub.data != "" || s.profile.API.UnscopedOff) {
			continue
		}
		if body == nil {
			b, err := json.Marshal(s.posted(c, event))
			if err != nil {
				panic("simulator: a record that is no JSON: " + err.Error())
			}
			body = b
		}
		s.facts.hooks.Events++
		d := roll(s.cfg.Seed, "hook", c.id, event, strconv.Itoa(int(c.present())), strconv.Itoa(i))
		lost, twice := d.hit(w.Loss), d.hit(w.Double)
		first, second := s.lag(c, d, w), s.lag(c, d, w)
		if lost {
			s.facts.hooks.Lost++
			continue
		}
		out = append(out, posting{url: sub.url, body: body, delay: first})
		if twice {
			s.facts.hooks.Doubled++
			out = append(out, posting{url: sub.url, body: body, delay: first + second})
		}
	}
	return out
}

// lag is how long one delivery of an event takes.
func (s *Server) lag(c *call, d *dice, w Webhooks) time.Duration {
	lag := d.between(w.Delay)
	late, held, by := d.hit(w.Late), d.hit(w.Reorder), d.between(w.LateBy)
	if late {
		lag += by
	}
	if held && c.present() != over {
		lag += c.meeting.ring + c.meeting.talk + w.Delay.Max.Duration()
	}
	return s.hurried(lag)
}

// post makes one POST. A 429 brings it back once, after Retry-After; nothing else does.
func (s *Server) post(p posting) {
	status, wait := s.send(p)
	s.mu.Lock()
	n := &s.facts.hooks
	n.Sent++
	again := status == http.StatusTooManyRequests && !p.retried
	switch {
	case status == 0:
		n.Failed++
	case status >= 200 && status < 300:
		n.Accepted++
	default:
		n.Refused++
	}
	if again {
		n.Retried++
	}
	s.mu.Unlock()
	if again {
		p.retried = true
		s.timers.after(wait, func() { s.post(p) })
	}
}

// send returns status 0 when there was no answer, and how long a 429 asks to wait.
func (s *Server) send(p posting) (status int, wait time.Duration) {
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url, bytes.NewReader(p.body))
	if err != nil {
		return 0, 0
	}
	r.GetBody = nil // never again by itself
	r.Header.Set("Content-Type", "application/json")
	res, err := s.cfg.Client.Do(r)
	if err != nil {
		return 0, 0
	}
	defer func() { _ = res.Body.Close() }() // nothing is wanted from it
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, maxBody))
	return res.StatusCode, s.backIn(res.Header.Get("Retry-After"))
}

// backIn reads Retry-After: seconds or a date, one hour at most, one second when there is none.
func (s *Server) backIn(header string) time.Duration {
	wait := time.Second
	if n, err := strconv.Atoi(header); err == nil {
		wait = time.Duration(n) * time.Second
	} else if at, err := http.ParseTime(header); err == nil {
		wait = at.Sub(s.now())
	}
	return min(max(wait, 0), time.Hour)
}
