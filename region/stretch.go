package region

import (
	"math"
	"time"
)

// stretch is a piece of time, [from, to) in seconds since 1970, in which nothing changes.
type stretch struct {
	open     bool
	from, to int64
	edge     int64 // the first instant after which the reasons may differ, though it stays as open as it is
}

// all looks at every clock at once. Open is what every clock calls open; closed is as long as any of them says so.
func (c *Compiled) all(at int64, week *Week) stretch {
	open := stretch{open: true, from: math.MinInt64, to: math.MaxInt64}
	shut := stretch{from: math.MaxInt64, to: math.MinInt64, edge: math.MaxInt64}
	for i := range c.clocks {
		s := c.clocks[i].at(at, week)
		if s.open {
			open.from, open.to = max(open.from, s.from), min(open.to, s.to)
		} else {
			open.open = false
			shut.from, shut.to = min(shut.from, s.from), max(shut.to, s.to)
		}
		shut.edge = min(shut.edge, s.edge)
	}
	if open.open && len(c.clocks) > 0 {
		open.edge = open.to
		return open
	}
	if len(c.clocks) == 0 {
		return stretch{from: math.MinInt64, to: math.MaxInt64, edge: math.MaxInt64}
	}
	return shut
}

// at is the stretch around an instant on one clock. It never reaches over local midnight nor over a change of the clock, so
// inside it local time is UTC plus a constant. That is what makes the arithmetic below exact on days of 23 and 25 hours:
// no length of a day is ever assumed.
func (k *clock) at(at int64, week *Week) stretch {
	day, second := k.local(at)
	midnight := at - int64(second)
	open, from, to, edge := true, 0, daySeconds, daySeconds
	shutFrom, shutTo := daySeconds, 0
	k.each(day, week, func(v voice) {
		o, f, t := v.around(second, midnight)
		edge = min(edge, t)
		if o {
			from, to = max(from, f), min(to, t)
			return
		}
		open = false
		shutFrom, shutTo = min(shutFrom, f), max(shutTo, t)
	})
	if !open {
		from, to = shutFrom, shutTo
	}
	s := stretch{open: open, from: midnight + int64(from), to: midnight + int64(to), edge: midnight + int64(edge)}
	start, end := time.Unix(at, 0).In(k.loc).ZoneBounds()
	if !start.IsZero() {
		s.from = max(s.from, start.Unix())
	}
	if !end.IsZero() {
		s.to, s.edge = min(s.to, end.Unix()), min(s.edge, end.Unix())
	}
	return s
}

// local is the day number and the second of the day that a clock shows at an instant.
func (k *clock) local(at int64) (day, second int) {
	_, offset := time.Unix(at, 0).In(k.loc).Zone()
	local := at + int64(offset)
	day = int(floorDiv(local, daySeconds))
	return day, int(local - int64(day)*daySeconds)
}

// around finds the span, or the gap between spans, that a second of the day lies in.
func around(spans []Span, second int) (open bool, from, to int) {
	from, to = 0, daySeconds
	for _, s := range spans {
		a, b := s.From*60, s.To*60
		switch {
		case second < a:
			return false, from, a
		case second < b:
			return true, a, b
		}
		from = b
	}
	return false, from, to
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b != 0 && (a < 0) != (b < 0) {
		q--
	}
	return q
}
