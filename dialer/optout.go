package dialer

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/store"
	"github.com/dialerd/dialerd/thoughtly"
)

// optedOut reports whether the person said so, in the phrases that everyone has or in the campaign's own. What the agent says ("say stop
// calling at any time") does not count. Whoever is not the agent is the person, under whatever name.
func optedOut(r *thoughtly.Response, own []string) bool {
	for _, t := range r.Turns {
		switch t.Speaker {
		case thoughtly.SpeakerAgent, "system", "tool":
			continue
		case "":
			for line := range strings.Lines(t.Text) {
				if campaign.OptsOut(line, own) && !campaign.OffersOptOut(line) {
					return true
				}
			}
			continue
		}
		if campaign.OptsOut(t.Text, own) {
			return true
		}
	}
	return false
}

// heedDuring puts a person on the list who says no while the call goes on: another lead of that phone may be next in the queue, and the
// end of this call an hour away, or never heard of.
func (d *Dialer) heedDuring(ctx context.Context, c *campaign.Campaign, a *campaign.Attempt, r *thoughtly.Response) error {
	if !optedOut(r, c.OptOutWords) {
		return nil
	}
	now, err := d.Store.Now(ctx)
	if err != nil {
		return fmt.Errorf("heed the opt-out in attempt %s: %w", a.ID, err)
	}
	_, err = d.Store.Suppress(ctx, store.Suppression{
		Scope: cmp.Or(c.Outcomes[campaign.DoNotCall].Suppress, campaign.ScopeTeam), Team: c.Team, Campaign: c.Name, Phones: []campaign.Phone{a.Phone},
		Reason: "opted out during call " + r.ID, By: "attempt " + a.ID,
	}, now)
	if err != nil {
		return fmt.Errorf("heed the opt-out in attempt %s: %w", a.ID, err)
	}
	return nil
}
