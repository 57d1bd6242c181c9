package region

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// The oracle reads the tables with nothing but the csv package and answers for one instant by formatting local times: slow,
// plain, and without a line of the code that it judges.
type oracle struct {
	hours  map[string][]string // region → row
	days   map[string][]string // region → dates
	clocks map[string][]string
	eves   map[string]bool
}

func newOracle(t *testing.T) *oracle {
	t.Helper()
	o := &oracle{hours: map[string][]string{}, days: map[string][]string{}, clocks: map[string][]string{}, eves: map[string]bool{}}
	for _, r := range rows(t, tableHours) {
		o.hours[r[0]] = r
	}
	for _, r := range rows(t, tableHolidays) {
		o.days[r[0]] = append(o.days[r[0]], r[1])
	}
	for _, r := range rows(t, tableSpecial) {
		switch r[1] {
		case "clock":
			o.clocks[r[0]] = append(o.clocks[r[0]], r[2])
		case "eve":
			o.eves[r[0]] = true
		}
	}
	return o
}

func (o *oracle) inside(spans string, local time.Time) bool {
	if spans == "none" || spans == "" {
		return false
	}
	now := local.Format("15:04")
	for span := range strings.SplitSeq(spans, "+") {
		from, to, _ := strings.Cut(span, "-")
		if from <= now && now < to {
			return true
		}
	}
	return false
}

func (o *oracle) allows(region string, local time.Time) bool {
	row := o.hours[region]
	days, ok := o.days[region]
	if !ok {
		days, ok = o.days[strings.Split(region, "-")[0]]
	}
	today := local.Format("2006-01-02")
	tomorrow := time.Date(local.Year(), local.Month(), local.Day()+1, 12, 0, 0, 0, time.UTC).Format("2006-01-02")
	switch {
	case !ok || today > slices.Max(days):
		return false
	case row[4] != "same" && slices.Contains(days, today):
		return o.inside(row[4], local)
	case local.Weekday() == time.Saturday:
		return o.inside(row[2], local)
	case local.Weekday() == time.Sunday:
		return o.inside(row[3], local)
	case o.eves[region] && slices.Contains(days, tomorrow):
		return o.inside(row[2], local)
	}
	return o.inside(row[1], local)
}

func (o *oracle) open(t *testing.T, c *Compiled, now time.Time, week map[time.Weekday]string) bool {
	t.Helper()
	if len(c.Zones()) == 0 {
		return false
	}
	in := func(zone string) time.Time {
		loc, err := Zone(zone)
		if err != nil {
			t.Fatal(err)
		}
		return now.In(loc)
	}
	for _, zone := range c.Zones() {
		local := in(zone)
		if week != nil && !o.inside(week[local.Weekday()], local) {
			return false
		}
		for _, region := range c.Regions() {
			if !o.allows(region, local) {
				return false
			}
		}
	}
	for _, region := range c.Regions() {
		for _, zone := range o.clocks[region] {
			if !o.allows(region, in(zone)) {
				return false
			}
		}
	}
	return true
}

