package store

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// inboxRemembered is how long an event is known again when it comes twice.
const inboxRemembered = 7 * 24 * time.Hour

// Inbox keeps the body of an event until DropInbox. The id is a digest of what makes the event itself: one that was seen within
// seven days is not fresh, and nothing is kept again.
func (s *Store) Inbox(ctx context.Context, team, id string, body []byte, now time.Time) (fresh bool, err error) {
	r, err := s.run(ctx, scriptInbox, team, id, body, ms(now))
	if err != nil {
		return false, fmt.Errorf("keep event %s of team %q: %w", id, team, err)
	}
	return !r.again(), nil
}

// TakeInbox reads an event that has not been dealt with. It stays until DropInbox, so a crash in between loses nothing.
func (s *Store) TakeInbox(ctx context.Context, team, id string) ([]byte, error) {
	body, err := s.client.HGet(ctx, teamKey(team, "inbox"), id).Bytes()
	if errors.Is(err, redis.Nil) {
		return nil, fmt.Errorf("event %s of team %q: %w", id, team, ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("read event %s of team %q: %w", id, team, err)
	}
	return body, nil
}

// DropInbox says that an event has been dealt with. Doing it twice is no error.
func (s *Store) DropInbox(ctx context.Context, team, id string) error {
	if _, err := s.run(ctx, scriptDropInbox, team, id); err != nil && !errors.Is(err, ErrNotFound) {
		return fmt.Errorf("drop event %s of team %q: %w", id, team, err)
	}
	return nil
}

// PendingInbox lists the events that came at or before a time and have not been dealt with, the oldest first.
func (s *Store) PendingInbox(ctx context.Context, team string, before time.Time, limit int) ([]string, error) {
	ids, err := s.client.ZRangeByScore(ctx, teamKey(team, "inboxdue"), &redis.ZRangeBy{
		Min: "-inf", Max: strconv.FormatInt(ms(before), 10), Count: int64(limit),
	}).Result()
	if err != nil {
		return nil, fmt.Errorf("list events of team %q: %w", team, err)
	}
	return ids, nil
}
