package store

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/dialerd/dialerd/campaign"
)

// Applied is what applying a campaign came to.
type Applied struct {
	Number  int64 // names the campaign in attempt ids; unique over all teams
	Version int   // 1, 2, …
	Created bool  // it was not there before
	Changed bool  // this made a new version
}

// Record is a campaign as it is stored.
type Record struct {
	campaign.Campaign
	Number    int64
	Version   int
	Hold      campaign.Hold
	Epoch     int64     // rises with every hold, new version and suppression of the campaign
	StartedAt time.Time // when it was last started or resumed by hand; zero = never
	AppliedAt time.Time // when this version was applied

	Queued int // leads that are new, staged or waiting

	ImportedAt time.Time // the last occurrence of its schedule's import that was run; zero = none
	// Problem is why it is not called until a person mends it: AgentProblem, else what is Barred; "" = nothing is known against it.
	Problem      string
	AgentProblem string // what is wrong with its agents: no daemon calls it
	Barred       Bar    // what the settings of one daemon forbid: that one does not call it
}

// Apply stores a campaign. The same definition again makes no new version. A name belongs to one team for ever: a campaign of
// another team is an error that names it.
func (s *Store) Apply(ctx context.Context, c campaign.Campaign, now time.Time) (Applied, error) {
	if !campaign.ValidName(c.Name) {
		return Applied{}, fmt.Errorf("apply campaign %q: a name is 1 to 63 of a-z, 0-9, dot, dash and underscore and begins with a "+
			"letter or digit", c.Name)
	}
	if err := checkTeam(c.Team); err != nil {
		return Applied{}, fmt.Errorf("apply campaign %q: %w", c.Name, err)
	}
	def, err := json.Marshal(c)
	if err != nil {
		return Applied{}, fmt.Errorf("apply campaign %q: %w", c.Name, err)
	}
	r, err := s.run(ctx, scriptName, globalTeam, c.Name, c.Team)
	if err != nil {
		return Applied{}, fmt.Errorf("apply campaign %q: %w", c.Name, err)
	}
	if r[0] == "taken" {
		return Applied{}, fmt.Errorf("apply campaign %q: the name belongs to team %q, give the campaign of team %q another: %w",
			c.Name, r[1], c.Team, &ConflictError{Want: "team " + c.Team, Got: "team " + r[1]})
	}
	n, err := strconv.ParseInt(r[1], 10, 64)
	if err != nil {
		return Applied{}, fmt.Errorf("apply campaign %q: %w", c.Name, err)
	}
	s.remember(ref{team: c.Team, name: c.Name, n: n})
	r, err = s.run(ctx, scriptApply, c.Team, n, c.Name, def, ms(now), s.by)
	if err != nil {
		return Applied{}, fmt.Errorf("apply campaign %q: %w", c.Name, err)
	}
	version, err := strconv.Atoi(r[1])
	if err != nil {
		return Applied{}, fmt.Errorf("apply campaign %q: %w", c.Name, err)
	}
	if err := s.acknowledged(ctx, c.Team, now); err != nil {
		return Applied{}, fmt.Errorf("apply campaign %q: %w", c.Name, err)
	}
	return Applied{Number: n, Version: version, Created: !r.again() && version == 1, Changed: !r.again()}, nil
}

// Campaign reads a campaign. ErrNotFound names the campaigns whose names look alike.
func (s *Store) Campaign(ctx context.Context, name string) (*Record, error) {
	r, err := s.campaignRef(ctx, name)
	if err != nil {
		return nil, err
	}
	records, err := s.records(ctx, []ref{r})
	if err != nil {
		return nil, err
	}
	for _, d := range s.Damaged(r.team) {
		if d.Campaign == name {
			return nil, errors.New(d.String())
		}
	}
	if len(records) == 0 {
		s.forget(r)
		return nil, fmt.Errorf("campaign %q: %w", name, ErrNotFound)
	}
	return records[0], nil
}

// Campaigns reads all campaigns of all teams, in the order of their names.
func (s *Store) Campaigns(ctx context.Context) ([]*Record, error) {
	pipe := s.client.Pipeline()
	teams := pipe.HGetAll(ctx, teamKey(globalTeam, "campaigns"))
	numbers := pipe.HGetAll(ctx, teamKey(globalTeam, "numbers"))
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, fmt.Errorf("list campaigns: %w", err)
	}
	var refs []ref
	for _, name := range slices.Sorted(maps.Keys(teams.Val())) {
		n, err := strconv.ParseInt(numbers.Val()[name], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("list campaigns: number of %q: %w", name, err)
		}
		refs = append(refs, ref{team: teams.Val()[name], name: name, n: n})
	}
	return s.records(ctx, refs)
}

// TeamCampaigns reads the campaigns of a team, in the order of their names.
func (s *Store) TeamCampaigns(ctx context.Context, team string) ([]*Record, error) {
	refs, err := s.teamRefs(ctx, team)
	if err != nil {
		return nil, err
	}
	return s.records(ctx, refs)
}

func (s *Store) teamRefs(ctx context.Context, team string) ([]ref, error) {
	numbers, err := s.client.HGetAll(ctx, teamKey(team, "campaigns")).Result()
	if err != nil {
		return nil, fmt.Errorf("list campaigns of team %q: %w", team, err)
	}
	return namedRefs(team, numbers)
}

// namedRefs are the campaigns of a team, by name → number, in the order of their names.
func namedRefs(team string, numbers map[string]string) ([]ref, error) {
	refs := make([]ref, 0, len(numbers))
	for _, name := range slices.Sorted(maps.Keys(numbers)) {
		n, err := strconv.ParseInt(numbers[name], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("list campaigns of team %q: number of %q: %w", team, name, err)
		}
		refs = append(refs, ref{team: team, name: name, n: n})
	}
	return refs, nil
}

