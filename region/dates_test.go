package region

import (
	"errors"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

func TestTheRowInForceOnTheDayDecides(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, place, opens, closes string }{
		{"Pennsylvania's last Sunday", "US-PA|America/New_York", "2026-10-11T13:30:00-04:00", "2026-10-11T21:00:00-04:00"},
		{"the day before the change", "US-PA|America/New_York", "2026-10-17T08:00:00-04:00", "2026-10-17T21:00:00-04:00"},
		{"the first weekday after it", "US-PA|America/New_York", "2026-10-19T09:00:00-04:00", "2026-10-19T19:00:00-04:00"},
		{"Oregon before its law", "US-OR|America/Los_Angeles", "2025-12-31T08:00:00-08:00", "2025-12-31T21:00:00-08:00"},
		{"and after", "US-OR|America/Los_Angeles", "2026-01-01T08:00:00-08:00", "2026-01-01T20:00:00-08:00"},
	}
	for _, tt := range tests {
		c := place(t, tt.place)
		opens, closes := at(t, tt.opens), at(t, tt.closes)
		for _, x := range []struct {
			at   time.Time
			open bool
		}{{opens.Add(-time.Second), false}, {opens, true}, {closes.Add(-time.Second), true}, {closes, false}} {
			if open, _ := c.At(x.at); open != x.open {
				t.Errorf("%s at %v: open %v", tt.name, x.at, open)
			}
		}
	}
	c := place(t, "US-PA|America/New_York")
	if open, until := c.At(at(t, "2026-10-18T14:00:00-04:00")); open || !until.Equal(at(t, "2026-10-19T09:00:00-04:00")) {
		t.Errorf("on the Sunday of the change: open %v until %v", open, until)
	}
	if open, until := c.At(at(t, "2026-10-17T20:00:00-04:00")); !open || !until.Equal(at(t, "2026-10-17T21:00:00-04:00")) {
		t.Errorf("on the evening before: open %v until %v", open, until)
	}
}

func TestCapsAndSourcesAreThoseOfTheDay(t *testing.T) {
	t.Parallel()
	c := place(t, "US-OR|America/Los_Angeles")
	before, after := at(t, "2025-12-01T12:00:00Z"), at(t, "2026-02-01T12:00:00Z")
	if caps := c.CapsAt(before); len(caps) != 0 {
		t.Errorf("a cap before the law: %v", caps)
	}
	if caps := c.CapsAt(after); len(caps) != 1 || caps[0].N != 3 {
		t.Errorf("no cap after the law: %v", caps)
	}
	// Around midnight somewhere in the world, both rows count.
	if caps := c.CapsAt(at(t, "2026-01-01T00:00:00+14:00")); len(caps) != 1 {
		t.Errorf("where the new year has begun: %v", caps)
	}
	if got := strings.Join(c.SourcesAt(after), ";"); !strings.Contains(got, "in force since 2026-01-01") || strings.Contains(got, "until") {
		t.Errorf("sources %s", got)
	}
	rows := Default().Rules("FR")
	if len(rows) != 2 || rows[1].From.Format(time.DateOnly) != "2026-08-11" || !rows[1].Until.IsZero() || !rows[0].Until.Equal(rows[1].From) {
		t.Errorf("FR has %+v", rows)
	}
	if r, _ := Default().Rule("US-PA"); r.From.Format(time.DateOnly) != "2026-10-18" {
		t.Errorf("the row of the tables' day is %+v", r)
	}
	v, err := Default().Allowed([]string{"US-PA"}, []string{"America/New_York"}, at(t, "2026-12-02T12:00:00-05:00"))
	if err != nil || len(v.Rows) != 1 || v.Rows[0].Dates != "since 2026-10-18" {
		t.Errorf("%+v, %v", v.Rows, err)
	}
}

func TestDatedRowsThatContradictEachOtherAreRefused(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ file, old, spoilt, want string }{
		"rows on the same days":          {tableHours, ",low,2026-10-18,", ",low,2026-10-10,", "two rows on the same days"},
		"days without a row":             {tableHours, ",low,2026-10-18,", ",low,2026-10-20,", "no row from 2026-10-18 until 2026-10-20"},
		"an end before its beginning":    {tableHours, ",low,2026-10-18,", ",low,2026-10-18,2026-10-18", "the first day that the row is no longer in force"},
		"a date that is none":            {tableHours, ",low,2026-10-18,", ",low,18.10.2026,", "want a date such as"},
		"half of a row":                  {tableSpecial, "refusal,60d,Code conso D.223-9 (decret 2022-1313): 60 days of silence after a refusal,high,,", "refusal,60d,x,high,2026-09-01,", "in two"},
		"a pause that is none":           {tableSpecial, "refusal,60d", "refusal,60", "pause after a refusal"},
		"a place on the same days":       {tableZones, "US-OH,America/New_York,", "US-OH,America/New_York,,x,high,,2028-01-01\nUS-OH,America/New_York,", "two rows on the same days"},
		"a no-call day without a source": {tableHolidays, "AU,2026-12-25,Christmas,national days; dates computed and compared with rickar/cal v2.1.13", "AU,2026-12-25,Christmas,", "names its source"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := files(t)
			text := string(f[tt.file].Data)
			if !strings.Contains(text, tt.old) {
				t.Fatalf("%s has no %q", tt.file, tt.old)
			}
			f[tt.file] = &fstest.MapFile{Data: []byte(strings.Replace(text, tt.old, tt.spoilt, 1))}
			_, err := Parse(f)
			if bad, ok := errors.AsType[*TableError](err); !ok || bad.File != tt.file || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q in it", err, tt.want)
			}
		})
	}
}

