package campaign

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialerd/dialerd/region"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := region.Zone(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func at(t testing.TB, zoneName, text string) time.Time {
	t.Helper()
	when, err := time.ParseInLocation("2006-01-02 15:04:05", text, zone(t, zoneName))
	if err != nil {
		t.Fatal(err)
	}
	return when
}

const newYork = "America/New_York"

func workdays() Schedule {
	return Schedule{Timezone: newYork, Start: []string{"0 9 * * MON-FRI"}, Stop: []string{"0 17 * * MON-FRI"}}
}

func TestScheduleRunningIsWhatShouldBeTrueNow(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		s    Schedule
		now  string
		want bool
	}{
		{"before the start", workdays(), "2026-03-02 08:59:59", false},
		{"at the start", workdays(), "2026-03-02 09:00:00", true},
		{"in the middle, whoever was down at the start", workdays(), "2026-03-02 13:17:00", true},
		{"at the stop", workdays(), "2026-03-02 17:00:00", false},
		{"over the weekend", workdays(), "2026-03-07 12:00:00", false},
		{"on the Monday after a zone change", workdays(), "2026-03-09 09:00:00", true},
		{"at a tie stop wins", Schedule{Timezone: newYork, Start: []string{"0 9 * * *"}, Stop: []string{"0 9 * * *"}}, "2026-03-02 09:00:00", false},
		{"without a stop it goes on", Schedule{Timezone: newYork, Start: []string{"0 9 1 1 *"}}, "2026-11-20 03:00:00", true},
		{"29 February counts for years", Schedule{Timezone: newYork, Start: []string{"0 9 29 2 *"}}, "2027-11-20 03:00:00", true},
		{"a spec that cannot be read never runs", Schedule{Start: []string{"nonsense"}}, "2026-03-02 09:00:00", false},
		{"an unknown zone never runs", Schedule{Timezone: "Mars/Olympus", Start: []string{"* * * * *"}}, "2026-03-02 09:00:00", false},
		{"without a start it never runs by itself", Schedule{Timezone: newYork}, "2026-03-02 09:00:00", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := c.s.Running(at(t, newYork, c.now)); got != c.want {
				t.Errorf("Running(%s) = %v, want %v", c.now, got, c.want)
			}
		})
	}
}

// The plan's remembered answer must never differ from the schedule's own.
func TestPlanRunningRemembersWithoutForgettingTheTime(t *testing.T) {
	t.Parallel()
	p := NewPlan(&Campaign{Schedule: workdays()})
	start := at(t, newYork, "2026-03-05 00:00:00")
	for m := range 6 * 24 * 4 {
		now := start.Add(time.Duration(m) * 15 * time.Minute)
		if got, want := p.Running(now), p.Schedule.Running(now); got != want {
			t.Fatalf("%s: plan says %v, schedule %v", now, got, want)
		}
	}
	// Time may also go back: why --at asks about any instant.
	if back := at(t, newYork, "2026-03-05 10:00:00"); !p.Running(back) {
		t.Error("the plan forgot an earlier time")
	}
}

