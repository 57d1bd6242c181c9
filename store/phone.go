package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/dialerd/dialerd/campaign"
)

// phoneRecord is what a team remembers of a phone: its contact, and its history over all campaigns.
type phoneRecord struct {
	Contact      string  `json:"i"` // as shortID wrote it
	Open         string  `json:"o"`
	Calls        []int64 `json:"t"` // unix seconds
	Conversation int64   `json:"c"` // unix seconds
	Refusal      int64   `json:"x"` // unix seconds

	damaged bool // it cannot be read; nothing else is known of it
}

// parsePhone reads what a team remembers of a phone; "" is nothing.
func parsePhone(phone campaign.Phone, raw string) (phoneRecord, error) {
	var p phoneRecord
	if raw == "" {
		return p, nil
	}
	if err := json.Unmarshal([]byte(raw), &p); err != nil {
		return p, fmt.Errorf("history of %s %w: %w", phone.Masked(), ErrDamaged, err)
	}
	return p, nil
}

// called reports whether an attempt on the phone is remembered, or may have been.
func (p *phoneRecord) called() bool {
	return p.damaged || p.Open != "" || len(p.Calls) > 0 || p.Conversation > 0 || p.Refusal > 0
}

// phone reads what a team remembers of a phone.
func (s *Store) phone(ctx context.Context, team string, phone campaign.Phone) (phoneRecord, error) {
	raw, err := s.client.HGet(ctx, teamKey(team, "phones"), string(phone)).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return phoneRecord{}, fmt.Errorf("read history of %s: %w", phone.Masked(), err)
	}
	return parsePhone(phone, raw)
}

// phones reads what a team remembers of some phones, in their order. One whose entry is damaged does not stop the others.
func (s *Store) phones(ctx context.Context, team string, phones []campaign.Phone) ([]phoneRecord, error) {
	if len(phones) == 0 {
		return nil, nil
	}
	fields := make([]string, len(phones))
	for i, p := range phones {
		fields[i] = string(p)
	}
	raws, err := s.client.HMGet(ctx, teamKey(team, "phones"), fields...).Result()
	if err != nil {
		return nil, fmt.Errorf("read histories of phones: %w", err)
	}
	found := make([]phoneRecord, len(phones))
	for i, phone := range phones {
		raw, _ := raws[i].(string)
		if found[i], err = parsePhone(phone, raw); err != nil {
			found[i] = phoneRecord{damaged: true}
		}
	}
	return found, nil
}

// Contact is the API's contact of a phone in a team; "" when none is known.
func (s *Store) Contact(ctx context.Context, team string, phone campaign.Phone) (string, error) {
	p, err := s.phone(ctx, team, phone)
	return longID(p.Contact), err
}
