package store

import (
	"context"
	"fmt"
	"time"
)

// Now is the time on the clock that the whole fleet shares: Redis' own, plus Offset. A daemon whose own clock is wrong gets no slots;
// what it swept, looked up or settled by that clock would free requests that are still on the wire, and give calls up that have only
// begun.
func (s *Store) Now(ctx context.Context) (time.Time, error) {
	t, err := s.client.Time(ctx).Result()
	if err != nil {
		return time.Time{}, fmt.Errorf("ask redis for the time: %w", err)
	}
	return t.Add(s.offset), nil
}
