package campaign

import (
	"fmt"
	"time"

	"github.com/dialerd/dialerd/region"
)

// Schedule says when a campaign runs, in cron specs read in its own zone. What matters is what should be true now, not
// which tick was seen, so downtime and many daemons change nothing.
type Schedule struct {
	Timezone string   `json:"timezone,omitempty"`
	Start    []string `json:"start,omitempty"`
	Stop     []string `json:"stop,omitempty"`
	Import   []string `json:"import,omitempty"`
}

// lookBack is how far back the last start or stop is looked for: a day first, which nearly always has it, then as far as
// the rarest spec there is, 29 February.
var lookBack = []time.Duration{26 * time.Hour, 9 * 366 * 24 * time.Hour}

// CheckZone says what is wrong with the name of a zone, or nil.
func CheckZone(name string) error {
	_, err := region.Zone(name)
	return err
}

// Starts reports whether the schedule starts the campaign; without that it is started and stopped by hand.
func (s Schedule) Starts() bool { return len(s.Start) > 0 }

// Check says what is wrong with the schedule, or nil.
func (s Schedule) Check() error {
	zone, err := s.zone()
	if err != nil {
		return err
	}
	for _, specs := range [][]string{s.Start, s.Stop, s.Import} {
		for _, spec := range specs {
			if _, err := parseCron(spec, zone); err != nil {
				return err
			}
		}
	}
	return nil
}

// Location is the schedule's zone; UTC when none is named or it is unknown (Check refuses the latter).
func (s Schedule) Location() *time.Location {
	zone, err := s.zone()
	if err != nil {
		return time.UTC
	}
	return zone
}

func (s Schedule) zone() (*time.Location, error) {
	if s.Timezone == "" {
		return time.UTC, nil
	}
	zone, err := region.Zone(s.Timezone)
	if err != nil {
		return nil, fmt.Errorf("schedule.timezone: %w", err)
	}
	return zone, nil
}

// Running reports whether the schedule says that the campaign runs at now: the last start is later than the last stop. At
// a tie stop wins. A schedule that cannot be read never runs.
func (s Schedule) Running(now time.Time) bool {
	start, ok := s.last(s.Start, now)
	if !ok {
		return false
	}
	stop, ok := s.last(s.Stop, now)
	return !ok || start.After(stop)
}

// last is the latest time at or before now at which one of the specs happened.
func (s Schedule) last(specs []string, now time.Time) (time.Time, bool) {
	zone, err := s.zone()
	if err != nil {
		return time.Time{}, false
	}
	var latest time.Time
	for _, spec := range specs {
		c, err := parseCron(spec, zone)
		if err != nil {
			return time.Time{}, false
		}
		if at, ok := c.last(now); ok && at.After(latest) {
			latest = at
		}
	}
	return latest, !latest.IsZero()
}

// last is the latest time at or before now at which the spec happened. "Something happens between t and now" is true up to
// that time and false after it, so halving finds it, for a spec of each minute as quickly as for one of each year.
func (c *Cron) last(now time.Time) (time.Time, bool) {
	happens := func(t time.Time) bool {
		next := c.Next(t)
		return !next.IsZero() && !next.After(now)
	}
	for _, back := range lookBack {
		from, to := now.Add(-back), now
		if !happens(from) {
			continue
		}
		for to.Sub(from) > time.Second {
			if mid := from.Add(to.Sub(from) / 2); happens(mid) {
				from = mid
			} else {
				to = mid
			}
		}
		return c.Next(from), true
	}
	return time.Time{}, false
}

// Action is something that a schedule does.
type Action string

// The actions.
const (
	ActionStart  Action = "start"
	ActionStop   Action = "stop"
	ActionImport Action = "import"
)

// Event is one action of a schedule at its time.
type Event struct {
	At     time.Time `json:"at"`
	Action Action    `json:"action"`
}

// Next lists the next n events after now in order of time; at the same time stop comes last, because it wins.
func (s Schedule) Next(now time.Time, n int) []Event {
	zone, err := s.zone()
	if err != nil {
		return nil
	}
	type source struct {
		action Action
		cron   *Cron
		at     time.Time
	}
	var sources []source
	for _, group := range []struct {
		action Action
		specs  []string
	}{{ActionImport, s.Import}, {ActionStart, s.Start}, {ActionStop, s.Stop}} {
		for _, spec := range group.specs {
			if c, err := parseCron(spec, zone); err == nil {
				sources = append(sources, source{group.action, c, c.Next(now)})
			}
		}
	}
	events := []Event{}
	for len(events) < n {
		first := -1
		for i := range sources {
			if !sources[i].at.IsZero() && (first < 0 || sources[i].at.Before(sources[first].at)) {
				first = i
			}
		}
		if first < 0 {
			break
		}
		e := Event{At: sources[first].at, Action: sources[first].action}
		if len(events) == 0 || events[len(events)-1] != e {
			events = append(events, e)
		}
		sources[first].at = sources[first].cron.Next(e.At)
	}
	return events
}

// LastImport is the latest occurrence of an import at or before now. An import is an edge: a daemon that was down runs the
// one it missed once.
func (s Schedule) LastImport(now time.Time) (time.Time, bool) { return s.last(s.Import, now) }
