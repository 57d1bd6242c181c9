package region

import (
	"errors"
	"fmt"
	"maps"
	"slices"
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
	errs := []error{checkZones()}
	t, err := Load()
	if err != nil {
		return errors.Join(append(errs, err)...)
	}
	return errors.Join(append(errs, t.Check(now))...)
}

// Check reports the lists of no-call days that have ended by now.
func (t *Tables) Check(now time.Time) error {
	var errs []error
	for _, region := range slices.Sorted(maps.Keys(t.lists)) {
		if last := dateOf(t.lists[region].last()); !now.Before(last) {
			errs = append(errs, fmt.Errorf("no-call days of %s end on %s: nothing is allowed there after that, newer tables are needed", region, last.Format(time.DateOnly)))
		}
	}
	return errors.Join(errs...)
}

func checkZones() error {
	a, err := openAtlas()
	if err != nil {
		return err
	}
	var errs []error
	if a.release < OldestZones {
		errs = append(errs, fmt.Errorf("zone data %q is older than %s", a.release, OldestZones))
	}
	for _, p := range probes {
		loc, err := Zone(p.zone)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if _, offset := time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC).In(loc).Zone(); offset != p.hours*3600 {
			errs = append(errs, fmt.Errorf("zone data %s puts %s at %+d s from UTC on 2026-12-01, want %+d", a.release, p.zone, offset, p.hours*3600))
		}
	}
	return errors.Join(errs...)
}
