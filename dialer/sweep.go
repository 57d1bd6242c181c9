package dialer

import (
	"context"
	"fmt"
	"time"

	"github.com/dialerd/dialerd/queue"
)

const (
	// wakeTime is how long an event's own wake-up is waited for.
	wakeTime = 5 * time.Second
	// settleTime is how long it may take to settle one. A worker that died over it blocks the wake-up for one or two minutes, so after
	// that time the sweep settles the event itself, lateEvents at most.
	settleTime = 15 * time.Second
	lateEvents = 20
)

// sweepDue reports whether there is anything to sweep: most teams, most of the time, have nothing.
func (d *Dialer) sweepDue(ctx context.Context, team string) (bool, error) {
	now, err := d.Store.Now(ctx)
	if err != nil {
		return false, fmt.Errorf("look for what is to be swept of team %s: %w", team, err)
	}
	return d.Store.SweepDue(ctx, team, now, wakeTime)
}

// Sweep mends what a lost wake-up or a dead worker left behind: picked leads go back, attempts whose worker died while they
// were sending become unknown, events of the inbox are woken again.
func (d *Dialer) Sweep(ctx context.Context, t queue.Sweep) error {
	team := d.anyTeam(t.Team)
	now, err := d.Store.Now(ctx)
	if err != nil {
		return fmt.Errorf("sweep team %s: %w", team.Name, err)
	}
	report, err := d.Store.Sweep(ctx, team.Name, now)
	if err != nil {
		return fmt.Errorf("sweep team %s: %w", team.Name, err)
	}
	if report.Claims+len(report.Doubted)+report.Strays > 0 {
		d.Log.Warn("took over what a lost worker left", "team", team.Name, "leads_given_back", report.Claims, "calls_in_doubt", len(report.Doubted),
			"strays", report.Strays)
	}
	pending, err := d.Store.PendingInbox(ctx, team.Name, now.Add(-wakeTime), 200)
	if err != nil {
		return fmt.Errorf("read the inbox of team %s: %w", team.Name, err)
	}
	for _, id := range pending {
		if err := d.Queue.Enqueue(ctx, queue.Settle{Team: team.Name, Inbox: id}); err != nil {
			return fmt.Errorf("wake event %s: %w", id, err)
		}
	}
	late, err := d.Store.PendingInbox(ctx, team.Name, now.Add(-settleTime), lateEvents)
	if err != nil {
		return fmt.Errorf("read the inbox of team %s: %w", team.Name, err)
	}
	for _, id := range late {
		if err := d.Settle(ctx, queue.Settle{Team: team.Name, Inbox: id}); err != nil {
			d.Log.Warn("late event not settled", "team", team.Name, "event", id, "err", err)
		}
	}
	return nil
}
