package dialer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/store"
)

// damaged reports whether a campaign could not be read when this daemon last tried.
func (d *Dialer) damaged(team, name string) bool {
	return slices.ContainsFunc(d.Store.Damaged(team), func(x store.Damage) bool { return x.Campaign == name })
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
		if err := l.lapse(ctx, a, now.Sub(a.At)); err != nil {
			return nil, err
		}
		if err := d.Store.Touch(ctx, a.ID, now.Add(team.LookAfter)); err != nil && !errors.Is(err, store.ErrNotFound) {
			return nil, fmt.Errorf("note the look-up of attempt %s: %w", a.ID, err)
		}
	}
	return sound, nil
}
