package region

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// place compiles "US-NY US-FL | America/New_York".
func place(t testing.TB, text string) *Compiled {
	t.Helper()
	regions, zones, _ := strings.Cut(text, "|")
	c, err := Default().Compile(strings.Fields(regions), strings.Fields(zones))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func at(t testing.TB, text string) time.Time {
	t.Helper()
	if text == "" {
		return time.Time{}
	}
	x, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func TestAPlaceOpensAndClosesToTheSecond(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, place, opens, closes string }{
		{"the Saturday before summer time", "US-NY|America/New_York", "2026-03-07T08:00:00-05:00", "2026-03-07T21:00:00-05:00"},
		{"the day on which summer time begins", "US-NY|America/New_York", "2026-03-08T08:00:00-04:00", "2026-03-08T21:00:00-04:00"},
		{"the day before summer time ends", "US-NY|America/New_York", "2026-10-31T08:00:00-04:00", "2026-10-31T21:00:00-04:00"},
		{"the day on which summer time ends", "US-NY|America/New_York", "2026-11-01T08:00:00-05:00", "2026-11-01T21:00:00-05:00"},
		{"Winnipeg keeps its summer time in 2026", "CA-MB|America/Winnipeg", "2026-11-01T10:00:00-05:00", "2026-11-01T18:00:00-05:00"},
		{"Vancouver keeps its summer time in 2026", "CA-BC|America/Vancouver", "2026-11-02T09:00:00-07:00", "2026-11-02T21:30:00-07:00"},
		{"Phoenix has no summer time, the Navajo Nation has", "US-AZ|America/Phoenix America/Denver", "2026-07-06T08:00:00-07:00", "2026-07-06T21:00:00-06:00"},
		{"both zones of Florida", "US-FL|America/New_York America/Chicago", "2026-12-02T08:00:00-06:00", "2026-12-02T20:00:00-05:00"},
		{"both zones on the day that summer time begins", "US-FL|America/New_York America/Chicago", "2026-03-08T08:00:00-05:00", "2026-03-08T20:00:00-04:00"},
		{"Newfoundland's half hour", "CA-NL|America/St_Johns", "2026-12-02T09:00:00-03:30", "2026-12-02T21:30:00-03:30"},
		{"all of Alaska", "US-AK|America/Anchorage America/Adak", "2026-12-02T08:00:00-10:00", "2026-12-02T21:00:00-09:00"},
		{"two states: the later opening and the earlier close", "US-KY US-FL|America/New_York", "2026-12-02T10:00:00-05:00", "2026-12-02T20:00:00-05:00"},
		{"Texas on a Sunday", "US-TX|America/Chicago", "2026-12-06T12:00:00-06:00", "2026-12-06T21:00:00-06:00"},
		{"Rhode Island on a Saturday", "US-RI|America/New_York", "2026-12-05T10:00:00-05:00", "2026-12-05T17:00:00-05:00"},
		{"France in the morning", "FR|Europe/Paris", "2026-12-02T10:00:00+01:00", "2026-12-02T13:00:00+01:00"},
		{"France in the afternoon", "FR|Europe/Paris", "2026-12-02T14:00:00+01:00", "2026-12-02T20:00:00+01:00"},
		{"Nebraska on Christmas", "US-NE|America/Chicago", "2026-12-25T13:00:00-06:00", "2026-12-25T21:00:00-06:00"},
		{"New York on Christmas: no rule of its own", "US-NY|America/New_York", "2026-12-25T08:00:00-05:00", "2026-12-25T21:00:00-05:00"},
		{"Italy before a holiday", "IT|Europe/Rome", "2026-12-24T10:00:00+01:00", "2026-12-24T19:00:00+01:00"},
		{"Italy on another day", "IT|Europe/Rome", "2026-12-23T09:00:00+01:00", "2026-12-23T20:00:00+01:00"},
		{"Mississippi in summer: Central Standard Time as well", "US-MS|America/Chicago", "2027-07-01T09:00:00-05:00", "2027-07-01T20:00:00-05:00"},
		{"Mississippi in winter", "US-MS|America/Chicago", "2026-12-02T08:00:00-06:00", "2026-12-02T20:00:00-06:00"},
		{"California time for a Californian in New York", "US-CA|America/New_York", "2026-12-02T09:00:00-08:00", "2026-12-02T21:00:00-05:00"},
		{"South Dakota's both zones for someone elsewhere", "US-SD|America/New_York", "2026-12-02T09:00:00-07:00", "2026-12-02T21:00:00-05:00"},
		{"an unknown state", "US-??|America/New_York", "2026-12-02T10:00:00-05:00", "2026-12-02T17:00:00-05:00"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := place(t, tt.place)
			opens, closes := at(t, tt.opens), at(t, tt.closes)
			for _, off := range []time.Duration{-2 * time.Minute, -time.Second, -time.Nanosecond} {
				if w := c.Window(opens.Add(off), nil, 0, 0); w.Open || !w.Until.Equal(opens) || w.Reason == "" || w.Blame == "" {
					t.Errorf("%v before opening: %+v", -off, w)
				}
				if w := c.Window(closes.Add(off), nil, 0, 0); !w.Open || !w.From.Equal(opens) || !w.Until.Equal(closes) {
					t.Errorf("%v before closing: %+v", -off, w)
				}
			}
			for _, off := range []time.Duration{0, time.Second, 2 * time.Minute} {
				if w := c.Window(opens.Add(off), nil, 0, 0); !w.Open || !w.From.Equal(opens) || !w.Until.Equal(closes) {
					t.Errorf("%v after opening: %+v", off, w)
				}
				if open, until := c.At(closes.Add(off)); open || !until.After(closes) {
					t.Errorf("%v after closing: open %v, until %v", off, open, until)
				}
			}
		})
	}
}

