package dialer

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/store"
)

// rampStart is the share of its full pace with which a campaign begins to ramp up.
const rampStart = 0.1

// beganAt is when the campaign last began to run, by its schedule or by hand, if its pace rises from there.
func (v *campaignView) beganAt(now time.Time, old *campaignView) time.Time {
	if v.plan.Pace.Ramp <= 0 {
		return time.Time{}
	}
	v.running = v.state(now) == campaign.Running
	if old != nil && old.running && v.running && v.record.StartedAt.Equal(old.record.StartedAt) {
		return old.began
	}
	s := v.plan.Schedule
	starts := campaign.Schedule{Timezone: s.Timezone, Import: s.Start} // the last of any specs is looked up the same way
	if at, ok := starts.LastImport(now); ok && at.After(v.record.StartedAt) {
		return at
	}
	return v.record.StartedAt
}

// perMinute is the pace of the campaign at now, in calls a minute; 0 = it has none.
func (v *campaignView) perMinute(team *Team, now time.Time) float64 {
	pace := float64(v.plan.Pace.CallsPerMinute)
	up := now.Sub(v.began)
	if v.began.IsZero() || up < 0 || up >= v.plan.Pace.Ramp {
		return pace
	}
	if full := float64(team.Requests) / team.Per.Minutes(); pace <= 0 || full < pace {
		pace = full
	}
	return pace * max(up.Seconds()/v.plan.Pace.Ramp.Seconds(), rampStart)
}

// gap is the least time between two calls at a pace, and by how much one that comes late may be made up for by the next.
//
// A call comes up to a slot of the limit later than it might. If every such delay counted, a pace near the limit would be
// missed by far; so the next call may be early by as much. The gap is wider in return: no minute has more calls than the pace.
func gap(perMinute float64, slot time.Duration) (wide, slack time.Duration) {
	if perMinute <= 0 {
		return 0, 0
	}
	share := min(slot.Minutes()*perMinute, 0.5)
	wide = time.Duration(float64(time.Minute) / max(perMinute-share, perMinute/2))
	return wide, time.Duration(float64(wide) * share)
}

// take gives the campaign's next call to the caller, or says no because the fleet's last one is too recent. undo gives it back.
//
// The record's lock named after the campaign is held until the next call is free. Who takes it names that time in it, so those
// who come too early learn it.
func (d *Dialer) take(ctx context.Context, team *Team, c *campaignView, claim *store.Claim, now time.Time) (ok bool, undo func(), err error) {
	wide, slack := gap(c.perMinute(team, now), team.spacing())
	if wide == 0 {
		return true, func() {}, nil
	}
	name := "pace:" + c.name()
	last := d.paceOf(c.name())
	free := now.Add(wide)
	// Nobody else can have held the lock since last: it is held for longer than slack (half of wide at most).
	if late := now.Sub(last); late >= 0 && late < slack {
		free = last.Add(wide)
	}
	owner := strconv.FormatInt(free.UnixMilli(), 10) + "." + claim.Token
	ok, holder, err := d.Store.Lock(ctx, name, owner, free.Sub(now), now)
	if err != nil {
		return false, nil, fmt.Errorf("keep the pace of campaign %s: %w", c.name(), err)
	}
	if !ok {
		until, _, _ := strings.Cut(holder, ".")
		if ms, err := strconv.ParseInt(until, 10, 64); err == nil {
			d.setPace(c.name(), time.UnixMilli(ms))
		}
		return false, nil, nil
	}
	d.setPace(c.name(), free)
	return true, func() {
		d.setPace(c.name(), last)
		if err := d.Store.Unlock(context.WithoutCancel(ctx), name, owner); err != nil {
			d.Log.Warn("pace not given back; the campaign's next call is a little later", "campaign", c.name(), "err", err)
		}
	}, nil
}

func (d *Dialer) paceOf(name string) time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.paced[name]
}

func (d *Dialer) setPace(name string, free time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.paced == nil {
		d.paced = make(map[string]time.Time)
	}
	d.paced[name] = free
}

// paceFree reports whether, as far as this daemon knows, the campaign's pace allows a call now.
func (d *Dialer) paceFree(team *Team, c *campaignView, now time.Time) bool {
	return c.perMinute(team, now) <= 0 || !now.Before(d.paceOf(c.name()))
}

// paceRoom is how many calls the campaign's pace allows in the time ahead.
func (d *Dialer) paceRoom(team *Team, c *campaignView, now time.Time, ahead time.Duration) int {
	wide, _ := gap(c.perMinute(team, now), team.spacing())
	if wide == 0 {
		return math.MaxInt
	}
	free := d.paceOf(c.name())
	if free.Before(now) {
		free = now
	}
	left := now.Add(ahead).Sub(free)
	if left < 0 {
		return 0
	}
	return int(left/wide) + 1
}
