package dialer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/queue"
)

const (
	// feedEvery is how often the queue is topped up, unless Dialer.FeedEvery says otherwise.
	feedEvery = 500 * time.Millisecond
	// feedRounds is how many rounds ahead tickets are queued: a few seconds of work, so that nobody waits for a ticket and the queue
	// never holds more than a pause, an opt-out or a closing window leaves worthless.
	feedRounds = 6
	// reconcileEvery and sweepEvery are how often a team's open calls and its lost wake-ups are looked for.
	reconcileEvery = 10 * time.Second
	sweepEvery     = 15 * time.Second
)

// Feed keeps a few seconds of tickets queued for every team that has work, until ctx ends. Any number of daemons may feed at
// once: a ticket's id is its place on the time line, so the same ticket made twice is one ticket.
func (d *Dialer) Feed(ctx context.Context) error {
	tick := time.NewTicker(d.feedEvery())
	defer tick.Stop()
	for {
		for _, name := range sortedKeys(d.Teams) {
			if err := d.FeedTeam(ctx, d.Teams[name]); err != nil && ctx.Err() == nil {
				d.Log.Error("feed failed", "team", name, "err", err)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// FeedTeam tops up the tickets of one team.
func (d *Dialer) FeedTeam(ctx context.Context, team *Team) error {
	now := d.Now()
	d.forget(team.Name) // a ticket for a lead that is gone by now would burn a slot, so what is fed is read anew
	view, err := d.view(ctx, team.Name, now)
	if err != nil {
		return err
	}
	var errs []error
	add := func(t queue.Task) {
		if err := d.Queue.Enqueue(ctx, t); err != nil {
			errs = append(errs, err)
		}
	}
	ahead := feedRounds * d.feedEvery()
	calls, stages := demand(view, now, ahead)
	for _, slot := range slots(now, ahead, team.spacing(), min(calls, maxTickets)) {
		add(queue.Dial{Team: team.Name, Slot: slot})
	}
	for _, slot := range slots(now, ahead, team.spacing(), min(stages, maxTickets)) {
		add(queue.Stage{Team: team.Name, Slot: slot})
	}
	if n := round(now, reconcileEvery); d.turned("reconcile", team.Name, n) {
		add(queue.Reconcile{Team: team.Name, Round: n})
	}
	if n := round(now, sweepEvery); d.turned("sweep", team.Name, n) {
		add(queue.Sweep{Team: team.Name, Round: n})
	}
	for _, c := range view.campaigns {
		if err := d.feedImport(ctx, c, now); err != nil {
			errs = append(errs, err)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("feed team %s: %w", team.Name, err)
	}
	return nil
}

// maxTickets bounds the tickets of one team per round, whatever its limit is.
const maxTickets = 500

// slots names the tickets of the time ahead, one for each slot of the limit, at most n.
func slots(now time.Time, ahead, spacing time.Duration, n int) []int64 {
	var ids []int64
	first := now.UnixNano() / int64(spacing)
	for i := int64(0); i <= int64(ahead/spacing) && len(ids) < n; i++ {
		ids = append(ids, first+i)
	}
	return ids
}

func (d *Dialer) feedEvery() time.Duration { return cmp.Or(d.FeedEvery, feedEvery) }

// turned reports whether this daemon sees a round of a team's regular work for the first time.
func (d *Dialer) turned(work, team string, n int64) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.rounds == nil {
		d.rounds = make(map[string]int64)
	}
	if d.rounds[work+" "+team] == n {
		return false
	}
	d.rounds[work+" "+team] = n
	return true
}

func round(now time.Time, every time.Duration) int64 { return now.UnixNano() / int64(every) }

// demand counts the leads that could be called now, and those that could be staged, as far as the lanes tell.
func demand(v *teamView, now time.Time, ahead time.Duration) (calls, stages int) {
	for _, c := range v.campaigns {
		switch c.state(now) {
		case campaign.Running:
			calls += c.callable(now, ahead)
			stages += c.unstaged()
		case campaign.Idle:
			if c.plan.Schedule.Starts() { // it waits for its schedule: contacts are made ahead of time
				stages += c.unstaged()
			}
		case campaign.Paused, campaign.Stopped, campaign.Done:
		}
	}
	return calls, stages
}

// callable counts the staged leads of open lanes that are due, and the urgent ones.
func (v *campaignView) callable(now time.Time, ahead time.Duration) int {
	n := 0
	if !v.urgent.IsZero() && !v.urgent.After(now.Add(ahead)) {
		n = 1
	}
	for _, id := range v.open(now) {
		lane := v.lanes[id]
		n += lane.Ready
		if lane.Wait > 0 && !lane.NextDue.After(now.Add(ahead)) {
			n++
		}
	}
	return n
}

// unstaged counts the leads without a contact.
func (v *campaignView) unstaged() int {
	n := 0
	for _, lane := range v.lanes {
		n += lane.New
	}
	return n
}

// feedImport wakes the import of a campaign whose schedule has had one since the last that was run. One run catches up
// with any number of missed ones.
func (d *Dialer) feedImport(ctx context.Context, c *campaignView, now time.Time) error {
	at, ok := c.plan.Schedule.LastImport(now)
	if !ok || !at.After(c.record.AppliedAt) || !at.After(c.record.ImportedAt) {
		return nil
	}
	if s := c.state(now); s == campaign.Stopped {
		return nil
	}
	return d.Queue.Enqueue(ctx, queue.Import{Campaign: c.name(), Occurrence: at.UTC().Format(time.RFC3339)})
}

// importLists handles one occurrence of a campaign's import.
func (d *Dialer) importLists(ctx context.Context, t queue.Import) error {
	at, err := time.Parse(time.RFC3339, t.Occurrence)
	if err != nil {
		d.Log.Error("import has no readable occurrence", "campaign", t.Campaign, "occurrence", t.Occurrence)
		return nil
	}
	if d.Import == nil {
		return nil
	}
	if err := d.Import(ctx, t.Campaign); err != nil {
		// The next occurrence tries again; the lists are as they were.
		d.Log.Error("scheduled import failed", "campaign", t.Campaign, "err", err)
	}
	if err := d.Store.SetImported(ctx, t.Campaign, at); err != nil {
		return fmt.Errorf("note the import of campaign %s: %w", t.Campaign, err)
	}
	return nil
}
