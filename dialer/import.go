package dialer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/queue"
	"github.com/dialerd/dialerd/store"
)

// imports remembers the occurrences of a campaign's scheduled import around now: to work them out takes a millisecond.
type imports struct {
	from, to time.Time // good for this stretch; to is zero when nothing follows
	last     time.Time // the last occurrence; zero = there was none
}

// renew works them out anew once now has left the stretch.
func (i *imports) renew(s campaign.Schedule, now time.Time) {
	if len(s.Import) == 0 || (!i.from.IsZero() && !now.Before(i.from) && (i.to.IsZero() || now.Before(i.to))) {
		return
	}
	*i = imports{from: now}
	i.last, _ = s.LastImport(now)
	only := campaign.Schedule{Timezone: s.Timezone, Import: s.Import}
	if next := only.Next(now, 1); len(next) > 0 {
		i.to = next[0].At
	}
}

// feedImport wakes the import of a campaign whose schedule has had one since the last that was run. One run catches up
// with any number of missed ones.
func (d *Dialer) feedImport(ctx context.Context, c *campaignView, now time.Time) error {
	at := c.last
	if at.IsZero() || !importDue(c.record, at) || c.state(now) == campaign.Stopped {
		return nil
	}
	return d.Queue.Enqueue(ctx, queue.Import{Campaign: c.name(), Occurrence: at.UTC().Format(time.RFC3339)})
}

// importDue reports whether an occurrence is to be run: apply and its own import cover all that came before it.
func importDue(r *store.Record, at time.Time) bool {
	return at.After(r.AppliedAt) && at.After(r.ImportedAt)
}

// importLists handles one occurrence of a campaign's import.
func (d *Dialer) importLists(ctx context.Context, t queue.Import) error {
	at, err := time.Parse(time.RFC3339, t.Occurrence)
	if err != nil {
		d.Log.Error("import has no readable occurrence", "campaign", t.Campaign, "occurrence", t.Occurrence)
		return nil //nolint:nilerr // it would be no more readable the next time
	}
	record, err := d.Store.Campaign(ctx, t.Campaign)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read campaign %s: %w", t.Campaign, err)
	}
	if !importDue(record, at) {
		return nil // a second wake-up for what was run
	}
	if d.Teams[record.Team] == nil || d.Import == nil {
		return foreign()
	}
	if err := d.Import(ctx, t.Campaign); err != nil {
		if ctx.Err() != nil { // stopped half-way: again, from the beginning, which changes nothing that was done
			return fmt.Errorf("import the lists of campaign %s: %w", t.Campaign, err)
		}
		// The next occurrence tries again; the lists are as they were.
		d.Log.Error("scheduled import failed", "campaign", t.Campaign, "err", err)
	}
	if err := d.Store.SetImported(ctx, t.Campaign, at); err != nil {
		return fmt.Errorf("note the import of campaign %s: %w", t.Campaign, err)
	}
	return nil
}