func TestAPlaceIsWideWhileItChangesAndNarrowAfterwards(t *testing.T) {
	t.Parallel()
	f := files(t)
	text := string(f[tableZones].Data)
	const source = "IANA tz database 2026f: zones and their comments,high"
	for old, spoilt := range map[string]string{
		"US-OH,America/New_York,," + source + ",,\n": "US-OH,America/Chicago,,x,high,,2027-06-01\nUS-OH,America/New_York,,x,high,2027-06-01,\n",
		"US-WV,America/New_York,," + source + ",,\n": "US-WV,America/Chicago,,x,high,,2026-01-01\nUS-WV,America/New_York,,x,high,2026-01-01,\n",
	} {
		if !strings.Contains(text, old) {
			t.Fatalf("%s has no %q", tableZones, old)
		}
		text = strings.Replace(text, old, spoilt, 1)
	}
	f[tableZones] = &fstest.MapFile{Data: []byte(text)}
	tables, err := Parse(f)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(tables.Zones("US-OH"), " "); got != "America/Chicago America/New_York" {
		t.Errorf("a change that is coming: %s", got)
	}
	if got := strings.Join(tables.Zones("US-WV"), " "); got != "America/New_York" {
		t.Errorf("a change that is over: %s", got)
	}
}

func TestAnUnknownStateHasTheNoCallDaysOfEveryState(t *testing.T) {
	t.Parallel()
	c := place(t, "US-??|America/Chicago")
	// Mardi Gras is a day of Louisiana and Alabama alone.
	if w := c.Window(at(t, "2027-02-09T12:00:00-06:00"), nil, 0, 0); w.Open || w.Reason != Holiday || !strings.Contains(w.Blame, "Mardi Gras") {
		t.Errorf("%+v", w)
	}
	if errs := Default().checkUnknown(); len(errs) > 0 {
		t.Errorf("the row of an unknown state is too loose: %v", errs)
	}
	f := files(t)
	f[tableHours] = &fstest.MapFile{Data: []byte(strings.Replace(string(f[tableHours].Data), "US-??,10:00-17:00", "US-??,08:00-17:00", 1))}
	tables, err := Parse(f)
	if err != nil {
		t.Fatal(err)
	}
	if err := tables.Check(at(t, "2026-12-01T00:00:00Z")); err == nil || !strings.Contains(err.Error(), "looser than that of US-KY on weekdays") {
		t.Errorf("Check says %v", err)
	}
}

func TestDiffNamesRowColumnAndBothValues(t *testing.T) {
	t.Parallel()
	if got := Diff(Default(), Default()); len(got) != 0 {
		t.Fatalf("the same tables differ: %v", got)
	}
	f := files(t)
	f[tableHours] = &fstest.MapFile{Data: []byte(strings.Replace(string(f[tableHours].Data), "US-KY,10:00-21:00", "US-KY,11:00-21:00", 1))}
	f[tableHolidays] = &fstest.MapFile{Data: []byte(strings.Replace(string(f[tableHolidays].Data), "AU,2026-12-26,Boxing Day", "AU,2026-12-24,Eve", 1))}
	f[tableVersion] = &fstest.MapFile{Data: []byte("2026-12-24\n")}
	other, err := Parse(f)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range Diff(Default(), other) {
		got = append(got, strings.Join([]string{c.Table, c.Key, c.Field, c.Old, c.New}, "|"))
	}
	all := strings.Join(got, "\n")
	for _, want := range []string{
		"VERSION|date of the tables|version|2026-11-22|2026-12-24",
		"hours.csv|US-KY|weekday|10:00-21:00|11:00-21:00",
		"holidays.csv|AU 2026-12-24 Eve|row||confidence=high; date=2026-12-24; name=Eve; region=AU",
		"holidays.csv|AU 2026-12-26 Boxing Day|row|confidence=high",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("%q is not in\n%s", want, all)
		}
	}
	if len(got) != 4 {
		t.Errorf("%d changes, want 4:\n%s", len(got), all)
	}
}
