package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/dialerd/dialerd/campaign"
)

// Lead reads a lead of a campaign.
func (s *Store) Lead(ctx context.Context, name, id string) (*campaign.Lead, error) {
	r, err := s.campaignRef(ctx, name)
	if err != nil {
		return nil, err
	}
	return s.lead(ctx, r, id)
}

// LeadsOf reads the leads of a campaign that there are among ids.
func (s *Store) LeadsOf(ctx context.Context, name string, ids []string) ([]*campaign.Lead, error) {
	r, err := s.campaignRef(ctx, name)
	if err != nil {
		return nil, err
	}
	return s.leads(ctx, r, ids)
}

func (s *Store) lead(ctx context.Context, r ref, id string) (*campaign.Lead, error) {
	leads, err := s.leads(ctx, r, []string{id})
	if err != nil {
		return nil, err
	}
	if len(leads) == 0 {
		return nil, fmt.Errorf("lead %q of %q: %w", id, r.name, ErrNotFound)
	}
	return leads[0], nil
}

// leads reads the leads of a campaign that there are among ids.
func (s *Store) leads(ctx context.Context, r ref, ids []string) ([]*campaign.Lead, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	raws, err := s.client.HMGet(ctx, r.key("leads"), ids...).Result()
	if err != nil {
		return nil, fmt.Errorf("read leads of %q: %w", r.name, err)
	}
	pairs := make([]string, 0, 2*len(ids))
	for i, id := range ids {
		if raw, ok := raws[i].(string); ok {
			pairs = append(pairs, id, raw)
		}
	}
	return s.withContacts(ctx, r, pairs)
}

// withContacts makes leads of ids and records, and looks up their contacts.
func (s *Store) withContacts(ctx context.Context, r ref, pairs []string) ([]*campaign.Lead, error) {
	if len(pairs) == 0 {
		return nil, nil
	}
	leads := make([]*campaign.Lead, 0, len(pairs)/2)
	phones := make([]campaign.Phone, 0, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		lead, err := s.decode(ctx, r, pairs[i], pairs[i+1], "")
		if err != nil {
			return nil, err
		}
		leads, phones = append(leads, lead), append(phones, lead.Phone)
	}
	entries, err := s.phones(ctx, r.team, phones)
	if err != nil {
		return nil, err
	}
	for i := range leads {
		leads[i].Contact = longID(entries[i].Contact)
	}
	return leads, nil
}

// LeadsByPhone reads the leads that have a phone: those of one campaign, or with name "" those of all campaigns of all teams.
func (s *Store) LeadsByPhone(ctx context.Context, phone campaign.Phone, name string) ([]*campaign.Lead, error) {
	var refs []ref
	if name != "" {
		r, err := s.campaignRef(ctx, name)
		if err != nil {
			return nil, err
		}
		refs = []ref{r}
	} else {
		records, err := s.Campaigns(ctx)
		if err != nil {
			return nil, err
		}
		for _, rec := range records {
			refs = append(refs, ref{team: rec.Team, name: rec.Name, n: rec.Number})
		}
	}
	keyed := map[string]map[int64][]string{} // team → campaign → leads
	var found []*campaign.Lead
	for _, r := range refs {
		if keyed[r.team] == nil {
			ids, err := s.keyedLeads(ctx, r.team, phone)
			if err != nil {
				return nil, err
			}
			keyed[r.team] = ids
		}
		own := campaign.LeadID(r.team, r.name, string(phone))
		ids := []string{own}
		for _, id := range keyed[r.team][r.n] {
			if id != own {
				ids = append(ids, id)
			}
		}
		leads, err := s.leads(ctx, r, ids)
		if err != nil {
			return nil, err
		}
		for _, lead := range leads {
			if lead.Phone == phone { // a lead may have moved on to another phone
				found = append(found, lead)
			}
		}
	}
	return found, nil
}

// keyedLeads finds the leads of a phone whose ids do not follow from it, by campaign.
func (s *Store) keyedLeads(ctx context.Context, team string, phone campaign.Phone) (map[int64][]string, error) {
	names, err := s.client.HGet(ctx, teamKey(team, "keyed"), string(phone)).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return nil, fmt.Errorf("find leads of %s: %w", phone.Masked(), err)
	}
	ids := map[int64][]string{}
	for n, lead := range members(names) {
		ids[n] = append(ids[n], lead)
	}
	return ids, nil
}

// EachLead calls fn for every lead of a campaign, in no order, until fn returns an error, which it then returns. A lead that is
// changed meanwhile is seen as it was before or after; one may be seen twice.
func (s *Store) EachLead(ctx context.Context, name string, fn func(*campaign.Lead) error) error {
	r, err := s.campaignRef(ctx, name)
	if err != nil {
		return err
	}
	return s.scanHash(ctx, r.key("leads"), func(pairs []string) error {
		leads, err := s.withContacts(ctx, r, pairs)
		if err != nil {
			return err
		}
		for _, lead := range leads {
			if err := fn(lead); err != nil {
				return err
			}
		}
		return nil
	})
}

// scanHash hands fn the fields and values of a hash in parts.
func (s *Store) scanHash(ctx context.Context, key string, fn func(pairs []string) error) error {
	const part = 500
	var cursor uint64
	for {
		pairs, next, err := s.client.HScan(ctx, key, cursor, "", part).Result()
		if err != nil {
			return fmt.Errorf("scan %s: %w", key, err)
		}
		// A small hash, or miniredis, answers with everything at once.
		for len(pairs) > 0 {
			n := min(len(pairs), 2*part)
			if err := fn(pairs[:n]); err != nil {
				return err
			}
			pairs = pairs[n:]
		}
		if next == 0 {
			return nil
		}
		cursor = next
	}
}

// Results reads what the API said beside the disposition about the last settled attempt of a lead.
func (s *Store) Results(ctx context.Context, name, id string) (Results, error) {
	all, err := s.ResultsOf(ctx, name, []string{id})
	if err != nil {
		return Results{}, err
	}
	return all[id], nil
}