func TestAClosedPlaceSaysWhyAndWhenItOpens(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, place, at, reason, until, blame string }{
		{"early", "US-KY|America/New_York", "2026-12-02T09:30:00-05:00", "outside_window", "2026-12-02T10:00:00-05:00", "US-KY in America/New_York: Wednesday 10:00-21:00"},
		{"Saturday night to Monday over a closed Sunday", "US-AL|America/Chicago", "2026-12-05T20:00:00-06:00", "outside_window", "2026-12-07T08:00:00-06:00", "US-AL in America/Chicago: Saturday 08:00-20:00"},
		{"a closed Sunday", "US-UT|America/Denver", "2026-12-06T12:00:00-07:00", "outside_window", "2026-12-07T08:00:00-07:00", "US-UT in America/Denver: Sunday none"},
		{"Maine on a Friday evening", "US-ME|America/New_York", "2026-12-04T17:00:00-05:00", "outside_window", "2026-12-07T09:00:00-05:00", "Friday 09:00-17:00"},
		{"South Dakota on a Saturday", "US-SD|America/Chicago", "2026-12-05T12:00:00-06:00", "outside_window", "2026-12-07T10:00:00-06:00", "Saturday none"},
		{"Christmas, a Friday", "US-AL|America/Chicago", "2026-12-25T12:00:00-06:00", "holiday", "2026-12-26T08:00:00-06:00", "US-AL in America/Chicago: 2026-12-25 Christmas none"},
		{"Christmas observed the day before", "US-AL|America/Chicago", "2027-12-24T12:00:00-06:00", "holiday", "2027-12-27T08:00:00-06:00", "Christmas (observed)"},
		{"New Year observed in the old year", "US-AL|America/Chicago", "2027-12-31T12:00:00-06:00", "holiday", "2028-01-03T08:00:00-06:00", "New Year's Day (observed)"},
		{"an observed Monday", "US-UT|America/Denver", "2027-07-05T12:00:00-06:00", "holiday", "2027-07-06T08:00:00-06:00", "Independence Day (observed)"},
		{"a holiday of the country where the state has no list", "US-ME|America/New_York", "2026-11-26T12:00:00-05:00", "holiday", "2026-11-27T09:00:00-05:00", "Thanksgiving"},
		{"a holiday of one of two states", "US-NY US-LA|America/New_York", "2027-02-09T12:00:00-05:00", "holiday", "2027-02-10T08:00:00-05:00", "US-LA in America/New_York: 2027-02-09 Mardi Gras"},
		{"still the holiday in one of two zones", "US-AL|America/Chicago America/New_York", "2026-12-26T00:30:00-05:00", "holiday", "2026-12-26T08:00:00-06:00", "US-AL in America/Chicago: 2026-12-25 Christmas"},
		{"British Columbia on Family Day", "CA-BC|America/Vancouver", "2027-02-15T12:00:00-07:00", "holiday", "2027-02-16T09:00:00-07:00", "Family Day"},
		{"Nebraska on the morning of Christmas", "US-NE|America/Chicago", "2026-12-25T10:00:00-06:00", "holiday", "2026-12-25T13:00:00-06:00", "Christmas 13:00-21:00"},
		{"after the last listed day", "US-NY|America/New_York", "2028-12-26T12:00:00-05:00", "rules_expired", "", "US-NY in America/New_York: no-call days are known up to 2028-12-25"},
		{"no opening before the list ends", "US-AL|America/Chicago", "2028-12-25T12:00:00-06:00", "rules_expired", "", "known up to 2028-12-25"},
		{"a country without a list", "NL|Europe/Amsterdam", "2026-12-02T12:00:00+01:00", "no_window", "", "NL in Europe/Amsterdam: no-call days are not known"},
		{"a country without a list whose holidays are like other days", "IN|Asia/Kolkata", "2026-12-02T12:00:00+05:30", "no_window", "", "not known"},
		{"an unknown country", "??|Europe/London", "2026-12-02T12:00:00Z", "no_window", "", "nobody knows the place"},
		{"windows that never meet", "US-HI FR|Pacific/Honolulu Europe/Paris", "2026-12-02T12:00:00Z", "no_window", "", ""},
		{"no zones", "US-NY|", "2026-12-02T12:00:00Z", "no_window", "", "no zone is known"},
		{"no regions", "|America/New_York", "2026-12-02T12:00:00Z", "no_window", "", "no region"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := place(t, tt.place).Window(at(t, tt.at), nil, 0, 0)
			if w.Open || string(w.Reason) != tt.reason || !w.Until.Equal(at(t, tt.until)) || !strings.Contains(w.Blame, tt.blame) {
				t.Errorf("got %+v", w)
			}
		})
	}
}

