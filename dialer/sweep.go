package dialer

import (
	"context"
	"fmt"
	"time"

	"github.com/dialerd/dialerd/queue"
)

// wakeTime is how long an event's own wake-up is waited for.
const wakeTime = 5 * time.Second

// Sweep mends what a lost wake-up or a dead worker left behind: picked leads go back, attempts whose worker died while they
// were sending become unknown, events of the inbox are woken again.
func (d *Dialer) Sweep(ctx context.Context, t queue.Sweep) error {
	team, ok := d.Teams[t.Team]
	if !ok {
		return foreign()
	}
	now := d.Now()
	report, err := d.Store.Sweep(ctx, team.Name, now)
	if err != nil {
		return fmt.Errorf("sweep team %s: %w", team.Name, err)
	}
	if report.Claims+len(report.Doubted)+report.Strays > 0 {
		d.Log.Warn("swept", "team", team.Name, "claims", report.Claims, "doubted", len(report.Doubted), "strays", report.Strays)
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
	return nil
}
