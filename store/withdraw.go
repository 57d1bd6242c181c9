package store

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/dialerd/dialerd/campaign"
)

// Withdrawn is what became of the leads of a list that was withdrawn.
type Withdrawn struct {
	Leads  int // that came from the list
	Closed int // of them, with the disposition cancelled; the others were called already, are being called, or were closed before
}

// Withdraw takes the leads of some lists out of calling, as far as no call was placed for them. Importing a list again brings them back.
// After an error some may have been closed: withdrawing again is safe. By is who says so.
func (s *Store) Withdraw(ctx context.Context, name string, lists []string, by string) (Withdrawn, error) {
	var w Withdrawn
	r, err := s.campaignRef(ctx, name)
	if err != nil {
		return w, err
	}
	for _, list := range lists {
		seen := map[string]bool{}
		err := s.scanHash(ctx, r.key("leads"), func(pairs []string) error {
			var ids []any
			for i := 0; i+1 < len(pairs); i += 2 {
				_, row, _ := strings.Cut(pairs[i+1], "\n")
				if ofList(row, list) && !seen[pairs[i]] {
					seen[pairs[i]] = true
					ids = append(ids, pairs[i])
				}
			}
			w.Leads += len(ids)
			for part := range slices.Chunk(ids, leadsPerScript) {
				words, err := s.runCampaign(ctx, scriptWithdraw, r, append([]any{list, by}, part...)...)
				if err != nil {
					return err
				}
				n, err := strconv.Atoi(words[1])
				if err != nil {
					return fmt.Errorf("script withdraw: %w", err)
				}
				w.Closed += n
			}
			return nil
		})
		if err != nil {
			return w, fmt.Errorf("withdraw list %q of %q: %w", list, name, err)
		}
	}
	return w, nil
}

// Weight is what the record knows of a phone before a lead of it is added.
type Weight struct {
	Suppressed campaign.Scope // the list that it is on
	Called     bool           // some campaign of the team has called it
}

// Weigh says of many phones what keeps a lead of them from being called, or may.
func (s *Store) Weigh(ctx context.Context, name string, phones []campaign.Phone) ([]Weight, error) {
	r, err := s.campaignRef(ctx, name)
	if err != nil {
		return nil, err
	}
	if len(phones) == 0 {
		return nil, nil
	}
	lists := []dncList{{scope: campaign.ScopeGlobal, team: globalTeam}, listOf(campaign.ScopeTeam, r), listOf(campaign.ScopeCampaign, r)}
	weights := make([]Weight, len(phones))
	entries, err := s.phones(ctx, r.team, phones)
	if err != nil {
		return nil, err
	}
	on := make([]*redis.BoolCmd, len(phones)*len(lists))
	for i := range weights {
		weights[i].Called = entries[i].called()
		if _, _, err := bucketOf(phones[i]); err != nil {
			return nil, err
		}
	}
	if err := s.inParts(ctx, len(on), func(pipe redis.Pipeliner, i int) {
		bucket, member, _ := bucketOf(phones[i/len(lists)]) // was checked above
		on[i] = pipe.SIsMember(ctx, lists[i%len(lists)].key(fmt.Sprintf("dnc:%d", bucket)), member)
	}); err != nil {
		return nil, fmt.Errorf("look up do-not-call lists: %w", err)
	}
	for i := range on {
		if w := &weights[i/len(lists)]; w.Suppressed == campaign.ScopeNone && on[i].Val() {
			w.Suppressed = lists[i%len(lists)].scope
		}
	}
	return weights, nil
}