func TestCronAtZoneChanges(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, zone, spec, from string
		want                   []string // RFC 3339
	}{
		{"in a gap the first instant after it", newYork, "30 2 * * *", "2026-03-07 12:00:00", []string{"2026-03-08T03:00:00-04:00", "2026-03-09T02:30:00-04:00"}},
		{"in a fold the first of the two", newYork, "30 1 * * *", "2026-10-31 12:00:00", []string{"2026-11-01T01:30:00-04:00", "2026-11-02T01:30:00-05:00"}},
		{"after the first of the two comes the next day", newYork, "30 1 * * *", "2026-11-01 01:45:00", []string{"2026-11-02T01:30:00-05:00"}},
		{"half-hour change", "Australia/Lord_Howe", "15 2 * * *", "2026-10-03 12:00:00", []string{"2026-10-04T02:30:00+11:00", "2026-10-05T02:15:00+11:00"}},
		{"midnight gap", "America/Santiago", "0 0 * * *", "2026-09-05 12:00:00", []string{"2026-09-06T01:00:00-03:00", "2026-09-07T00:00:00-03:00"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cr, err := parseCron(c.spec, zone(t, c.zone))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			next := at(t, c.zone, c.from)
			for range c.want {
				next = cr.Next(next)
				got = append(got, next.Format(time.RFC3339))
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Next goes strictly forward and last finds what Next gave, in every zone and around every change.
func TestCronNextAndLastAgree(t *testing.T) {
	t.Parallel()
	for _, name := range []string{newYork, "Europe/Paris", "Australia/Lord_Howe", "America/St_Johns", "Asia/Kolkata"} {
		for _, spec := range []string{"*/15 * * * *", "30 2 * * *", "0 9 * * MON-FRI", "59 23 31 12 *"} {
			cr, err := parseCron(spec, zone(t, name))
			if err != nil {
				t.Fatal(err)
			}
			now := time.Date(2026, 3, 6, 0, 0, 0, 0, time.UTC)
			for range 300 {
				next := cr.Next(now)
				if !next.After(now) {
					t.Fatalf("%s in %s: Next(%s) = %s", spec, name, now, next)
				}
				if last, ok := cr.last(next); !ok || !last.Equal(next) {
					t.Fatalf("%s in %s: last(%s) = %s", spec, name, next, last)
				}
				if last, ok := cr.last(next.Add(-time.Second)); ok && !last.Before(next) {
					t.Fatalf("%s in %s: last before %s = %s", spec, name, next, last)
				}
				now = next
			}
		}
	}
}

func TestCheckCronNamesTheMistake(t *testing.T) {
	t.Parallel()
	for spec, want := range map[string]string{
		"":                       "empty",
		"TZ=UTC 0 9 * * *":       "names a zone",
		"CRON_TZ=UTC":            "names a zone",
		"TZ=":                    "names a zone",
		"@every 5m":              "interval",
		"0 9 * *":                "five fields",
		"0 9 * * 7":              "Sunday is 0",
		"0 0 31 2 *":             "never happens",
		"61 9 * * *":             "five fields",
		"every day at nine a.m.": "five fields",
	} {
		if err := CheckCron(spec); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("CheckCron(%q) = %v, want it to say %q", spec, err, want)
		}
	}
	for _, good := range []string{"0 9 * * MON-FRI", "*/15 * * * *", "@daily", "0 0 29 2 *"} {
		if err := CheckCron(good); err != nil {
			t.Errorf("CheckCron(%q) = %v", good, err)
		}
	}
}

func TestScheduleNextListsEventsInOrder(t *testing.T) {
	t.Parallel()
	s := workdays()
	s.Import = []string{"0 9 * * MON-FRI"}
	var got []string
	for _, e := range s.Next(at(t, newYork, "2026-03-06 16:00:00"), 4) {
		got = append(got, e.At.Format("Mon 15:04 ")+string(e.Action))
	}
	want := []string{"Fri 17:00 stop", "Mon 09:00 import", "Mon 09:00 start", "Mon 17:00 stop"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func FuzzCron(f *testing.F) {
	for _, spec := range []string{"0 9 * * MON-FRI", "30 2 * * *", "TZ=", "*/7 */5 1-3 2 0", "@weekly", "0 0 29 2 *"} {
		f.Add(spec, int64(1772900000))
	}
	f.Fuzz(func(t *testing.T, spec string, unix int64) {
		if unix < 0 || unix > 4e9 || CheckCron(spec) != nil {
			return
		}
		cr, err := parseCron(spec, zone(t, newYork))
		if err != nil {
			return
		}
		now := time.Unix(unix, 0)
		if next := cr.Next(now); !next.IsZero() && !next.After(now) {
			t.Fatalf("%q: Next(%s) = %s", spec, now, next)
		}
	})
}
