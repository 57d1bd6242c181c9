package region

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"time"
)

// Rule is the law of one region as hours.csv and special.csv have it: the strictest of what holds for live calls and for
// artificial voices.
type Rule struct {
	Region      string
	Weekday     []Span // Monday to Friday, local time; none = no calls
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

	list *dayList // the region's own no-call days or its country's; nil = nobody knows them
}

// Cap is a limit on calls to one number: at most N in any stretch of Per. N 0 means never.
type Cap struct {
	N         int
	Per       time.Duration
	Region    string
	Source    string
	Completed bool // only calls that a person answered count, not attempts
}

// Day is what a rule says of one date.
type Day struct {
	Spans  []Span
	Reason Reason // why the spans are not the weekday's own ones: Holiday, RulesExpired, NoWindow or empty
}

// on is what the rule says of a day. Without a list of no-call days, or after its last date, it says: closed.
func (r *Rule) on(day int) Day {
	if r.list == nil {
		return Day{Reason: NoWindow}
	}
	if day > r.list.last() {
		return Day{Reason: RulesExpired}
	}
	if !r.HolidaySame && r.list.has(day) {
		return Day{Spans: r.Holiday, Reason: Holiday}
	}
	weekday := weekdayOf(day)
	if weekday == time.Saturday {
		return Day{Spans: r.Saturday}
	}
	if weekday == time.Sunday {
		return Day{Spans: r.Sunday}
	}
	if r.EveSaturday && r.list.has(day+1) {
		return Day{Spans: r.Saturday, Reason: Holiday}
	}
	return Day{Spans: r.Weekday}
}

// dayName is the name of a listed day, or of what it is the eve of.
func (r *Rule) dayName(day int) string {
	if r.list == nil {
		return ""
	}
	if name := r.list.name(day); name != "" {
		return name
	}
	if next := r.list.name(day + 1); next != "" {
		return "day before " + next
	}
	return ""
}

// weekdayOf is the weekday of a day number; day 0 is 1 January 1970, a Thursday.
func weekdayOf(day int) time.Weekday { return time.Weekday(((day+4)%7 + 7) % 7) }

var (
	regionName = regexp.MustCompile(`^([A-Z]{2}(-([A-Z]{2,3}|\?\?))?|\?\?)$`)
	capPeriod  = regexp.MustCompile(`^([1-9][0-9]{0,2})([hd])$`)
)

// hours reads hours.csv.
func (p *parser) hours() {
	p.each(tableHours, []string{"region", "weekday", "saturday", "sunday", "holiday", "attempt_cap", "cap_period", "source", "confidence"}, func(r *record) {
		rule := &Rule{Region: r.get("region"), Source: r.get("source"), Confidence: r.get("confidence")}
		if !regionName.MatchString(rule.Region) {
			r.bad("region", "want a country such as FR, a state such as US-NY, US-??, EU-?? or ??")
		}
		if _, ok := p.t.rules[rule.Region]; ok {
			r.bad("region", "has two rows")
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
		if rule.Source == "" {
			r.bad("source", "every row names its source")
		}
		r.confidence()
		p.t.rules[rule.Region] = rule
	})
	for _, must := range []string{"??", "EU-??", "US-??", "US", "CA"} {
		if _, ok := p.t.rules[must]; !ok {
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

func (r *record) confidence() {
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
	m := capPeriod.FindStringSubmatch(per)
	if m == nil {
		r.bad("cap_period", "want hours or days such as 24h or 30d")
		return Cap{}, false
	}
	count, _ := strconv.Atoi(m[1]) // three digits at most: the pattern says so
	unit := time.Hour
	if m[2] == "d" {
		unit = 24 * time.Hour
	}
	return Cap{N: n, Per: time.Duration(count) * unit}, true
}

// special reads special.csv: consent, clocks of a statute's own, what a cap counts, hours before holidays.
func (p *parser) special() {
	p.each(tableSpecial, []string{"region", "kind", "value", "source", "confidence"}, func(r *record) {
		rule, ok := p.t.rules[r.get("region")]
		if !ok {
			r.bad("region", "has no row in %s", tableHours)
			return
		}
		if r.get("source") == "" {
			r.bad("source", "every row names its source")
		}
		r.confidence()
		value := r.get("value")
		switch r.get("kind") {
		case "consent":
			if value != "" {
				r.bad("value", "want nothing here for a consent row")
			}
			rule.Consent = r.get("source")
		case "clock":
			if _, err := Zone(value); err != nil {
				r.bad("value", "%v", err)
			}
			rule.Clocks = append(rule.Clocks, value)
		case "cap_counts":
			if value != "completed" || len(rule.Caps) == 0 {
				r.bad("value", "want completed, for a region that has a cap")
			}
			for i := range rule.Caps {
				rule.Caps[i].Completed = true
			}
		case "eve":
			if value != "saturday" {
				r.bad("value", "want saturday")
			}
			rule.EveSaturday = true
		default:
			r.bad("kind", "want consent, clock, cap_counts or eve")
		}
	})
}

// Caps lists the caps of all the regions, which all hold at once; the strictest ones come first.
func (t *Tables) Caps(regions []string) []Cap {
	var caps []Cap
	for _, name := range unique(regions) {
		if r, ok := t.rules[name]; ok {
			caps = append(caps, r.Caps...)
		}
	}
	slices.SortStableFunc(caps, func(a, b Cap) int { return cmp.Or(cmp.Compare(a.N, b.N), cmp.Compare(b.Per, a.Per)) })
	return caps
}

// NeedsConsent reports whether the law of the region bars automated sales calls to people who did not consent. The rule's
// Consent says which law.
func (t *Tables) NeedsConsent(region string) bool {
	r, ok := t.rules[region]
	return ok && r.Consent != ""
}

// unique is the sorted list without repetitions; the argument stays as it is.
func unique(list []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(list)))
}
