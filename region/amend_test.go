package region

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// amended are the embedded tables with something added.
func amended(t testing.TB, a Amendment) *Tables {
	t.Helper()
	tables, err := Default().Amend(1, a)
	if err != nil {
		t.Fatal(err)
	}
	return tables
}

func in(t testing.TB, tables *Tables, text string) *Compiled {
	t.Helper()
	regions, zones, _ := strings.Cut(text, "|")
	c, err := tables.Compile(strings.Fields(regions), strings.Fields(zones))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestABlockClosesItsRegionFromItsFirstToItsLastDay(t *testing.T) {
	t.Parallel()
	tables := amended(t, Amendment{Blocks: []Block{
		{Region: "US-LA", From: "2026-12-01", To: "2026-12-03", Reason: "hurricane"},
		{Region: "US-TX", From: "2026-12-01T18:00:00Z", To: "2026-12-02T16:30:00Z", Reason: "power cut"},
		{Region: "FR", From: "2026-12-02", To: "2026-12-02", Reason: "day of mourning"},
	}})
	tests := []struct{ name, place, at, open, until, blame string }{
		{"before", "US-LA|America/Chicago", "2026-11-30T19:59:59-06:00", "open", "2026-11-30T20:00:00-06:00", ""},
		{"the first day", "US-LA|America/Chicago", "2026-12-01T12:00:00-06:00", "holiday", "2026-12-04T08:00:00-06:00", "US-LA in America/Chicago: blocked 2026-12-01 to 2026-12-03: hurricane"},
		{"the last day", "US-LA|America/Chicago", "2026-12-03T19:00:00-06:00", "holiday", "2026-12-04T08:00:00-06:00", "hurricane"},
		{"after", "US-LA|America/Chicago", "2026-12-04T08:00:00-06:00", "open", "2026-12-04T20:00:00-06:00", ""},
		{"another state", "US-MS|America/Chicago", "2026-12-02T12:00:00-06:00", "open", "2026-12-02T20:00:00-06:00", ""},
		{"a state that nobody knows may be that one", "US-??|America/Chicago", "2026-12-02T12:00:00-06:00", "holiday", "2026-12-04T10:00:00-06:00", "hurricane"},
		{"a place that could be there", "US-LA US-NY|America/New_York", "2026-12-02T12:00:00-05:00", "holiday", "2026-12-04T08:00:00-05:00", "hurricane"},
		{"until an instant", "US-TX|America/Chicago", "2026-12-01T11:00:00-06:00", "open", "2026-12-01T18:00:00Z", ""},
		{"from an instant", "US-TX|America/Chicago", "2026-12-01T18:00:00Z", "holiday", "2026-12-02T16:30:00Z", "blocked 2026-12-01T18:00:00Z to 2026-12-02T16:30:00Z: power cut"},
		{"in the night of it", "US-TX|America/Chicago", "2026-12-02T03:30:00Z", "holiday", "2026-12-02T16:30:00Z", "power cut"},
		{"from the instant of its end", "US-TX|America/Chicago", "2026-12-02T16:30:00Z", "open", "2026-12-02T21:00:00-06:00", ""},
		{"a country", "FR|Europe/Paris", "2026-12-02T12:00:00+01:00", "holiday", "2026-12-03T10:00:00+01:00", "day of mourning"},
	}
	for _, tt := range tests {
		w := in(t, tables, tt.place).Window(at(t, tt.at), nil, 0, 0)
		got := string(w.Reason)
		if w.Open {
			got = "open"
		}
		if got != tt.open || !w.Until.Equal(at(t, tt.until)) || !strings.Contains(w.Blame, tt.blame) {
			t.Errorf("%s: %+v", tt.name, w)
		}
	}
	if open, _ := place(t, "US-LA|America/Chicago").At(at(t, "2026-12-02T12:00:00-06:00")); !open {
		t.Error("the tables themselves have changed")
	}
	v, err := tables.Allowed([]string{"US-LA"}, []string{"America/Chicago"}, at(t, "2026-12-02T12:00:00-06:00"))
	if err != nil || len(v.Rows) != 1 || v.Rows[0].Pass || !strings.Contains(v.Rows[0].Day, "hurricane") {
		t.Errorf("%+v, %v", v.Rows, err)
	}
}

func TestABlockThatIsLongerThanTheHorizonEndsAllTheSame(t *testing.T) {
	t.Parallel()
	tables := amended(t, Amendment{Blocks: []Block{
		{Region: "US-NY", From: "2026-12-01", To: "2027-03-31", Reason: "long"}, {Region: "US-NY", From: "2027-04-05", To: "2027-04-20", Reason: "again"},
	}})
	w := in(t, tables, "US-NY|America/New_York").Window(at(t, "2026-12-05T12:00:00-05:00"), nil, 0, 0)
	if w.Open || w.Reason != Holiday || !w.Until.Equal(at(t, "2027-04-01T08:00:00-04:00")) {
		t.Errorf("%+v", w)
	}
}

func TestAnOperatorsHoursNarrowWhatTheyName(t *testing.T) {
	t.Parallel()
	tables := amended(t, Amendment{Hours: map[string]OwnHours{"US-TX": {"mon": {{600, 1200}}, "sun": {}}, "GB": {"tue": {{660, 720}, {780, 840}}}}})
	tests := []struct{ place, at, until, blame string }{
		{"US-TX|America/Chicago", "2026-12-07T09:30:00-06:00", "2026-12-07T10:00:00-06:00", "operator's hours of US-TX in America/Chicago: Monday 10:00-20:00"},
		{"US-TX|America/Chicago", "2026-12-07T10:00:00-06:00", "2026-12-07T20:00:00-06:00", ""},
		{"US-TX|America/Chicago", "2026-12-08T09:30:00-06:00", "2026-12-08T21:00:00-06:00", ""},
		{"US-TX|America/Chicago", "2026-12-06T13:00:00-06:00", "2026-12-07T10:00:00-06:00", "operator's hours of US-TX in America/Chicago: Sunday none"},
		{"US-??|America/Chicago", "2026-12-06T13:00:00-06:00", "2026-12-07T10:00:00-06:00", ""},
		{"GB|Europe/London", "2026-12-08T12:30:00Z", "2026-12-08T13:00:00Z", "operator's hours of GB"},
	}
	for _, tt := range tests {
		w := in(t, tables, tt.place).Window(at(t, tt.at), nil, 0, 0)
		if !w.Until.Equal(at(t, tt.until)) || !strings.Contains(w.Blame, tt.blame) {
			t.Errorf("%s at %s: %+v", tt.place, tt.at, w)
		}
	}
}

func TestACountryWithoutNoCallDaysOpensWithAnOperatorsList(t *testing.T) {
	t.Parallel()
	tables := amended(t, Amendment{NoCallDays: map[string][]NamedDay{
		"NL": {{Date: "2027-04-27", Name: "Koningsdag"}, {Date: "2026-12-25"}},
		"IN": {{Date: "2027-01-26", Name: "Republic Day"}},
		"US": {{Date: "2026-12-03", Name: "proclaimed"}, {Date: "2029-06-01", Name: "far away"}},
	}})
	tests := []struct{ place, at, want, until string }{
		{"NL|Europe/Amsterdam", "2026-12-02T12:00:00+01:00", "open", "2026-12-02T20:00:00+01:00"},
		{"NL|Europe/Amsterdam", "2026-12-25T12:00:00+01:00", "holiday", "2026-12-26T10:00:00+01:00"},
		{"NL|Europe/Amsterdam", "2027-04-27T12:00:00+02:00", "rules_expired", ""},
		{"NL|Europe/Amsterdam", "2027-04-28T12:00:00+02:00", "rules_expired", ""},
		{"IN|Asia/Kolkata", "2027-01-20T12:00:00+05:30", "open", "2027-01-20T21:00:00+05:30"},
		{"BE|Europe/Brussels", "2026-12-02T12:00:00+01:00", "no_window", ""},
		{"US-NY|America/New_York", "2026-12-03T12:00:00-05:00", "holiday", "2026-12-04T08:00:00-05:00"},
		// What an operator adds to a list does not make it longer.
		{"US-NY|America/New_York", "2028-12-27T12:00:00-05:00", "rules_expired", ""},
	}
	for _, tt := range tests {
		w := in(t, tables, tt.place).Window(at(t, tt.at), nil, 0, 0)
		got := string(w.Reason)
		if w.Open {
			got = "open"
		}
		if got != tt.want || !w.Until.Equal(at(t, tt.until)) {
			t.Errorf("%s at %s: %+v", tt.place, tt.at, w)
		}
	}
	if last, ok := tables.LastDay("NL"); !ok || last.Format(time.DateOnly) != "2027-04-27" {
		t.Errorf("NL is known up to %v, %v", last, ok)
	}
	if _, ok := Default().LastDay("NL"); ok {
		t.Error("the tables themselves have changed")
	}
}

func TestAnAmendmentIsRefusedWithFieldAndMend(t *testing.T) {
	t.Parallel()
	block := func(region, from, to, reason string) Amendment {
		return Amendment{Blocks: []Block{{Region: region, From: from, To: to, Reason: reason}}}
	}
	hours := func(region string, h OwnHours) Amendment { return Amendment{Hours: map[string]OwnHours{region: h}} }
	days := func(region string, d ...NamedDay) Amendment {
		return Amendment{NoCallDays: map[string][]NamedDay{region: d}}
	}
	tests := []struct {
		name        string
		a           Amendment
		field, want string
	}{
		{"an unknown state", block("US-XX", "2026-12-01", "2026-12-02", "x"), "blocks[0].region", "of US they have US US-??"},
		{"an unknown country", block("Louisiana", "2026-12-01", "2026-12-02", "x"), "blocks[0].region", "write a country or state"},
		{"nobody's place", block("??", "2026-12-01", "2026-12-02", "x"), "blocks[0].region", "nobody there is called"},
		{"no reason", block("US-LA", "2026-12-01", "2026-12-02", " "), "blocks[0].reason", "want the reason"},
		{"a date that is none", block("US-LA", "2026-02-30", "2026-03-02", "x"), "blocks[0].from", "want a date such as"},
		{"a time without a zone", block("US-LA", "2026-12-01T08:00", "2026-12-02T08:00", "x"), "blocks[0].from", "an instant such as"},
		{"a date and an instant", block("US-LA", "2026-12-01", "2026-12-02T08:00:00Z", "x"), "blocks[0].to", "of another kind"},
		{"backwards", block("US-LA", "2026-12-02", "2026-12-01", "x"), "blocks[0].to", "not after from"},
		{"no time at all", block("US-LA", "2026-12-02T08:00:00Z", "2026-12-02T08:00:00Z", "x"), "blocks[0].to", "not after from"},
		{"for ever", block("US-LA", "2026-12-02", "2030-12-01", "x"), "blocks[0].to", "more than 400 days"},
		{"another century", block("US-LA", "1926-12-02", "1926-12-03", "x"), "blocks[0].from", "2000 to 2100"},
		{"looser at the start", hours("US-TX", OwnHours{"mon": {{480, 1200}}}), "hours.US-TX", "looser than the table of US-TX, which has 09:00-21:00 on mon"},
		{"looser at the end", hours("US-PA", OwnHours{"mon": {{600, 1200}}}), "hours.US-PA", "09:00-19:00 on mon (since 2026-10-18)"},
		{"over a break", hours("FR", OwnHours{"fri": {{660, 900}}}), "hours.FR", "10:00-13:00+14:00-20:00 on fri"},
		{"on a closed day", hours("US-AL", OwnHours{"sun": {{660, 720}}}), "hours.US-AL", "none on sun"},
		{"no weekday", hours("US-TX", OwnHours{"monday": {{660, 720}}}), "hours.US-TX", "is no weekday"},
		{"no day", hours("US-TX", OwnHours{}), "hours.US-TX", "names no day"},
		{"overlapping", hours("US-TX", OwnHours{"mon": {{660, 720}, {700, 800}}}), "hours.US-TX.mon", "without overlap"},
		{"never", hours("US-TX", OwnHours{"sun": {}, "mon": {}, "tue": {}, "wed": {}, "thu": {}, "fri": {}, "sat": {}}), "hours.US-TX", "no day at all"},
		{"days of nowhere", days("XX", NamedDay{Date: "2027-04-27"}), "no_call_days.XX", "is not in the tables"},
		{"no days", days("NL"), "no_call_days.NL", "has 0 days"},
		{"a day twice", days("NL", NamedDay{Date: "2027-04-27"}, NamedDay{Date: "2027-04-27", Name: "x"}), "no_call_days.NL[1]", "twice"},
		{"a day that is none", days("NL", NamedDay{Date: "27.4.2027"}), "no_call_days.NL[0]", "want a date"},
	}
	for _, tt := range tests {
		_, err := Default().Amend(1, tt.a)
		bad, ok := errors.AsType[*AmendmentError](err)
		if !ok || bad.Field != tt.field || !strings.Contains(bad.Problem, tt.want) {
			t.Errorf("%s: %v, want %s: %q", tt.name, err, tt.field, tt.want)
		}
	}
	_, err := Default().Amend(1, Amendment{Blocks: []Block{{Region: "XX"}, {Region: "YY"}}})
	if err == nil || !strings.Contains(err.Error(), "blocks[0]") || !strings.Contains(err.Error(), "blocks[1]") {
		t.Errorf("not every mistake at once: %v", err)
	}
	if _, err := Default().Amend(0, Amendment{}); err == nil {
		t.Error("an amendment without a number")
	}
}

func TestTheNameOfTheRulesChangesWithEveryAmendment(t *testing.T) {
	t.Parallel()
	names := map[string]bool{Default().Name(): true}
	block := Block{Region: "US-LA", From: "2026-12-01", To: "2026-12-03", Reason: "x"}
	for number, a := range map[int64]Amendment{1: {}, 2: {Blocks: []Block{block}}, 3: {Blocks: []Block{block, block}}} {
		tables, err := Default().Amend(number, a)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(tables.Name(), Default().Name()+"+") || names[tables.Name()] || tables.Amended() != number {
			t.Errorf("%d: %s", number, tables.Name())
		}
		names[tables.Name()] = true
		if got := in(t, tables, "US-LA|America/Chicago").Rules(); got != tables.Name() {
			t.Errorf("a place says %s", got)
		}
	}
}

func TestAmendedPlacesAgreeWithTheOracleAndAreNeverLooser(t *testing.T) {
	t.Parallel()
	n := 60_000
	if testing.Short() {
		n = 10_000
	}
	first, last := at(t, "2026-12-10T15:17:00Z"), at(t, "2026-12-12T02:41:00Z")
	tables := amended(t, Amendment{
		Blocks: []Block{
			{Region: "US-FL", From: "2026-12-04", To: "2026-12-08", Reason: "x"},
			{Region: "US", From: first.Format(time.RFC3339), To: last.Format(time.RFC3339), Reason: "y"},
		},
		Hours:      map[string]OwnHours{"US-KY": {"mon": {{630, 1000}}, "sat": {}}},
		NoCallDays: map[string][]NamedDay{"CA": {{Date: "2026-12-15"}}},
	})
	o := newOracle(t)
	o.also = func(region string, local, now time.Time) bool {
		date, minute := dateNumber(local), local.Hour()*60+local.Minute()
		switch {
		case (region == "US-FL" || region == "US-??") && date >= 20261204 && date <= 20261208:
			return false
		case strings.HasPrefix(region, "US") && !now.Before(first) && now.Before(last):
			return false
		case (region == "US-KY" || region == "US-??") && local.Weekday() == time.Monday && (minute < 630 || minute >= 1000):
			return false
		case (region == "US-KY" || region == "US-??") && local.Weekday() == time.Saturday:
			return false
		case strings.HasPrefix(region, "CA") && date == 20261215:
			return false
		}
		return true
	}
	list := places(t)
	random := rand.New(rand.NewPCG(7, 11))
	begin := at(t, "2026-12-01T00:00:00Z")
	closed := 0
	for range n {
		plainPlace := list[random.IntN(len(list))]
		c, err := tables.ByKey(plainPlace.Key())
		if err != nil {
			t.Fatal(err)
		}
		now := begin.Add(time.Duration(random.Int64N(20*24*3600)) * time.Second)
		open, until := c.At(now)
		if want := o.open(plainPlace, now, nil); open != want || !until.IsZero() && !until.After(now) {
			t.Fatalf("%s at %v: %v until %v, want %v", c.Key(), now, open, until, want)
		}
		if !until.IsZero() && !open != o.open(plainPlace, until, nil) {
			t.Fatalf("%s at %v: %v until %v, and then not otherwise", c.Key(), now, open, until)
		}
		if legal, _ := plainPlace.At(now); open && !legal {
			t.Fatalf("%s at %v: looser than the law", c.Key(), now)
		} else if legal && !open {
			closed++
		}
	}
	if closed == 0 {
		t.Error("nothing was closed")
	}
}

func TestAskingAmendedTablesAgainAllocatesNothing(t *testing.T) {
	tables := amended(t, Amendment{
		Blocks: []Block{{Region: "US-FL", From: "2026-12-04", To: "2026-12-08", Reason: "x"}}, Hours: map[string]OwnHours{"US-TX": {"mon": {{630, 1000}}}},
	})
	c, week := in(t, tables, "US-FL US-TX|America/New_York America/Chicago America/Denver"), Always()
	for name, f := range map[string]func(){
		"open": func() { c.Window(benchTime, &week, 5*time.Minute, time.Minute) },
		"worked out while open": func() {
			m := memo{week: &week, close: 5 * time.Minute, open: time.Minute}
			c.answer(benchTime, &m)
		},
	} {
		f()
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
