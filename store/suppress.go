package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/dialerd/dialerd/campaign"
)

// Suppression puts phones on a do-not-call list.
type Suppression struct {
	Scope    campaign.Scope   // campaign, team or global
	Team     string           // of a team list
	Campaign string           // of a campaign list
	Phones   []campaign.Phone // E.164
	Reason   string
	By       string // who said so: a person, an attempt, a file
	Bulk     bool   // a long list: Reason and By are not kept with each number (10 bytes a number in place of 150)
}

// SuppressionInfo is what is remembered of a number that was put on a list, or taken off it, singly.
type SuppressionInfo struct {
	Reason string    `json:"reason,omitempty"`
	By     string    `json:"by,omitempty"`
	At     time.Time `json:"at"`
}

// SuppressResult is what a suppression came to.
type SuppressResult struct {
	Added  int // numbers that were not on the list
	Closed int // leads that were closed for it
}

// dncList is where a do-not-call list is kept.
type dncList struct {
	scope campaign.Scope
	team  string // globalTeam for the global list
	n     int64  // number of the campaign, 0 = none
}

func listOf(scope campaign.Scope, r ref) dncList {
	switch scope {
	case campaign.ScopeGlobal:
		return dncList{scope: scope, team: globalTeam}
	case campaign.ScopeTeam:
		return dncList{scope: scope, team: r.team}
	case campaign.ScopeCampaign, campaign.ScopeNone:
	}
	return dncList{scope: campaign.ScopeCampaign, team: r.team, n: r.n}
}

func (l dncList) key(name string) string {
	if l.n != 0 {
		return campaignKey(l.team, l.n, name)
	}
	return teamKey(l.team, name)
}

// number is the campaign's number as scripts take it.
func (l dncList) number() string {
	if l.n == 0 {
		return ""
	}
	return strconv.FormatInt(l.n, 10)
}

// dncList finds the list that a scope names.
func (s *Store) dncList(ctx context.Context, scope campaign.Scope, team, name string) (dncList, error) {
	switch scope {
	case campaign.ScopeGlobal:
		return dncList{scope: scope, team: globalTeam}, nil
	case campaign.ScopeTeam:
		if err := checkTeam(team); err != nil {
			return dncList{}, err
		}
		return dncList{scope: scope, team: team}, nil
	case campaign.ScopeCampaign:
		r, err := s.campaignRef(ctx, name)
		if err != nil {
			return dncList{}, err
		}
		if team != "" && team != r.team {
			return dncList{}, fmt.Errorf("campaign %q of team %q: %w", name, team, ErrNotFound)
		}
		return listOf(scope, r), nil
	case campaign.ScopeNone:
	}
	return dncList{}, fmt.Errorf("do-not-call list %q is none of campaign, team and global", scope)
}

// Suppress puts phones on a list and closes their leads that are not being called. When it returns, no attempt on them can begin any
// more; Quiet counts the requests that are on their way. Leads that are being called are closed when their call ends.
//
// The global list is written first. Then every team's epoch rises and its leads are closed: a decision that was made without the new
// numbers is refused as stale (see Facts). After an error the same call may be made again, and has to be for a global list.
func (s *Store) Suppress(ctx context.Context, q Suppression, now time.Time) (SuppressResult, error) {
	var sum SuppressResult
	list, err := s.dncList(ctx, q.Scope, q.Team, q.Campaign)
	if err != nil {
		return sum, fmt.Errorf("suppress: %w", err)
	}
	for _, p := range q.Phones {
		if err := checkPhone(p); err != nil {
			return sum, fmt.Errorf("suppress: %w", err)
		}
	}
	info := []byte{}
	if !q.Bulk {
		if info, err = json.Marshal(SuppressionInfo{Reason: q.Reason, By: q.By, At: now.UTC()}); err != nil {
			return sum, fmt.Errorf("suppress: %w", err)
		}
	}
	if list.scope != campaign.ScopeGlobal {
		if err := s.suppress(ctx, string(list.scope), list, info, q.Phones, &sum); err != nil {
			return sum, err
		}
		return sum, s.acknowledged(ctx, list.team, now)
	}
	if err := s.suppress(ctx, string(campaign.ScopeTeam), list, info, q.Phones, &sum); err != nil {
		return sum, err
	}
	if err := s.acknowledged(ctx, list.team, now); err != nil {
		return sum, err
	}
	teams, err := s.Teams(ctx)
	if err != nil {
		return sum, err
	}
	for _, team := range teams {
		if err := s.suppress(ctx, "leads", dncList{scope: campaign.ScopeTeam, team: team}, nil, q.Phones, &sum); err != nil {
			return sum, err
		}
	}
	return sum, nil
}

// suppress runs the script over the phones in parts that keep each run short: a phone costs one look-up for each campaign.
func (s *Store) suppress(ctx context.Context, scope string, l dncList, info []byte, phones []campaign.Phone, sum *SuppressResult) error {
	const lookups = 4000
	var refs []ref
	var err error
	switch {
	case l.team == globalTeam: // has no leads
	case l.n != 0:
		name, err := s.numberRef(ctx, l.n)
		if err != nil {
			return fmt.Errorf("suppress: %w", err)
		}
		refs = []ref{name}
	default:
		if refs, err = s.teamRefs(ctx, l.team); err != nil {
			return fmt.Errorf("suppress: %w", err)
		}
	}
	per := max(1, min(500, lookups/max(1, len(refs))))
	for len(phones) > 0 {
		part := phones[:min(len(phones), per)]
		phones = phones[len(part):]
		args := make([]any, 0, 4+len(refs)+len(part)*(1+len(refs)))
		args = append(args, scope, l.number(), info, len(refs))
		for _, r := range refs {
			args = append(args, r.n)
		}
		for _, p := range part {
			args = append(args, string(p))
			for _, r := range refs {
				args = append(args, campaign.LeadID(r.team, r.name, string(p)))
			}
		}
		words, err := s.run(ctx, scriptSuppress, l.team, args...)
		if err != nil {
			return fmt.Errorf("suppress: %w", err)
		}
		sum.Added += atoi(words[1])
		sum.Closed += atoi(words[2])
	}
	return nil
}

