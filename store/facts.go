package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/dialerd/dialerd/campaign"
)

// historyKept is how long a phone's attempts are remembered; the widest cap is 30 days. begin.lua says the same.
const historyKept = 31 * 24 * time.Hour

// FactsQuery says what to read about a lead.
type FactsQuery struct {
	Lead      *campaign.Lead
	Day       string // the campaign's, "2006-01-02"
	Now       time.Time
	TeamDay   string   // the team's; "" = the campaign's
	Agent     string   // whose calls of the campaign's day are counted; "" = nobody's
	Countries []string // whose national do-not-call lists are asked
}

// Facts is FactsOf without an agent and without national lists.
func (s *Store) Facts(ctx context.Context, lead *campaign.Lead, day string, now time.Time) (*campaign.Facts, error) {
	return s.FactsOf(ctx, FactsQuery{Lead: lead, Day: day, Now: now})
}

// FactsOf reads what a decision about a lead needs to know beside the campaign and the lead. Day names the campaign's day
// ("2006-01-02"). TeamMaxInFlight, TeamCallsPerDay, TeamDayEnds, Talk.PerMinute, Problem and ClockOff are left for the caller.
//
// The order of reading matters. The epochs are read first: whatever changes after that raises one of them, and Begin refuses the
// decision as stale. The global list and the number of the operator's rules, which Begin cannot look into, are read last: a suppression
// writes the list first and raises the epochs then, so whoever read the new epoch also reads the new list; the same goes for rules.
func (s *Store) FactsOf(ctx context.Context, q FactsQuery) (*campaign.Facts, error) {
	lead, day, now := q.Lead, strings.ReplaceAll(q.Day, "-", ""), q.Now
	r, err := s.campaignRef(ctx, lead.Campaign)
	if err != nil {
		return nil, err
	}
	bucket, member, err := bucketOf(lead.Phone)
	if err != nil {
		return nil, err
	}
	list := fmt.Sprintf("dnc:%d", bucket)
	phone := string(lead.Phone)

	pipe := s.client.Pipeline()
	team := pipe.HMGet(ctx, teamKey(r.team, "team"), "epoch", "paused")
	camp := pipe.HMGet(ctx, r.key(""), "epoch", "hold", "name", "version")
	history := pipe.HGet(ctx, teamKey(r.team, "phones"), phone)
	flight := pipe.HMGet(ctx, teamKey(r.team, "flight"), "team", "agent:"+q.Agent)
	counts := pipe.HMGet(ctx, r.key("count"), "inflight", "day:"+day, "sec:spent", "sec:reserved")
	waiting := pipe.XLen(ctx, teamKey(r.team, "audit"))
	today := pipe.HMGet(ctx, teamKey(r.team, "days"), "team:"+strings.ReplaceAll(cmp.Or(q.TeamDay, q.Day), "-", ""), "agent:"+q.Agent+":"+day)
	byTeam := pipe.SIsMember(ctx, teamKey(r.team, list), member)
	byCampaign := pipe.SIsMember(ctx, r.key(list), member)
	last := pipe
	if _, ok := s.client.(*redis.ClusterClient); ok {
		// The global list is on another node, whose part of a pipeline may run first.
		if err := execAll(ctx, pipe); err != nil {
			return nil, fmt.Errorf("read facts of lead %s of %q: %w", lead.ID, r.name, err)
		}
		last = s.client.Pipeline()
	}
	globally := last.SIsMember(ctx, teamKey(globalTeam, list), member)
	rules := last.HGet(ctx, teamKey(globalTeam, "rules"), "n")
	national := s.askNational(ctx, last, q.Countries)
	if err := execAll(ctx, last); err != nil {
		return nil, fmt.Errorf("read facts of lead %s of %q: %w", lead.ID, r.name, err)
	}

	if stringAt(camp, 2) != r.name {
		s.forget(r)
		return nil, fmt.Errorf("read facts of lead %s of %q: %w", lead.ID, r.name, errGone)
	}
	f := &campaign.Facts{
		Now: now, Hold: campaign.Hold(stringAt(camp, 1)), TeamPaused: stringAt(team, 1),
		RecordFull: s.full(waiting.Val()),
		Talk:       campaign.Talk{Spent: time.Duration(int64At(counts, 2)) * time.Second, Reserved: time.Duration(int64At(counts, 3)) * time.Second},
		InFlight:   int(int64At(counts, 0)), TeamInFlight: int(int64At(flight, 0)), AgentInFlight: int(int64At(flight, 1)), CallsToday: int(int64At(counts, 1)),
		TeamEpoch: int64At(team, 0), CampaignEpoch: int64At(camp, 0), TeamCallsToday: int(int64At(today, 0)), AgentCallsToday: int(int64At(today, 1)), Version: int(int64At(camp, 3)), Rules: rulesNumber(rules),
	}
	entry, err := parsePhone(lead.Phone, history.Val())
	if err != nil {
		return nil, err
	}
	f.OpenAttempt = entry.Open
	for _, t := range entry.Calls {
		if at := time.Unix(t, 0).UTC(); now.Sub(at) < historyKept {
			f.Calls = append(f.Calls, at)
		}
	}
	slices.SortFunc(f.Calls, time.Time.Compare)
	if entry.Conversation > 0 {
		f.LastConversation = time.Unix(entry.Conversation, 0).UTC()
	}
	if entry.Refusal > 0 {
		f.LastRefusal = time.Unix(entry.Refusal, 0).UTC()
	}
	if f.National, err = s.onNational(ctx, national, q.Countries, lead.Phone); err != nil {
		return nil, fmt.Errorf("read facts of lead %s of %q: %w", lead.ID, r.name, err)
	}
	switch {
	case globally.Val():
		f.Suppressed = campaign.ScopeGlobal
	case byTeam.Val():
		f.Suppressed = campaign.ScopeTeam
	case byCampaign.Val():
		f.Suppressed = campaign.ScopeCampaign
	default:
		return f, nil
	}
	info, err := s.suppressionInfo(ctx, listOf(f.Suppressed, r), lead.Phone)
	if err != nil {
		return nil, err
	}
	f.SuppressedWhy = info.Reason
	return f, nil
}

// execAll runs a pipeline and returns the first error that is not about something absent: Exec by itself returns the first of all, and
// an absent value would hide a list that could not be read.
func execAll(ctx context.Context, pipe redis.Pipeliner) error {
	cmds, err := pipe.Exec(ctx)
	if err == nil || !errors.Is(err, redis.Nil) {
		return err
	}
	for _, c := range cmds {
		if err := c.Err(); err != nil && !errors.Is(err, redis.Nil) {
			return err
		}
	}
	return nil
}
