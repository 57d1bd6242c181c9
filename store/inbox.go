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

// InboxEvent is an event as Inbox keeps it. The id is a digest of what makes the event itself.
type InboxEvent struct {
	ID   string
	Body []byte
}

// Inbox keeps events until DropInbox, all of them or none, in one step: many at a time cost little more than one. It says of each
// whether it is fresh: one that was seen within seven days is not, nor within this call, and nothing of it is kept again.
func (s *Store) Inbox(ctx context.Context, team string, now time.Time, events ...InboxEvent) (fresh []bool, err error) {
	args := make([]any, 0, 1+2*len(events))
	args = append(args, ms(now))
	for _, e := range events {
		args = append(args, e.ID, e.Body)
	}
	r, err := s.run(ctx, scriptInbox, team, args...)
	if err == nil && len(r) != 1+len(events) {
		err = fmt.Errorf("script %s: %d answers", scriptInbox.name, len(r)-1)
	}
	if err != nil {
		return nil, fmt.Errorf("keep %d events of team %q: %w", len(events), team, err)
	}
	fresh = make([]bool, len(events))
	for i, word := range r[1:] {
		fresh[i] = word == "1"
	}
	return fresh, nil
}

// TakeInbox reads an event that has not been dealt with, and the time, as Now tells it. The event stays until DropInbox or the Settlement that
// names it, so a crash in between loses nothing.
func (s *Store) TakeInbox(ctx context.Context, team, id string) (body []byte, now time.Time, err error) {
	pipe := s.client.Pipeline()
	kept, clock := pipe.HGet(ctx, teamKey(team, "inbox"), id), pipe.Time(ctx)
	if err := execAll(ctx, pipe); err != nil {
		return nil, time.Time{}, fmt.Errorf("read event %s of team %q: %w", id, team, err)
	}
	if errors.Is(kept.Err(), redis.Nil) {
		return nil, time.Time{}, fmt.Errorf("event %s of team %q: %w", id, team, ErrNotFound)
	}
	return []byte(kept.Val()), clock.Val().Add(s.offset), nil
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
