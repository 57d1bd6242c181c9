package campaign

import (
	"fmt"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// Cron is a parsed cron spec of five fields, read on the wall clock of one zone.
//
// Where a zone changes its offset the rule is: a time that falls into the gap happens at the first instant after the gap,
// a time that happens twice counts the first time only. robfig/cron alone skips the one and fires twice at the other, so
// it is asked about a plain wall clock without any zone, and its answers are put on the zone's time line here.
type Cron struct {
	spec  string
	sched cron.Schedule
	zone  *time.Location
}

// CheckCron says what is wrong with a spec, or nil. Specs that carry a zone of their own (TZ=, CRON_TZ=) are refused because
// our zone data rules, intervals (@every) because they have no wall clock, and specs that never happen.
func CheckCron(spec string) error {
	_, err := parseCron(spec, time.UTC)
	return err
}

func parseCron(spec string, zone *time.Location) (c *Cron, err error) {
	trimmed := strings.TrimSpace(spec)
	upper := strings.ToUpper(trimmed)
	switch {
	case trimmed == "":
		return nil, fmt.Errorf("cron spec is empty: write five fields, as in \"0 9 * * MON-FRI\"")
	case strings.HasPrefix(upper, "TZ=") || strings.HasPrefix(upper, "CRON_TZ="):
		return nil, fmt.Errorf("cron spec %q names a zone: write the zone as schedule.timezone and only the five fields here", spec)
	case strings.HasPrefix(upper, "@EVERY"):
		return nil, fmt.Errorf("cron spec %q is an interval: write it as five fields, as in \"*/15 * * * *\"", spec)
	}
	defer func() { // the parser panics on some malformed specs
		if r := recover(); r != nil {
			c, err = nil, fmt.Errorf("cron spec %q cannot be read: %v", spec, r)
		}
	}()
	sched, err := cron.ParseStandard(trimmed)
	if err != nil {
		return nil, fmt.Errorf("cron spec %q: %w (five fields: minute hour day month weekday; Sunday is 0 or SUN)", spec, err)
	}
	if s, ok := sched.(*cron.SpecSchedule); ok {
		s.Location = time.UTC
	}
	c = &Cron{spec: trimmed, sched: sched, zone: zone}
	if c.Next(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return nil, fmt.Errorf("cron spec %q never happens: no such day exists", spec)
	}
	return c, nil
}

// Next is the first time after t at which the spec happens, or the zero time when it never does (within five years).
func (c *Cron) Next(t time.Time) time.Time {
	// The wall clock is written down as if it were UTC. It starts a little early, because a wall time in a gap happens
	// later than it reads, and steps on until the instant really lies after t.
	wall := asWall(t.In(c.zone)).Add(-4 * time.Hour)
	for range 10_000 {
		wall = c.sched.Next(wall)
		if wall.IsZero() {
			return time.Time{}
		}
		if at := fromWall(wall, c.zone); at.After(t) {
			return at
		}
	}
	return time.Time{}
}

// asWall writes what the clock on the wall shows as a time in UTC.
func asWall(t time.Time) time.Time {
	y, m, d := t.Date()
	h, mi, s := t.Clock()
	return time.Date(y, m, d, h, mi, s, t.Nanosecond(), time.UTC)
}

// fromWall is the first instant at which the zone's wall clock shows the given time, or, in a gap, the first one after it.
func fromWall(wall time.Time, zone *time.Location) time.Time {
	y, m, d := wall.Date()
	h, mi, s := wall.Clock()
	at := time.Date(y, m, d, h, mi, s, 0, zone)
	shown := asWall(at)
	if !shown.Equal(wall) {
		// In a gap: whichever offset time.Date took, the gap's end lies within a few hours. It is where the offset changes.
		return offsetChange(at.Add(-4*time.Hour), at.Add(4*time.Hour))
	}
	// In a fold time.Date does not say which of the two it gives. The earlier one has the larger offset, if there is one.
	_, before := at.Add(-4 * time.Hour).Zone()
	_, offset := at.Zone()
	if early := at.Add(time.Duration(offset-before) * time.Second); before > offset && asWall(early).Equal(wall) {
		return early
	}
	return at
}

// offsetChange finds the instant between from and to at which the zone's offset changes, to the second.
func offsetChange(from, to time.Time) time.Time {
	_, start := from.Zone()
	for to.Sub(from) > time.Second {
		mid := from.Add(to.Sub(from) / 2).Truncate(time.Second)
		if mid.Equal(from) {
			break
		}
		if _, o := mid.Zone(); o == start {
			from = mid
		} else {
			to = mid
		}
	}
	return to.Truncate(time.Second)
}