func TestTheLastListedDayItselfIsStillKnown(t *testing.T) {
	t.Parallel()
	c := place(t, "US-NY|America/New_York")
	if open, until := c.At(at(t, "2028-12-25T12:00:00-05:00")); !open || !until.Equal(at(t, "2028-12-25T21:00:00-05:00")) {
		t.Errorf("open %v until %v", open, until)
	}
	last, ok := Default().LastDay("US-NY")
	if !ok || last.Format(time.DateOnly) != "2028-12-25" {
		t.Errorf("last day %v, %v", last, ok)
	}
	if _, ok := Default().LastDay("NL"); ok {
		t.Error("the Netherlands have a list")
	}
}

func TestGuardsNarrowAWindowAtBothEnds(t *testing.T) {
	t.Parallel()
	c := place(t, "FR|Europe/Paris") // 10-13, 14-20
	ask := func(text string, closeGuard time.Duration) Window {
		return c.Window(at(t, text), nil, closeGuard, time.Minute)
	}
	if w := ask("2026-12-02T10:00:59+01:00", 5*time.Minute); w.Open || !w.Until.Equal(at(t, "2026-12-02T10:01:00+01:00")) || !strings.Contains(w.Blame, "guard") {
		t.Errorf("in the first minute: %+v", w)
	}
	if w := ask("2026-12-02T10:01:00+01:00", 5*time.Minute); !w.Open || !w.From.Equal(at(t, "2026-12-02T10:01:00+01:00")) || !w.Until.Equal(at(t, "2026-12-02T12:55:00+01:00")) {
		t.Errorf("after the first minute: %+v", w)
	}
	if w := ask("2026-12-02T12:54:59+01:00", 5*time.Minute); !w.Open {
		t.Errorf("before the guard: %+v", w)
	}
	if w := ask("2026-12-02T12:55:00+01:00", 5*time.Minute); w.Open || w.Reason != OutsideWindow || !w.Until.Equal(at(t, "2026-12-02T14:01:00+01:00")) {
		t.Errorf("in the guard: %+v", w)
	}
	// The morning's three hours are too short for this guard, the afternoon's six are not.
	if w := ask("2026-12-02T09:00:00+01:00", 3*time.Hour); w.Open || !w.Until.Equal(at(t, "2026-12-02T14:01:00+01:00")) {
		t.Errorf("a window shorter than its guards: %+v", w)
	}
	if w := ask("2026-12-02T11:00:00+01:00", 3*time.Hour); w.Open || !w.Until.Equal(at(t, "2026-12-02T14:01:00+01:00")) {
		t.Errorf("inside a window shorter than its guards: %+v", w)
	}
	if w := ask("2026-12-02T11:00:00+01:00", 10*time.Hour); w.Open || !w.Until.IsZero() || w.Reason != NoWindow {
		t.Errorf("no window is long enough: %+v", w)
	}
}

