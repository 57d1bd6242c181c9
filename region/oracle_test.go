package region

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// proof has the oracle asked ten million times at random, which takes minutes: go test ./region -run Oracle -proof.
var proof = flag.Bool("proof", false, "ask the oracle ten million times; takes minutes")

// The oracle reads the tables with nothing but the csv package and answers for one instant by looking at clocks: plain, and without
// a line of the code that it judges.
type oracle struct {
	hours  map[string][]oracleRow // by region
	days   map[string]map[int]bool
	last   map[string]int
	clocks map[string][]string
	eves   map[string]bool
	zones  map[string]*time.Location
	also   func(region string, local, now time.Time) bool // what an operator added; nil = nothing
}

type oracleRow struct {
	from, until             int // 20261018; 0 = none
	week, sat, sun, holiday [][2]int
	same                    bool
}

func newOracle(t testing.TB) *oracle {
	t.Helper()
	o := &oracle{
		hours: map[string][]oracleRow{}, days: map[string]map[int]bool{}, last: map[string]int{}, clocks: map[string][]string{}, eves: map[string]bool{},
		zones: map[string]*time.Location{},
	}
	date := func(text string) int {
		n, err := strconv.Atoi(strings.ReplaceAll(text, "-", ""))
		if err != nil && text != "" {
			t.Fatal(err)
		}
		return n
	}
	for _, r := range rows(t, tableHours) {
		o.hours[r[0]] = append(o.hours[r[0]], oracleRow{
			from: date(r[9]), until: date(r[10]), week: pairs(t, r[1]), sat: pairs(t, r[2]), sun: pairs(t, r[3]), holiday: pairs(t, r[4]), same: r[4] == "same",
		})
	}
	for _, r := range rows(t, tableHolidays) {
		if o.days[r[0]] == nil {
			o.days[r[0]] = map[int]bool{}
		}
		o.days[r[0]][date(r[1])] = true
		o.last[r[0]] = max(o.last[r[0]], date(r[1]))
	}
	o.days["US-??"] = map[int]bool{} // it could be any state
	for list, days := range o.days {
		if strings.HasPrefix(list, "US") && list != "US-??" {
			maps.Copy(o.days["US-??"], days)
			o.last["US-??"] = o.last["US"]
		}
	}
	for _, r := range rows(t, tableSpecial) {
		switch r[1] {
		case "clock":
			o.clocks[r[0]] = append(o.clocks[r[0]], r[2])
		case "eve":
			o.eves[r[0]] = true
		}
		if r[5] != "" || r[6] != "" {
			t.Fatal("the oracle knows nothing of dates in special.csv: teach it")
		}
	}
	for _, name := range zoneNames(t) {
		loc, err := Zone(name)
		if err != nil {
			t.Fatal(err)
		}
		o.zones[name] = loc
	}
	return o
}

// pairs reads "10:00-13:00+14:00-20:00" as minutes.
func pairs(t testing.TB, spans string) [][2]int {
	t.Helper()
	if spans == "none" || spans == "same" || spans == "" {
		return nil
	}
	var out [][2]int
	for span := range strings.SplitSeq(spans, "+") {
		var a, b, c, d int
		if _, err := fmt.Sscanf(span, "%d:%d-%d:%d", &a, &b, &c, &d); err != nil {
			t.Fatal(err)
		}
		out = append(out, [2]int{a*60 + b, c*60 + d})
	}
	return out
}

func inside(spans [][2]int, local time.Time) bool {
	h, m, _ := local.Clock()
	for _, s := range spans {
		if s[0] <= h*60+m && h*60+m < s[1] {
			return true
		}
	}
	return false
}

func dateNumber(t time.Time) int {
	y, m, d := t.Date()
	return y*10000 + int(m)*100 + d
}

