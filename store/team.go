package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/dialerd/dialerd/campaign"
)

// TeamState is what the record says about a team as a whole.
type TeamState struct {
	Epoch    int64  // rises with every pause, resume and suppression of the team, and with every global suppression
	Paused   string // why the team is paused; "" = it is not
	InFlight int    // calls under way
	// RecordFull says that so many entries of the record of decisions wait for the archiver that Begin lets no call begin.
	RecordFull bool
}

// Team reads the state of a team; one that nobody has heard of is not paused.
func (s *Store) Team(ctx context.Context, team string) (TeamState, error) {
	pipe := s.client.Pipeline()
	state := askTeam(ctx, pipe, team)
	if err := execAll(ctx, pipe); err != nil {
		return TeamState{}, fmt.Errorf("read team %q: %w", team, err)
	}
	return state.read(s), nil
}

// teamCmds are the commands that ask for a TeamState.
type teamCmds struct {
	head    *redis.SliceCmd
	flight  *redis.StringCmd
	waiting *redis.IntCmd
}

func askTeam(ctx context.Context, pipe redis.Pipeliner, team string) teamCmds {
	return teamCmds{
		head:    pipe.HMGet(ctx, teamKey(team, "team"), "epoch", "paused"),
		flight:  pipe.HGet(ctx, teamKey(team, "flight"), "team"),
		waiting: pipe.XLen(ctx, teamKey(team, "audit")),
	}
}

func (c teamCmds) read(s *Store) TeamState {
	return TeamState{
		Epoch: int64At(c.head, 0), Paused: stringAt(c.head, 1), InFlight: atoi(c.flight.Val()), RecordFull: s.full(c.waiting.Val()),
	}
}

// Stirred changes when a person or an import changes what may be called of a team. What its calls change is not among that.
func (s *Store) Stirred(ctx context.Context, team string) (string, error) {
	marks, err := s.StirredAll(ctx, []string{team})
	if err != nil {
		return "", err
	}
	return marks[0], nil
}

// Teams lists the teams that have campaigns or were ever paused.
func (s *Store) Teams(ctx context.Context) ([]string, error) {
	teams, err := s.client.SMembers(ctx, teamKey(globalTeam, "teams")).Result()
	if err != nil {
		return nil, fmt.Errorf("list teams: %w", err)
	}
	slices.Sort(teams)
	return teams, nil
}

// PauseTeam stops all calls of a team; reason, which may not be empty, is shown to the operator. It returns the team's new
// epoch. What is on its way already is counted by Quiet.
func (s *Store) PauseTeam(ctx context.Context, team, reason string) (int64, error) {
	if reason == "" {
		return 0, fmt.Errorf("pause team %q: no reason given", team)
	}
	return s.setTeamPause(ctx, "pause", team, reason)
}

// ResumeTeam lifts a pause and returns the team's new epoch.
func (s *Store) ResumeTeam(ctx context.Context, team string) (int64, error) {
	return s.setTeamPause(ctx, "resume", team, "")
}

func (s *Store) setTeamPause(ctx context.Context, verb, team, reason string) (int64, error) {
	if err := checkTeam(team); err != nil {
		return 0, fmt.Errorf("%s: %w", verb, err)
	}
	if err := s.client.SAdd(ctx, teamKey(globalTeam, "teams"), team).Err(); err != nil {
		return 0, fmt.Errorf("%s team %q: %w", verb, team, err)
	}
	r, err := s.run(ctx, scriptPauseTeam, team, reason, s.by)
	if err != nil {
		return 0, fmt.Errorf("%s team %q: %w", verb, team, err)
	}
	if err := s.kept(ctx, team); err != nil {
		return 0, fmt.Errorf("%s team %q: %w", verb, team, err)
	}
	return strconv.ParseInt(r[1], 10, 64)
}

// Scope is what a stop, a pause or a suppression reaches.
type Scope struct {
	Team     string           // "" = all teams
	Campaign string           // "" = all campaigns of the team
	Phones   []campaign.Phone // none = all phones
}

// wireTail is how much longer than its deadline a request may still arrive: a packet that waits in the kernel for the gateway's
// hardware address is out of reach for up to three seconds (measured).
const wireTail = 4 * time.Second

// Quiet counts the attempts of a scope whose request may still reach the API: they are `sending`, or in doubt since,
// and their deadline and wireTail have not passed. It returns with them when the last of that will be over. After the hold, the pause or the suppression of the scope was written no
// attempt is added, so a caller who asks until there are none, or until that deadline, may say that nothing rings any more.
func (s *Store) Quiet(ctx context.Context, scope Scope, now time.Time) (pending int, latest time.Time, err error) {
	teams := []string{scope.Team}
	switch {
	case scope.Campaign != "":
		r, err := s.campaignRef(ctx, scope.Campaign)
		if err != nil {
			return 0, time.Time{}, err
		}
		if scope.Team != "" && scope.Team != r.team {
			return 0, time.Time{}, fmt.Errorf("campaign %q of team %q: %w", scope.Campaign, scope.Team, ErrNotFound)
		}
		teams[0] = r.team
	case scope.Team == "":
		if teams, err = s.Teams(ctx); err != nil {
			return 0, time.Time{}, err
		}
	}
	phones := make(map[campaign.Phone]bool, len(scope.Phones))
	for _, p := range scope.Phones {
		phones[p] = true
	}
	for _, team := range teams {
		due, err := s.client.ZRangeByScoreWithScores(ctx, teamKey(team, "sending"), &redis.ZRangeBy{
			Min: "(" + strconv.FormatInt(ms(now.Add(-wireTail)), 10), Max: "+inf",
		}).Result()
		if err != nil {
			return 0, time.Time{}, fmt.Errorf("list requests under way of team %q: %w", team, err)
		}
		for _, z := range due {
			id, _ := z.Member.(string)
			in, err := s.inScope(ctx, id, scope.Campaign, phones)
			if err != nil {
				return 0, time.Time{}, err
			}
			if in {
				pending++
				if t := time.UnixMilli(int64(z.Score)).UTC().Add(wireTail); t.After(latest) {
					latest = t
				}
			}
		}
	}
	return pending, latest, nil
}

// inScope reports whether an attempt is of a campaign ("" = any) and rings one of the phones (none = any).
func (s *Store) inScope(ctx context.Context, id, name string, phones map[campaign.Phone]bool) (bool, error) {
	if name == "" && len(phones) == 0 {
		return true, nil
	}
	r, err := s.attemptRef(ctx, id)
	if err != nil {
		return false, err
	}
	if name != "" && r.name != name {
		return false, nil
	}
	if len(phones) == 0 {
		return true, nil
	}
	attempt, _, err := s.attempt(ctx, r, id)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return phones[attempt.Phone], nil
}

// stringAt is a value of an HMGET; "" when there is none.
func stringAt(cmd *redis.SliceCmd, i int) string {
	if i >= len(cmd.Val()) {
		return ""
	}
	v, _ := cmd.Val()[i].(string)
	return v
}

func int64At(cmd *redis.SliceCmd, i int) int64 {
	n, err := strconv.ParseInt(stringAt(cmd, i), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// atoi reads a counter, which is 0 when it is absent.
func atoi(v string) int {
	n, err := strconv.Atoi(v)
	if err != nil {
		return 0
	}
	return n
}