// places is every distinct set of regions and zones that the area codes yield, and some that several signals yield.
func places(t *testing.T) []*Compiled {
	t.Helper()
	var out []*Compiled
	add := func(s Signals) {
		p := Locate(s)
		c, err := Default().Compile(p.Regions, p.Zones)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
	for _, a := range Default().AreaCodes() {
		add(Signals{Phone: "+1" + a.Code + "2345678"})
	}
	for _, phone := range []string{"+442079460123", "+353871234567", "+33612345678", "+493012345678", "+34612345678", "+390212345678", "+31612345678", "+61412345678", "+6421234567", "+919812345678"} {
		add(Signals{Phone: phone})
	}
	for _, state := range []string{"CA", "MS", "SD", "NE", "TX", "AK", "HI", "PR", "ON", "QC", "BC", "AL"} {
		add(Signals{Phone: "+12125550123", State: state})
		add(Signals{Phone: "+18505550123", State: state, Zone: "America/Phoenix"})
	}
	return out
}

// edges is every minute within two of a full or half hour: no span of the tables and no change of a clock lies elsewhere.
func edges(day time.Time, visit func(time.Time)) {
	for half := range 48 {
		for off := -2; off <= 2; off++ {
			visit(day.Add(time.Duration(half*30+off) * time.Minute))
		}
	}
}

func TestEveryPlaceAgreesWithTheOracleAroundChangesAndNoCallDays(t *testing.T) {
	t.Parallel()
	o := newOracle(t)
	days := []string{
		"2026-03-07", "2026-03-08", "2026-03-09", "2026-03-28", "2026-03-29", "2026-10-31", "2026-11-01", "2026-11-02", "2026-11-26", "2026-12-24", "2026-12-25",
		"2026-12-26", "2027-01-01", "2027-03-14", "2027-07-05", "2027-11-07", "2027-12-24", "2027-12-31", "2028-03-12", "2028-12-25", "2028-12-26", "2028-12-27",
	}
	asked, wrong, opened := 0, 0, 0
	list := places(t)
	if testing.Short() {
		days = days[:6]
	}
	for i, c := range list {
		// Every place sees a fifth of the days, every day is seen by a fifth of the places.
		for j, text := range days {
			if (i+j)%5 != 0 {
				continue
			}
			day, err := time.Parse(time.DateOnly, text)
			if err != nil {
				t.Fatal(err)
			}
			edges(day, func(now time.Time) {
				asked++
				want := o.open(t, c, now, nil)
				got, until := c.At(now)
				if want {
					opened++
				}
				if got != want || !until.IsZero() && !until.After(now) {
					if wrong++; wrong < 20 {
						t.Errorf("%s at %v: %v until %v, want %v", c.Key(), now, got, until, want)
					}
				}
			})
		}
	}
	t.Logf("%d places, %d decisions, %d open, %d wrong", len(list), asked, opened, wrong)
	if len(list) < 100 || opened == 0 {
		t.Errorf("only %d places, %d open", len(list), opened)
	}
}

func TestUntilIsTheVeryMinuteAtWhichTheOracleChangesItsMind(t *testing.T) {
	t.Parallel()
	o := newOracle(t)
	text := map[time.Weekday]string{time.Sunday: "00:15-01:30+02:15-24:00", time.Monday: "00:00-24:00", time.Tuesday: "01:30-02:30+09:00-17:15", time.Saturday: "00:00-01:30+02:15-24:00", time.Friday: "09:00-24:00"}
	week := Week{}
	for day, spans := range text {
		s, err := ParseSpans(spans)
		if err != nil {
			t.Fatal(err)
		}
		week[day] = s
	}
	lawless := &oracle{hours: map[string][]string{}}
	tests := []struct {
		c    *Compiled
		o    *oracle
		week *Week
		text map[time.Weekday]string
	}{
		{place(t, "US-FL|America/New_York America/Chicago"), o, nil, nil},
		{place(t, "US-AL US-NE|America/Chicago"), o, &week, text},
		{place(t, "FR|Europe/Paris"), o, nil, nil},
		{place(t, "CA-NL|America/St_Johns America/Goose_Bay"), o, &week, text},
		{place(t, "US-MS|America/Chicago"), o, nil, nil},
		// Nights are open here, so the hours that a clock skips and shows twice count.
		{place(t, "|America/New_York").Unruled(), lawless, &week, text},
		{place(t, "|Australia/Lord_Howe").Unruled(), lawless, &week, text},
		{place(t, "|America/New_York Europe/London").Unruled(), lawless, &week, text},
		{place(t, "|Asia/Kathmandu").Unruled(), lawless, &week, text},
	}
	starts := []string{"2026-03-06T00:00:00Z", "2026-10-30T00:00:00Z", "2026-12-24T00:00:00Z", "2027-04-02T00:00:00Z"}
	for i, tt := range tests {
		for j, start := range starts {
			if testing.Short() && (i+j)%2 == 0 {
				continue
			}
			begin := at(t, start)
			states := make([]bool, 4*24*60)
			for m := range states {
				states[m] = tt.o.open(t, tt.c, begin.Add(time.Duration(m)*time.Minute), tt.text)
			}
			change := len(states) // the next minute at which the state is another, from the back
			for m := len(states) - 2; m >= 0; m-- {
				if states[m+1] != states[m] {
					change = m + 1
				}
				now := begin.Add(time.Duration(m) * time.Minute)
				w := tt.c.Window(now, tt.week, 0, 0)
				if w.Open != states[m] || change < len(states) && !w.Until.Equal(begin.Add(time.Duration(change)*time.Minute)) {
					t.Fatalf("%d %s at %v: %+v, want %v until minute %d", i, tt.c.Key(), now, w, states[m], change)
				}
			}
		}
	}
}

func TestGuardsAgreeWithTheOracle(t *testing.T) {
	t.Parallel()
	o := newOracle(t)
	for _, c := range []*Compiled{place(t, "FR|Europe/Paris"), place(t, "US-AL|America/Chicago America/New_York")} {
		const openGuard, closeGuard = 3, 7
		begin := at(t, "2026-12-23T00:00:00Z")
		open := make([]bool, 5*24*60)
		for m := range open {
			open[m] = o.open(t, c, begin.Add(time.Duration(m)*time.Minute), nil)
		}
		for m := openGuard; m < len(open)-closeGuard; m++ {
			want := !slices.Contains(open[m-openGuard:m+closeGuard+1], false)
			now := begin.Add(time.Duration(m) * time.Minute)
			w := c.Window(now, nil, closeGuard*time.Minute, openGuard*time.Minute)
			if w.Open != want {
				t.Fatalf("%s at %v: %+v, want %v", c.Key(), now, w, want)
			}
		}
	}
}

func TestRandomInstantsAgreeWithTheOracle(t *testing.T) {
	t.Parallel()
	n := 30_000
	if testing.Short() {
		n = 5_000
	}
	o, list := newOracle(t), places(t)
	random := rand.New(rand.NewPCG(2026, 11))
	begin := at(t, "2026-01-01T00:00:00Z")
	for range n {
		c := list[random.IntN(len(list))]
		now := begin.Add(time.Duration(random.Int64N(3*366*24*3600)) * time.Second)
		want := o.open(t, c, now, nil)
		if got, until := c.At(now); got != want || got && !until.After(now) {
			t.Fatalf("%s at %v: %v, want %v", c.Key(), now, got, want)
		}
	}
}