func TestACampaignsHoursNarrowTheLaw(t *testing.T) {
	t.Parallel()
	week := Week{time.Monday: {{540, 1200}}, time.Tuesday: {{420, 1440}}, time.Saturday: {{600, 720}, {780, 1380}}}
	c := place(t, "US-FL|America/New_York America/Chicago")
	tests := []struct {
		at    string
		open  bool
		until string
		blame string
	}{
		{"2026-12-07T10:30:00-05:00", true, "2026-12-07T20:00:00-05:00", ""},
		{"2026-12-07T09:30:00-05:00", false, "2026-12-07T10:00:00-05:00", "campaign in America/Chicago: Monday 09:00-20:00"},
		{"2026-12-08T08:30:00-05:00", false, "2026-12-08T09:00:00-05:00", "US-FL in America/Chicago: Tuesday 08:00-20:00"},
		{"2026-12-08T20:00:00-05:00", false, "2026-12-12T11:00:00-05:00", "US-FL in America/New_York"},
		{"2026-12-09T12:00:00-05:00", false, "2026-12-12T11:00:00-05:00", "campaign in America/Chicago: Wednesday none"},
		{"2026-12-12T11:30:00-05:00", true, "2026-12-12T12:00:00-05:00", ""},
		{"2026-12-12T12:30:00-05:00", false, "2026-12-12T14:00:00-05:00", "campaign in America/New_York: Saturday 10:00-12:00+13:00-23:00"},
	}
	for _, tt := range tests {
		w := c.Window(at(t, tt.at), &week, 0, 0)
		if w.Open != tt.open || !w.Until.Equal(at(t, tt.until)) || !strings.Contains(w.Blame, tt.blame) || (w.Blame == "") != w.Open {
			t.Errorf("%s: %+v", tt.at, w)
		}
	}
	// Central Standard Time matters to the law of Mississippi, not to the campaign: there it is half past nine.
	late := Week{time.Thursday: {{600, 1200}}}
	if w := place(t, "US-MS|America/Chicago").Window(at(t, "2027-07-01T10:30:00-05:00"), &late, 0, 0); !w.Open {
		t.Errorf("the campaign's hours on a statute's clock: %+v", w)
	}
	night := Week{time.Monday: {{0, 300}}}
	if w := c.Window(at(t, "2026-12-07T10:30:00-05:00"), &night, 0, 0); w.Open || w.Reason != NoWindow || !w.Until.IsZero() {
		t.Errorf("hours that the law never allows: %+v", w)
	}
}

func TestWithoutTheLawOnlyTheCampaignsHoursCount(t *testing.T) {
	t.Parallel()
	c := place(t, "US-AL ??|America/Chicago America/New_York").Unruled()
	always := Always()
	christmasNight := at(t, "2026-12-25T03:00:00-06:00")
	for _, week := range []*Week{nil, &always} {
		if w := c.Window(christmasNight, week, 5*time.Minute, time.Minute); !w.Open || !w.Until.IsZero() || !w.From.IsZero() {
			t.Errorf("every hour: %+v", w)
		}
	}
	week := Week{time.Friday: {{540, 600}}}
	if w := c.Window(christmasNight, &week, 0, 0); w.Open || w.Reason != NoWindow {
		t.Errorf("an hour that two zones an hour apart do not share: %+v", w)
	}
	two := Week{time.Friday: {{540, 660}}}
	if w := c.Window(christmasNight, &two, 0, 0); w.Open || !w.Until.Equal(at(t, "2026-12-25T09:00:00-06:00")) {
		t.Errorf("the hour that they share: %+v", w)
	}
	if now := christmasNight; c.NeedsConsentAt(now) || len(c.CapsAt(now)) > 0 || len(c.SourcesAt(now)) > 0 {
		t.Error("a place without law has caps or asks for consent")
	}
	if w := place(t, "US-NY|").Unruled().Window(christmasNight, nil, 0, 0); w.Open {
		t.Errorf("no zones: %+v", w)
	}
}

