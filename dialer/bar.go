package dialer

import (
	"context"
	"fmt"
	"time"

	"github.com/dialerd/dialerd/store"
)

// bar notes in the record what this daemon's settings have against a campaign, and takes the note away when that is mended. What a
// living daemon with other settings noted stays: that one does not call the campaign, and this one may.
func (d *Dialer) bar(ctx context.Context, c *campaignView, now time.Time) error {
	noted := c.record.Barred
	if d.Forbidden == nil || c.forbidden == noted.Why && (c.forbidden == "" || noted.Daemon == d.ID) {
		return nil
	}
	if noted.Daemon != d.ID {
		if stands, err := d.Store.BarStands(ctx, noted, now); err != nil || stands {
			return err
		}
	}
	if c.forbidden != "" {
		d.Log.Error("campaign is not called", "team", c.record.Team, "campaign", c.name(), "problem", c.forbidden)
	}
	if err := d.Store.SetBar(ctx, c.name(), store.Bar{Daemon: d.ID, At: now, Why: c.forbidden}); err != nil {
		return fmt.Errorf("campaign %s: %w", c.name(), err)
	}
	return nil
}
