package store

import (
	"context"
	"fmt"
	"strings"
	"time"

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

// DaySpent reports whether a budget of calls a day that the campaign shares with others is used up: its team's, or that of each of its
// agents.
func (s *Store) DaySpent(ctx context.Context, p *campaign.Plan, team campaign.TeamBudget, now time.Time) (bool, error) {
	if team.CallsPerDay > 0 {
		n, err := s.TeamCalls(ctx, p.Team, team.Day(now))
		if err != nil || n >= team.CallsPerDay {
			return err == nil, err
		}
	}
	ids := make([]string, len(p.Agents))
	for i, a := range p.Agents {
		if a.CallsPerDay <= 0 {
			return false, nil // it goes on without the others
		}
		ids[i] = a.ID
	}
	calls, err := s.AgentCalls(ctx, p.Team, p.Day(now), ids)
	if err != nil {
		return false, err
	}
	for i, a := range p.Agents {
		if calls[i] < a.CallsPerDay {
			return false, nil
		}
	}
	return len(ids) > 0, nil
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
