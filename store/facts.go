package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/dialerd/dialerd/campaign"
)

// phoneRecord is the history of a phone over all campaigns of a team.
type phoneRecord struct {
	Open         string  `json:"o"`
	Calls        []int64 `json:"t"` // unix seconds
	Conversation int64   `json:"c"` // unix seconds
}

// historyKept is how long a phone's attempts are remembered; the widest cap is 30 days. begin.lua says the same.
const historyKept = 31 * 24 * time.Hour

// Facts reads what a decision about a lead needs to know beside the campaign and the lead. Day names the campaign's day
// ("2006-01-02"). TeamMaxInFlight and ClockOff are left for the caller.
//
// The order of reading matters. The epochs are read first: whatever changes after that raises one of them, and Begin refuses the
// decision as stale. The global list, which Begin cannot look into, is read last: a suppression writes the list first and raises
// the epochs then, so whoever read the new epoch also reads the new list.
func (s *Store) Facts(ctx context.Context, lead *campaign.Lead, day string, now time.Time) (*campaign.Facts, error) {
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
	camp := pipe.HMGet(ctx, r.key(""), "epoch", "hold", "name")
	history := pipe.HGet(ctx, teamKey(r.team, "phones"), phone)
	flight := pipe.HGet(ctx, teamKey(r.team, "flight"), "team")
	counts := pipe.HMGet(ctx, r.key("count"), "inflight", "day:"+strings.ReplaceAll(day, "-", ""))
	byTeam := pipe.SIsMember(ctx, teamKey(r.team, list), member)
	byCampaign := pipe.SIsMember(ctx, r.key(list), member)
	last := pipe
	if _, ok := s.client.(*redis.ClusterClient); ok {
		// The global list is on another node, whose part of a pipeline may run first.
		if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
			return nil, fmt.Errorf("read facts of lead %s of %q: %w", lead.ID, r.name, err)
		}
		last = s.client.Pipeline()
	}
	globally := last.SIsMember(ctx, teamKey(globalTeam, list), member)
	if _, err := last.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
		return nil, fmt.Errorf("read facts of lead %s of %q: %w", lead.ID, r.name, err)
	}

	if stringAt(camp, 2) != r.name {
		s.forget(r)
		return nil, fmt.Errorf("read facts of lead %s of %q: %w", lead.ID, r.name, errGone)
	}
	f := &campaign.Facts{
		Now: now, Hold: campaign.Hold(stringAt(camp, 1)), TeamPaused: stringAt(team, 1),
		InFlight: int(int64At(counts, 0)), TeamInFlight: atoi(flight.Val()), CallsToday: int(int64At(counts, 1)),
		TeamEpoch: int64At(team, 0), CampaignEpoch: int64At(camp, 0),
	}
	if raw := history.Val(); raw != "" {
		var p phoneRecord
		if err := json.Unmarshal([]byte(raw), &p); err != nil {
			return nil, fmt.Errorf("read history of %s: %w", lead.Phone.Masked(), err)
		}
		f.OpenAttempt = p.Open
		for _, t := range p.Calls {
			if at := time.Unix(t, 0).UTC(); now.Sub(at) < historyKept {
				f.Calls = append(f.Calls, at)
			}
		}
		slices.SortFunc(f.Calls, time.Time.Compare)
		if p.Conversation > 0 {
			f.LastConversation = time.Unix(p.Conversation, 0).UTC()
		}
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
