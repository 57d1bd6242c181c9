package region

import (
	"math"
	"time"
)

// dates is when a row is in force, in day numbers since 1970, half open as spans of a day are.
type dates struct{ from, until int }

const (
	firstDay = math.MinInt32 // no beginning is known
	lastDay  = math.MaxInt32 // no end is known
)

func (d dates) in(day int) bool { return d.from <= day && day < d.until }

// ended reports whether the row was no longer in force on a day.
func (d dates) ended(day int) bool { return d.until <= day }

func (d dates) meets(o dates) bool { return d.from < o.until && o.from < d.until }

// covers reports whether the row is in force on every day on which another one is.
func (d dates) covers(o dates) bool { return d.from <= o.from && o.until <= d.until }

// times are the two days as times, zero where there is none.
func (d dates) times() (from, until time.Time) {
	if d.from != firstDay {
		from = dateOf(d.from)
	}
	if d.until != lastDay {
		until = dateOf(d.until)
	}
	return from, until
}

// inForce says when the row is in force: "since 2026-10-18"; empty when it has neither beginning nor end.
func (d dates) inForce() string {
	from, until := d.times()
	switch {
	case from.IsZero() && until.IsZero():
		return ""
	case until.IsZero():
		return "since " + from.Format(time.DateOnly)
	case from.IsZero():
		return "until " + until.Format(time.DateOnly)
	}
	return from.Format(time.DateOnly) + " until " + until.Format(time.DateOnly)
}

// dates reads the columns from and until.
func (r *record) dates() dates {
	d := dates{firstDay, lastDay}
	for _, field := range []string{"from", "until"} {
		text := r.get(field)
		if text == "" {
			continue
		}
		date, err := time.Parse(time.DateOnly, text)
		if err != nil {
			r.bad(field, "want a date such as 2026-10-18, or nothing")
			continue
		}
		if day := int(date.Unix() / daySeconds); field == "from" {
			d.from = day
		} else {
			d.until = day
		}
	}
	if d.from >= d.until {
		r.bad("until", "is the first day that the row is no longer in force: want one after %s", r.get("from"))
		return dates{firstDay, lastDay}
	}
	return d
}
