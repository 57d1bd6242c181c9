package dialer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/queue"
	"github.com/dialerd/dialerd/store"
)

const (
	// importsAtOnce is how many scheduled imports a daemon does at a time, unless Dialer.Imports says otherwise. A list may be long, or come
	// slowly, and must not take the workers that place calls.
	importsAtOnce = 2
	// importEvery is how often an import that is due is woken. One that finds no room, or its campaign's lists being read, is over at once.
	importEvery = 5 * time.Second
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

// feedImports wakes the imports of a team's campaigns whose schedule has had one since the last that was run; one run catches up with any
// number of missed ones. That which was run longest ago comes first, as there is not always room for all.
func (d *Dialer) feedImports(ctx context.Context, view *teamView, now time.Time) error {
	var due []*campaignView
	for _, c := range view.campaigns {
		if !c.last.IsZero() && importDue(c.record, c.last) && c.state(now) != campaign.Stopped && d.turned("import", c.name(), round(now, importEvery)) {
			due = append(due, c)
		}
	}
	slices.SortStableFunc(due, func(a, b *campaignView) int { return a.record.ImportedAt.Compare(b.record.ImportedAt) })
	var errs []error
	for _, c := range due {
		errs = append(errs, d.Queue.Enqueue(ctx, queue.Import{Campaign: c.name(), Occurrence: c.last.UTC().Format(time.RFC3339)}))
	}
	return errors.Join(errs...)
}

// importDue reports whether an occurrence is to be run: apply and its own import cover all that came before it.
func importDue(r *store.Record, at time.Time) bool {
	return at.After(r.AppliedAt) && at.After(r.ImportedAt)
}

// importLists handles a campaign's scheduled import. One at a time reads its lists, and what came due meanwhile is one import after it.
func (d *Dialer) importLists(ctx context.Context, t queue.Import) error {
	at, err := time.Parse(time.RFC3339, t.Occurrence)
	if err != nil {
		d.Log.Error("import has no readable occurrence", "campaign", t.Campaign, "occurrence", t.Occurrence)
		return nil // it would be no more readable the next time
	}
	record, err := d.importRecord(ctx, t.Campaign, at)
	if err != nil || record == nil {
		return err
	}
	if d.Teams[record.Team] == nil || d.Import == nil {
		return foreign()
	}
	door := d.door("import", cmp.Or(d.Imports, importsAtOnce))
	select {
	case door <- struct{}{}:
	default:
		return nil // it is woken again
	}
	defer func() { <-door }()
	return d.alone(ctx, "import:"+t.Campaign, d.ID+" "+t.Occurrence, func(ctx context.Context) error { return d.runImport(ctx, t.Campaign, at) })
}

// importRecord is the campaign, if an occurrence of its import is still to be run; else nil.
func (d *Dialer) importRecord(ctx context.Context, name string, at time.Time) (*store.Record, error) {
	record, err := d.Store.Campaign(ctx, name)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil //nolint:nilnil // there is nothing to import
	}
	if err != nil {
		return nil, fmt.Errorf("read campaign %s: %w", name, err)
	}
	if !importDue(record, at) {
		return nil, nil //nolint:nilnil // a second wake-up for what was run
	}
	return record, nil
}

// runImport reads the lists, once nobody else does.
func (d *Dialer) runImport(ctx context.Context, name string, at time.Time) error {
	record, err := d.importRecord(ctx, name, at) // again: whoever was at it before may have run this one too
	if err != nil || record == nil {
		return err
	}
	if last, ok := record.Schedule.LastImport(d.Now()); ok && last.After(at) {
		at = last // the lists are read after it, so it is run too
	}
	if err := d.Import(ctx, name); err != nil {
		if ctx.Err() != nil { // stopped half-way: again, from the beginning, which changes nothing that was done
			return fmt.Errorf("import the lists of campaign %s: %w", name, err)
		}
		// The next occurrence tries again; the lists are as they were.
		d.Log.Error("scheduled import failed", "campaign", name, "err", err)
	}
	if err := d.Store.SetImported(ctx, name, at); err != nil {
		return fmt.Errorf("note the import of campaign %s: %w", name, err)
	}
	return nil
}