func TestAnswersDoNotDependOnWhatWasAskedBefore(t *testing.T) {
	t.Parallel()
	week := Week{time.Monday: {{540, 1200}}, time.Friday: {{0, 1440}}, time.Saturday: {{0, 1440}}}
	asked := place(t, "US-TX US-FL|America/New_York America/Chicago")
	start := at(t, "2026-12-21T00:00:00Z")
	// Steps back and forth, with several askers at one place.
	for i := range 2000 {
		now := start.Add(time.Duration(i*7919%20000) * time.Minute)
		var w *Week
		if i%2 == 0 {
			w = &week
		}
		guard := time.Duration(i%3) * time.Minute
		fresh := memo{week: w, close: guard, open: time.Minute}
		asked.answer(now, &fresh)
		got := asked.Window(now, w, guard, time.Minute)
		if diff := cmp.Diff(fresh.window, got); diff != "" {
			t.Fatalf("%v: %s", now, diff)
		}
	}
}

func TestAPlaceMayBeAskedByManyAtOnce(t *testing.T) {
	t.Parallel()
	var wg sync.WaitGroup
	always := Always()
	for i := range 8 {
		wg.Go(func() {
			for j := range 200 {
				c, err := Default().ByKey("US-GA|America/New_York")
				if err != nil {
					t.Error(err)
					return
				}
				now := time.Date(2026, 12, 1, 0, i*60+j, 0, 0, time.UTC)
				want := now.Hour() < 2 // 21:00 in Georgia is 02:00 UTC
				if w := c.Window(now, &always, 0, 0); now.Hour() < 12 && w.Open != want {
					t.Errorf("%v: %+v", now, w)
				}
			}
		})
	}
	wg.Wait()
}

func TestUnknownRegionsAndZonesDoNotCompile(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ regions, zones, want string }{
		{"US-XX", "America/New_York", `region "US-XX" has no rule`},
		{"US-NY", "America/NewYork", "did you mean America/New_York"},
	} {
		if _, err := Default().Compile([]string{tt.regions}, []string{tt.zones}); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s %s: %v", tt.regions, tt.zones, err)
		}
		if v, err := Default().Allowed([]string{tt.regions}, []string{tt.zones}, time.Time{}); err == nil || v.Open {
			t.Errorf("%s %s: %+v, %v", tt.regions, tt.zones, v, err)
		}
	}
	if _, err := Default().ByKey("US-NY"); err == nil {
		t.Error("ByKey took half a key")
	}
}

func TestAllowedListsEveryRowThatHasASay(t *testing.T) {
	t.Parallel()
	v, err := Default().Allowed([]string{"US-AL", "US-NY"}, []string{"America/Chicago", "America/New_York"}, at(t, "2026-12-25T12:00:00-06:00"))
	if err != nil {
		t.Fatal(err)
	}
	if v.Open || v.Reason != Holiday || !v.Until.Equal(at(t, "2026-12-26T08:00:00-06:00")) {
		t.Errorf("%+v", v.Window)
	}
	var got []string
	for _, j := range v.Rows {
		if j.Source == "" || j.Confidence == "" {
			t.Errorf("%s has no source", j.Region)
		}
		got = append(got, strings.Join([]string{j.Region, j.Zone, j.Local.Format("15:04"), j.Day, FormatSpans(j.Spans), string(j.Reason), map[bool]string{true: "pass"}[j.Pass]}, " "))
	}
	want := []string{
		"US-AL America/Chicago 12:00 Christmas none holiday ",
		"US-NY America/Chicago 12:00 Friday 08:00-21:00  pass",
		"US-AL America/New_York 13:00 Christmas none holiday ",
		"US-NY America/New_York 13:00 Friday 08:00-21:00  pass",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
