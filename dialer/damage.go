package dialer

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/store"
)

// damaged reports whether a campaign could not be read when this daemon last tried.
func (d *Dialer) damaged(team, name string) bool {
	return slices.ContainsFunc(d.Store.Damaged(team), func(x store.Damage) bool { return x.Campaign == name })
}

// unreadable holds a claimed lead whose record, or what is remembered of its phone, cannot be read: nobody can say whether it may be called,
// and it must not take a slot after the other. Any other error is returned as it is.
func (d *Dialer) unreadable(ctx context.Context, c *campaignView, claim *store.Claim, cause error) error {
	if !errors.Is(cause, store.ErrDamaged) {
		return cause
	}
	d.Log.Error("lead held: what is kept of it cannot be read", "team", claim.Team, "campaign", c.name(), "lead", claim.Lead.ID, "err", cause)
	claim.Decision = nil
	return d.returned(d.Store.Hold(ctx, claim, campaign.ReasonHold, "what is kept of it or its phone cannot be read; run dialerd fsck --repair, then release it"), claim)
}

// skip puts off an attempt whose campaign, lead or phone cannot be read, so that the others are looked up all the same. It keeps no place in
// flight meanwhile.
func (l *lookup) skip(ctx context.Context, a campaign.Attempt) error {
	if err := l.lapse(ctx, a, l.now.Sub(a.At)); err != nil {
		return err
	}
	return l.touch(ctx, a.ID, l.now.Add(l.team.LookAfter))
}

// readable leaves out the attempts of campaigns that cannot be read: nobody can say what an outcome leads to there, and a round that ends
// with them would leave the other campaigns' calls without theirs. They are looked up again later, and keep no places in flight meanwhile.
func (d *Dialer) readable(ctx context.Context, team *Team, due []campaign.Attempt, now time.Time) ([]campaign.Attempt, error) {
	bad, sound := map[string]bool{}, due[:0:0]
	l := &lookup{Dialer: d, team: team, now: now}
	for _, a := range due {
		if _, asked := bad[a.Campaign]; !asked {
			_, err := d.Store.Definition(ctx, a.Campaign)
			bad[a.Campaign] = err != nil && d.damaged(team.Name, a.Campaign)
		}
		if !bad[a.Campaign] {
			sound = append(sound, a)
			continue
		}
		if err := l.skip(ctx, a); err != nil {
			return nil, err
		}
	}
	return sound, nil
}
