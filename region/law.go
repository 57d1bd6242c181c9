package region

import (
	"cmp"
	"slices"
	"time"
)

// Law is everything that holds in one region: its rows, of which at most one is in force on a day, its no-call days, and what an
// operator added.
type Law struct {
	Region string
	Rows   []*Rule // in the order of their dates

	list   *dayList // the region's own no-call days or its country's; nil = nobody knows them
	blocks []*Block // added by the operator
	own    []*ownHours
}

// Day is what a law says of one date.
type Day struct {
	Spans  []Span
	Reason Reason // why the spans are not the weekday's own ones: Holiday, RulesExpired, NoWindow or empty
	Row    *Rule  // the row in force; nil = none is
	Block  *Block // what the operator closes the whole day for
}

// row is the row in force on a day, or nil.
func (l *Law) row(day int) *Rule {
	for _, r := range l.Rows {
		if r.in(day) {
			return r
		}
	}
	return nil
}

// on is what the law says of a day. Without a row in force, without a list of no-call days, or after its last date, it says: closed.
func (l *Law) on(day int) Day {
	row := l.row(day)
	if row == nil || l.list == nil {
		return Day{Reason: NoWindow, Row: row}
	}
	if day > l.list.last() {
		return Day{Reason: RulesExpired, Row: row}
	}
	for _, b := range l.blocks {
		if b.days.in(day) {
			return Day{Reason: Holiday, Row: row, Block: b}
		}
	}
	if !row.HolidaySame && l.list.has(day) {
		return Day{Spans: row.Holiday, Reason: Holiday, Row: row}
	}
	weekday := weekdayOf(day)
	if row.EveSaturday && weekday != time.Saturday && weekday != time.Sunday && l.list.has(day+1) {
		return Day{Spans: row.Saturday, Reason: Holiday, Row: row}
	}
	return Day{Spans: row.hours(weekday), Row: row}
}

// dayName is the name of a listed day, or of what it is the eve of.
func (l *Law) dayName(day int) string {
	if l.list == nil {
		return ""
	}
	if name := l.list.name(day); name != "" {
		return name
	}
	if next := l.list.name(day + 1); next != "" {
		return "day before " + next
	}
	return ""
}

// weekdayOf is the weekday of a day number; day 0 is 1 January 1970, a Thursday.
func weekdayOf(day int) time.Weekday { return time.Weekday(((day+4)%7 + 7) % 7) }

// add takes in a row of a region. Rows of one region may not be in force on the same day.
func (t *Tables) add(rule *Rule, r *record) {
	l := t.laws[rule.Region]
	if l == nil {
		l = &Law{Region: rule.Region}
		t.laws[rule.Region] = l
	}
	for _, other := range l.Rows {
		if other.meets(rule.dates) {
			r.bad("region", "has two rows on the same days; write from and until so that one ends where the next begins")
			break
		}
	}
	l.Rows = append(l.Rows, rule)
	slices.SortStableFunc(l.Rows, func(a, b *Rule) int { return cmp.Compare(a.from, b.from) })
}

// gaps notes the regions whose rows leave out days between them: what holds on those nobody knows.
func (p *parser) gaps() {
	for _, name := range sortedKeys(p.t.laws) {
		rows := p.t.laws[name].Rows
		for i := 1; i < len(rows); i++ {
			if rows[i-1].until < rows[i].from {
				p.faults.add(&TableError{File: tableHours, Field: "region", Value: name, Problem: "has no row from " +
					dateOf(rows[i-1].until).Format(time.DateOnly) + " until " + dateOf(rows[i].from).Format(time.DateOnly)})
			}
		}
	}
}
