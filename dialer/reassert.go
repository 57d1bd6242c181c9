package dialer

import (
	"context"
	"time"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/store"
)

const (
	// reassertEvery is how often a daemon looks whether another Redis has taken the record over. It is far less than the limit's window,
	// for which nothing is called after such a change.
	reassertEvery = 2 * time.Second
	// unacknowledgedWait is how long a lead waits whose call was not sent because a replica did not answer.
	unacknowledgedWait = 5 * time.Second
)

// KeepRecord sees to it, until ctx ends, that what this daemon has begun is in the record: a Redis that was restarted without its last
// writes, or a replica that took its place without them, is told again.
func (d *Dialer) KeepRecord(ctx context.Context) {
	d.everyTeam(ctx, reassertEvery, func(name string) {
		n, err := d.Store.Reassert(ctx, name, d.Now())
		if n > 0 {
			d.Log.Warn("another redis has the record and did not know these attempts; they are written down again", "team", name, "attempts", n)
		}
		if err != nil && ctx.Err() == nil {
			d.Log.Debug("record not looked at", "team", name, "err", err)
		}
	})
}

// takeBack ends an attempt that was begun and must not be sent, because a replica that could become the primary does not have it.
func (d *Dialer) takeBack(ctx context.Context, claim *store.Claim, attempt string, now time.Time, cause error) error {
	d.Log.Warn("call not sent: a replica of redis has not acknowledged it", "attempt", attempt, "err", cause)
	return d.write(ctx, attempt, func(ctx context.Context) (bool, error) {
		return d.Store.Refused(ctx, attempt, store.Denial{
			Token: claim.Token, Next: store.StepAgain, Due: now.Add(unacknowledgedWait), Reason: campaign.ReasonLimit,
		})
	})
}