// records reads campaigns; those that were named but never stored are left out, and so are those that cannot be read: see Damaged.
func (s *Store) records(ctx context.Context, refs []ref) ([]*Record, error) {
	cmds, queued := make([]*redis.MapStringStringCmd, len(refs)), make([]*redis.SliceCmd, len(refs))
	err := s.inParts(ctx, len(refs), func(pipe redis.Pipeliner, i int) {
		cmds[i] = pipe.HGetAll(ctx, refs[i].key(""))
		queued[i] = pipe.HMGet(ctx, refs[i].key("count"), "s:new", "s:staged", "s:waiting")
	})
	if err != nil {
		return nil, fmt.Errorf("read campaigns: %w", err)
	}
	records := make([]*Record, 0, len(refs))
	for i, r := range refs {
		h := cmds[i].Val()
		if h["def"] == "" {
			continue
		}
		rec, err := readRecord(r, h)
		s.noteDamage(ctx, r, err)
		if err != nil {
			continue
		}
		for k := range queued[i].Val() {
			rec.Queued += int(int64At(queued[i], k))
		}
		s.remember(r)
		records = append(records, rec)
	}
	return records, nil
}

func readRecord(r ref, h map[string]string) (*Record, error) {
	rec := &Record{Number: r.n, Hold: campaign.Hold(h["hold"])}
	var err1, err2, err3 error
	err := json.Unmarshal([]byte(h["def"]), &rec.Campaign)
	rec.Version, err1 = strconv.Atoi(h["version"])
	rec.Epoch, err2 = strconv.ParseInt(h["epoch"], 10, 64)
	rec.Barred, err3 = readBar(h["barred"])
	if err := errors.Join(err, err1, err2, err3); err != nil {
		return nil, err
	}
	if rec.Name != r.name || rec.Team != r.team {
		return nil, fmt.Errorf("its definition is that of %q of team %q", rec.Name, rec.Team)
	}
	rec.StartedAt, rec.AppliedAt = fromMS(h["started_at"]), fromMS(h["applied_at"])
	rec.ImportedAt, rec.AgentProblem = fromMS(h["imported_at"]), h["problem"]
	rec.Problem = cmp.Or(rec.AgentProblem, rec.Barred.String())
	return rec, nil
}

// Damage is a campaign whose record cannot be read: it is not called, and no list of campaigns names it.
type Damage struct{ Team, Campaign, Why string }

func (d Damage) String() string {
	return "campaign " + d.Campaign + " is not called: its record cannot be read (" + d.Why + "): apply its file again, then run dialerd fsck"
}

// noteDamage remembers why a campaign could not be read, or that it can be, and tells of what is new.
func (s *Store) noteDamage(ctx context.Context, r ref, err error) {
	s.mu.RLock()
	was := s.damaged[r.name]
	s.mu.RUnlock()
	if err == nil && was.Why == "" || err != nil && was.Why == err.Error() {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		delete(s.damaged, r.name)
		return
	}
	s.damaged[r.name] = Damage{Team: r.team, Campaign: r.name, Why: err.Error()}
	s.log.ErrorContext(ctx, "campaign cannot be read and is not called; the others go on", "team", r.team, "campaign", r.name, "err", err)
}

// Damaged lists the campaigns that could not be read when this Store last tried, by name; team "" = of all teams.
func (s *Store) Damaged(team string) []Damage {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var all []Damage
	for _, name := range slices.Sorted(maps.Keys(s.damaged)) {
		if d := s.damaged[name]; team == "" || d.Team == team {
			all = append(all, d)
		}
	}
	return all
}

// SetHold says by hand that a campaign is paused, stopped, started, or (HoldNone) left to its schedule. It returns the
// campaign's new epoch: from now on Begin refuses every decision that was made before. What is on its way to the API already is
// counted by Quiet.
func (s *Store) SetHold(ctx context.Context, name string, hold campaign.Hold, now time.Time) (int64, error) {
	r, err := s.campaignRef(ctx, name)
	if err != nil {
		return 0, err
	}
	got, err := s.runCampaign(ctx, scriptSetHold, r, string(hold), ms(now), s.by)
	if err != nil {
		return 0, fmt.Errorf("set hold of %q: %w", name, err)
	}
	if err := s.acknowledged(ctx, r.team, now); err != nil {
		return 0, fmt.Errorf("set hold of %q: %w", name, err)
	}
	return strconv.ParseInt(got[1], 10, 64)
}

// runCampaign runs a script whose first arguments are the campaign's number and name.
func (s *Store) runCampaign(ctx context.Context, sc *script, r ref, args ...any) (reply, error) {
	got, err := s.run(ctx, sc, r.team, append([]any{r.n, r.name}, args...)...)
	if errors.Is(err, errGone) {
		s.forget(r)
	}
	return got, err
}

// ms is a time as scripts take it: unix milliseconds, rounded down; zero for the zero time.
//
// A time beyond the year 2200 means never, as in a column whose empty dates are written 9999-12-31. It is written as that year:
// scripts write numbers of up to 14 digits, and longer ones with an exponent.
func ms(t time.Time) int64 {
	switch {
	case t.IsZero():
		return 0
	case t.After(never):
		t = never
	}
	return t.UnixMilli()
}

var never = time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)

// msOrNone is ms, or "" for the zero time.
func msOrNone(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return strconv.FormatInt(ms(t), 10)
}

// fromMS reads unix milliseconds; what is no number above zero is the zero time.
func fromMS(s string) time.Time {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n <= 0 {
		return time.Time{}
	}
	return time.UnixMilli(n).UTC()
}
