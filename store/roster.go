package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// Roster is what the API last said about a team's agents. The fleet shares it, so that it costs requests once.
type Roster struct {
	At     time.Time         `json:"at"`     // when it was asked for
	Access string            `json:"access"` // names the API and the credentials that it was asked with
	Status map[string]string `json:"status"` // agent → the API's word for its state
	// Back is when agents were first seen active that were not in the list before: what was refused until then says nothing about leads.
	Back map[string]time.Time `json:"back,omitempty"`
}

// Active reports whether an agent can call, as far as the list says.
func (r *Roster) Active(agent string) bool {
	status, known := r.Status[agent]
	return known && (status == "" || strings.EqualFold(status, "ACTIVE"))
}

// backFor is how long it is remembered that an agent is back.
const backFor = time.Hour

// Follow takes over from the roster before what it says about the past. There may be none.
func (r *Roster) Follow(before *Roster) {
	if before == nil {
		return
	}
	for agent := range r.Status {
		at, is := before.Back[agent]
		switch {
		case !r.Active(agent):
			continue
		case !before.Active(agent):
			at, is = r.At, true
		}
		if is && r.At.Sub(at) < backFor {
			if r.Back == nil {
				r.Back = map[string]time.Time{}
			}
			r.Back[agent] = at.UTC()
		}
	}
}

// Roster reads what is known of a team's agents; nil when nothing is.
func (s *Store) Roster(ctx context.Context, team string) (*Roster, error) {
	raw, err := s.client.HGet(ctx, teamKey(team, "team"), "agents").Bytes()
	if errors.Is(err, redis.Nil) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the agents of team %q: %w", team, err)
	}
	var r Roster
	if err := json.Unmarshal(raw, &r); err != nil {
		return nil, fmt.Errorf("read the agents of team %q: %w", team, err)
	}
	return &r, nil
}

// PutRoster keeps what the API has said.
func (s *Store) PutRoster(ctx context.Context, team string, r Roster) error {
	r.At = r.At.UTC()
	raw, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("keep the agents of team %q: %w", team, err)
	}
	if _, err := s.run(ctx, scriptRoster, team, raw); err != nil {
		return fmt.Errorf("keep the agents of team %q: %w", team, err)
	}
	return nil
}

// AgentsUnderWay lists the agents of a team that have calls which are not settled, in no order.
func (s *Store) AgentsUnderWay(ctx context.Context, team string) ([]string, error) {
	flight, err := s.client.HGetAll(ctx, teamKey(team, "flight")).Result()
	if err != nil {
		return nil, fmt.Errorf("read the calls under way of team %q: %w", team, err)
	}
	var ids []string
	for field := range flight {
		if id, ok := strings.CutPrefix(field, "agent:"); ok {
			ids = append(ids, id)
		}
	}
	return ids, nil
}
