package region

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// weekdays are the days as amendments name them, in the order of time.Weekday.
var weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// ownHours are an operator's hours made ready.
type ownHours struct {
	region string
	named  [7]bool
	week   Week
}

// hours takes in an operator's hours of a region. They must lie inside those of the tables, in every row that has not ended.
func (a *amender) hours(region string, hours OwnHours) {
	field := "hours." + region
	if !a.region(field, region) {
		return
	}
	o := &ownHours{region: region}
	closed := 0
	for _, name := range sortedKeys(hours) {
		day := slices.Index(weekdays, name)
		if day < 0 {
			a.bad(field, name, "is no weekday; want %s", strings.Join(weekdays, " "))
			return
		}
		spans := hours[name]
		if err := checkSpans(spans); err != nil {
			a.bad(field+"."+name, FormatSpans(spans), "%v", err)
			return
		}
		o.named[day], o.week[day] = true, spans
		if len(spans) == 0 {
			closed++
		}
	}
	if len(hours) == 0 {
		a.bad(field, "", "names no day")
		return
	}
	if closed == len(weekdays) {
		a.bad(field, "", "opens on no day at all; close the region with a block, which ends")
		return
	}
	for _, r := range a.t.laws[region].Rows {
		if !r.ended(a.t.day) && !a.inside(field, r, o) {
			return
		}
	}
	for _, l := range a.reach(region) {
		l.own = append(slices.Clip(l.own), o)
	}
}

// inside reports whether hours open nothing that a row closes.
func (a *amender) inside(field string, r *Rule, o *ownHours) bool {
	for _, day := range []time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday, time.Saturday, time.Sunday} {
		legal := r.hours(day)
		for _, s := range o.week[day] {
			if slices.ContainsFunc(legal, func(l Span) bool { return l.From <= s.From && s.To <= l.To }) {
				continue
			}
			in := r.inForce()
			if in != "" {
				in = " (" + in + ")"
			}
			a.bad(field, weekdays[day]+" "+s.String(), "is looser than the table of %s, which has %s on %s%s: %s; write hours inside of that",
				r.Region, FormatSpans(legal), weekdays[day], in, r.Source)
			return false
		}
	}
	return true
}

// checkSpans holds spans that were not read by ParseSpans to the same.
func checkSpans(spans []Span) error {
	end := 0
	for i, s := range spans {
		if s.From < 0 || s.To > dayMinutes || s.From >= s.To || i > 0 && s.From < end {
			return fmt.Errorf("want spans in order, without overlap, from 00:00 to 24:00")
		}
		end = s.To
	}
	return nil
}

// days takes in an operator's no-call days of a region. Where nobody knew any they become its list, up to the last of them; elsewhere
// they are closed beside the days of the tables, whose list does not grow longer by it.
func (a *amender) days(region string, days []NamedDay) {
	field := "no_call_days." + region
	switch {
	case !a.region(field, region):
		return
	case len(days) == 0 || len(days) > maxOwnDays:
		a.bad(field, "", "has %d days, want 1 to %d", len(days), maxOwnDays)
		return
	}
	list := &dayList{region: region}
	for i, d := range days {
		at := fmt.Sprintf("%s[%d]", field, i)
		date, err := time.Parse(time.DateOnly, d.Date)
		if err == nil {
			err = checkYear(date)
		}
		if err != nil {
			a.bad(at, d.Date, "want a date such as 2027-04-27")
			return
		}
		name := strings.TrimSpace(d.Name)
		if name == "" {
			name = "no-call day"
		}
		if len(name) > maxReason {
			a.bad(at, name, "want a name of at most %d characters", maxReason)
			return
		}
		day := int(date.Unix() / daySeconds)
		if list.has(day) {
			a.bad(at, d.Date, "is listed twice")
			return
		}
		list.add(day, name)
		a.close(&Block{Region: region, From: d.Date, To: d.Date, Reason: name, days: dates{day, day + 1}})
	}
	if a.t.listOf(region) == nil {
		a.t.lists[region] = list
	}
}
