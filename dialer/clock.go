package dialer

import (
	"context"
	"fmt"
	"time"
)

// clock is the time that the whole fleet shares: Redis' own. A daemon whose own clock is wrong gets no slots; what it sweeps, looks
// up or settles by that clock would free requests that are still on the wire, and give calls up that have only begun.
func (d *Dialer) clock(ctx context.Context) (time.Time, error) {
	t, err := d.Store.Client().Time(ctx).Result()
	if err != nil {
		return time.Time{}, fmt.Errorf("ask redis for the time: %w", err)
	}
	return t.Add(d.Offset), nil
}
