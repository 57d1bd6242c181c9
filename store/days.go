package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/dialerd/dialerd/campaign"
)

// TeamCalls is how many calls all campaigns of a team began on a day of the team's zone, "2006-01-02".
func (s *Store) TeamCalls(ctx context.Context, team, day string) (int, error) {
	n, err := s.daysOf(ctx, team, day, []string{"team:"})
	if err != nil {
		return 0, err
	}
	return n[0], nil
}

// TeamTalked is what all campaigns of a team talked by the calls that began in a month of the team's zone, "2006-01": by the minute that
// has begun, as it is charged.
func (s *Store) TeamTalked(ctx context.Context, team, month string) (time.Duration, error) {
	n, err := s.daysOf(ctx, team, month, []string{"talk:"})
	if err != nil {
		return 0, err
	}
	return time.Duration(n[0]) * time.Second, nil
}

// AgentCalls is how many calls each of some agents began on a day of the campaigns' zone, for all campaigns of a team.
func (s *Store) AgentCalls(ctx context.Context, team, day string, agents []string) ([]int, error) {
	kinds := make([]string, len(agents))
	for i, a := range agents {
		kinds[i] = "agent:" + a + ":"
	}
	return s.daysOf(ctx, team, day, kinds)
}

// AgentsInFlight is how many calls of each of some agents are under way, for all campaigns of a team.
func (s *Store) AgentsInFlight(ctx context.Context, team string, agents []string) ([]int, error) {
	fields := make([]string, len(agents))
	for i, a := range agents {
		fields[i] = "agent:" + a
	}
	counts, err := s.countsAt(ctx, teamKey(team, "flight"), fields)
	if err != nil {
		return nil, fmt.Errorf("read the calls under way of team %q: %w", team, err)
	}
	return counts, nil
}

// AgentLoads is what each agent of a plan does on the plan's day; nil where none of them has bounds.
func (s *Store) AgentLoads(ctx context.Context, p *campaign.Plan, now time.Time) ([]campaign.AgentLoad, error) {
	if !slices.ContainsFunc(p.Agents, func(a campaign.Agent) bool { return a.CallsPerDay > 0 || a.MaxInFlight > 0 }) {
		return nil, nil
	}
	ids := make([]string, len(p.Agents))
	for i, a := range p.Agents {
		ids[i] = a.ID
	}
	calls, err := s.AgentCalls(ctx, p.Team, p.Day(now), ids)
	if err != nil {
		return nil, err
	}
	flight, err := s.AgentsInFlight(ctx, p.Team, ids)
	if err != nil {
		return nil, err
	}
	loads := make([]campaign.AgentLoad, len(ids))
	for i := range loads {
		loads[i] = campaign.AgentLoad{CallsToday: calls[i], InFlight: flight[i]}
	}
	return loads, nil
}

func (s *Store) daysOf(ctx context.Context, team, day string, kinds []string) ([]int, error) {
	fields := make([]string, len(kinds))
	for i, kind := range kinds {
		fields[i] = kind + strings.ReplaceAll(day, "-", "")
	}
	counts, err := s.countsAt(ctx, teamKey(team, "days"), fields)
	if err != nil {
		return nil, fmt.Errorf("read the calls of team %q on %s: %w", team, day, err)
	}
	return counts, nil
}

// countsAt reads counters of a hash; those that are not there are 0.
func (s *Store) countsAt(ctx context.Context, key string, fields []string) ([]int, error) {
	if len(fields) == 0 {
		return nil, nil
	}
	got := s.client.HMGet(ctx, key, fields...)
	counts := make([]int, len(fields))
	for i := range counts {
		counts[i] = atoi(stringAt(got, i))
	}
	return counts, got.Err()
}

// daysFrom is the first day, YYYYMMDD, of which a team's counters are kept; "" = nothing was forgotten yet.
func (s *Store) daysFrom(ctx context.Context, team string) (string, error) {
	first, err := s.client.HGet(ctx, teamKey(team, "team"), "daysfrom").Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return "", fmt.Errorf("read what is kept of team %q: %w", team, err)
	}
	return first, nil
}

// longOver reports whether a counter is one of a day or month before the first that is kept; sweep_days.lua says the same.
func longOver(field, first string) bool {
	kind, rest, _ := strings.Cut(field, ":")
	date := rest[strings.LastIndexByte(rest, ':')+1:]
	switch kind {
	case "day", "team", "agent":
		return len(date) == 8 && date < first
	case "talk":
		return date+"31" < first
	}
	return false
}
