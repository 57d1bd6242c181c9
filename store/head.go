package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// Head is what a daemon looks at first of a team, read in one round trip.
type Head struct {
	TeamState
	Stirred   string  // as Stirred tells it
	Roster    *Roster // nil when nothing is known of the team's agents
	Follow    string  // as NextFollow tells it
	campaigns map[string]string
}

// Head reads the head of a team. What it says of Stirred is as old as all the rest, or older.
func (s *Store) Head(ctx context.Context, team string, now time.Time) (*Head, error) {
	pipe := s.client.Pipeline()
	marks := pipe.HMGet(ctx, teamKey(team, "team"), stirMarks...)
	state := askTeam(ctx, pipe, team)
	agents := pipe.HGet(ctx, teamKey(team, "team"), "agents")
	follow := pipe.ZRangeByScore(ctx, teamKey(team, "follows"), firstUntil(now))
	campaigns := pipe.HGetAll(ctx, teamKey(team, "campaigns"))
	if err := execAll(ctx, pipe); err != nil {
		return nil, fmt.Errorf("read the head of team %q: %w", team, err)
	}
	h := &Head{TeamState: state.read(s), Stirred: fmt.Sprint(marks.Val()...), campaigns: campaigns.Val()}
	if ids := follow.Val(); len(ids) > 0 {
		h.Follow = ids[0]
	}
	if raw := agents.Val(); raw != "" {
		h.Roster = &Roster{}
		if err := json.Unmarshal([]byte(raw), h.Roster); err != nil {
			return nil, fmt.Errorf("read the agents of team %q: %w", team, err)
		}
	}
	return h, nil
}

// CampaignsOf reads the campaigns that a team had when its head was read, in the order of their names.
func (s *Store) CampaignsOf(ctx context.Context, team string, h *Head) ([]*Record, error) {
	refs, err := namedRefs(team, h.campaigns)
	if err != nil {
		return nil, err
	}
	return s.records(ctx, refs)
}

// stirMarks are the fields of a team's hash that tell that something was changed by hand, or by an import.
var stirMarks = []string{"epoch", "stirred"}

// StirredAll is Stirred for many teams, in few round trips.
func (s *Store) StirredAll(ctx context.Context, teams []string) ([]string, error) {
	cmds := make([]*redis.SliceCmd, len(teams))
	err := s.inParts(ctx, len(teams), func(pipe redis.Pipeliner, i int) {
		cmds[i] = pipe.HMGet(ctx, teamKey(teams[i], "team"), stirMarks...)
	})
	if err != nil {
		return nil, fmt.Errorf("read %d teams: %w", len(teams), err)
	}
	marks := make([]string, len(teams))
	for i, cmd := range cmds {
		marks[i] = fmt.Sprint(cmd.Val()...)
	}
	return marks, nil
}

// firstUntil asks a sorted set of times for the first that is due.
func firstUntil(t time.Time) *redis.ZRangeBy {
	return &redis.ZRangeBy{Min: "-inf", Max: strconv.FormatInt(ms(t), 10), Count: 1}
}