// Unsuppress takes phones off a list and remembers why. Leads that were closed for it stay closed (ReopenLead). It returns how many
// were on the list.
func (s *Store) Unsuppress(ctx context.Context, q Suppression, now time.Time) (int, error) {
	list, err := s.dncList(ctx, q.Scope, q.Team, q.Campaign)
	if err != nil {
		return 0, fmt.Errorf("lift suppression: %w", err)
	}
	if q.Reason == "" {
		return 0, errors.New("lift suppression: no reason given")
	}
	info, err := json.Marshal(SuppressionInfo{Reason: q.Reason, By: q.By, At: now.UTC()})
	if err != nil {
		return 0, fmt.Errorf("lift suppression: %w", err)
	}
	removed := 0
	for phones := q.Phones; len(phones) > 0; {
		part := phones[:min(len(phones), 500)]
		phones = phones[len(part):]
		args := []any{list.number(), info}
		for _, p := range part {
			if err := checkPhone(p); err != nil {
				return removed, fmt.Errorf("lift suppression: %w", err)
			}
			args = append(args, string(p))
		}
		words, err := s.run(ctx, scriptUnsuppress, list.team, args...)
		if err != nil {
			return removed, fmt.Errorf("lift suppression: %w", err)
		}
		removed += atoi(words[1])
	}
	return removed, nil
}

// Suppressed names the widest list that a phone is on, with what is remembered of it; ScopeNone when it is on none. Team or name
// may be "": their lists are not asked then.
func (s *Store) Suppressed(ctx context.Context, team, name string, phone campaign.Phone) (campaign.Scope, SuppressionInfo, error) {
	lists := []dncList{{scope: campaign.ScopeGlobal, team: globalTeam}}
	if name != "" {
		r, err := s.campaignRef(ctx, name)
		if err != nil {
			return campaign.ScopeNone, SuppressionInfo{}, err
		}
		lists = append(lists, listOf(campaign.ScopeTeam, r), listOf(campaign.ScopeCampaign, r))
	} else if team != "" {
		lists = append(lists, dncList{scope: campaign.ScopeTeam, team: team})
	}
	bucket, member, err := bucketOf(phone)
	if err != nil {
		return campaign.ScopeNone, SuppressionInfo{}, err
	}
	for _, l := range lists {
		on, err := s.client.SIsMember(ctx, l.key(fmt.Sprintf("dnc:%d", bucket)), member).Result()
		if err != nil {
			return campaign.ScopeNone, SuppressionInfo{}, fmt.Errorf("look up do-not-call list: %w", err)
		}
		if on {
			info, err := s.suppressionInfo(ctx, l, phone)
			return l.scope, info, err
		}
	}
	return campaign.ScopeNone, SuppressionInfo{}, nil
}

// suppressionInfo reads what is remembered of a number on a list; of one that came with a long list, nothing is.
func (s *Store) suppressionInfo(ctx context.Context, l dncList, phone campaign.Phone) (SuppressionInfo, error) {
	var info SuppressionInfo
	raw, err := s.client.HGet(ctx, l.key("dncinfo"), string(phone)).Result()
	if errors.Is(err, redis.Nil) {
		return info, nil
	}
	if err != nil {
		return info, fmt.Errorf("read do-not-call list: %w", err)
	}
	if err := json.Unmarshal([]byte(raw), &info); err != nil {
		return info, fmt.Errorf("read do-not-call list: %w", err)
	}
	return info, nil
}

// EachSuppressed calls fn for every number on a list, in no order, until fn returns an error, which it then returns.
func (s *Store) EachSuppressed(ctx context.Context, scope campaign.Scope, team, name string,
	fn func(campaign.Phone, SuppressionInfo) error,
) error {
	l, err := s.dncList(ctx, scope, team, name)
	if err != nil {
		return err
	}
	const part = 128
	for first := 0; first < phoneBuckets; first += part {
		words, err := s.run(ctx, scriptListPart, l.team, l.number(), first, first+part-1)
		if err != nil {
			return fmt.Errorf("read do-not-call list: %w", err)
		}
		phones := make([]campaign.Phone, len(words)-1)
		for i, number := range words[1:] {
			phones[i] = campaign.Phone("+" + number)
		}
		if err := s.eachInfo(ctx, l, phones, fn); err != nil {
			return err
		}
	}
	return nil
}

// eachInfo calls fn for some numbers with what is remembered of them.
func (s *Store) eachInfo(ctx context.Context, l dncList, phones []campaign.Phone, fn func(campaign.Phone, SuppressionInfo) error) error {
	for part := range slices.Chunk(phones, 500) {
		fields := make([]string, len(part))
		for i, p := range part {
			fields[i] = string(p)
		}
		raws, err := s.client.HMGet(ctx, l.key("dncinfo"), fields...).Result()
		if err != nil {
			return fmt.Errorf("read do-not-call list: %w", err)
		}
		for i, p := range part {
			var info SuppressionInfo
			if raw, ok := raws[i].(string); ok {
				if err := json.Unmarshal([]byte(raw), &info); err != nil {
					return fmt.Errorf("read do-not-call list: %w", err)
				}
			}
			if err := fn(p, info); err != nil {
				return err
			}
		}
	}
	return nil
}
