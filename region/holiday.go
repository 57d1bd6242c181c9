package region

import (
	"slices"
	"strings"
	"time"
)

// dayList is the dated no-call days of one region.
type dayList struct {
	region string
	days   []int // day numbers since 1970, sorted
	names  []string
}

// last is the last listed day. What comes after it is unknown.
func (l *dayList) last() int { return l.days[len(l.days)-1] }

func (l *dayList) has(day int) bool {
	_, ok := slices.BinarySearch(l.days, day)
	return ok
}

func (l *dayList) name(day int) string {
	if i, ok := slices.BinarySearch(l.days, day); ok {
		return l.names[i]
	}
	return ""
}

// add puts a day on the list, or another name to a day that is there. It reports false when the name is there already.
func (l *dayList) add(day int, name string) bool {
	i, ok := slices.BinarySearch(l.days, day)
	if !ok {
		l.days = slices.Insert(l.days, i, day)
		l.names = slices.Insert(l.names, i, name)
		return true
	}
	if slices.Contains(strings.Split(l.names[i], "; "), name) {
		return false
	}
	l.names[i] += "; " + name
	return true
}

// listOf is the list that holds for a region: its own, else its country's, else none.
func (t *Tables) listOf(region string) *dayList {
	if l, ok := t.lists[region]; ok {
		return l
	}
	return t.lists[countryOf(region)]
}

// unknown makes the list of those whose state nobody knows: every day that any state of the country has, up to the end of the list that
// ends first.
func (t *Tables) unknown() {
	for name := range t.laws {
		country, state, _ := strings.Cut(name, "-")
		if state != "??" || t.lists[country] == nil {
			continue
		}
		all, last := &dayList{region: name}, t.lists[country].last()
		for region, l := range t.lists {
			if countryOf(region) == country {
				last = min(last, l.last())
			}
		}
		for _, region := range sortedKeys(t.lists) {
			l := t.lists[region]
			for i, day := range l.days {
				if countryOf(region) == country && region != name && day <= last {
					all.add(day, l.names[i])
				}
			}
		}
		t.lists[name] = all
	}
}

// holidays reads holidays.csv.
func (p *parser) holidays() {
	p.each(tableHolidays, []string{"region", "date", "name", "source", "confidence"}, func(r *record) {
		region := r.get("region")
		if _, ok := p.t.laws[region]; !ok || strings.Contains(region, "?") {
			r.bad("region", "has no row in %s that could have no-call days", tableHours)
			return
		}
		date, err := time.Parse(time.DateOnly, r.get("date"))
		if err != nil {
			r.bad("date", "want a date such as 2026-12-25")
			return
		}
		if r.get("name") == "" {
			r.bad("name", "every day has a name")
		}
		r.sourced()
		l := p.t.lists[region]
		if l == nil {
			l = &dayList{region: region}
			p.t.lists[region] = l
		}
		if !l.add(int(date.Unix()/daySeconds), r.get("name")) {
			r.bad("date", "is listed twice under one name")
		}
	})
}

// NoCallDay is one listed day.
type NoCallDay struct {
	Date time.Time // its first instant in UTC: only year, month and day mean something
	Name string
}

// NoCallDays lists the no-call days that hold in a region, in order, and whose list that is: the region's own or its
// country's. An empty list means that nobody knows them, and no call is allowed.
func (t *Tables) NoCallDays(region string) (days []NoCallDay, of string) {
	l := t.listOf(region)
	if l == nil {
		return nil, ""
	}
	for i, day := range l.days {
		days = append(days, NoCallDay{dateOf(day), l.names[i]})
	}
	return days, l.region
}

// LastDay is the last date that the no-call days of a region are known for. From the day after, nothing is allowed there.
// It reports false when there is no list at all.
func (t *Tables) LastDay(region string) (time.Time, bool) {
	l := t.listOf(region)
	if l == nil {
		return time.Time{}, false
	}
	return dateOf(l.last()), true
}