func (o *oracle) allows(region string, local time.Time) bool {
	list := region
	if o.days[list] == nil {
		list = strings.Split(region, "-")[0]
	}
	today := dateNumber(local)
	if today > o.last[list] { // which is 0 where there is no list
		return false
	}
	for _, row := range o.hours[region] {
		if row.from != 0 && today < row.from || row.until != 0 && today >= row.until {
			continue
		}
		weekday := local.Weekday()
		switch {
		case !row.same && o.days[list][today]:
			return inside(row.holiday, local)
		case weekday == time.Saturday:
			return inside(row.sat, local)
		case weekday == time.Sunday:
			return inside(row.sun, local)
		case o.eves[region] && o.days[list][dateNumber(time.Date(local.Year(), local.Month(), local.Day()+1, 12, 0, 0, 0, time.UTC))]:
			return inside(row.sat, local)
		}
		return inside(row.week, local)
	}
	return false
}

func (o *oracle) open(c *Compiled, now time.Time, week map[time.Weekday]string) bool {
	if len(c.Zones()) == 0 {
		return false
	}
	for _, zone := range c.Zones() {
		local := now.In(o.zones[zone])
		if week != nil && !insideText(week[local.Weekday()], local) {
			return false
		}
		for _, region := range c.Regions() {
			if o.hours == nil {
				continue
			}
			if !o.allows(region, local) || o.also != nil && !o.also(region, local, now) {
				return false
			}
		}
	}
	for _, region := range c.Regions() {
		for _, zone := range o.clocks[region] {
			if !o.allows(region, now.In(o.zones[zone])) {
				return false
			}
		}
	}
	return true
}

