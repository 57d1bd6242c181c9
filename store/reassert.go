package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// recentKept is how long an attempt is remembered by the process that began it, and recentMost how many are.
const (
	recentKept = 10 * time.Minute
	recentMost = 2000
)

// recent is an attempt that this process began.
type recent struct {
	id   string
	r    ref
	lead string
	at   time.Time
	run  string // of the server that is known to have it
	args reassertArgs
}

type reassertArgs struct {
	Attempt  int    `json:"k"`
	Agent    string `json:"i"`
	At       int64  `json:"t"`
	Deadline int64  `json:"e"`
	Day      int64  `json:"d"`
	TeamDay  int64  `json:"j,omitempty"` // where it is another
	Reserve  int64  `json:"b,omitempty"`
	Token    string `json:"o"` // so that this process, and no other, may still take it back
	Phone    string `json:"p"`
	Contact  string `json:"c"`
}

// began remembers an attempt, in case that its server is lost.
func (s *Store) began(q *BeginRequest, a *beginArgs, r ref, id string) {
	lead := q.Claim.Lead
	s.mu.Lock()
	defer s.mu.Unlock()
	all := slices.DeleteFunc(s.recent[r.team], func(o recent) bool { return o.id == id || q.Now.Sub(o.at) > recentKept })
	if len(all) >= recentMost {
		all = all[1:]
	}
	s.recent[r.team] = append(all, recent{
		id: id, r: r, lead: lead.ID, at: q.Now, run: s.servers[s.serverOf(r.team)].run,
		args: reassertArgs{
			Attempt: a.Attempt, Agent: a.Agent, At: a.Now, Deadline: a.Deadline, Day: a.Day, TeamDay: a.otherDay(), Reserve: a.Reserve,
			Token: q.Claim.Token, Phone: string(lead.Phone), Contact: shortID(lead.Contact),
		},
	})
}

// unsent forgets an attempt that cannot have rung.
func (s *Store) unsent(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for team, all := range s.recent {
		s.recent[team] = slices.DeleteFunc(all, func(o recent) bool { return o.id == id })
	}
}

// Reassert writes the attempts of the last minutes down that this process began and that the server, another one than before, does not
// know: it was restarted without its last writes, or a replica took its place without them. They may have rung. So they are `sending`
// until their deadline, and what follows from that follows: a sweep doubts them, a webhook or a look-up settles them. It returns how many
// there were. Every process of a fleet asks often, well within the request limit's window: for as long nothing is called after a change of servers.
func (s *Store) Reassert(ctx context.Context, team string, now time.Time) (int, error) {
	_, v, err := s.server(ctx, team, now)
	if err != nil {
		return 0, err
	}
	if v.run == "" {
		return 0, nil
	}
	s.mu.RLock()
	var lost []recent
	for _, a := range s.recent[team] {
		if a.run != v.run && now.Sub(a.at) <= recentKept {
			lost = append(lost, a)
		}
	}
	s.mu.RUnlock()
	n := 0
	for _, a := range lost {
		raw, err := json.Marshal(a.args)
		if err != nil {
			return n, fmt.Errorf("write down attempt %s anew: %w", a.id, err)
		}
		words, err := s.runCampaign(ctx, scriptReassert, a.r, a.lead, raw)
		switch {
		case errors.Is(err, ErrNotFound) || errors.Is(err, ErrConflict):
			s.log.ErrorContext(ctx, "an attempt that may have rung is not in the record of another redis, and cannot be written down", "attempt", a.id, "err", err)
		case err != nil:
			return n, fmt.Errorf("write down attempt %s anew: %w", a.id, err)
		case !words.again():
			n++
		}
		s.known(team, a.id, v.run)
	}
	return n, nil
}

// known notes which server has an attempt.
func (s *Store) known(team, id, run string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.recent[team] {
		if s.recent[team][i].id == id {
			s.recent[team][i].run = run
		}
	}
}
