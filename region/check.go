package region

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// OldestZones is the oldest release of the zone data that may be used: since 2026f all four Canadian changes of 2026 are in.
const OldestZones = "2026f"

// probes are zones whose rules changed in 2026 and where they must be on 1 December of that year. Data that is too old
// puts them an hour early, which is an hour of calls after the legal close.
var probes = []struct {
	zone  string
	hours int
}{
	{"America/Winnipeg", -5},
	{"America/Vancouver", -7},
	{"America/Edmonton", -6},
	{"America/Yellowknife", -6},
}

// Check is the self test: the zone data is new enough and knows the changes of 2026, the tables are whole, and no list of
// no-call days has ended by now. It reports everything that is wrong, joined.
func Check(now time.Time) error {
	t, err := Load()
	if err != nil {
		return errors.Join(checkZones(), err)
	}
	return CheckTables(t, now)
}

// CheckTables is Check for tables that were read from elsewhere.
func CheckTables(t *Tables, now time.Time) error { return errors.Join(checkZones(), t.Check(now)) }

// ListEnd is how far a list of no-call days reaches.
type ListEnd struct {
	Region string
	Last   time.Time // the last day, as its first instant in UTC
	Days   int
}

// Lists says how far every list of no-call days reaches, the one that ends first before all others.
func (t *Tables) Lists() []ListEnd {
	var out []ListEnd
	for _, region := range sortedKeys(t.lists) {
		l := t.lists[region]
		out = append(out, ListEnd{region, dateOf(l.last()), len(l.days)})
	}
	slices.SortStableFunc(out, func(a, b ListEnd) int { return a.Last.Compare(b.Last) })
	return out
}

// Unlisted are the regions whose no-call days nobody knows: nobody there is called before an operator adds a list.
func (t *Tables) Unlisted() []string {
	var out []string
	for _, name := range t.Regions() {
		if t.laws[name].list == nil && name != Unplaced {
			out = append(out, name)
		}
	}
	return out
}

// Check reports the lists of no-call days that have ended by now, and hours for an unknown state that are looser than a state's.
func (t *Tables) Check(now time.Time) error {
	errs := t.checkUnknown()
	for _, region := range sortedKeys(t.lists) {
		if last := dateOf(t.lists[region].last()); !now.Before(last) {
			errs = append(errs, fmt.Errorf("no-call days of %s end on %s: nothing is allowed there after that, newer tables are needed", region, last.Format(time.DateOnly)))
		}
	}
	return errors.Join(errs...)
}

// checkUnknown holds the row for a state that nobody knows against the rows of all states: it could be any of them.
func (t *Tables) checkUnknown() []error {
	var errs []error
	for _, name := range t.Regions() {
		country, state, _ := strings.Cut(name, "-")
		if state != "??" {
			continue
		}
		for _, other := range t.Regions() {
			if countryOf(other) != country || other == name {
				continue
			}
			for _, wide := range t.Rules(name) {
				for _, r := range t.Rules(other) {
					if day, ok := within(wide, r); wide.meets(r.dates) && !ok {
						errs = append(errs, fmt.Errorf("%s: the row of %s is looser than that of %s on %s", tableHours, name, other, day))
					}
				}
			}
		}
	}
	return errs
}

// within reports whether a row opens nothing that another one closes, or on which days it does.
func within(a, b *Rule) (day string, ok bool) {
	for _, x := range []struct {
		day  string
		a, b []Span
	}{
		{"weekdays", a.Weekday, b.Weekday},
		{"Saturdays", a.Saturday, b.Saturday},
		{"Sundays", a.Sunday, b.Sunday},
	} {
		for _, s := range x.a {
			if !slices.ContainsFunc(x.b, func(l Span) bool { return l.From <= s.From && s.To <= l.To }) {
				return x.day, false
			}
		}
	}
	return "", true
}

// Probe is a zone whose rules changed in 2026, and where the zone data puts it.
type Probe struct {
	Zone      string
	Want, Got int // seconds east of UTC on 2026-12-01
}

// Probes looks the changes of 2026 up in the zone data. A zone that is not there is at 0.
func Probes() []Probe {
	var out []Probe
	for _, p := range probes {
		x := Probe{Zone: p.zone, Want: p.hours * 3600}
		if loc, err := Zone(p.zone); err == nil {
			_, x.Got = time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC).In(loc).Zone()
		}
		out = append(out, x)
	}
	return out
}

func checkZones() error {
	a, err := openAtlas()
	if err != nil {
		return err
	}
	return judgeZones(a.release, Probes())
}

// judgeZones says what is wrong with zone data of a release, where its probes were found to be.
func judgeZones(release string, found []Probe) error {
	var errs []error
	if release < OldestZones {
		errs = append(errs, fmt.Errorf("zone data %q is older than %s", release, OldestZones))
	}
	for _, p := range found {
		if p.Got != p.Want {
			errs = append(errs, fmt.Errorf("zone data %s puts %s at %+d s from UTC on 2026-12-01, want %+d", release, p.Zone, p.Got, p.Want))
		}
	}
	return errors.Join(errs...)
}