func insideText(spans string, local time.Time) bool {
	now := local.Format("15:04")
	for span := range strings.SplitSeq(spans, "+") {
		if from, to, _ := strings.Cut(span, "-"); from <= now && now < to {
			return true
		}
	}
	return false
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

// edges is every minute within two of a full or half hour, or of a quarter where a clock shows one: no span of the tables and no
// change of a clock lies elsewhere, which TestEdgesLieOnHalfHours holds.
func edges(c *Compiled, day time.Time, visit func(time.Time)) {
	step := 30
	if slices.Contains(c.Zones(), "Pacific/Chatham") {
		step = 15
	}
	for minute := 0; minute < 24*60; minute += step {
		for off := -2; off <= 2; off++ {
			visit(day.Add(time.Duration(minute+off) * time.Minute))
		}
	}
}

func TestEdgesLieOnHalfHours(t *testing.T) {
	t.Parallel()
	o := newOracle(t)
	for region, list := range o.hours {
		for _, row := range list {
			for _, spans := range [][][2]int{row.week, row.sat, row.sun, row.holiday} {
				for _, s := range spans {
					if s[0]%30 != 0 || s[1]%30 != 0 {
						t.Errorf("%s has an edge at %v: the half hours of these tests miss it", region, s)
					}
				}
			}
		}
	}
	for _, c := range places(t) {
		for _, zone := range c.Zones() {
			for m := range 36 {
				if _, offset := time.Date(2026, time.Month(m), 1, 0, 0, 0, 0, time.UTC).In(o.zones[zone]).Zone(); offset%1800 != 0 && zone != "Pacific/Chatham" {
					t.Errorf("%s is at %d s: the half hours of these tests miss its edges", zone, offset)
				}
			}
		}
	}
}

// changeDays is every day of 2026 to 2028 around a change of one of the place's clocks, a no-call day and a change of a row, with the
// day before and the day after.
func (o *oracle) changeDays(c *Compiled) []time.Time {
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var clocks []*time.Location
	lists := map[int]bool{}
	note := func(date int) {
		if date > 0 {
			lists[date] = true
		}
	}
	for _, zone := range c.Zones() {
		clocks = append(clocks, o.zones[zone])
	}
	for _, region := range c.Regions() {
		for _, zone := range o.clocks[region] {
			clocks = append(clocks, o.zones[zone])
		}
		for _, list := range []string{region, strings.Split(region, "-")[0]} {
			for date := range o.days[list] {
				note(date)
			}
		}
		for _, row := range o.hours[region] {
			note(row.from)
			note(row.until)
		}
	}
	change := func(day time.Time) bool {
		if lists[dateNumber(day)] {
			return true
		}
		for _, loc := range clocks {
			_, a := day.In(loc).Zone()
			if _, b := day.AddDate(0, 0, 1).In(loc).Zone(); a != b {
				return true
			}
		}
		return false
	}
	var out []time.Time
	for day := begin; day.Year() < 2029; day = day.AddDate(0, 0, 1) {
		if change(day.AddDate(0, 0, -1)) || change(day) || change(day.AddDate(0, 0, 1)) {
			out = append(out, day)
		}
	}
	return out
}

// everyEdge asks about every place in list around its edges on one day of every so many, each place beginning with another.
func everyEdge(t *testing.T, o *oracle, list []*Compiled, every int) {
	t.Helper()
	var asked, wrong, opened, late atomic.Int64
	var wait sync.WaitGroup
	work := make(chan int)
	for range 4 {
		wait.Go(func() {
			for i := range work {
				c := list[i]
				for j, day := range o.changeDays(c) {
					if (i+j)%every != 0 {
						continue
					}
					edges(c, day, func(now time.Time) {
						asked.Add(1)
						want := o.open(c, now, nil)
						got, until := c.At(now)
						if want {
							opened.Add(1)
						}
						if got && !want {
							late.Add(1)
						}
						if got != want || !until.IsZero() && !until.After(now) {
							if wrong.Add(1) < 20 {
								t.Errorf("%s at %v: %v until %v, want %v", c.Key(), now, got, until, want)
							}
						}
					})
				}
			}
		})
	}
	for i := range list {
		work <- i
	}
	close(work)
	wait.Wait()
	t.Logf("%d places, %d decisions, %d open, %d wrong, of those %d allowed outside a window", len(list), asked.Load(), opened.Load(), wrong.Load(), late.Load())
	if len(list) < 100 || opened.Load() == 0 {
		t.Errorf("only %d places, %d open", len(list), opened.Load())
	}
}

func TestEveryPlaceAgreesWithTheOracleAroundChangesAndNoCallDays(t *testing.T) {
	t.Parallel()
	every := 1
	if testing.Short() {
		every = 40
	}
	everyEdge(t, newOracle(t), places(t), every)
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
	lawless := &oracle{zones: o.zones}
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
				states[m] = tt.o.open(tt.c, begin.Add(time.Duration(m)*time.Minute), tt.text)
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
			open[m] = o.open(c, begin.Add(time.Duration(m)*time.Minute), nil)
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
	n := 100_000
	switch {
	case *proof:
		n = 10_000_000
	case testing.Short():
		n = 10_000
	}
	o, list := newOracle(t), places(t)
	begin := at(t, "2026-01-01T00:00:00Z")
	var wait sync.WaitGroup
	var asked, opened, outside atomic.Int64
	const workers = 4
	for worker := range workers {
		wait.Go(func() {
			random := rand.New(rand.NewPCG(2026, uint64(worker)))
			for range n / workers {
				c := list[random.IntN(len(list))]
				now := begin.Add(time.Duration(random.Int64N(3*366*24*3600)) * time.Second)
				want := o.open(c, now, nil)
				got, until := c.At(now)
				asked.Add(1)
				if want {
					opened.Add(1)
				}
				if got && !want {
					outside.Add(1)
				}
				if got != want || got && !until.After(now) {
					t.Errorf("%s at %v: %v, want %v", c.Key(), now, got, want)
					return
				}
			}
		})
	}
	wait.Wait()
	t.Logf("%d decisions, %d open, %d allowed outside a window", asked.Load(), opened.Load(), outside.Load())
}
