package region

import (
	"regexp"
	"slices"
	"strconv"
	"time"
)

// Rule is the law of one region for some time, as a row of hours.csv and its rows of special.csv have it: the strictest of what
// holds for live calls and for artificial voices.
type Rule struct {
	Region      string
	From        time.Time // first day in force, as its first instant in UTC; zero = as long as anybody knows
	Until       time.Time // first day no longer in force; zero = no end is known
	Weekday     []Span    // Monday to Friday, local time; none = no calls
	Saturday    []Span
	Sunday      []Span
	Holiday     []Span // on a listed no-call day, unless HolidaySame
	HolidaySame bool   // listed days are like any other
	EveSaturday bool   // the weekday before a listed day has Saturday's hours
	Caps        []Cap
	Consent     string   // why artificial voices need consent here; empty = no rule of the region's own
	Clocks      []string // zones on whose clock the hours must hold as well, whatever zone the lead is in
	Source      string
	Confidence  string // high, medium or low

	dates
}

// Cap is a limit on calls to one number: at most N in any stretch of Per. N 0 means never.
type Cap struct {
	N         int
	Per       time.Duration
	Region    string
	Source    string
	Completed bool // only calls that a person answered count, not attempts
	Refusal   bool // no cap on attempts, but a pause of Per after a person said no; N is 1
}

// hours is what a row says of a weekday that is no listed day.
func (r *Rule) hours(weekday time.Weekday) []Span {
	switch weekday {
	case time.Saturday:
		return r.Saturday
	case time.Sunday:
		return r.Sunday
	default:
		return r.Weekday
	}
}

var (
	regionName = regexp.MustCompile(`^([A-Z]{2}(-([A-Z]{2,3}|\?\?))?|\?\?)$`)
	capPeriod  = regexp.MustCompile(`^([1-9][0-9]{0,2})([hd])$`)
)

// hours reads hours.csv.
func (p *parser) hours() {
	p.each(tableHours, []string{"region", "weekday", "saturday", "sunday", "holiday", "attempt_cap", "cap_period", "source", "confidence", "from", "until"}, func(r *record) {
		rule := &Rule{Region: r.get("region"), Source: r.get("source"), Confidence: r.get("confidence"), dates: r.dates()}
		rule.From, rule.Until = rule.times()
		if !regionName.MatchString(rule.Region) {
			r.bad("region", "want a country such as FR, a state such as US-NY, US-??, EU-?? or ??")
		}
		rule.Weekday = r.spans("weekday")
		rule.Saturday = r.spans("saturday")
		rule.Sunday = r.spans("sunday")
		if r.get("holiday") == "same" {
			rule.HolidaySame = true
		} else {
			rule.Holiday = r.spans("holiday")
		}
		if c, ok := r.cap(); ok {
			c.Region, c.Source = rule.Region, rule.Source
			rule.Caps = append(rule.Caps, c)
		}
		r.sourced()
		p.t.add(rule, r)
	})
	p.gaps()
	for _, must := range []string{"??", "EU-??", "US-??", "US", "CA"} {
		if _, ok := p.t.laws[must]; !ok {
			p.faults.add(&TableError{File: tableHours, Problem: "has no row for " + must})
		}
	}
}

func (r *record) spans(field string) []Span {
	spans, err := ParseSpans(r.get(field))
	if err != nil {
		r.bad(field, "%v", err)
	}
	return spans
}

// sourced checks that a row says where it comes from and how sure that is.
func (r *record) sourced() {
	if r.get("source") == "" {
		r.bad("source", "every row names its source")
	}
	if c := r.get("confidence"); c != "high" && c != "medium" && c != "low" {
		r.bad("confidence", "want high, medium or low")
	}
}

// cap reads attempt_cap and cap_period. A cap of 0 needs no period.
func (r *record) cap() (Cap, bool) {
	text, per := r.get("attempt_cap"), r.get("cap_period")
	if text == "" {
		if per != "" {
			r.bad("cap_period", "stands without an attempt_cap")
		}
		return Cap{}, false
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > 1000 {
		r.bad("attempt_cap", "want a number from 0 to 1000")
		return Cap{}, false
	}
	if n == 0 && per == "" {
		return Cap{}, true
	}
	length, ok := parsePeriod(per)
	if !ok {
		r.bad("cap_period", "want hours or days such as 24h or 30d")
		return Cap{}, false
	}
	return Cap{N: n, Per: length}, true
}

// parsePeriod reads hours or days such as 24h or 30d.
func parsePeriod(text string) (time.Duration, bool) {
	m := capPeriod.FindStringSubmatch(text)
	if m == nil {
		return 0, false
	}
	count, _ := strconv.Atoi(m[1]) // three digits at most: the pattern says so
	unit := time.Hour
	if m[2] == "d" {
		unit = 24 * time.Hour
	}
	return time.Duration(count) * unit, true
}

// NeedsConsent reports whether the law of the region bars automated sales calls to people who did not consent, in any row that has
// not ended. The rule's Consent says which law.
func (t *Tables) NeedsConsent(region string) bool {
	for _, r := range t.Rules(region) {
		if r.Consent != "" && !r.ended(t.day) {
			return true
		}
	}
	return false
}

// unique is the sorted list without repetitions; the argument stays as it is.
func unique(list []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(list)))
}
