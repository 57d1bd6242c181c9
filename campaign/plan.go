package campaign

import (
	"sync/atomic"
	"time"

	"github.com/dialerd/dialerd/region"
)

// Plan is a campaign made ready for deciding: what is costly to work out is kept. It may be used by many goroutines.
type Plan struct {
	*Campaign
	zone *time.Location
	book *Rulebook
	span atomic.Pointer[span]
}

// span is a stretch of time in which the schedule does not change its mind.
type span struct {
	from, to time.Time // to is zero when nothing ever changes
	running  bool
}

// NewPlan makes a campaign ready for deciding by the built-in tables alone. See Under.
func NewPlan(c *Campaign) *Plan {
	return &Plan{Campaign: c, zone: c.Schedule.Location(), book: BuiltIn()}
}

// Under is the plan that decides by other rules. Places that were compiled before keep theirs.
func (p *Plan) Under(b *Rulebook) *Plan {
	if b == p.book {
		return p
	}
	return &Plan{Campaign: p.Campaign, zone: p.zone, book: b}
}

// Book is the rules that the plan decides by.
func (p *Plan) Book() *Rulebook { return p.book }

// Running reports whether the schedule says that the campaign runs at now. See Schedule.Running; this one remembers its
// answer until the schedule's next event.
func (p *Plan) Running(now time.Time) bool {
	if s := p.span.Load(); s != nil && !now.Before(s.from) && (s.to.IsZero() || now.Before(s.to)) {
		return s.running
	}
	s := &span{from: now, running: p.Schedule.Running(now)}
	starts := Schedule{Timezone: p.Schedule.Timezone, Start: p.Schedule.Start, Stop: p.Schedule.Stop}
	if next := starts.Next(now, 1); len(next) > 0 {
		s.to = next[0].At
	}
	p.span.Store(s)
	return s.running
}

// NextStart is the first time after now at which the schedule has the campaign run; zero when there is none.
func (p *Plan) NextStart(now time.Time) time.Time {
	starts := Schedule{Timezone: p.Schedule.Timezone, Start: p.Schedule.Start, Stop: p.Schedule.Stop}
	for _, e := range starts.Next(now, 200) {
		if e.Action == ActionStart && p.Schedule.Running(e.At) {
			return e.At
		}
	}
	return time.Time{}
}

// Day names the day of the campaign's own zone that now falls on; daily budgets count by it.
func (p *Plan) Day(now time.Time) string { return now.In(p.zone).Format(time.DateOnly) }

// tomorrow is the first instant of the next day in the campaign's zone.
func (p *Plan) tomorrow(now time.Time) time.Time {
	return dayEnds(now, p.zone)
}

// openGuard is how long after a window opens no call is placed yet: clocks differ, and a minute is nothing.
const openGuard = time.Minute

// Window says whether the campaign's hours and the law let a place be called at t, until when or from when.
func (p *Plan) Window(place *Place, t time.Time) region.Window {
	return place.Window(t, &p.Calling.Hours, p.Calling.Guard, openGuard)
}
